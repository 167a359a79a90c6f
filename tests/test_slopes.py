from pathlib import Path

import torch
from torch import nn

from compress_core.compress import compress
from compress_core.compressed import Compressed
from compress_core.exporters.executorch import open_file, write
from compress_core.grids import LinearGrid
from compress_core.network import from_module
from compress_core.recipe import Quantize, Recipe
from compress_core.slopes import LAST_BITS, _cleared
from tests.nets import noise, noise_data

INT8 = Recipe(steps=(Quantize(weight_bits=8, activation_bits=8),))


def grid(scale: float) -> LinearGrid:
    return LinearGrid(
        bits=8, scale=torch.tensor(scale), zero_point=torch.tensor(0), low=-128, high=127
    )


def test_a_grid_gives_way_where_a_product_lies_in_the_middle() -> None:
    products = torch.tensor([0.3, 2.5]).double()
    assert float(_cleared(grid(1.0), products[:1]).scale) == 1
    moved = float(_cleared(grid(1.0), products).scale)
    assert 1 < moved < 1.001
    assert abs(2.5 / moved % 1 - 0.5) > LAST_BITS * 2.5


def sloped() -> Compressed:
    """Slopes over pictures and, as MTCNN has them, over a row of numbers."""
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.PReLU(6), nn.MaxPool2d(2, ceil_mode=True), nn.Flatten(),
        nn.Linear(6 * 9, 8), nn.PReLU(8), nn.Linear(8, 3),
    )  # fmt: skip
    network = from_module(module, (1, 8, 8), ("a", "b", "c"), "sloped")
    return compress(network, INT8, noise_data(network))


def test_slopes_over_rows_are_the_same_in_executorch(tmp_path: Path) -> None:
    of = sloped()
    x = noise(of.network, 64)
    write(of, tmp_path / "sloped.pte")
    with torch.inference_mode():
        wanted = of.module(x)
    assert torch.equal(open_file(tmp_path / "sloped.pte", of)(x), wanted)
