import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from compress_core.drag import DragTable
from compress_core.quantize import weight_grid
from pages.shared import handles
from pages.shared.choice import Choice, Override, recipe_of, rounding_of

TABLE = DragTable(
    edges=(-3.0, -1.0, 1.0, 3.0), counts=(1, 3, 2), thresholds=(0.0, 1.0, 2.0, 3.0),
    gone=(0.0, 0.2, 0.2, 0.8), energy=(0.0, 0.1, 0.1, 0.6), gone_everywhere=(0.0, 0.1, 0.3, 0.5),
    bits=(4, 32), lines=((-2.0, 0.0, 2.0), ()), packed=((90, 80, 70, 60), None), fp32_bytes=400,
)  # fmt: skip
BY_SIZE = Choice(prune_by="threshold", threshold=2.5)
OWN = Choice(overrides=(Override(layer="fc1", bits=4),))


@pytest.mark.parametrize(
    ("choice", "layer"),
    [
        (Choice(), "fc1"),
        (Choice(criterion="l1"), "fc1"),
        (Choice(allocation="global"), None),
        (BY_SIZE, None),
        (OWN, "fc2"),
    ],
)
def test_handles_move_where_one_size_decides(choice: Choice, layer: str | None) -> None:
    assert handles.why_still(choice, layer) is None


@pytest.mark.parametrize(
    ("choice", "layer", "word"),
    [
        (Choice(), None, "pick one layer"),
        (Choice(recipe="{}"), "fc1", "imported recipe"),
        (Choice(granularity="channel"), "fc1", "Whole channels"),
        (Choice(granularity="kernel"), "fc1", "Whole kernels"),
        (Choice(granularity="n:m"), "fc1", "pattern"),
        (Choice(criterion="taylor"), "fc1", "not their size"),
        (Choice(kept=80), "fc1", "Low rank"),
        (Choice(allocation="lamp"), "fc1", "worked out for all"),
        (OWN, "fc1", "settings of its own"),
        (OWN, None, "Some layers"),
    ],
)
def test_handles_that_rest_say_why(choice: Choice, layer: str | None, word: str) -> None:
    why = handles.why_still(choice, layer)
    assert why is not None and word in why


def test_the_first_handle_says_what_the_slider_says() -> None:
    assert handles.scale(BY_SIZE, TABLE) == (0.0, 1.0, 2.0, 3.0)
    assert handles.scale(Choice(), TABLE) == (0.0, 20.0, 20.0, 80.0)
    assert handles.scale(Choice(allocation="global"), TABLE) == (0.0, 10.0, 30.0, 50.0)


@pytest.mark.parametrize(
    ("choice", "cut"),
    [
        (BY_SIZE, 2.5),
        (Choice(share=0), 0.0),
        (Choice(share=10), 0.5),
        (Choice(share=20), 1.0),
        (Choice(share=50), 2.5),
        (Choice(share=99), 3.0),
        (Choice(share=40, allocation="global"), 2.5),
    ],
)
def test_a_share_has_its_place_on_the_picture(choice: Choice, cut: float) -> None:
    assert handles.cut(choice, TABLE) == pytest.approx(cut)


@pytest.mark.parametrize(
    ("event", "fields"),
    [
        ({"share": 40, "weight_bits": 4}, {"share": 40, "weight_bits": 4}),
        ({"threshold": 0.0421, "weight_bits": 32}, {"threshold": 0.042, "weight_bits": 32}),
        ({"share": 100, "threshold": -0.1, "weight_bits": 9}, {}),
        ({"share": "40", "threshold": math.nan, "weight_bits": True}, {}),
        ({"scenario": "x", "recipe": 1}, {}),
        (None, {}),
        ([1, 2], {}),
    ],
)
def test_only_what_makes_sense_is_taken_from_the_browser(
    event: Any, fields: dict[str, Any]
) -> None:
    assert handles.released(event) == fields


@pytest.mark.parametrize("bits", [2, 3, 7, 8, 10, 16])
@pytest.mark.parametrize(
    ("grid", "scheme"),
    [
        ("linear", "symmetric"),
        ("linear", "affine"),
        ("power_of_two", "symmetric"),
        ("codebook", "symmetric"),
    ],
)
def test_values_are_counted_as_grids_hold_them(grid: str, scheme: str, bits: int) -> None:
    choice = Choice(grid=grid, scheme=scheme, weight_bits=bits, scale="per_tensor")
    (step,) = (step for step in recipe_of(choice).steps if step.kind == "quantize")
    weights = torch.linspace(-1, 1, 20_000).reshape(2, -1)
    count = weight_grid(weights, step).values().shape[1]
    assert handles.value_count(choice, bits) == count


def test_what_is_not_rounded_has_no_values() -> None:
    assert handles.value_count(Choice(), 32) == 0


@pytest.mark.parametrize(
    ("scale", "rows"), [("per_tensor", 1), ("per_channel", 6), ("per_group", 12)]
)
def test_rows_are_counted_as_grids_have_them(scale: str, rows: int) -> None:
    choice = Choice(scale=scale)
    weights = torch.linspace(-1, 1, 6 * 1 * 7 * 7).reshape(6, 1, 7, 7)
    assert len(weight_grid(weights, rounding_of(choice)).values()) == rows
    assert handles.rows(choice, tuple(weights.shape)) == rows


def test_a_table_follows_the_pruned_network() -> None:
    from pages.shared import cached

    choice = Choice(scenario="digits/simple-nn", share=60)
    found = handles.table(choice, "fc1")
    weight = cached.scenario(choice.scenario, 0).network.module.get_submodule("fc1").weight
    smaller = (weight.abs() < handles.cut(choice, found)).float().mean()
    assert float(smaller) == pytest.approx(0.6, abs=0.002)
    own = replace(choice, overrides=(Override(layer="fc2", share=5),))
    assert set(handles.table(own, "fc1").packed) == {None}
