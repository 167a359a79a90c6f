"""Plain networks guessed from their weights alone."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from compress_core.consult import weigh
from compress_core.data import Part
from compress_core.importers.infer import Row, build, propose
from compress_core.refusal import NeedsArchitecture
from compress_core.zoo.build import build as zoo


def shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(t.shape) for name, t in module.state_dict().items()}


@pytest.mark.parametrize(
    ("architecture", "input_shape"),
    [("lenet-5", (1, 28, 28)), ("vgg-small", (1, 28, 28)), ("lenet-300-100", (1, 28, 28))],
)
def test_a_sequence_that_was_meant_is_among_those_that_fit(
    architecture: str, input_shape: tuple[int, ...]
) -> None:
    module = zoo(architecture, 5).eval()
    tensors = module.state_dict()
    x = torch.randn(4, *input_shape, generator=torch.Generator().manual_seed(0))
    if architecture == "lenet-5":
        # Its first convolution pads and the second does not: no rule says so, a person does.
        rows = propose(shapes(module), (1, 32, 32))[0]
        assert [row.kind for row in rows[:3]] == ["conv", "relu", "max_pool"]
        rows = tuple(
            Row(kind="conv", weights="conv1", padding=2) if row.weights == "conv1" else row
            for row in rows
        )
        candidates = [rows]
    else:
        candidates = list(propose(shapes(module), input_shape))
    with torch.inference_mode():
        wanted = module(x)
        answers = [build(rows, tensors)(x) for rows in candidates]
    assert any(torch.allclose(answer, wanted, atol=1e-5) for answer in answers)


def test_names_in_alphabetic_order_are_put_in_theirs() -> None:
    module = nn.Sequential(*[layer for i in range(11) for layer in (nn.Linear(9, 9), nn.ReLU())],
                           nn.Linear(9, 2))  # fmt: skip
    ordered = dict(sorted(shapes(module).items()))
    assert list(ordered)[2] == "10.bias"
    (rows,) = propose(ordered, (9,))
    assert [row.weights for row in rows if row.kind == "linear"] == [
        f"{i}" for i in range(0, 23, 2)
    ]


def test_time_series_with_means_over_time() -> None:
    module = nn.Sequential(
        nn.Conv1d(6, 8, 5, padding=2), nn.BatchNorm1d(8), nn.ReLU(), nn.MaxPool1d(2),
        nn.Conv1d(8, 16, 5, padding=2, groups=8), nn.ReLU(), nn.MaxPool1d(2),
        nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(16, 3),
    ).eval()  # fmt: skip
    rows = propose(shapes(module), (6, 40))[0]
    x = torch.randn(2, 6, 40, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.allclose(build(rows, module.state_dict())(x), module(x), atol=1e-6)


def test_samples_decide_between_sequences_that_fit(tmp_path: Path) -> None:
    torch.manual_seed(1)  # with some weights, all samples are of one class
    module = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 5),
    ).eval()  # fmt: skip
    candidates = propose(shapes(module), (1, 8, 8))
    assert len(candidates) >= 2  # the pool may stand after either convolution
    x = torch.randn(200, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        part = Part(name="train", x=x, y=module(x).argmax(1))
    save_file(module.state_dict(), tmp_path / "weights")
    shares = weigh(tmp_path / "weights", (1, 8, 8), candidates, part)
    assert max(shares) == 1.0 and shares.count(1.0) == 1
    rows = candidates[shares.index(1.0)]
    with torch.inference_mode():
        assert torch.allclose(build(rows, module.state_dict())(x), module(x), atol=1e-6)


@pytest.mark.parametrize(
    ("module", "input_shape", "says"),
    [
        (nn.Sequential(nn.Conv2d(3, 8, 3)), (3, 8, 8), "no linear layer"),
        (nn.Sequential(nn.Conv2d(3, 8, 3), nn.Linear(77, 2)), (3, 8, 8), "the 77 values"),
        (nn.Sequential(nn.Linear(4, 8), nn.Linear(9, 2)), (4,), "do not follow each other"),
        (nn.LSTM(3, 4), (5, 3), "do not follow each other"),
        (zoo("resnet-20", 0), (1, 28, 28), "do not follow|No choice"),
    ],
)
def test_what_cannot_be_inferred_says_what_is_missing(
    module: nn.Module, input_shape: tuple[int, ...], says: str
) -> None:
    with pytest.raises(NeedsArchitecture, match=says):
        propose(shapes(module), input_shape)
