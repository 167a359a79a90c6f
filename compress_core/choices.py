"""What the fields of a recipe's steps may be: controls, JSON and tests read it here."""

from typing import Any

PRUNE_CHOICES: dict[str, tuple[Any, ...]] = {
    "granularity": ("weight", "n:m", "kernel", "channel"),
    "n_of_m": (None, "1:4", "2:4", "4:8"),
    "criterion": ("l2", "l1", "random", "taylor", "wanda"),
    "allocation": ("uniform", "global", "lamp", "erk"),
    "schedule": ("one_shot", "gradual"),
    "round_to": (1, 8),
}
"""What each field of `Prune` may be."""

QUANTIZE_CHOICES: dict[str, tuple[Any, ...]] = {
    "grid": ("linear", "codebook", "power_of_two"),
    "activation_grid": ("linear", "power_of_two"),
    "granularity": ("per_tensor", "per_channel", "per_group"),
    "scheme": ("symmetric", "affine"),
    "calibration": ("minmax", "percentile", "mse", "entropy"),
    "rounding": ("nearest", "learned"),
    "reconstruction": ("layer", "block"),
    "bias_correction": (False, True),
    "equalize": (False, True),
}
"""What each field of `Quantize` may be."""

FACTORIZE_METHODS = ("tucker", "spatial")
"""How convolutions wider than 1 x 1 are split."""
