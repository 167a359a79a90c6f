"""The table of export targets: the cards, the benchmark and the tests read it."""

import sys

from compress_core.exporters import coreml, executorch, fit, litert, ncnn, onnx, pt2, safetensors
from compress_core.exporters.target import Target

PIP = "Install what the app needs again: pip install -r requirements.txt."


def targets() -> tuple[Target, ...]:
    """Return every target, also those that are not available here (`Target.missing` says why)."""
    return TARGETS


TARGETS = (
    Target(
        name="fit",
        title="Packed file",
        suffix=".fit",
        runtime="PyTorch",
        package="torch",
        needs=("constriction",),
        remedy=PIP,
        write=fit.write,
        open=fit.open_file,
    ),
    Target(
        name="onnx",
        title="ONNX",
        suffix=".onnx",
        runtime="ONNX Runtime",
        package="onnxruntime",
        needs=("onnx", "onnxscript", "onnxruntime", "ml_dtypes"),
        remedy=PIP,
        write=onnx.write,
        open=onnx.open_file,
    ),
    Target(
        name="executorch",
        title="ExecuTorch",
        suffix=".pte",
        runtime="ExecuTorch with XNNPACK",
        package="executorch",
        needs=("executorch", "torchao"),
        remedy=PIP,
        write=executorch.write,
        open=executorch.open_file,
    ),
    Target(
        name="litert",
        title="LiteRT",
        suffix=".tflite",
        runtime="LiteRT",
        package="ai-edge-litert",
        needs=("litert_torch", "ai_edge_litert"),
        remedy="Install it with pip install -r requirements-litert.txt.",
        write=litert.write,
        open=litert.open_file,
    ),
    Target(
        name="coreml",
        title="Core ML",
        suffix=".mlpackage.zip",
        runtime="Core ML",
        package="coremltools",
        needs=("coremltools",),
        remedy="Install it with pip install coremltools==9.0.",
        write=coreml.write,
        # Core ML is a part of macOS.
        open=coreml.open_file if sys.platform == "darwin" else None,
    ),
    Target(
        name="ncnn",
        title="ncnn",
        suffix=".ncnn.zip",
        runtime="ncnn",
        package="ncnn",
        needs=("pnnx", "ncnn"),
        remedy=PIP,
        write=ncnn.write,
        open=ncnn.open_file,
    ),
    Target(
        name="pt2",
        title="PyTorch",
        suffix=".pt2",
        runtime="PyTorch",
        package="torch",
        needs=("torch",),
        remedy=PIP,
        write=pt2.write,
        open=pt2.open_file,
    ),
    Target(
        name="safetensors",
        title="Safetensors",
        suffix=".safetensors",
        runtime="PyTorch",
        package="torch",
        needs=("safetensors",),
        remedy=PIP,
        write=safetensors.write,
        open=safetensors.open_file,
    ),
)
