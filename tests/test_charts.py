import json
from typing import Any

from compress_core.charts import SizeBar, size_bars
from compress_core.roles import Roles

ROLES = Roles()
BARS = [
    SizeBar(label="Original", size_bytes=1000, text="1 kB", role=ROLES.original, measured=True),
    SizeBar(label="Bound", size_bytes=90, text="≈ 90 B", role=ROLES.compressed, measured=False),
    SizeBar(label="Packed", size_bytes=100, text="100 B", role=ROLES.compressed, measured=True),
]


def colour_scales(spec: Any) -> list[Any]:
    """Find the scale of every colour encoding, at any depth."""
    if isinstance(spec, list):
        return [scale for item in spec for scale in colour_scales(item)]
    if not isinstance(spec, dict):
        return []
    found = [spec["color"]["scale"]] if isinstance(spec.get("color"), dict) else []
    return found + [scale for value in spec.values() for scale in colour_scales(value)]


def test_colours_come_from_the_theme_and_never_shift() -> None:
    scales = colour_scales(size_bars(BARS, ROLES))
    assert scales
    assert all(scale == {"domain": ["Original", "Compressed", "Gone"]} for scale in scales)


def test_estimates_are_hollow_and_numbers_stand_beside_the_bars() -> None:
    spec = size_bars(BARS, ROLES)
    marks = spec["layer"][0]["layer"]
    filters = {layer["transform"][0]["filter"]: layer["mark"] for layer in marks}
    assert filters["!datum.measured"]["filled"] is False
    assert "filled" not in filters["datum.measured"]
    expression = spec["layer"][1]["encoding"]["y"]["axis"]["labelExpr"]
    texts = json.loads(expression.removesuffix("[datum.value]"))
    assert texts == {"Original": "1 kB", "Bound": "≈ 90 B", "Packed": "100 B"}
