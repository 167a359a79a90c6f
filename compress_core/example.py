"""
Ten lines of Python that load an exported file and ask it what a sample is, one text per target.

They need the target's runtime and nothing of this app; the packed file alone needs `compress_core`.
"""

import json
from collections.abc import Sequence

from compress_core.compressed import Compressed
from compress_core.data import TOKENS, Part, Scale
from compress_core.proof import Proof

HEAD = '''"""Which class is sample.npy? Asks {file}, with {runtime}."""
from pathlib import Path
import numpy as np
{imports}
folder = Path(__file__).resolve().parent
labels = {labels}
x = {x}
'''
VALUES = '(np.load(folder / "sample.npy").astype("float32") - {mean}) / {std}'
WORDS = 'np.load(folder / "sample.npy").astype("int64")'
"""What a network reads: values, brought to its scale, or numbers of words as they are."""
ASKS: dict[str, Sequence[str]] = {
    "onnx": (
        "import onnxruntime",
        'session = onnxruntime.InferenceSession(folder / "{file}")',
        'answer = session.run(None, {{"input": x[None]}})[0]',
    ),
    "executorch": (
        "import torch\nfrom executorch.runtime import Runtime",
        'program = Runtime.get().load_program(folder / "{file}")',
        'answer = program.load_method("forward").execute([torch.tensor(x[None])])[0]',
    ),
    "ncnn": (
        "import ncnn, zipfile",
        'zipfile.ZipFile(folder / "{file}").extractall(folder)',
        "net = ncnn.Net()",
        'net.load_param(str(folder / "model.ncnn.param"))',
        'net.load_model(str(folder / "model.ncnn.bin"))',
        "with net.create_extractor() as asked:",
        '    asked.input("in0", ncnn.Mat(x.astype("int32") if x.dtype == "int64" else x))',
        '    answer = np.array(asked.extract("out0")[1])',
    ),
    "litert": (
        "from ai_edge_litert.interpreter import Interpreter",
        'interpreter = Interpreter(str(folder / "{file}"))',
        "interpreter.allocate_tensors()",
        "takes, gives = interpreter.get_input_details()[0], interpreter.get_output_details()[0]",
        'if takes["dtype"] is np.int8:  # this file takes codes',
        '    scale, zero_point = takes["quantization"]',
        "    x = np.clip(np.round(x / scale) + zero_point, -128, 127)",
        'interpreter.set_tensor(takes["index"], x[None].astype(takes["dtype"]))',
        "interpreter.invoke()",
        'answer = interpreter.get_tensor(gives["index"])',
    ),
    "coreml": (
        "import coremltools, zipfile",
        'zipfile.ZipFile(folder / "{file}").extractall(folder)',
        'model = coremltools.models.MLModel(str(folder / "model.mlpackage"))  # on macOS',
        'answer = next(iter(model.predict({{"input": x[None]}}).values()))',
    ),
    "pt2": (
        "import torch\nimport torch.ao.quantization.fx._decomposed  # its rounding operators",
        'module = torch.export.load(folder / "{file}").module()',
        "answer = module(torch.tensor(x[None]))",
    ),
}
"""For each target: what to import, and the lines that make `answer` of `x`."""

FIT = '''"""Which class is sample.npy? Asks {file}, which knows how to scale it, with {runtime}."""
from pathlib import Path
import numpy as np
import torch
from compress_core.fit_file import load_fit

folder = Path(__file__).resolve().parent
network = load_fit(folder / "{file}")
answer = network.answer(torch.from_numpy(np.load(folder / "sample.npy")[None]))
print(network.network.labels[int(answer.argmax())])
'''
WEIGHTS = '''"""The weights of {file} as floats, for a network of your own. Needs PyTorch."""
import json
from pathlib import Path
from safetensors import safe_open

with safe_open(Path(__file__).resolve().parent / "{file}", "pt") as file:
    weights = {{name: file.get_tensor(name) for name in file.keys()}}
    grids = json.loads(file.metadata()["weights"])
for name, how in grids.items():  # integer codes, and a scale for each output or group of weights
    codes, scale = weights[name].flatten(1), weights.pop(name + "_scale")
    zero, levels = weights.pop(name + "_zero_point", scale * 0), weights.pop(name + "_levels", None)
    each = how["group_size"] or codes.shape[1]
    scale, zero = (
        value.reshape(-1, -(-codes.shape[1] // each)).repeat_interleave(each, 1)[:, :codes.shape[1]]
        for value in (scale, zero)
    )
    values = codes - zero if levels is None else levels[codes.long()]
    weights[name] = (values * scale).reshape(weights[name].shape)
for name, value in weights.items():
    print(name, tuple(value.shape), float(value.float().abs().sum()))
'''
ALONE = {"fit": FIT, "safetensors": WEIGHTS}
"""Files that know more, or less, than a network's answer to a scaled sample."""
TARGETS = (*ASKS, *ALONE)
"""All that have an example."""


def example(proof: Proof, compressed: Compressed, part: Part) -> str:
    """Return the text of `load_example.py`."""
    if proof.target in ALONE:
        return ALONE[proof.target].format(file=proof.file, runtime=proof.runtime)
    imports, *lines = ASKS[proof.target]
    ask = "\n".join([*lines, "print(labels[int(answer.argmax())])", ""])
    labels = json.dumps(compressed.network.labels, ensure_ascii=False)
    return (HEAD + ask).format(
        file=proof.file,
        runtime=proof.runtime,
        imports=imports.format(file=proof.file),
        labels=labels,
        x=_sample(part),
    )


def _sample(part: Part) -> str:
    """Return what makes the network's input of the stored sample."""
    if part.x.dtype in TOKENS:
        return WORDS
    return VALUES.format(mean=_literal(part.mean, part), std=_literal(part.std, part))


def _literal(value: Scale, part: Part) -> str:
    """Return a scale as Python writes it; one for each channel lies along the first axis."""
    if not isinstance(value, tuple):
        return str(value)
    axes = "".join(", 1" for _ in range(part.x.dim() - 2))
    return f'np.array({list(value)}, "float32").reshape(-1{axes})'
