"""Does the normal form compute what the source computes? Asked before anybody sees it."""

from collections.abc import Callable

import torch
from torch import Tensor, fx, nn

from compress_core.refusal import IntakeError

TOLERANCE = 1e-4
"""Largest gap between two outputs, in parts of the largest output (at least of one)."""


def samples(count: int, shape: tuple[int, ...], tokens: int | None) -> Tensor:
    """Return random samples: normal values, or whole numbers below *tokens* (float32)."""
    generator = torch.Generator().manual_seed(0)
    if tokens is not None:
        return torch.randint(0, tokens, (count, *shape), generator=generator).float()
    return torch.randn(count, *shape, generator=generator)


def check_agreement(
    module: fx.GraphModule, x: Tensor, source: Callable[[Tensor], Tensor], tolerance: float
) -> None:
    """Raise IntakeError unless *module* and *source* give the same answers for *x*."""
    with torch.inference_mode():
        answers = module(x)
        wanted = source(x)
    if answers.shape != wanted.shape or not _close(answers, wanted, tolerance):
        raise IntakeError(
            "The network was read, but what was read computes something else than the file does, "
            "so it was not taken in; another format of the same network may be read."
        )


def check_batches(module: fx.GraphModule, x: Tensor) -> None:
    """Raise IntakeError unless samples are judged alike alone and together."""
    with torch.inference_mode():
        try:
            together = module(torch.cat([x, x.flip(0)]))
            alone = torch.cat([module(x[:1]), module(x[-1:])])
        except RuntimeError as error:
            raise IntakeError(
                "This network takes one fixed number of samples only; export it with a free batch "
                "axis (dynamic_axes or dynamic_shapes)."
            ) from error
    ends = torch.stack([together[0], together[len(x) - 1]])
    if together.shape[0] != 2 * len(x) or not _close(ends, alone, TOLERANCE):
        raise IntakeError(
            "The answer of this network to a sample depends on the samples beside it; only "
            "networks that judge samples one by one can be compressed here."
        )


def check_finite(module: nn.Module) -> None:
    """Raise IntakeError for weights that are no numbers."""
    for name, value in module.state_dict().items():
        # By parts, so that large weights need no second copy.
        for part in value.detach().reshape(-1).split(1 << 20):
            if value.is_floating_point() and not bool(torch.isfinite(part).all()):
                raise IntakeError(
                    f"The weights {name} hold values that are no finite numbers (NaN or "
                    "infinity); this network cannot have worked. Save it again from a sound "
                    "checkpoint."
                )


def _close(found: Tensor, wanted: Tensor, tolerance: float) -> bool:
    if found.shape != wanted.shape or not bool(torch.isfinite(found).all()):
        return False
    scale = max(1.0, float(wanted.abs().max())) if wanted.numel() else 1.0
    return bool(((found - wanted).abs() <= tolerance * scale).all())
