"""
The scenery of CarRacing-v3, only as much of it as is in the picture.

The game turns every patch of grass and every piece of road into place, at every step, before it
finds that one in twenty is seen. The pictures of `Scenery` are the same to the last bit, and a ride
takes two thirds of the time.
"""

from typing import Any

import numpy as np

from compress_core.games.game import Array, Environment

FARTHEST = 782.0
"""Pixels of the game's canvas from the car to the farthest corner."""
LARGEST = 24.0
"""Metres across a patch of grass, the largest thing that is drawn."""
FIELD, PATCH = 2000 / 6, 100 / 6
"""Metres from the middle of the field to its border, and along a patch of grass."""


class Scenery:
    """Draws in the place of the game's own method."""

    def __init__(self, environment: Environment) -> None:
        self.game = environment.unwrapped
        self.grass = [
            [(a + PATCH, b), (a, b), (a, b + PATCH), (a + PATCH, b + PATCH)]
            for a in (PATCH * x for x in range(-20, 20, 2))
            for b in (PATCH * y for y in range(-20, 20, 2))
        ]
        self.grass_at = _first_corners(self.grass)
        self.road: list[Any] = []
        self.road_at = np.zeros((0, 2))

    def draw(self, zoom: float, place: Any, angle: float) -> None:
        """Draw background, grass and road, in the game's order."""
        game = self.game
        if self.road is not game.road_poly:
            self.road, self.road_at = game.road_poly, _first_corners([p for p, _ in game.road_poly])
        end = FIELD
        field = [(end, end), (end, -end), (-end, -end), (-end, end)]
        look = (zoom, place, angle)
        game._draw_colored_polygon(game.surf, field, game.bg_color, *look, clip=False)
        for index in self._near(self.grass_at, zoom):
            game._draw_colored_polygon(game.surf, self.grass[index], game.grass_color, *look)
        for index in self._near(self.road_at, zoom):
            corners, color = self.road[index]
            game._draw_colored_polygon(game.surf, corners, [int(c) for c in color], *look)

    def _near(self, places: Array, zoom: float) -> list[int]:
        away = np.abs(places - np.array(self.game.car.hull.position)).max(1)
        near: list[int] = np.flatnonzero(away <= FARTHEST / zoom + LARGEST).tolist()
        return near


def draw_what_is_seen(environment: Environment) -> None:
    """Let the game draw by `Scenery` from now on."""
    environment.unwrapped._render_road = Scenery(environment).draw


def _first_corners(polygons: list[Any]) -> Array:
    return np.array([polygon[0] for polygon in polygons])
