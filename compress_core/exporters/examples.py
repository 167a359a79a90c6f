"""A short program for each kind of file that loads it and answers for one sample."""

from compress_core.data import Data
from compress_core.network import Network

NUMPY = """\
import numpy as np
{imports}

LABELS = {labels}
sample = np.zeros({shape}, np.float32)  # your sample, with values as they are in the data
sample = (sample - {mean}) / {std}
{answer}
print(LABELS[answers.argmax()])
"""
TORCH = NUMPY.replace("numpy as np", "torch").replace(
    "np.zeros({shape}, np.float32)", "torch.zeros{shape}"
)

PROGRAMS: dict[str, tuple[str, str, str, str]] = {
    "fit": (
        TORCH,
        "this app's compress_core, torch",
        "from compress_core.fit_file import load_fit",
        'answers = load_fit("{file}").module(sample)[0]',
    ),
    "onnx": (
        NUMPY,
        "onnxruntime, numpy",
        "import onnxruntime",
        'session = onnxruntime.InferenceSession("{file}")\n'
        'answers = session.run(None, {{"input": sample}})[0][0]',
    ),
    "executorch": (
        TORCH,
        "executorch, torch",
        "from executorch.runtime import Runtime",
        'method = Runtime.get().load_program("{file}").load_method("forward")\n'
        "answers = method.execute([sample])[0][0]",
    ),
    "ncnn": (
        NUMPY,
        "ncnn, numpy",
        "import ncnn\nfrom zipfile import ZipFile",
        'ZipFile("{file}").extractall()\n'
        "net = ncnn.Net()\n"
        'net.load_param("model.ncnn.param")\n'
        'net.load_model("model.ncnn.bin")\n'
        "extractor = net.create_extractor()\n"
        "row = np.ascontiguousarray(sample[0])  # ncnn reads its memory: keep it\n"
        'extractor.input("in0", ncnn.Mat(row))\n'
        'answers = np.array(extractor.extract("out0")[1])',
    ),
    "litert": (
        NUMPY,
        "ai-edge-litert, numpy",
        "from ai_edge_litert.interpreter import Interpreter",
        'interpreter = Interpreter("{file}")\n'
        "interpreter.allocate_tensors()\n"
        "(inputs,) = interpreter.get_input_details()\n"
        "(outputs,) = interpreter.get_output_details()\n"
        'if inputs["dtype"] is np.int8:  # the file takes codes\n'
        '    scale, zero_point = inputs["quantization"]\n'
        "    sample = np.clip(np.round(sample / scale) + zero_point, -128, 127).astype(np.int8)\n"
        'interpreter.set_tensor(inputs["index"], sample)\n'
        "interpreter.invoke()\n"
        'answers = interpreter.get_tensor(outputs["index"])[0]  # the largest is the answer',
    ),
    "coreml": (
        NUMPY,
        "coremltools, numpy; on macOS",
        "import coremltools\nfrom zipfile import ZipFile",
        'ZipFile("{file}").extractall()\n'
        'model = coremltools.models.MLModel("model.mlpackage")\n'
        'answers = next(iter(model.predict({{"input": sample}}).values()))[0]',
    ),
    "pt2": (
        TORCH,
        "torch",
        "import torch.ao.quantization.fx._decomposed  # knows the operators in the file",
        'answers = torch.export.load("{file}").module()(sample)[0]',
    ),
}

SAFETENSORS = """\
import json

from safetensors import safe_open

with safe_open("{file}", "pt") as file:
    tensors = {{name: file.get_tensor(name) for name in file.keys()}}
    grids = json.loads(file.metadata()["weights"])
for name, grid in grids.items():
    codes, scale = tensors[name], tensors.pop(f"{{name}}_scale")
    levels, zero = (tensors.pop(f"{{name}}_{{what}}", None) for what in ("levels", "zero_point"))
    width = codes[0].numel()  # each scale is for a group of weights, an output or all
    group = grid["group_size"] or (width if scale.dim() else codes.numel())
    rows = -(-width // group) * group if scale.dim() else width

    def spread(values):
        return values.reshape(-1, 1).repeat_interleave(group, 1).reshape(-1, rows)[:, :width]

    values = levels[codes.flatten(1).long()] if levels is not None else codes.flatten(1)
    values = values if zero is None else values - spread(zero).float()
    tensors[name] = (values * spread(scale)).reshape(codes.shape)
print(sum(tensor.numel() for tensor in tensors.values()), "values, for load_state_dict")
"""


def example(target: str, file: str, network: Network, data: Data) -> str:
    """Return a program that loads *file*, to be run in its folder, and what it needs."""
    if target == "safetensors":
        return _titled(file, "safetensors, torch", SAFETENSORS.format(file=file))
    frame, needs, imports, answer = PROGRAMS[target]
    program = frame.format(
        imports=imports,
        labels=list(data.labels),
        shape=(1, *network.input_shape),
        mean=data.test.mean,
        std=data.test.std,
        answer=answer.format(file=file),
    )
    return _titled(file, needs, program)


def _titled(file: str, needs: str, program: str) -> str:
    return f'"""What {file} answers for one sample. Needs: {needs}."""\n\n{program}'
