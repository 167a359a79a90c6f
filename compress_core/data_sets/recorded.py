"""Moments of games, recorded with what the teacher would have done: `assets/<game>/`."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from compress_core.data import Data, Scale
from compress_core.data_sets.data_set import ASSETS, data_of, members
from compress_core.games.episode import SEEDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What was recorded in one game, and how its samples are scaled."""

    name: str
    labels: tuple[str, ...]
    """The actions, in the order of their numbers in the game."""
    mean: Scale
    std: Scale

    def load(self) -> Data:
        """
        Return the moments in three parts.

        `<name>.npz` holds *x* (samples), *y* (the teacher's actions) and *seed*, the number of
        the game that each belongs to.
        """
        with np.load(ASSETS / self.name / f"{self.name}.npz") as file:
            x, y, seed = (torch.from_numpy(file[key]) for key in ("x", "y", "seed"))
        return self.parts(x, y, seed)

    def parts(self, x: Tensor, y: Tensor, seed: Tensor) -> Data:
        """Return moments in three parts: whole games belong to parts."""
        groups = {name: torch.arange(seeds.start, seeds.stop) for name, seeds in SEEDS.items()}
        chosen = members(groups, seed)
        return data_of(x, y.long(), chosen, self.labels, self.mean, self.std)
