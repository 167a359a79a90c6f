"""JSON of recipes: hostile until proven otherwise; only what an allow-list names is built."""

import json
from collections.abc import Mapping
from dataclasses import fields
from reprlib import repr as brief
from typing import Any

from compress_core.checks import RecipeError

LONGEST_JSON = 100_000
"""Characters; a recipe of a thousand steps is shorter, whatever is longer is no recipe."""


def parse(text: str, kinds: Mapping[str, type[Any]]) -> Any:
    """
    Read JSON text whose objects name their kind, one of *kinds*, and build these dataclasses.

    Raises RecipeError, with a remedy, for anything else.
    """
    try:
        return _build(_load(text), kinds)
    except RecursionError as error:
        raise RecipeError("This is nested too deeply for a recipe.") from error


def _load(text: str) -> Any:
    if len(text) > LONGEST_JSON:
        raise RecipeError(
            f"This is {len(text):,} characters; a recipe has at most {LONGEST_JSON:,}."
        )
    try:
        return json.loads(
            text,
            parse_int=_read_integer,
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique,
        )
    except json.JSONDecodeError as error:
        raise RecipeError(f"This is not valid JSON ({error}); export the recipe again.") from error


def _read_integer(digits: str) -> int:
    if len(digits) > 20:
        raise RecipeError(f"{brief(digits)} is no number that a recipe uses; write a smaller one.")
    return int(digits)


def _refuse_constant(name: str) -> Any:
    raise RecipeError(f"A recipe cannot contain {name}; write an ordinary number.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in values:
            raise RecipeError(f"{brief(name)} is given twice; keep one of them.")
        values[name] = value
    return values


def _build(value: Any, kinds: Mapping[str, type[Any]]) -> Any:
    """Turn parsed JSON into the dataclass that its kind names; everything else stays as it is."""
    if isinstance(value, list):
        return tuple(_build(item, kinds) for item in value)
    if not isinstance(value, dict):
        return value
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise RecipeError(f"Kind {brief(kind)} is unknown; use one of {', '.join(kinds)}.")
    known = [field.name for field in fields(kinds[kind])]
    for name in value:
        if name not in known:
            raise RecipeError(f"{brief(name)} is unknown in {kind}; it has {', '.join(known[1:])}.")
    return kinds[kind](**{name: _build(item, kinds) for name, item in value.items()})
