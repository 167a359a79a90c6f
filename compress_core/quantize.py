"""Quantization of the normal form: folded batch norms, grids for weights, grids for activations."""

import operator
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_weights, fuse_linear_bn_weights

from compress_core.clipping import CALIBRATIONS, MakeGrid
from compress_core.duplicate import duplicate
from compress_core.fit_grid import Scheme, fit_codebook, fit_linear, fit_power_of_two
from compress_core.grids import Grid, as_rows, fake_quantize
from compress_core.network import LAYER_KINDS, Network, reads_tokens, with_module
from compress_core.recipe import Quantize
from compress_core.streaming import Ends, StreamingHistogram, histograms

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
ACTIVATIONS = (
    *(nn.ReLU, nn.ReLU6, nn.Hardtanh),
    *(F.relu, F.relu6, F.hardtanh, torch.relu, "relu"),
)
"""Functions that runtimes fuse into the layer before them, so the value is rounded after them."""
SUMS = (operator.add, operator.iadd, operator.sub, operator.isub, torch.add, torch.sub)
"""Operators that can be followed by such a function as well."""
PASS_THROUGH = (
    *(nn.Identity, nn.Flatten, nn.Dropout, nn.MaxPool1d, nn.MaxPool2d),
    *(F.dropout, F.max_pool1d, F.max_pool2d, torch.flatten, torch.reshape, torch.transpose),
    *("contiguous", "flatten", "permute", "reshape", "squeeze", "transpose", "unsqueeze", "view"),
)
"""Their outputs are some of their inputs, so they are on the grid already."""


AT_ONCE = 1 << 16
"""Weights whose range is searched for at a time: they stay in the processor's cache."""
ANSWER_BITS = 8
"""Logits on fewer values would tie; on none, runtimes would not compute in integers throughout."""


@dataclass(frozen=True, slots=True)
class Site:
    """A node whose output is rounded when activations are, and the layer that computes it."""

    node: str
    layer: str | None
    """None for the input and for sums of several layers."""
    answer: bool
    """Whether this is what the network returns; it keeps at least `ANSWER_BITS`."""


class ActivationQuantizer(nn.Module):
    """Rounds what passes to a grid (quantize, then dequantize)."""

    def __init__(self, grid: Grid) -> None:
        super().__init__()
        self.grid = grid

    def forward(self, x: Tensor) -> Tensor:
        """Return x on the grid, same shape, float32."""
        return fake_quantize(x, self.grid)

    def _apply(self, fn, recurse=True):  # type: ignore[no-untyped-def]
        # The grid follows .to(device) as a buffer would.
        moved = fn(self.grid.scale)
        self.grid = self.grid.to(str(moved.device))
        return super()._apply(fn, recurse)  # type: ignore[no-untyped-call]


FUSE: dict[type[nn.Module], Callable[..., tuple[nn.Parameter, nn.Parameter]]] = {
    nn.Conv1d: fuse_conv_bn_weights,
    nn.Conv2d: fuse_conv_bn_weights,
    nn.Linear: fuse_linear_bn_weights,
}
"""Layers that a batch norm can be multiplied into, and how."""


def foldable(module: fx.GraphModule) -> Iterator[tuple[fx.Node, fx.Node]]:
    """Yield (layer, batch norm): every batch norm that can be multiplied into what it follows."""
    for node in list(module.graph.nodes):
        if isinstance(_leaf(module, node), BATCH_NORMS):
            source = node.args[0]
            if type(_leaf(module, source)) in FUSE and len(source.users) == 1:
                yield source, node


def fold_batch_norms(network: Network, statistics: Mapping[str, Tensor] | None = None) -> Network:
    """
    Return the network with every batch norm that follows a layer multiplied into its weights.

    *statistics* stand in for those of the batch norms that they name.
    """
    module = duplicate(network.module)
    for name, value in (statistics or {}).items():
        module.get_buffer(name).copy_(value)
    for source, node in foldable(module):
        layer, norm = _leaf(module, source), _leaf(module, node)
        assert layer is not None and isinstance(norm, BATCH_NORMS)
        layer.weight, layer.bias = FUSE[type(layer)](
            layer.weight, layer.bias,
            norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias,
        )  # fmt: skip
        node.replace_all_uses_with(source)
        module.graph.erase_node(node)
    module.delete_all_unused_submodules()
    module.recompile()
    module.requires_grad_(False)
    return with_module(network, module)


def weight_grid(weight: Tensor, step: Quantize) -> Grid:
    """Return the grid of a weight (outputs first) that *step* asks for."""
    assert step.weight_bits is not None
    axis = None if step.granularity == "per_tensor" else 0
    group_size = step.group_size if step.granularity == "per_group" else None
    if step.grid == "codebook":
        return fit_codebook(weight, step.weight_bits, axis, group_size)
    low, high = _weight_range(weight, step, group_size)
    if step.granularity == "per_tensor":
        low, high = low.squeeze(0), high.squeeze(0)
    if step.grid == "power_of_two":
        return fit_power_of_two(low, high, step.weight_bits, axis, group_size)
    return fit_linear(low, high, step.weight_bits, step.scheme, axis, group_size)


def shipped_weight(weight: Tensor, mask: Tensor | None, grid: Grid | None) -> Tensor:
    """Return fake_quantize(weight * mask, grid); differentiable by weight."""
    if mask is not None:
        weight = weight * mask
    return weight if grid is None else fake_quantize(weight, grid)


def activation_grid(seen: StreamingHistogram | Ends, bits: int, step: Quantize) -> Grid:
    """Return the grid of one activation; from its ends alone for the calibration minmax."""
    if isinstance(seen, Ends) or step.calibration == "minmax":
        low, high = torch.tensor(seen.low), torch.tensor(seen.high)
    else:
        calibrate = CALIBRATIONS[step.calibration]
        values, counts = seen.centres[None], seen.counts[None]
        low, high = (end.squeeze(0) for end in calibrate(values, counts, _rounder(bits, "affine")))
    if step.activation_grid == "power_of_two":
        return fit_power_of_two(low, high, bits)
    return fit_linear(low, high, bits, "affine")


def _weight_range(weight: Tensor, step: Quantize, group_size: int | None) -> tuple[Tensor, Tensor]:
    """Return (low, high) for each row: the tensor, each output or each group."""
    rows = weight.reshape(1, -1) if step.granularity == "per_tensor" else weight.flatten(1)
    rows = as_rows(rows, group_size)
    if step.calibration == "minmax":
        low, high = rows.aminmax(dim=1)
        return low.double(), high.double()
    rows = rows.double()
    assert step.weight_bits is not None
    calibrate = CALIBRATIONS[step.calibration]
    rounder = _rounder(step.weight_bits, step.scheme)
    # Values by themselves have no distribution to keep.
    counted = histograms if step.calibration == "entropy" else _each_once
    parts = rows.split(max(1, AT_ONCE // rows.shape[1]))
    ends = [calibrate(*counted(part), rounder) for part in parts]
    return torch.cat([low for low, _ in ends]), torch.cat([high for _, high in ends])


def _each_once(rows: Tensor) -> tuple[Tensor, Tensor]:
    return rows, torch.ones_like(rows)


def _rounder(bits: int, scheme: Scheme) -> MakeGrid:
    def make(low: Tensor, high: Tensor) -> Callable[[Tensor], Tensor]:
        grid = fit_linear(low, high, bits, scheme, axis=0)
        return lambda values: grid.decode(grid.encode(values.float())).double()

    return make


def activation_sites(module: fx.GraphModule) -> list[Site]:
    """
    Return where activations are rounded: the input and every new value, the answer included.

    A value is rounded after its activation function, where runtimes fuse it.
    """
    return [
        Site(node.name, _owner(module, node), _is_answer(module, node))
        for node in module.graph.nodes
        if _makes_a_value(module, node) and not _is_fused_into_next(module, node)
    ]


def insert_quantizers(module: fx.GraphModule, grids: dict[str, Grid]) -> None:
    """Let the value of each named node pass through its grid (in place; recompile it then)."""
    for node in list(module.graph.nodes):
        if node.name in grids:
            name = f"{node.name}_grid"
            module.add_submodule(name, ActivationQuantizer(grids[node.name]))
            with module.graph.inserting_after(node):
                rounded = module.graph.call_module(name)
            node.replace_all_uses_with(rounded)
            rounded.args = (node,)


def is_one_of(module: fx.GraphModule, node: fx.Node, kinds: Collection[object]) -> bool:
    """Tell whether *node* calls one of *kinds*: types of leaves, functions, names of methods."""
    if node.op == "call_module":
        return type(_leaf(module, node)) in kinds
    return node.op in ("call_function", "call_method") and node.target in kinds


def _leaf(module: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    return module.get_submodule(str(node.target)) if node.op == "call_module" else None


def _makes_a_value(module: fx.GraphModule, node: fx.Node) -> bool:
    if node.op == "placeholder":
        # Tokens are no quantities: rounded, they would be other words.
        return not reads_tokens(module)
    calls = node.op in ("call_module", "call_function", "call_method")
    return calls and not is_one_of(module, node, PASS_THROUGH)


def _is_fused_into_next(module: fx.GraphModule, node: fx.Node) -> bool:
    """Tell whether the only reader is the batch norm or activation function of this very value."""
    if len(node.users) != 1 or not _can_fuse(module, node):
        return False
    return is_one_of(module, next(iter(node.users)), (*BATCH_NORMS, *ACTIVATIONS))


def _can_fuse(module: fx.GraphModule, node: fx.Node) -> bool:
    return is_one_of(module, node, (*LAYER_KINDS, *BATCH_NORMS, *SUMS))


def _is_answer(module: fx.GraphModule, node: fx.Node) -> bool:
    return all(user.op == "output" for user in _readers(module, node))


def _readers(module: fx.GraphModule, node: fx.Node) -> Iterator[fx.Node]:
    for user in node.users:
        if user.op != "output" and not _makes_a_value(module, user):
            yield from _readers(module, user)
        else:
            yield user


def _owner(module: fx.GraphModule, node: fx.Node) -> str | None:
    """Return the layer that a value comes from, through batch norm and activation function."""
    if is_one_of(module, node, LAYER_KINDS):
        return str(node.target)
    if is_one_of(module, node, (*BATCH_NORMS, *ACTIVATIONS)):
        return _owner(module, node.all_input_nodes[0])
    return None
