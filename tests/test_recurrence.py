"""LSTM and GRU layers as layers that can be compressed; torch's own are the reference."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from compress_core.compress import compress
from compress_core.compressed import Compressed
from compress_core.data import Data, Part
from compress_core.events import Finished
from compress_core.exporters import executorch, ncnn, onnx, pt2
from compress_core.exporters.export import output_step
from compress_core.exporters.target import ExportError, check_moments
from compress_core.finetune import finetune
from compress_core.fit_file import from_bytes, to_bytes
from compress_core.fold import fold
from compress_core.network import Network, from_module
from compress_core.recipe import Factorize, Finetune, Prune, Quantize, Recipe, Step
from compress_core.sizes import sizes

TIME, VALUES, HIDDEN = 7, 5, 6
KINDS: dict[str, type[nn.LSTM] | type[nn.GRU]] = {"lstm": nn.LSTM, "gru": nn.GRU}
each_kind = pytest.mark.parametrize("kind", KINDS)


class Reader(nn.Module):
    """A memory and a layer that reads its last outputs."""

    def __init__(self, kind: str, what: str = "outputs", **how: bool | int) -> None:
        super().__init__()
        self.what = what
        self.memory = KINDS[kind](VALUES, HIDDEN, **{"batch_first": True, **how})  # type: ignore
        ways, layers = 1 + self.memory.bidirectional, self.memory.num_layers
        self.fc = nn.Linear(HIDDEN * ways * (1 if what == "outputs" else layers), 3)

    def forward(self, x: Tensor) -> Tensor:
        outputs, last = self.memory(x if self.memory.batch_first else x.transpose(0, 1))
        if self.what == "outputs":
            read = outputs[:, -1] if self.memory.batch_first else outputs[-1]
        else:
            lstm = isinstance(self.memory, nn.LSTM)
            state = last[("states", "cells").index(self.what)] if lstm else last
            read = state.transpose(0, 1).flatten(1)
        logits: Tensor = self.fc(read)
        return logits


def made(kind: str, what: str = "outputs", **how: bool | int) -> tuple[Network, Reader]:
    torch.manual_seed(0)
    module = Reader(kind, what, **how).eval()
    return from_module(module, (TIME, VALUES), ("a", "b", "c"), kind), module


def noise(count: int, seed: int = 0) -> Tensor:
    return torch.randn(count, TIME, VALUES, generator=torch.Generator().manual_seed(seed))


@each_kind
@pytest.mark.parametrize(
    "how",
    [{}, {"bidirectional": True}, {"num_layers": 3}, {"num_layers": 2, "bidirectional": True},
     {"bias": False}, {"batch_first": False}],
    ids=lambda how: "+".join(how) or "plain",
)  # fmt: skip
def test_torch_says_the_same(kind: str, how: dict[str, bool | int]) -> None:
    for what in ("outputs", "states", *(["cells"] if kind == "lstm" else [])):
        network, module = made(kind, what, **how)
        with torch.inference_mode():
            gap = (network.module(noise(4)) - module(noise(4))).abs().max()
        assert float(gap) < 1e-6
        assert not any(isinstance(m, nn.LSTM | nn.GRU) for m in network.module.modules())


def test_very_long_memories_stay_whole() -> None:
    torch.manual_seed(0)
    network = from_module(Reader("gru"), (4097, VALUES), ("a", "b", "c"), "long")
    assert [layer.name for layer in network.layers] == ["fc"]


class Front(nn.Module):
    """Convolutions shorten, a memory goes over what is left, its last word decides."""

    def __init__(self, memory: nn.LSTM | nn.GRU) -> None:
        super().__init__()
        self.conv, self.relu = nn.Conv1d(3, 8, 5, 2), nn.ReLU()
        self.memory = memory
        self.fc = nn.Linear(memory.hidden_size * (1 + memory.bidirectional), 3)

    def forward(self, x: Tensor) -> Tensor:
        x, _ = self.memory(self.relu(self.conv(x)).transpose(1, 2))
        logits: Tensor = self.fc(x[:, -1])
        return logits


SHAPE = (3, 25)
MEMORIES: dict[str, Callable[[], nn.LSTM | nn.GRU]] = {
    "gru": lambda: nn.GRU(8, HIDDEN, batch_first=True),
    "lstm": lambda: nn.LSTM(8, HIDDEN, 2, batch_first=True, bidirectional=True),
}


@lru_cache
def front(name: str) -> Network:
    torch.manual_seed(1)
    return from_module(Front(MEMORIES[name]()), SHAPE, ("a", "b", "c"), name)


@lru_cache
def data() -> Data:
    """Return waves of three frequencies in noise."""
    generator = torch.Generator().manual_seed(0)

    def part(name: str, count: int) -> Part:
        y = torch.randint(0, 3, (count,), generator=generator)
        waves = torch.sin(torch.arange(25) * (0.3 + 0.4 * y[:, None]))
        x = waves[:, None] + 0.5 * torch.randn(count, *SHAPE, generator=generator)
        return Part(name=name, x=x, y=y)  # type: ignore[arg-type]

    train, validation, test = (part(*p) for p in (("train", 256), ("validation", 64), ("test", 96)))
    return Data(train=train, validation=validation, test=test, labels=("a", "b", "c"))


def after(name: str, *steps: Step) -> Compressed:
    return compress(front(name), Recipe(steps=steps), data())


def answers(of: Compressed, x: Tensor) -> Tensor:
    with torch.inference_mode():
        found: Tensor = of.module(x)
    return found


def weight(of: Network | Compressed, name: str) -> Tensor:
    return of.module.get_submodule(name).weight  # type: ignore[return-value]


def test_a_memory_is_a_linear_layer_and_one_that_runs_over_time() -> None:
    _, inputs, memory, _ = front("gru").layers
    assert (inputs.name, inputs.kind, inputs.shape) == ("memory.input", "linear", (18, 8))
    assert (memory.name, memory.kind, memory.shape) == ("memory.memory", "gru", (18, 6))
    # 11 moments are left of 25; three gates of 6 read 8 values and 6 states each.
    assert (inputs.macs, memory.macs) == (11 * 18 * 8, 11 * 18 * 6)
    assert memory.parameters == 18 * 6 + 18
    names = [layer.name for layer in front("lstm").layers if layer.kind == "lstm"]
    assert names == [f"memory.memory{n}{way}" for n in (1, 2) for way in ("", "_back")]


@pytest.mark.parametrize("bits", [2, 4, 8, 16])
def test_rows_of_the_memory_are_rounded_as_numpy_rounds_them(bits: int) -> None:
    before = weight(front("gru"), "memory.memory").numpy()
    scale = np.abs(before).max(1, keepdims=True) / (2 ** (bits - 1) - 1)
    found = weight(after("gru", Quantize(weight_bits=bits)), "memory.memory").numpy()
    assert np.abs(found - np.round(before / scale) * scale).max() <= 1e-6


def test_the_smallest_weights_go() -> None:
    before = weight(front("gru"), "memory.memory")
    found = weight(after("gru", Prune(sparsity=0.5, layers="memory.memory")), "memory.memory")
    assert int((found == 0).sum()) == 54  # half of 18 x 6
    assert float(before[found == 0].abs().max()) < float(before[found != 0].abs().min())


def test_wanda_weighs_by_the_states_that_are_multiplied() -> None:
    network, x = front("lstm"), data().train.inputs()
    torch.manual_seed(1)
    leaf = Front(MEMORIES["lstm"]()).memory
    with torch.inference_mode():
        seen = network.module.get_submodule("relu")(network.module.get_submodule("conv")(x))
        states = leaf(seen.transpose(1, 2))[0][..., HIDDEN:]  # second layer, backwards
    norms = states[:, 1:].flatten(0, 1).norm(dim=0)  # before the last moment it remembers nothing
    name = "memory.memory2_back"
    scores = weight(network, name).abs() * norms
    found = weight(after("lstm", Prune(sparsity=0.5, layers=name, criterion="wanda")), name)
    assert float(scores[found == 0].max()) < float(scores[found != 0].min())


STEPS: dict[str, tuple[Step, ...]] = {
    "int8": (Quantize(weight_bits=8, activation_bits=8),),
    "half of the weights, 4 bits": (Prune(sparsity=0.5, criterion="taylor"),
                                    Quantize(weight_bits=4, activation_bits=8)),
    "2 of 4, corrected": (Prune(granularity="n:m", n_of_m="2:4"),
                          Quantize(weight_bits=4, equalize=True, bias_correction=True)),
    "3 bits of a codebook": (Quantize(weight_bits=3, grid="codebook"),),
    "learned rounding": (Quantize(weight_bits=3, rounding="learned"),),
    "low rank": (Factorize(rank=0.4), Quantize(weight_bits=8)),
    "channels": (Prune(sparsity=0.5, granularity="channel"), Quantize(weight_bits=8)),
}  # fmt: skip


@pytest.mark.parametrize("name", STEPS)
def test_every_technique_works_and_the_packed_file_gives_the_same_answers(name: str) -> None:
    of, x = after("gru", *STEPS[name]), data().test.inputs()
    packed = to_bytes(of)
    assert torch.equal(answers(from_bytes(packed.data), x), answers(of, x))
    assert sizes(of).packed_bytes == len(packed.data)


def test_channels_before_a_memory_go_and_its_states_stay() -> None:
    shapes = [layer.shape for layer in after("gru", *STEPS["channels"]).network.layers]
    assert shapes == [(4, 3, 5), (18, 4), (18, 6), (3, 6)]


def test_the_linear_layer_computes_in_integers_and_the_memory_in_floats() -> None:
    of = after("gru", *STEPS["int8"])
    kinds = {n: type(of.module.get_submodule(n)).__name__ for n in of.layer_names}
    assert kinds["memory.input"] == "IntegerLayer" and kinds["memory.memory"] == "GRURecurrence"


@pytest.mark.parametrize("scales", ["fixed", "learned"])
def test_training_goes_through_the_memory(scales: str) -> None:
    of = after("gru", *STEPS["half of the weights, 4 bits"])
    plan = Finetune(epochs=4, batch_size=32, lr=2e-2, scales=scales)  # type: ignore[arg-type]
    (done,) = (e for e in finetune(of, plan, data()) if isinstance(e, Finished))
    before, then = weight(of, "memory.memory"), weight(done.result, "memory.memory")
    assert not torch.equal(before, then) and bool((then[before == 0] == 0).all())
    y = data().test.y
    right = [float((answers(c, data().test.inputs()).argmax(1) == y).float().mean())
             for c in (of, done.result)]  # fmt: skip
    assert right[1] > max(right[0], 0.6)


@pytest.mark.parametrize(
    ("memory", "steps"),
    [
        ("gru", "int8"),
        ("gru", "3 bits of a codebook"),
        pytest.param("lstm", "int8", marks=pytest.mark.slow),
    ],
)
def test_onnx_runtime_answers_as_the_preview(memory: str, steps: str, tmp_path: Path) -> None:
    of, x = after(memory, *STEPS[steps]), data().test.inputs()
    written = onnx.write(of, tmp_path / "file.onnx")
    found, preview = onnx.open_file(tmp_path / "file.onnx", of)(x), answers(of, x)
    step = output_step(of)
    assert float((found - preview).abs().max()) <= (1e-5 if step is None else 1.001 * step)
    assert torch.equal(found.argmax(1), preview.argmax(1)) and len(preview.unique()) > 20
    assert "floats" not in written.weights
    if step is not None:
        assert written.floats == (f"Scan ×{4 if memory == 'lstm' else 1}",)
        assert "(LSTM or GRU) computes in floats" in written.remark


def test_pt2_keeps_the_codes_and_answers_as_the_preview(tmp_path: Path) -> None:
    of, x = after("gru", *STEPS["half of the weights, 4 bits"]), data().test.inputs()
    assert pt2.write(of, tmp_path / "file.pt2").weights == "8 bit codes"
    found = pt2.open_file(tmp_path / "file.pt2", of)(x)
    assert float((found - answers(of, x)).abs().max()) <= 1.001 * (output_step(of) or 0)


@pytest.mark.slow
def test_executorch_answers_as_the_preview(tmp_path: Path) -> None:
    of, x = after("gru", *STEPS["int8"]), data().test.inputs(0, 50)
    written = executorch.write(of, tmp_path / "file.pte")
    found = executorch.open_file(tmp_path / "file.pte", of)(x)
    assert float((found - answers(of, x)).abs().max()) <= 1.001 * (output_step(of) or 0)
    assert "memory.memory" in written.floats


@pytest.mark.parametrize("memory", MEMORIES)
def test_ncnn_has_memory_of_its_own(memory: str, tmp_path: Path) -> None:
    of, x = after(memory, Quantize(weight_bits=4)), data().test.inputs(0, 50)
    ncnn.write(of, tmp_path / "file.zip")
    found = ncnn.open_file(tmp_path / "file.zip", of)(x)
    assert float((found - answers(of, x)).abs().max()) < 0.01  # weights are floats of 16 bits


@pytest.mark.parametrize("memory", MEMORIES)
def test_folded_is_what_was_unfolded(memory: str) -> None:
    network, x = front(memory), data().test.inputs()
    folded = fold(network.module)
    assert not any(type(m).__name__.endswith("Recurrence") for m in folded.modules())
    with torch.inference_mode():
        assert float((folded(x) - network.module(x)).abs().max()) < 1e-6


def test_a_target_without_loops_says_so() -> None:
    check_moments(compress(front("gru"), Recipe()), "LiteRT")  # 11 moments
    torch.manual_seed(0)
    long = from_module(Front(MEMORIES["gru"]()), (3, 200), ("a", "b", "c"), "long")
    with pytest.raises(ExportError, match="LiteRT has no loop over time: each of the 98 moments"):
        check_moments(compress(long, Recipe()), "LiteRT")
