"""
A scripted driver for CarRacing-v3. It reads track and car out of the simulation.

Pure pursuit (Coulter, *Implementation of the Pure Pursuit Path Tracking Algorithm*, 1992) of a
point on the road's middle, as fast as the bends within sight allow.
"""

from math import atan, cos, hypot, pi, sin
from typing import Any

import numpy as np

from compress_core.games.game import Array, Environment

NOTHING, RIGHT, LEFT, GAS, BRAKE = range(5)
"""The five actions of the game; only one at a time."""

NEAREST, PER_SPEED = 9.0, 0.2
"""How far ahead the point lies: metres, and seconds of driving."""
AXLES = 3.24
"""Metres from the front wheels to the rear ones."""
STEERING = 2.4
"""Stronger than pure pursuit would steer, since the wheels turn slowly."""
MOST_STEERING, DEAD_BAND = 0.4, 0.15
"""Radians; within the dead band the driver has its one action free for the pedals."""
SIDEWAYS, BRAKING = 200.0, 140.0
"""Acceleration that the tyres are trusted with, metres / second^2."""
FASTEST = 70.0
"""Metres / second."""
TILE = 3.5
"""Metres of road that one tile of the track is long."""
SIGHT = 9
"""Tiles ahead that are on the picture at least."""
SMOOTH = 5
"""Tiles over which the bend of the road is averaged."""


class Driver:
    """One ride on one track: knows at which tile the car was last."""

    def __init__(self, environment: Environment) -> None:
        self.simulation = environment.unwrapped
        track = np.array(self.simulation.track)
        self.road, self.tile = track[:, 2:4], 0
        turn = (np.diff(track[:, 1], prepend=track[-1:, 1]) + pi) % (2 * pi) - pi
        around = np.concatenate([turn[-SMOOTH:], turn, turn[:SMOOTH]])
        mean = np.convolve(around, np.ones(SMOOTH) / SMOOTH, "same")[SMOOTH:-SMOOTH]
        self.allowed = np.sqrt(SIDEWAYS * TILE / np.maximum(np.abs(mean), 1e-4)).clip(max=FASTEST)

    def __call__(self, observed: Array) -> int:
        """Return what to do now; the picture is not looked at."""
        car = self.simulation.car
        speed = hypot(*car.hull.linearVelocity)
        self.tile = self._nearest(car)
        allowed = self._allowed_now()
        if speed > 1.1 * allowed:
            return BRAKE
        wanted, wheels = self._wanted(car, speed), car.wheels[0].joint.angle
        if wanted - wheels > DEAD_BAND or wheels < wanted > DEAD_BAND:
            return LEFT
        if wheels - wanted > DEAD_BAND or wheels > wanted < -DEAD_BAND:
            return RIGHT
        return GAS if speed < allowed else NOTHING

    def _nearest(self, car: Any) -> int:
        # Near the last one: the road may come close to itself elsewhere.
        tiles = (self.tile + np.arange(-10, 30)) % len(self.road)
        return int(tiles[self._distances(car, tiles).argmin()])

    def _distances(self, car: Any, tiles: Array) -> Array:
        distances: Array = np.hypot(*(self.road[tiles] - np.array(car.hull.position)).T)
        return distances

    def _allowed_now(self) -> float:
        """Return the speed from which braking in time for every bend in sight is possible."""
        ahead = np.arange(SIGHT)
        there = self.allowed[(self.tile + ahead) % len(self.road)]
        return float(np.sqrt(there**2 + 2 * BRAKING * ahead * TILE).min())

    def _wanted(self, car: Any, speed: float) -> float:
        """Return the angle of the front wheels that leads to the point ahead; left is positive."""
        ahead = round((NEAREST + PER_SPEED * speed) / TILE)
        dx, dy = self.road[(self.tile + ahead) % len(self.road)] - np.array(car.hull.position)
        sideways = dx * cos(car.hull.angle) + dy * sin(car.hull.angle)
        bend = -2 * sideways / (dx * dx + dy * dy)
        return float(np.clip(STEERING * atan(bend * AXLES), -MOST_STEERING, MOST_STEERING))
