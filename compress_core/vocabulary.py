"""
All that a graph in a file may name: kinds of layers with their parameters, functions, methods.

Whoever writes a file cannot make the reader call anything else.
"""

import builtins
import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

_CONV = "in_channels out_channels kernel_size stride padding dilation groups bias padding_mode"
_POOL = "kernel_size stride padding dilation ceil_mode"
_MEAN = "kernel_size stride padding ceil_mode count_include_pad"
_NORM = "num_features eps momentum affine track_running_stats"
_MEMORY = "input_size hidden_size num_layers bias batch_first dropout bidirectional"

LAYERS: dict[type[nn.Module], tuple[str, ...]] = {
    kind: tuple(parameters.split())
    for kind, parameters in {
        nn.Conv1d: _CONV,
        nn.Conv2d: _CONV,
        nn.Linear: "in_features out_features bias",
        nn.BatchNorm1d: _NORM,
        nn.BatchNorm2d: _NORM,
        nn.LayerNorm: "normalized_shape eps elementwise_affine bias",
        nn.GroupNorm: "num_groups num_channels eps affine",
        nn.Embedding: "num_embeddings embedding_dim padding_idx",
        nn.GRU: _MEMORY,
        nn.LSTM: _MEMORY,
        nn.MultiheadAttention: "embed_dim num_heads dropout bias batch_first",
        nn.ReLU: "",
        nn.ReLU6: "",
        nn.Hardtanh: "min_val max_val",
        nn.LeakyReLU: "negative_slope",
        nn.ELU: "alpha",
        nn.GELU: "approximate",
        nn.SiLU: "",
        nn.Sigmoid: "",
        nn.Tanh: "",
        nn.Hardswish: "",
        nn.Hardsigmoid: "",
        nn.Softmax: "dim",
        nn.LogSoftmax: "dim",
        nn.MaxPool1d: _POOL,
        nn.MaxPool2d: _POOL,
        nn.AvgPool1d: _MEAN,
        nn.AvgPool2d: _MEAN,
        nn.AdaptiveAvgPool1d: "output_size",
        nn.AdaptiveAvgPool2d: "output_size",
        nn.AdaptiveMaxPool1d: "output_size",
        nn.AdaptiveMaxPool2d: "output_size",
        nn.ZeroPad2d: "padding",
        nn.Flatten: "start_dim end_dim",
        nn.Dropout: "p",
        nn.Dropout1d: "p",
        nn.Dropout2d: "p",
        nn.Identity: "",
    }.items()
}
"""Kind of leaf -> the parameters of its constructor that say what it computes."""

KINDS = {kind.__name__: kind for kind in LAYERS}

FUNCTIONS: dict[str, Callable[..., Any]] = {
    f"{prefix}.{name}": getattr(home, name)
    for prefix, home, names in (
        ("operator", operator, "add sub mul truediv floordiv neg getitem iadd imul matmul"),
        (
            "torch",
            torch,
            "add sub mul div neg matmul bmm cat stack flatten reshape permute transpose squeeze "
            "unsqueeze mean sum amax relu sigmoid tanh softmax log_softmax clamp chunk split",
        ),
        (
            "functional",
            functional,
            "relu relu6 hardtanh leaky_relu elu gelu silu hardswish hardsigmoid sigmoid tanh "
            "softmax log_softmax max_pool1d max_pool2d avg_pool1d avg_pool2d adaptive_avg_pool1d "
            "adaptive_avg_pool2d dropout pad scaled_dot_product_attention",
        ),
        ("builtins", builtins, "getattr"),
    )
    for name in names.split()
}
POOLS: frozenset[Any] = frozenset(f for name, f in FUNCTIONS.items() if "_pool" in name)
"""Functions whose second argument is the size of a window."""
FUNCTION_NAMES = {function: name for name, function in FUNCTIONS.items()}

_METHODS = (
    "add sub mul div matmul view reshape flatten permute transpose contiguous squeeze unsqueeze "
    "mean sum amax size dim relu sigmoid tanh softmax log_softmax clamp chunk split expand float"
)
METHODS = frozenset(_METHODS.split())
"""Methods of tensors."""

ATTRIBUTES = frozenset({"shape", "ndim"})
"""What getattr may be asked for."""
