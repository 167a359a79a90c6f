import json
from typing import Any

import pytest

from compress_core.charts import HistogramWords, SizeBar, histogram_chart, size_bars
from compress_core.histogram import WeightHistogram
from compress_core.roles import Roles

ROLES = Roles()
HISTOGRAM = WeightHistogram(
    edges=(-3, -1, 1, 3), original=(1, 3, 2), kept=(1, 0, 2), gone=(0, 3, 0),
    cut=1.0, largest=3.0, energy=0.05,
)  # fmt: skip
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


def rows(spec: dict[str, Any]) -> list[list[dict[str, Any]]]:
    return list(spec["datasets"].values())


@pytest.mark.parametrize(
    "chart",
    [histogram_chart(HISTOGRAM, ROLES, HistogramWords()), size_bars(BARS, ROLES)],
    ids=["histogram", "sizes"],
)
def test_colours_come_from_the_theme_and_never_shift(chart: Any) -> None:
    scales = colour_scales(chart.to_dict())
    assert scales
    assert all(scale == {"domain": ["Original", "Compressed", "Gone"]} for scale in scales)


def test_a_histogram_is_sent_as_bins() -> None:
    spec = histogram_chart(HISTOGRAM, ROLES, HistogramWords()).to_dict()
    bars = next(data for data in rows(spec) if "right" in data[0])
    assert [(bar["left"], bar["count"], bar["role"]) for bar in bars] == [
        (-3, 1, "Compressed"),
        (-1, 3, "Gone"),
        (1, 2, "Compressed"),
    ]
    assert spec["layer"][0]["mark"]["type"] == "bar"


def test_ticks_are_the_allowed_values_in_sight() -> None:
    spec = histogram_chart(HISTOGRAM, ROLES, HistogramWords(), grid=[-9, -2, 0, 2, 9]).to_dict()
    assert [{"left": -2}, {"left": 0}, {"left": 2}] in rows(spec)


def test_the_cut_is_drawn_on_both_sides() -> None:
    spec = histogram_chart(HISTOGRAM, ROLES, HistogramWords()).to_dict()
    assert [{"left": -1.0}, {"left": 1.0}] in rows(spec)


def test_estimates_are_hollow_and_numbers_stand_beside_the_bars() -> None:
    spec = size_bars(BARS, ROLES).to_dict()
    marks = spec["layer"][0]["layer"]
    filters = {layer["transform"][0]["filter"]: layer["mark"] for layer in marks}
    assert filters["!datum.measured"]["filled"] is False
    assert "filled" not in filters["datum.measured"]
    expression = spec["layer"][1]["encoding"]["y"]["axis"]["labelExpr"]
    texts = json.loads(expression.removesuffix("[datum.value]"))
    assert texts == {"Original": "1 kB", "Bound": "≈ 90 B", "Packed": "100 B"}
