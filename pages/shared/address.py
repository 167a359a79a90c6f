"""The address in the browser: a whole choice as text, and back. Knows nothing of Streamlit."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_args
from zlib import compress, decompressobj

from compress_core.choices import FACTORIZE_METHODS, PRUNE_CHOICES, QUANTIZE_CHOICES
from compress_core.recipe import Recipe
from compress_core.recipe_json import LONGEST_JSON
from pages.shared.choice import (
    ACTIVATION_BITS,
    ALL_KEPT,
    HIGHEST_THRESHOLD,
    LEAST_KEPT,
    MOST_SHARE,
    WEIGHT_BITS,
    Choice,
    Override,
    PruneBy,
)

QUERY = {
    "scenario": "model", "seed": "seed", "prune_by": "by", "share": "share",
    "threshold": "below", "weight_bits": "bits", "activation_bits": "activations",
    "granularity": "remove", "n_of_m": "pattern", "criterion": "keep", "allocation": "across",
    "gradual": "gradual", "eights": "eights", "kept": "lowrank", "kept_of": "of",
    "method": "method",
    "scale": "scale", "scheme": "scheme", "grid": "values", "activation_grid": "flow",
    "calibration": "range", "learned": "learned",
    "reconstruction": "rebuild", "bias_correction": "biases",
    "equalize": "even", "overrides": "layers", "recipe": "recipe",
}  # fmt: skip
"""Field of a choice -> its name in the address."""
LANGUAGE = "lang"
"""The name of the language in the address; not of the choice, which is the same in all."""


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
        return "~".join(f"{o.layer}~{_text(o.share)}~{_bits(o)}" for o in value)
    if name == "scenario":
        return str(value).replace("/", ".", 1)
    if name == "recipe":
        return urlsafe_b64encode(compress(value.encode(), 9)).decode().rstrip("=")
    return f"{value:g}" if isinstance(value, float) else str(int(value) if value is True else value)


def _text(value: int | None) -> str:
    return "" if value is None else str(value)


def _bits(own: Override) -> str:
    """Write the bits of weights, and behind a dot those of activations."""
    flow = "" if own.activation_bits is None else f".{own.activation_bits}"
    return _text(own.bits) + flow


def _read_overrides(text: str) -> tuple[Override, ...]:
    words, overrides = text.split("~"), {}
    for layer, share, both in zip(words[::3], words[1::3], words[2::3], strict=True):
        bits, _, flow = both.partition(".")
        overrides[layer] = Override(
            layer=layer,
            share=_within(share, 0, MOST_SHARE) if share else None,
            bits=_within(bits, 2, 16) if bits else None,
            activation_bits=_within(flow, 2, 16) if flow else None,
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


def _yes(text: str) -> bool:
    return {"1": True}[text]


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
    "granularity": _among(PRUNE_CHOICES["granularity"]),
    "n_of_m": _among(PRUNE_CHOICES["n_of_m"][1:]),
    "criterion": _among(PRUNE_CHOICES["criterion"]),
    "allocation": _among(PRUNE_CHOICES["allocation"]),
    "gradual": _yes,
    "eights": _yes,
    "kept": lambda text: _within(text, LEAST_KEPT, ALL_KEPT),
    "kept_of": _among(("energy", "rank")),
    "method": _among(FACTORIZE_METHODS),
    "scale": _among(QUANTIZE_CHOICES["granularity"]),
    "scheme": _among(QUANTIZE_CHOICES["scheme"]),
    "grid": _among(QUANTIZE_CHOICES["grid"]),
    "activation_grid": _among(QUANTIZE_CHOICES["activation_grid"]),
    "calibration": _among(QUANTIZE_CHOICES["calibration"]),
    "learned": _yes,
    "reconstruction": _among(QUANTIZE_CHOICES["reconstruction"]),
    "bias_correction": _yes,
    "equalize": _yes,
    "overrides": _read_overrides,
    "recipe": _read_recipe,
}
