"""
Exported programs of PyTorch 2.8 and newer (.pt2), read without torch.export.load.

The archive holds the graph as JSON and the weights as raw bytes; that is all that is read. What
else may be in it (pickled tensors and examples, conditions as Python text) is left alone, or the
file is refused:

    models/<name>.json                            the graph
    data/weights/<name>_weights_config.json       weight -> file, type, sizes, strides
    data/weights/weight_0 ...                     values, little-endian
"""

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from compress_core.importers.archive import Archive, open_archive, shown
from compress_core.refusal import IntakeError

TYPES = {
    1: torch.uint8, 2: torch.int8, 3: torch.int16, 4: torch.int32, 5: torch.int64,
    6: torch.float16, 7: torch.float32, 8: torch.float64, 12: torch.bool, 13: torch.bfloat16,
}  # fmt: skip
"""Numbers of types in the format (`ScalarType` of torch/_export/serde/schema.py)."""
FOREIGN = ("aotinductor/", "executorch", "mtia/", "extra/")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Program:
    """A graph as it stands in the file."""

    graph: dict[str, Any]
    tensors: dict[str, Tensor]
    """Name in the graph -> parameter, buffer or constant."""
    names: dict[str, str]
    """Name in the graph -> name in the module (stage1.0.conv1.weight)."""
    input: str
    sizes: tuple[int | None, ...]
    """Of the input with the batch; None where free."""
    dtype: torch.dtype
    outputs: tuple[str, ...]


def read(path: Path) -> Program:
    """Return the program in an archive; raises IntakeError."""
    with open_archive(path) as archive:
        model = _model_name(archive)
        program = _json(archive, f"models/{model}.json")
        try:
            return _program(archive, model, program)
        except IntakeError:
            raise
        except Exception as error:
            raise IntakeError(f"This exported program is damaged: {_short(error)}.") from error


def _model_name(archive: Archive) -> str:
    models = [
        n.removeprefix("models/").removesuffix(".json")
        for n in archive.names
        if n.startswith("models/") and n.endswith(".json")
    ]
    if len(models) != 1:
        raise IntakeError(
            f"This archive holds {len(models)} programs; save the one to compress by itself with "
            "torch.export.save."
        )
    return models[0]


def _json(archive: Archive, name: str) -> dict[str, Any]:
    try:
        value = json.loads(archive.read(name))
    except IntakeError:
        raise
    except (ValueError, RecursionError) as error:
        raise IntakeError(f"The part {shown(name)} of this file is damaged.") from error
    if not isinstance(value, dict):
        raise IntakeError(f"The part {shown(name)} of this file is damaged.")
    return value


def _program(archive: Archive, model: str, program: dict[str, Any]) -> Program:
    module = program["graph_module"]
    graph, signature = module["graph"], module["signature"]
    stored = {
        **_tensors(archive, f"data/weights/{model}_weights_config.json", "data/weights/"),
        **_tensors(archive, f"data/constants/{model}_constants_config.json", "data/constants/"),
    }
    tensors, names, inputs = {}, {}, []
    for spec in signature["input_specs"]:
        (kind, content), *more = spec.items()
        if more:
            raise IntakeError("This exported program describes one of its inputs twice.")
        if kind == "user_input":
            inputs.append(content["arg"])
        elif kind in NAMED:
            inner = content["arg"]["name"]
            names[inner] = content[NAMED[kind]]
            tensors[inner] = stored[names[inner]]
        else:
            raise IntakeError(
                f"This exported program holds a {shown(kind)}, which is not taken in: only "
                "tensors and operators are."
            )
    used = _used(graph)
    tensor_inputs = [a["as_tensor"]["name"] for a in inputs if "as_tensor" in a]
    read_inputs = [name for name in tensor_inputs if name in used]
    if len(read_inputs) != 1:
        raise IntakeError(
            f"This network reads {len(read_inputs)} inputs at once; only networks that read one "
            "can be compressed here."
        )
    (name,) = read_inputs
    meta = graph["tensor_values"][name]
    return Program(
        graph=graph,
        tensors=tensors,
        names=names,
        input=name,
        sizes=tuple(size.get("as_int") for size in meta["sizes"]),
        dtype=TYPES[meta["dtype"]],
        outputs=tuple(_outputs(signature)),
    )


NAMED = {
    "parameter": "parameter_name",
    "buffer": "buffer_name",
    "tensor_constant": "tensor_constant_name",
}


def _outputs(signature: dict[str, Any]) -> list[str]:
    found = [
        content["arg"]["as_tensor"]["name"]
        for spec in signature["output_specs"]
        for kind, content in spec.items()
        if kind == "user_output" and "as_tensor" in content["arg"]
    ]
    if not found:
        raise IntakeError("This network returns no tensor.")
    return found


def _used(graph: dict[str, Any]) -> set[str]:
    """Return all names that some operator reads."""
    used: set[str] = set()
    waiting: list[Any] = [i["arg"] for n in graph["nodes"] for i in n["inputs"]]
    waiting.append(graph["outputs"])
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            used.update(
                v for k, v in value.items() if k in ("name", "as_name") and isinstance(v, str)
            )
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return used


def _tensors(archive: Archive, config: str, folder: str) -> dict[str, Tensor]:
    if config not in archive.entries:
        return {}
    found: dict[str, Tensor] = {}
    raw: dict[str, Tensor] = {}
    for name, payload in _json(archive, config)["config"].items():
        if payload["use_pickle"]:
            raise IntakeError(
                f"The tensor {shown(name)} of this exported program is pickled, and nothing is "
                "unpickled here; save the program again with plain float weights."
            )
        part = payload["path_name"]
        if not isinstance(part, str) or "/" in part:
            raise IntakeError(f"The tensor {shown(name)} lies outside this file.")
        if part not in raw:
            raw[part] = archive.mapped(folder + part)
        found[name] = _tensor(name, payload["tensor_meta"], raw[part])
    return found


def _tensor(name: str, meta: dict[str, Any], raw: Tensor) -> Tensor:
    kind = TYPES.get(meta["dtype"])
    sizes, strides = ([int(n["as_int"]) for n in meta[key]] for key in ("sizes", "strides"))
    offset = int(meta["storage_offset"]["as_int"])
    if kind is None or any(n < 0 for n in (*sizes, *strides, offset)) or len(sizes) != len(strides):
        raise IntakeError(f"The tensor {shown(name)} is of a kind that is not read here.")
    if not prod(sizes):
        return torch.zeros(sizes, dtype=kind)
    last = offset + sum((n - 1) * step for n, step in zip(sizes, strides, strict=True))
    if (last + 1) * kind.itemsize > len(raw):
        raise IntakeError(f"The tensor {shown(name)} is cut short; copy the file again.")
    values = raw[: len(raw) // kind.itemsize * kind.itemsize].view(kind)
    # Torch counts the offset from the start of the file that the values are mapped from.
    return values.as_strided(sizes, strides, offset + int(values.storage_offset()))


def _short(error: Exception) -> str:
    return " ".join(f"{type(error).__name__} {error}".split())[:200].rstrip(".")
