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

from compress_core.recurrence import GRURecurrence, LSTMRecurrence

_CONV = "in_channels out_channels kernel_size stride padding dilation groups bias padding_mode"
_POOL = "kernel_size stride padding dilation ceil_mode"
_MEAN = "kernel_size stride padding ceil_mode count_include_pad"
_NORM = "num_features eps momentum affine track_running_stats"
_TRANSPOSED = (
    "in_channels out_channels kernel_size stride padding output_padding groups bias dilation"
)
_MEMORY = "input_size hidden_size num_layers bias batch_first dropout bidirectional"

LAYERS: dict[type[nn.Module], tuple[str, ...]] = {
    kind: tuple(parameters.split())
    for kind, parameters in {
        nn.Conv1d: _CONV,
        nn.Conv2d: _CONV,
        nn.ConvTranspose1d: _TRANSPOSED,
        nn.ConvTranspose2d: _TRANSPOSED,
        nn.Linear: "in_features out_features bias",
        nn.BatchNorm1d: _NORM,
        nn.BatchNorm2d: _NORM,
        nn.InstanceNorm1d: _NORM,
        nn.InstanceNorm2d: _NORM,
        nn.LayerNorm: "normalized_shape eps elementwise_affine bias",
        nn.GroupNorm: "num_groups num_channels eps affine",
        nn.Embedding: "num_embeddings embedding_dim padding_idx",
        nn.GRU: _MEMORY,
        nn.LSTM: _MEMORY,
        GRURecurrence: "hidden_size bias reverse",
        LSTMRecurrence: "hidden_size bias reverse cells",
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
        nn.Mish: "",
        nn.PReLU: "num_parameters",
        nn.Softplus: "beta threshold",
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
            "unsqueeze mean sum amax relu sigmoid tanh softmax log_softmax clamp chunk split "
            "unbind sqrt rsqrt exp log pow abs erf maximum minimum where sign floor ceil round sin "
            "cos reciprocal square baddbmm einsum eq ne lt le gt ge logical_and logical_or "
            "logical_not",
        ),
        (
            "functional",
            functional,
            "relu relu6 hardtanh leaky_relu elu gelu silu hardswish hardsigmoid sigmoid tanh "
            "softmax log_softmax max_pool1d max_pool2d avg_pool1d avg_pool2d adaptive_avg_pool1d "
            "adaptive_avg_pool2d dropout pad scaled_dot_product_attention interpolate "
            "pixel_shuffle",
        ),
        ("builtins", builtins, "getattr"),
    )
    for name in names.split()
}
NAME_OF_OPERATOR = "aten."
"""How the name of one of torch's own operators begins: aten.cumsum.default."""


_OPERATORS = (
    "abs.default acos.default acosh.default amax.default amin.default any.default any.dim "
    "argmax.default argmin.default asin.default asinh.default atan.default atan2.default "
    "atanh.default avg_pool1d.default avg_pool2d.default avg_pool3d.default bitwise_and.Tensor "
    "bitwise_not.default bitwise_or.Tensor bitwise_xor.Tensor ceil.default clamp.Tensor "
    "col2im.default constant_pad_nd.default convolution.default cos.default cosh.default "
    "cumsum.default diagonal.default elu.default eq.Scalar eq.Tensor erf.default exp.default "
    "expm1.default flip.default floor.default fmod.Scalar fmod.Tensor full.default "
    "full_like.default gather.default ge.Scalar ge.Tensor grid_sampler_2d.default gt.Scalar "
    "gt.Tensor im2col.default index.Tensor index_select.default isinf.default isnan.default "
    "le.Scalar le.Tensor log.default log10.default log1p.default log2.default logical_and.default "
    "logical_not.default logical_or.default logical_xor.default lt.Scalar lt.Tensor max.dim "
    "max_pool3d_with_indices.default maximum.default min.dim minimum.default ne.Scalar ne.Tensor "
    "pixel_shuffle.default pow.Scalar pow.Tensor_Scalar pow.Tensor_Tensor prod.dim_int "
    "reciprocal.default reflection_pad1d.default reflection_pad2d.default remainder.Scalar "
    "remainder.Tensor repeat.default replication_pad1d.default replication_pad2d.default "
    "roll.default round.default rsqrt.default rsub.Scalar scatter.src scatter_add.default "
    "select_scatter.default sign.default sin.default sinh.default slice_scatter.default "
    "sort.default split.Tensor split_with_sizes.default sqrt.default tan.default topk.default "
    "tril.default triu.default trunc.default var.correction var.dim where.self where.ScalarOther "
    "where.ScalarSelf zeros_like.default ones_like.default masked_fill.Scalar norm.ScalarOpt_dim "
    "linalg_vector_norm.default baddbmm.default einsum.default pixel_unshuffle.default "
    "channel_shuffle.default celu.default selu.default threshold.default "
    "glu.default log_sigmoid.default hardshrink.default softshrink.default zeros.default "
    "ones.default arange.default arange.start_step narrow.default swapaxes.default "
    "movedim.intlist square.default std.dim std.correction rms_norm.default "
    "upsample_nearest1d.default upsample_linear1d.default upsample_bicubic2d.default"
)
FUNCTIONS |= {
    f"{NAME_OF_OPERATOR}{name}.{overload}": getattr(getattr(torch.ops.aten, name), overload)
    for name, _, overload in (n.partition(".") for n in _OPERATORS.split())
}
"""Torch's own operators that compute tensors of tensors and do nothing else."""


POOLS: frozenset[Any] = frozenset(f for name, f in FUNCTIONS.items() if "_pool" in name)
"""Functions whose second argument is the size of a window."""
FUNCTION_NAMES = {function: name for name, function in FUNCTIONS.items()}

_METHODS = (
    "add sub mul div matmul view reshape flatten permute transpose contiguous squeeze unsqueeze "
    "mean sum amax size dim relu sigmoid tanh softmax log_softmax clamp chunk split expand float "
    "long int bool repeat t type_as"
)
METHODS = frozenset(_METHODS.split())
"""Methods of tensors."""

ATTRIBUTES = frozenset({"shape", "ndim"})
"""What getattr may be asked for."""
