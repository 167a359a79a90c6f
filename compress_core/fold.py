"""The way back from `unfold`: recurrences as torch's own layers, for what knows only those."""

import operator

import torch
from torch import fx, nn

from compress_core.duplicate import duplicate
from compress_core.network import layer_calls, output_shapes
from compress_core.recurrence import RECURRENT, GRURecurrence, LSTMRecurrence, Recurrence

OWN: dict[type[Recurrence], type[nn.GRU] | type[nn.LSTM]] = {
    GRURecurrence: nn.GRU,
    LSTMRecurrence: nn.LSTM,
}


def fold(module: fx.GraphModule) -> fx.GraphModule:
    """
    Return a copy in which a recurrence and the linear layer before it are one `nn.GRU` or LSTM.

    Only where nothing comes between the two, and the recurrence answers what it lets out.
    """
    module = duplicate(module)
    for node, memory in list(layer_calls(module)):
        if isinstance(memory, RECURRENT) and not getattr(memory, "cells", False):
            projected = _projection(module, node)
            if projected is not None:
                _join(module, node, memory, projected)
    module.graph.eliminate_dead_code()
    module.delete_all_unused_submodules()
    module.recompile()
    return module


def moments(module: fx.GraphModule, input_shape: tuple[int, ...]) -> int:
    """Return how many moments all recurrences go through together."""
    memories = [n.name for n, leaf in layer_calls(module) if isinstance(leaf, RECURRENT)]
    shapes = output_shapes(module, input_shape) if memories else {}
    return sum(shapes[name][0] for name in memories)


def _projection(module: fx.GraphModule, node: fx.Node) -> fx.Node | None:
    """Return the call of the linear layer that alone gives *node* its rows."""
    shaped = node.all_input_nodes[0]
    if shaped.op != "call_method" or shaped.target != "reshape":
        return None
    rows = shaped.all_input_nodes[0]
    linear = rows.op == "call_module" and type(module.get_submodule(str(rows.target))) is nn.Linear
    return rows if linear else None


def _join(module: fx.GraphModule, node: fx.Node, memory: Recurrence, projected: fx.Node) -> None:
    linear = module.get_submodule(str(projected.target))
    assert isinstance(linear, nn.Linear)
    own = OWN[type(memory)](linear.in_features, memory.hidden_size, batch_first=True)
    nothing = torch.zeros(len(memory.weight))
    values = {
        "weight_ih_l0": linear.weight,
        "weight_hh_l0": memory.weight,
        "bias_ih_l0": nothing if linear.bias is None else linear.bias,
        "bias_hh_l0": nothing if memory.bias is None else memory.bias,
    }
    own.load_state_dict(values)
    module.set_submodule(str(node.target), own.eval().requires_grad_(False))
    graph, moments = module.graph, node.all_input_nodes[0].args[2]
    with graph.inserting_before(node):
        rows = projected.all_input_nodes[0]
        x = graph.call_method("reshape", (rows, -1, moments, linear.in_features))
        x = graph.call_function(torch.flip, (x, (1,))) if memory.reverse else x
        answers = graph.call_module(str(node.target), (x,))
        answers = graph.call_function(operator.getitem, (answers, 0))
        answers = graph.call_function(torch.flip, (answers, (1,))) if memory.reverse else answers
    node.replace_all_uses_with(answers)
    graph.erase_node(node)
