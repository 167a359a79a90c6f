"""The games by the name of the data set that was recorded in them."""

from compress_core.games.driving import DRIVING
from compress_core.games.game import Game
from compress_core.games.lander import LANDER

GAMES: dict[str, Game] = {"lander": LANDER, "driving": DRIVING}
