"""Let samples pass through a network sooner: the same values, laid out and written elsewhere."""

from collections import Counter

import torch
from torch import fx, nn
from torch.nn import functional as F

from compress_core.network import LAYER_KINDS, layer_calls
from compress_core.quantize import BATCH_NORMS, is_one_of

LEAVES = (nn.ReLU, nn.ReLU6, nn.Hardtanh)
FUNCTIONS = (F.relu, F.relu6, F.hardtanh)


def channels_last(module: fx.GraphModule) -> fx.GraphModule:
    """Let weights lie as processors like them (in place), and return the module."""
    copy_views(module)
    placed: fx.GraphModule = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return placed


def looked_through(module: fx.GraphModule) -> fx.GraphModule:
    """Make *module* (in place) what samples pass through once to be looked at, and return it."""
    overwrite(module)
    return channels_last(module)


def copy_views(module: fx.GraphModule) -> None:
    """Let views be copies where need be (in place): of pictures laid out otherwise none exist."""
    views = [n for n in module.graph.nodes if n.op == "call_method" and n.target == "view"]
    for node in views:
        node.target = "reshape"
    if views:
        module.recompile()


def overwrite(module: fx.GraphModule) -> None:
    """
    Let activation functions work in place where they follow a layer (in place).

    The outputs of *module* stay the same to the last bit; those of the layers before are lost. Not
    for training, which wants them back.
    """
    calls = Counter(str(node.target) for node, _ in layer_calls(module))
    for node in module.graph.nodes:
        if not is_one_of(module, node, (*LEAVES, *FUNCTIONS)) or not is_sole_reader(module, node):
            continue
        if node.op == "call_function":
            node.kwargs = {**node.kwargs, "inplace": True}
        elif calls[str(node.target)] == 1:
            module.get_submodule(str(node.target)).inplace = True  # type: ignore[assignment]
    module.recompile()


def is_sole_reader(module: fx.GraphModule, node: fx.Node) -> bool:
    """Tell whether *node* alone reads its input, which a layer or batch norm has computed."""
    source = node.all_input_nodes[0]
    return len(source.users) == 1 and is_one_of(module, source, (*LAYER_KINDS, *BATCH_NORMS))
