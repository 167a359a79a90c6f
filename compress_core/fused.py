"""What a runtime makes part of the layer before it, or leaves out."""

from torch import fx, nn
from torch.nn import functional as F

from compress_core.integers import leaf_of
from compress_core.quantize import ACTIVATIONS, BATCH_NORMS, is_one_of


def costs_nothing(module: fx.GraphModule, node: fx.Node) -> bool:
    """Tell whether runtimes leave a node out, or make it a part of the layer before it."""
    if is_one_of(module, node, (nn.Identity, nn.Dropout, F.dropout, "contiguous", "long", "size")):
        return True
    fused = is_one_of(module, node, (*BATCH_NORMS, *ACTIVATIONS))
    return fused and _layer_before(module, node)


def _layer_before(module: fx.GraphModule, node: fx.Node) -> bool:
    source = node.args[0]
    while isinstance(source, fx.Node) and len(source.users) == 1:
        if isinstance(leaf_of(module, source), (nn.Conv1d, nn.Conv2d, nn.Linear)):
            return True
        if not is_one_of(module, source, (*BATCH_NORMS, nn.Identity, nn.Dropout)):
            return False
        source = source.args[0]
    return False
