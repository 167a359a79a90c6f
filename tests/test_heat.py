from typing import Any

from compress_core.heat import FULL_LOSS, HeatCell, HeatWords, heat_chart
from compress_core.roles import Roles

CELLS = [
    HeatCell(
        layer=layer,
        amount=bits,
        name=layer,
        column=f"{bits} bit",
        text="-1.0",
        lost=0.01,
        chosen=(layer, bits) == ("fc1", 4),
    )
    for layer in ("fc2", "fc1")
    for bits in (8, 4)
]


def layers() -> list[dict[str, Any]]:
    chart = heat_chart(CELLS, Roles(), HeatWords(setting="Bits"))
    layered: list[dict[str, Any]] = chart.to_dict()["layer"]
    return layered


def test_rows_and_columns_stand_in_the_order_of_the_cells() -> None:
    encoding = layers()[0]["encoding"]
    assert encoding["y"]["scale"]["domain"] == ["fc2", "fc1"]
    assert encoding["x"]["scale"]["domain"] == ["8 bit", "4 bit"]


def test_one_hue_deepens_with_what_is_lost_and_names_a_role() -> None:
    encoding = layers()[0]["encoding"]
    assert encoding["color"]["scale"]["domain"] == Roles().domain
    assert encoding["opacity"]["scale"]["domain"] == [0, FULL_LOSS]
    low, high = encoding["opacity"]["scale"]["range"]
    assert 0 < low < high < 0.7  # numbers stay legible on the deepest


def test_numbers_are_on_top_of_colours_and_clicks_on_top_of_both() -> None:
    marks = [layer["mark"]["type"] for layer in layers()]
    assert marks == ["rect", "rect", "text", "rect"]
    assert layers()[1]["transform"] == [{"filter": "datum.chosen"}]
    assert layers()[3]["mark"]["opacity"] == 0
