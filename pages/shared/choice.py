"""
What the user has chosen, as one frozen value; and what follows from it: a recipe, an address.

Knows nothing of Streamlit: everything here is a pure function.
"""

import glob
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args
from zlib import compress, decompressobj

from compress_core.recipe import LONGEST_JSON, Prune, Quantize, Recipe, Step

FLOAT = 32
"""Bits of weights and activations that are left as they are."""
WEIGHT_BITS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 16, FLOAT)
ACTIVATION_BITS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 16, FLOAT)
MOST_SHARE = 99
HIGHEST_THRESHOLD = 0.5

PruneBy = Literal["share", "threshold"]
Granularity = Literal["weight", "channel"]
Allocation = Literal["uniform", "global"]
Scale = Literal["per_channel", "per_tensor"]
Scheme = Literal["symmetric", "affine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """What one layer does differently; None where it follows the others."""

    layer: str
    share: int | None = None
    """Percent of this layer to remove."""
    bits: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The network on the hanger and the position of every control."""

    scenario: str = "fashion-mnist/lenet-5"
    seed: int = 0
    prune_by: PruneBy = "share"
    share: int = 30
    """Percent of the weights, or of the channels, to remove."""
    threshold: float = 0.04
    weight_bits: int = 6
    activation_bits: int = 8
    granularity: Granularity = "weight"
    allocation: Allocation = "uniform"
    scale: Scale = "per_channel"
    scheme: Scheme = "symmetric"
    overrides: tuple[Override, ...] = ()
    recipe: str = ""
    """JSON of an imported recipe that decides instead of the controls; empty when they decide."""


PRESETS: dict[str, dict[str, Any]] = {
    "gentle": {"prune_by": "share", "share": 10, "weight_bits": 8, "activation_bits": 8},
    "balanced": {"prune_by": "share", "share": 30, "weight_bits": 6, "activation_bits": 8},
    "bold": {"prune_by": "share", "share": 50, "weight_bits": 4, "activation_bits": 8},
}
"""What three buttons set; everything else stays as it is."""


def preset_of(choice: Choice) -> str | None:
    """Return the preset that the controls stand on, or None."""
    for name, values in PRESETS.items():
        untouched = not (choice.recipe or choice.overrides)
        if untouched and all(getattr(choice, key) == v for key, v in values.items()):
            return name
    return None


def recipe_of(choice: Choice) -> Recipe:
    """Return the recipe that the controls describe, or the imported one."""
    if choice.recipe:
        return Recipe.from_json(choice.recipe)
    steps = [*_prune_steps(choice), *_quantize_steps(choice)]
    return Recipe(steps=tuple(steps))


def _prune_steps(choice: Choice) -> Iterable[Step]:
    how: dict[str, Any] = {"granularity": choice.granularity, "allocation": choice.allocation}
    if choice.granularity == "weight" and choice.prune_by == "threshold":
        if choice.threshold > 0:
            yield Prune(threshold=choice.threshold)
    elif choice.share > 0:
        yield Prune(sparsity=choice.share / 100, **how)
    for override in choice.overrides:
        if override.share is not None:
            yield Prune(
                sparsity=override.share / 100,
                granularity=choice.granularity,
                layers=glob.escape(override.layer),
            )


def _quantize_steps(choice: Choice) -> Iterable[Step]:
    how: dict[str, Any] = {"granularity": choice.scale, "scheme": choice.scheme}
    weights = None if choice.weight_bits == FLOAT else choice.weight_bits
    activations = None if choice.activation_bits == FLOAT else choice.activation_bits
    if weights or activations:
        yield Quantize(weight_bits=weights, activation_bits=activations, **how)
    for override in choice.overrides:
        if override.bits is not None:
            yield Quantize(weight_bits=override.bits, layers=glob.escape(override.layer), **how)


# The address --------------------------------------------------------------------------------------

QUERY = {
    "scenario": "model", "seed": "seed", "prune_by": "by", "share": "share",
    "threshold": "below", "weight_bits": "bits", "activation_bits": "activations",
    "granularity": "remove", "allocation": "across", "scale": "scale", "scheme": "scheme",
    "overrides": "layers", "recipe": "recipe",
}  # fmt: skip
"""Field of a choice -> its name in the address."""


def to_query(choice: Choice) -> dict[str, str]:
    """Return the address, all values as text: the network, and what differs from a first visit."""
    query = {QUERY["scenario"]: _write("scenario", choice.scenario)}
    for field in fields(Choice):
        value = getattr(choice, field.name)
        if value != field.default:
            query[QUERY[field.name]] = _write(field.name, value)
    return query


def from_query(query: Mapping[str, str]) -> Choice:
    """Read an address; what is missing or makes no sense keeps its first value."""
    values = {}
    for field in fields(Choice):
        text = query.get(QUERY[field.name])
        if text is not None:
            try:
                values[field.name] = _READERS[field.name](text)
            except (ValueError, KeyError):
                continue
    return Choice(**values)


def _write(name: str, value: Any) -> str:
    if name == "overrides":
        return "~".join(f"{o.layer}~{_text(o.share)}~{_text(o.bits)}" for o in value)
    if name == "scenario":
        return str(value).replace("/", ".", 1)
    if name == "recipe":
        return urlsafe_b64encode(compress(value.encode(), 9)).decode().rstrip("=")
    return f"{value:g}" if isinstance(value, float) else str(value)


def _text(value: int | None) -> str:
    return "" if value is None else str(value)


def _read_overrides(text: str) -> tuple[Override, ...]:
    words, overrides = text.split("~"), {}
    for layer, share, bits in zip(words[::3], words[1::3], words[2::3], strict=True):
        overrides[layer] = Override(
            layer=layer,
            share=_within(share, 0, MOST_SHARE) if share else None,
            bits=_within(bits, 2, 16) if bits else None,
        )
    return tuple(overrides.values())


def _read_recipe(text: str) -> str:
    packed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    try:
        json = decompressobj().decompress(packed, LONGEST_JSON).decode()
    except Exception as error:
        raise ValueError("not a packed recipe") from error
    Recipe.from_json(json)  # RecipeError is a ValueError
    return json


def _within(text: str, low: int, high: int) -> int:
    value = int(text)
    if not low <= value <= high:
        raise ValueError(text)
    return value


def _among(options: tuple[Any, ...]) -> Any:
    by_text = {str(option): option for option in options}
    return by_text.__getitem__


def _read_threshold(text: str) -> float:
    value = float(text)
    if not 0 <= value <= HIGHEST_THRESHOLD:
        raise ValueError(text)
    return value


_READERS: dict[str, Any] = {
    "scenario": lambda text: text.replace(".", "/", 1),
    "seed": lambda text: _within(text, 0, 2**31 - 1),
    "prune_by": _among(get_args(PruneBy)),
    "share": lambda text: _within(text, 0, MOST_SHARE),
    "threshold": _read_threshold,
    "weight_bits": _among(WEIGHT_BITS),
    "activation_bits": _among(ACTIVATION_BITS),
    "granularity": _among(get_args(Granularity)),
    "allocation": _among(get_args(Allocation)),
    "scale": _among(get_args(Scale)),
    "scheme": _among(get_args(Scheme)),
    "overrides": _read_overrides,
    "recipe": _read_recipe,
}
