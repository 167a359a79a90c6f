"""Files made to do harm, or damaged: one sentence each, and nothing else."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch import nn

from compress_core.importers import pt2
from compress_core.importers.formats import recognise
from compress_core.importers.load_network import load_network
from compress_core.importers.reading import check, read
from compress_core.refusal import IntakeError, NeedsArchitecture, NeedsShape
from tests.foreign import batch, make, write


class Trap:
    """What a pickle runs when it is opened."""

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return Path.touch, (Path("/tmp/fitting-room-trap"),)  # type: ignore[return-value]


def zipped(path: Path, parts: dict[str, bytes], method: int = 0) -> Path:
    with ZipFile(path, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def repacked(path: Path, change: dict[str, bytes]) -> Path:
    """Return an archive with some parts replaced or added; names without their folder."""
    with ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    folder = next(iter(parts)).partition("/")[0]
    return zipped(path, {**parts, **{f"{folder}/{n}": c for n, c in change.items()}})


def one_operator(*nodes: onnx.NodeProto, weights: list[onnx.TensorProto] | None = None) -> bytes:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(list(nodes), "net", [x], [y], weights or [])
    opset = [helper.make_opsetid("", 18)]
    return bytes(helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString())


def test_a_pickled_network_is_refused_with_four_lines_that_convert_it(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    torch.save(nn.Sequential(nn.Linear(2, 2)), path)
    with pytest.raises(IntakeError) as refused:
        read(path, recognise(path), None, tmp_path)
    sentence, lines = str(refused.value).split("\n\n")
    assert "would run whatever code is in it" in sentence
    assert len(lines.splitlines()) == 4
    compile(lines, "convert", "exec")
    old = tmp_path / "old.pkl"
    old.write_bytes(b"\x80\x04cposix\nsystem\n(X\x04\x00\x00\x00truetR.")
    with pytest.raises(IntakeError, match="would run whatever code"):
        load_network(old)


def test_a_trap_in_a_state_dict_does_not_snap(tmp_path: Path) -> None:
    path, trap = tmp_path / "net.pt", Path("/tmp/fitting-room-trap")
    torch.save({"weight": torch.ones(2, 2), "trap": Trap()}, path)
    with pytest.raises(IntakeError, match="whole pickled network"):
        read(path, "state_dict", None, tmp_path)
    assert not trap.exists()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("../out.json", "wants to write outside"),
        ("/etc/out.json", "wants to write outside"),
        ("C:/out.json", "wants to write outside"),
    ],
)
def test_archives_stay_in_their_folder(name: str, says: str, tmp_path: Path) -> None:
    path = zipped(tmp_path / "net.pt2", {name: b"{}", "archive_format": b"pt2"})
    with pytest.raises(IntakeError, match=says):
        recognise(path)


def test_links_and_bombs_and_twins_are_not_opened(tmp_path: Path) -> None:
    link = ZipInfo("data.pkl")
    link.external_attr = 0o120777 << 16
    with ZipFile(tmp_path / "link", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(IntakeError, match="holds a link"):
        recognise(tmp_path / "link")
    zipped(tmp_path / "bomb", {"data.pkl": bytes(30 << 20)}, ZIP_DEFLATED)
    with pytest.raises(IntakeError, match="made to fill the disk"):
        recognise(tmp_path / "bomb")
    (tmp_path / "pointer").symlink_to("/etc/passwd")
    with pytest.raises(IntakeError, match="no regular file"):
        recognise(tmp_path / "pointer")
    (tmp_path / "nothing").write_bytes(b"")
    with pytest.raises(IntakeError, match="empty"):
        recognise(tmp_path / "nothing")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return write(nn.Sequential(nn.Linear(4, 3)).eval(), torch.zeros(2, 4), tmp_path / "n", "pt2")


def part(path: Path, ending: str) -> tuple[str, str]:
    with ZipFile(path) as archive:
        name = next(n for n in archive.namelist() if n.endswith(ending))
        return name.partition("/")[2], archive.read(name).decode()


def test_an_exported_program_with_a_pickled_tensor_is_refused(program: Path) -> None:
    name, text = part(program, "weights_config.json")
    changed = text.replace('"use_pickle": false', '"use_pickle": true', 1)
    assert changed != text
    with pytest.raises(IntakeError, match="nothing is unpickled here"):
        pt2.read(repacked(program, {name: changed.encode()}))


def test_pickles_and_python_in_an_exported_program_are_left_alone(
    program: Path, tmp_path: Path
) -> None:
    name, text = part(program, "models/model.json")
    model = json.loads(text)
    model["guards_code"] = ["__import__('pathlib').Path('/tmp/fitting-room-trap').touch()"]
    path = repacked(program, {name: json.dumps(model).encode(), "data/sample_inputs/n.pt": b"\x80"})
    check(read(path, "pt2", None, tmp_path))
    assert not Path("/tmp/fitting-room-trap").exists()


def test_operators_that_are_not_torchs_own_are_refused(program: Path, tmp_path: Path) -> None:
    name, text = part(program, "models/model.json")
    for target in ("os.system", "torch.ops.mine.run.default", "builtins.eval"):
        changed = text.replace("torch.ops.aten.linear.default", target)
        path = repacked(program, {name: changed.encode()})
        with pytest.raises(IntakeError, match="not one of PyTorch's own operators"):
            read(path, "pt2", None, tmp_path)
    model = json.loads(text)
    node = model["graph_module"]["graph"]["nodes"][0]
    node["target"] = "torch.ops.aten.from_file.default"
    values = {"filename": {"as_string": "/etc/passwd"}, "size": {"as_int": 9}}
    node["inputs"] = [{"name": n, "arg": arg, "kind": 1} for n, arg in values.items()]
    node["inputs"].append({"name": "", "arg": {"as_tensor": {"name": "input"}}, "kind": 1})
    with pytest.raises(IntakeError, match="'from_file', which is not understood"):
        read(repacked(program, {name: json.dumps(model).encode()}), "pt2", None, tmp_path)


def test_onnx_weights_in_other_files_are_not_fetched(tmp_path: Path) -> None:
    weight = helper.make_tensor("w", TensorProto.FLOAT, [4, 2], [0.0] * 8)
    weight.ClearField("float_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="../../etc/passwd")
    path = tmp_path / "net.onnx"
    path.write_bytes(one_operator(helper.make_node("MatMul", ["x", "w"], ["y"]), weights=[weight]))
    assert recognise(path) == "onnx"
    with pytest.raises(IntakeError, match="another file beside it"):
        read(path, "onnx", None, tmp_path)


@pytest.mark.parametrize(
    ("node", "says"),
    [
        (("NonMaxSuppression", ["x", "x"], ["y"]), "'NonMaxSuppression', which is not understood"),
        (("QuantizeLinear", ["x", "w"], ["y"]), "quantized already"),
        (("MatMul", ["x", "absent"], ["y"]), "reads 'absent' before"),
        (("Relu", ["x"], ["other"]), "computed by none"),
        (("MatMul", ["w", "w"], ["y"]), "reads 0 inputs"),
        (("Expand", ["x", "huge"], ["y"]), "absurd size"),
    ],
)
def test_onnx_that_cannot_be_taken_in_is_named(
    node: tuple[str, list[str], list[str]], says: str, tmp_path: Path
) -> None:
    weights = [
        helper.make_tensor("w", TensorProto.FLOAT, [4, 4], [1.0] * 16),
        helper.make_tensor("huge", TensorProto.INT64, [3], [1 << 30, 1, 4]),
    ]
    path = tmp_path / "net.onnx"
    path.write_bytes(one_operator(helper.make_node(*node), weights=weights))
    with pytest.raises(IntakeError, match=says):
        read(path, "onnx", None, tmp_path)


def test_weights_that_are_no_numbers_are_refused_by_name(tmp_path: Path) -> None:
    module = make("sound")
    assert isinstance(module, nn.Module)
    module.get_submodule("b").bias.data[2] = float("nan")  # type: ignore
    path = write(module, batch("sound"), tmp_path / "net.onnx", "onnx")
    with pytest.raises(IntakeError, match=r"The weights b\.bias hold values"):
        check(read(path, "onnx", None, tmp_path))


def test_a_shape_that_is_missing_is_asked_for(tmp_path: Path) -> None:
    free = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, "h", "w"])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["p"]),
        helper.make_node("Flatten", ["p"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "net", [free], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    path = tmp_path / "net.onnx"
    onnx.save(model, str(path))
    with pytest.raises(NeedsShape, match="3 x free x free"):
        read(path, "onnx", None, tmp_path)
    with pytest.raises(IntakeError, match=r"3 x free x free, not 1 x 9 x 9"):
        read(path, "onnx", (1, 9, 9), tmp_path)
    check(read(path, "onnx", (3, 9, 9), tmp_path))


def test_safetensors_that_lie_are_refused(tmp_path: Path) -> None:
    def file(header: object, content: bytes = b"") -> Path:
        text = json.dumps(header).encode()
        path = tmp_path / "weights"
        path.write_bytes(struct.pack("<Q", len(text)) + text + content)
        return path

    huge = {"a.weight": {"dtype": "F32", "shape": [1 << 40, 4], "data_offsets": [0, 16]}}
    with pytest.raises(IntakeError, match="claims"):
        read(file(huge, bytes(16)), "safetensors", None, tmp_path)
    short = {"a.weight": {"dtype": "F32", "shape": [2, 4], "data_offsets": [0, 32]}}
    with pytest.raises(IntakeError, match="damaged"):
        read(file(short, bytes(16)), "safetensors", None, tmp_path)
    fine = {"a.weight": {"dtype": "F32", "shape": [2, 4], "data_offsets": [0, 32]}}
    with pytest.raises(NeedsArchitecture, match="fit no architecture known here"):
        read(file(fine, bytes(32)), "safetensors", None, tmp_path)
    assert recognise(file(fine, bytes(32))) == "safetensors"
    with pytest.raises(IntakeError, match="cut short"):
        (tmp_path / "cut").write_bytes(struct.pack("<Q", 5000) + b'{"a": ')
        recognise(tmp_path / "cut")


def test_torchscript_that_reaches_out_is_not_opened(tmp_path: Path) -> None:
    path = write(nn.Sequential(nn.Linear(4, 3)).eval(), torch.zeros(2, 4), tmp_path / "n.pt",
                 "torchscript")  # fmt: skip
    assert recognise(path) == "torchscript"
    evil = b"def forward(self):\n  return torch.from_file('/etc/passwd', False, 10)\n"
    with pytest.raises(IntakeError, match="'from_file', which is not one"):
        read(repacked(path, {"code/evil.py": evil}), "torchscript", None, tmp_path)
    foreign = b"def forward(self):\n  return ops.mine.run(self)\n"
    with pytest.raises(IntakeError, match="'mine', which is not one"):
        read(repacked(path, {"code/evil.py": foreign}), "torchscript", None, tmp_path)
