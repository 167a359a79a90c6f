"""Weights that are no numbers, and messages within messages: one sentence each, in every format."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from onnx import AttributeProto, GraphProto, ModelProto, TensorProto, helper
from safetensors.torch import save_file
from torch import Tensor

from compress_core.importers.formats import recognise
from compress_core.importers.reading import check, read
from compress_core.importers.wire import message
from compress_core.refusal import IntakeError
from tests.foreign import batch, make, write
from tests.nets import untrained

DEEP = 5_000


def program(how: str) -> Callable[[Path, float], None]:
    def put(path: Path, value: float) -> None:
        module = make("sound")
        module.get_parameter("b.bias").data[2] = value
        write(module, batch("sound"), path, how)

    return put


def ours() -> dict[str, Tensor]:
    return dict(untrained("resnet-20", width=0.25).module.state_dict())


def weights(save: Callable[[dict[str, Tensor], Path], None]) -> Callable[[Path, float], None]:
    def put(path: Path, value: float) -> None:
        tensors = ours()
        name = next(n for n in tensors if n.endswith(".weight"))
        tensors[name].view(-1)[5] = value
        save(tensors, path)

    return put


PUT = {
    "onnx": program("onnx"),
    "torchscript": program("torchscript"),
    "pt2": program("pt2"),
    "safetensors": weights(save_file),
    "state_dict": weights(torch.save),
}


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
@pytest.mark.parametrize("kind", PUT)
def test_weights_that_are_no_numbers_are_one_sentence(
    kind: str, value: float, tmp_path: Path
) -> None:
    path = tmp_path / "net"
    PUT[kind](path, value)
    assert recognise(path) == kind
    shape = None if kind in ("onnx", "pt2", "torchscript") else (1, 12, 12)
    with pytest.raises(IntakeError, match="no finite numbers"):
        check(read(path, kind, shape, tmp_path))


def test_a_number_that_is_none_but_no_weight_is_one_sentence_too(tmp_path: Path) -> None:
    """A constant of the graph that is added to what a layer computes."""
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", 4]) for n in "xy")
    inf = helper.make_tensor("c", TensorProto.FLOAT, [4], [0.0, float("inf"), 0.0, 0.0])
    graph = helper.make_graph([helper.make_node("Add", ["x", "c"], ["y"])], "net", [x], [y], [inf])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(IntakeError, match="no finite numbers"):
        check(read(path, "onnx", None, tmp_path))


def nested(depth: int, wrap: Callable[[bytes], bytes], inner: bytes) -> bytes:
    for _ in range(depth):
        inner = wrap(inner)
    return inner


GRAPH, NODE = ModelProto.GRAPH_FIELD_NUMBER, GraphProto.NODE_FIELD_NUMBER
ATTRIBUTES, SUBGRAPH = 5, AttributeProto.G_FIELD_NUMBER


def subgraph(inner: bytes) -> bytes:
    """Wrap the content of a graph in a node that holds it: If, within If, within If."""
    attribute = message(1, b"then_branch") + message(SUBGRAPH, inner)
    return message(NODE, message(4, b"If") + message(ATTRIBUTES, attribute))


def kind_of_kinds(inner: bytes) -> bytes:
    """Wrap the type of a value: a sequence of sequences of sequences."""
    return message(4, message(1, inner))


DEEPLY = {
    "subgraphs": message(GRAPH, nested(DEEP, subgraph, b"")),
    "types": message(
        GRAPH, message(11, message(1, b"x") + message(2, nested(DEEP, kind_of_kinds, b"")))
    ),
    "nothing known": nested(DEEP, lambda inner: message(100, inner), b""),
    "functions": message(
        25, message(7, message(ATTRIBUTES, message(SUBGRAPH, nested(DEEP, subgraph, b""))))
    ),
}


@pytest.mark.parametrize("what", DEEPLY)
def test_messages_within_messages_are_one_sentence(what: str, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(b"\x08\x08" + DEEPLY[what])
    with pytest.raises(IntakeError, match=r"nested too deeply|holds no network") as refused:
        read(path, "onnx", None, tmp_path)
    assert len(str(refused.value)) < 200
