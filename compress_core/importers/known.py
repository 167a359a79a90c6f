"""Architectures that are recognised by the names and shapes of their weights."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn

from compress_core.zoo.build import ARCHITECTURES
from compress_core.zoo.photos import SIDE, EfficientNetLite0

Shapes = Mapping[str, tuple[int, ...]]
SIDES = {"simple-nn": 8}
"""Sides of the pictures that our own architectures read, where not 28."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Known:
    """An architecture that fits weights."""

    name: str
    source: str
    """The package that defines it; `fitting-room` for our own."""
    build: Callable[[], nn.Module]
    input_shape: tuple[int, ...]


def recognise(shapes: Shapes) -> Known | None:
    """Return the architecture that has just these weights, or None."""
    for candidate in (*_own(shapes), *_in_packages(shapes), *_torchvision(shapes), *_timm(shapes)):
        if fits(candidate.build, shapes):
            return candidate
    return None


def missing_packages() -> tuple[str, ...]:
    """Return the packages with more architectures that are not installed."""
    return tuple(name for name in ("torchvision", "timm") if find_spec(name) is None)


def fits(build: Callable[[], nn.Module], shapes: Shapes) -> bool:
    """Tell whether a network has exactly these weights (counters of batch norms aside)."""
    try:
        with torch.device("meta"):
            wanted = {n: tuple(t.shape) for n, t in build().state_dict().items()}
    except Exception:
        return False  # not with these sizes

    def weights(of: Shapes) -> dict[str, tuple[int, ...]]:
        return {n: s for n, s in of.items() if not n.endswith("num_batches_tracked")}

    return weights(wanted) == weights(shapes)


def fill(build: Callable[[], nn.Module], tensors: Mapping[str, Tensor]) -> nn.Module:
    """Return the network with the tensors themselves as its weights, no copies."""
    with torch.device("meta"):
        module = build()
    values = dict(tensors)
    for name, value in module.state_dict().items():
        if name not in values:  # a counter
            values[name] = torch.zeros(value.shape, dtype=value.dtype)
    floats = {n: t.float() if t.is_floating_point() else t for n, t in values.items()}
    module.load_state_dict(floats, assign=True)
    return module.eval()


def _own(shapes: Shapes) -> Iterator[Known]:
    for name, build in ARCHITECTURES.items():
        with torch.device("meta"):
            normal = {n: tuple(t.shape) for n, t in build(1.0).state_dict().items()}
        if not set(normal) <= set(shapes) | {n for n in normal if n.endswith("tracked")}:
            continue
        first = next(iter(normal))
        # Narrower and wider variants differ in one factor, up to rounding.
        width = shapes[first][0] / normal[first][0] if shapes[first] else 1.0
        side = SIDES.get(name, 28)
        yield Known(
            name=name,
            source="fitting-room",
            build=partial(build, width),
            input_shape=(1, side, side),
        )


def _in_packages(shapes: Shapes) -> Iterator[Known]:
    """Yield what others published as weights alone, and we gave a structure."""
    if "_blocks.0._depthwise_conv.weight" in shapes:
        yield Known(
            name="efficientnet-lite0",
            source="fitting-room",
            build=EfficientNetLite0,
            input_shape=(3, SIDE, SIDE),
        )


def _classes(shapes: Shapes) -> int:
    """Return the outputs of the last weight that is a matrix."""
    matrices = [s for n, s in shapes.items() if n.endswith(".weight") and len(s) in (2, 4)]
    return matrices[-1][0] if matrices else 1000


FAMILIES: dict[str, tuple[str, ...]] = {
    "layer1.0.conv1.weight": ("resnet", "resnext", "wide_resnet", "seresnet"),
    "features.denseblock1.denselayer1.norm1.weight": ("densenet",),
    "features.0.0.weight": ("mobilenet", "efficientnet", "convnext", "regnet", "swin"),
    "features.0.weight": ("vgg", "alexnet", "squeezenet"),
    "features.3.squeeze.weight": ("squeezenet",),
    "features.2.squeeze.weight": ("squeezenet",),
    "layers.0.weight": ("mnasnet",),
    "stem.0.weight": ("regnet",),
    "conv1.0.weight": ("shufflenet",),
    "conv1.conv.weight": ("googlenet",),
    "Conv2d_1a_3x3.conv.weight": ("inception",),
    "encoder.layers.encoder_layer_0.ln_1.weight": ("vit",),
    "blocks.0.attn.qkv.weight": ("vit", "deit"),
    "conv_stem.weight": ("mobilenet", "efficientnet", "tf_", "mnasnet", "mixnet"),
    "stem.0.bias": ("convnext",),
}
"""Name of a weight -> how the names of architectures begin that have one."""
SIZES = {"inception_v3": 299}
"""Sides of the pictures that architectures of other packages read, where not 224."""


def _torchvision(shapes: Shapes) -> Iterator[Known]:
    if find_spec("torchvision") is not None:
        models = import_module("torchvision.models")
        yield from _candidates("torchvision", shapes, models.list_models(module=models),
                               models.get_model, weights=None)  # fmt: skip


def _timm(shapes: Shapes) -> Iterator[Known]:
    if find_spec("timm") is not None:
        timm = import_module("timm")
        yield from _candidates("timm", shapes, timm.list_models(), timm.create_model,
                               pretrained=False)  # fmt: skip


def _candidates(
    source: str, shapes: Shapes, names: Iterable[str], make: Callable[..., nn.Module], **how: Any
) -> Iterator[Known]:
    """Yield what a package offers of the families that these weights may belong to."""
    families = tuple(n for weight, found in FAMILIES.items() if weight in shapes for n in found)
    for name in names:
        if families and name.startswith(families):
            build = partial(make, name, num_classes=_classes(shapes), **how)
            side = SIZES.get(name, 224)
            yield Known(name=name, source=source, build=build, input_shape=(3, side, side))
