"""What the fields of a recipe may be: one clear sentence for whatever is not."""

from reprlib import repr as brief
from typing import Any


class RecipeError(ValueError):
    """A recipe that cannot be carried out; the message says what is wrong and what would do."""


def check_number(
    owner: Any, name: str, low: float, high: float, hint: str = "", below: bool = False
) -> None:
    """Ask for a number from *low* to *high*, or below it, and make it a float."""
    value = getattr(owner, name)
    good = isinstance(value, int | float) and not isinstance(value, bool)
    if not good or not (low <= value < high if below else low <= value <= high):
        span = hint if hint and good and value >= high else f"from {low:g} to {high:g}"
        raise RecipeError(f"{name} is {brief(value)}; use a number {span}.")
    object.__setattr__(owner, name, float(value) + 0.0)  # -0.0 becomes 0.0: equal, so equal digest


def check_integer(owner: Any, name: str, low: int, high: int) -> None:
    """Ask for a whole number from *low* to *high*."""
    value = getattr(owner, name)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise RecipeError(f"{name} is {brief(value)}; use a whole number from {low} to {high}.")


def check_choice(owner: Any, name: str, allowed: tuple[Any, ...]) -> None:
    """Ask for one of the *allowed* values."""
    value = getattr(owner, name)
    if not any(type(value) is type(known) and value == known for known in allowed):
        raise RecipeError(f"{name} is {brief(value)}; use {' or '.join(str(a) for a in allowed)}.")


def check_pattern(owner: Any) -> None:
    """Ask for a pattern of layer names."""
    if not isinstance(owner.layers, str) or not owner.layers:
        raise RecipeError(
            f"layers is {brief(owner.layers)}; use a layer name or a pattern such as 'fc*'."
        )
