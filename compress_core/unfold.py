"""
LSTM and GRU layers taken apart into layers that can be compressed (in place, on an fx graph).

Layer `lstm` becomes, for each of its layers and directions, a linear layer `lstm.input` that reads
all moments at once and a recurrence `lstm.memory` that runs over them; with several, they are
numbered: `lstm.input1`, `lstm.memory1`, `lstm.input1_back`, and so on.
"""

import operator
from collections import Counter
from typing import Any

import torch
from torch import Tensor, fx, nn

from compress_core.recurrence import MOST_MOMENTS, GRURecurrence, LSTMRecurrence, Recurrence
from compress_core.shapes import node_shapes


def unfold(module: fx.GraphModule, input_shape: tuple[int, ...]) -> None:
    """
    Take apart every LSTM and GRU that starts from zero and is read by its parts (in place).

    The rest stays as it is: projections, states from outside, results that are passed on whole,
    more moments than a loop in Python should go through.
    """
    calls = Counter(node.target for node in module.graph.nodes)
    found = [n for n in module.graph.nodes if calls[n.target] == 1 and _can_unfold(module, n)]
    if not found:
        return
    shapes = node_shapes(module, input_shape)
    memories = [_Memory(module, node, shapes[node.all_input_nodes[0].name]) for node in found]
    if sum(memory.steps for memory in memories) > MOST_MOMENTS:
        return
    for memory in memories:
        memory.unfold()
    module.graph.eliminate_dead_code()
    module.delete_all_unused_submodules()
    module.recompile()


def _can_unfold(module: fx.GraphModule, node: fx.Node) -> bool:
    if node.op != "call_module" or len(node.args) != 1 or node.kwargs:
        return False
    leaf = module.get_submodule(str(node.target))
    if not isinstance(leaf, nn.LSTM | nn.GRU) or leaf.proj_size:
        return False
    parts = [user for user in node.users if user.op != "output"]
    last = [user for part in parts if part.args[1:] == (1,) for user in part.users]
    read = parts if isinstance(leaf, nn.GRU) else [*parts, *last]
    return len(parts) == len(node.users) and all(
        part.target is operator.getitem and part.args[1] in (0, 1) for part in read
    )


def _which(part: fx.Node) -> int:
    """Return which part of a result a node reads."""
    number = part.args[1]
    assert isinstance(number, int)
    return number


class _Memory:
    """One layer that is taken apart, and the nodes that are written instead."""

    def __init__(self, module: fx.GraphModule, node: fx.Node, read: list[int]) -> None:
        leaf = module.get_submodule(str(node.target))
        assert isinstance(leaf, nn.LSTM | nn.GRU)
        self.module, self.node, self.leaf, self.name = module, node, leaf, str(node.target)
        self.moments = read[1 if leaf.batch_first else 0]

    @property
    def steps(self) -> int:
        """How many moments all its layers and directions go through together."""
        return self.moments * self.leaf.num_layers * (1 + self.leaf.bidirectional)

    def unfold(self) -> None:
        """Let its parts compute what is read of it."""
        self.module.set_submodule(self.name, nn.Module())
        graph, single = self.module.graph, isinstance(self.leaf, nn.GRU)
        with graph.inserting_before(self.node):
            results = self.build(self.node.all_input_nodes[0])
        for part in list(self.node.users):
            if _which(part) == 0 or single:
                part.replace_all_uses_with(results[_which(part)])
            else:
                for state in list(part.users):
                    state.replace_all_uses_with(results[1 + _which(state)])
                    graph.erase_node(state)
            graph.erase_node(part)
        graph.erase_node(self.node)

    def build(self, x: fx.Node) -> tuple[fx.Node, ...]:
        """Return outputs, last states and last cells of an LSTM, as torch returns them."""
        leaf, graph = self.leaf, self.module.graph
        x = x if leaf.batch_first else graph.call_method("transpose", (x, 0, 1))
        kinds: list[dict[str, Any]] = [{}, {"cells": True}] if isinstance(leaf, nn.LSTM) else [{}]
        last: list[list[fx.Node]] = [[] for _ in kinds]
        for number in range(leaf.num_layers):
            outputs = []
            for back in (False, True)[: 1 + leaf.bidirectional]:
                projected = self._project(x, number, back)
                answers = [self._run(projected, number, back, kind) for kind in kinds]
                outputs.append(answers[0])
                for ends, answer in zip(last, answers, strict=True):
                    ends.append(self._moment(answer, 0 if back else -1))
            x = outputs[0] if len(outputs) == 1 else graph.call_function(torch.cat, (outputs, 2))
            if leaf.dropout and number < leaf.num_layers - 1:
                x = self._call(f"dropout{number + 1}", nn.Dropout(leaf.dropout), x)
        x = x if leaf.batch_first else graph.call_method("transpose", (x, 0, 1))
        return x, *(graph.call_function(torch.stack, (ends,)) for ends in last)

    def _project(self, x: fx.Node, number: int, back: bool) -> fx.Node:
        """Multiply all moments with the inputs' weights, in rows: runtimes have kernels for it."""
        weight, bias = self._parameters("ih", number, back)
        outputs, inputs = weight.shape
        linear = nn.Linear(inputs, outputs, bias=bias is not None, device="meta")
        graph = self.module.graph
        rows = graph.call_method("flatten", (x, 0, 1))
        rows = self._call(self._called("input", number, back), _filled(linear, weight, bias), rows)
        return graph.call_method("reshape", (rows, -1, self.moments, outputs))

    def _run(self, x: fx.Node, number: int, back: bool, kind: dict[str, Any]) -> fx.Node:
        weight, bias = self._parameters("hh", number, back)
        make = LSTMRecurrence if isinstance(self.leaf, nn.LSTM) else GRURecurrence
        with torch.device("meta"):
            memory = make(self.leaf.hidden_size, bias is not None, back, **kind)
        name = self._called("cells" if kind else "memory", number, back)
        return self._call(name, _filled(memory, weight, bias), x)

    def _moment(self, answers: fx.Node, which: int) -> fx.Node:
        return self.module.graph.call_function(operator.getitem, (answers, (slice(None), which)))

    def _call(self, name: str, layer: nn.Module, x: fx.Node) -> fx.Node:
        path = f"{self.name}.{name}"
        self.module.add_submodule(path, layer.eval())
        return self.module.graph.call_module(path, (x,))

    def _called(self, what: str, number: int, back: bool) -> str:
        several = self.leaf.num_layers > 1
        return f"{what}{number + 1 if several else ''}{'_back' if back else ''}"

    def _parameters(self, of: str, number: int, back: bool) -> tuple[Tensor, Tensor | None]:
        ending = f"{of}_l{number}{'_reverse' if back else ''}"
        return getattr(self.leaf, f"weight_{ending}"), getattr(self.leaf, f"bias_{ending}", None)


def _filled(layer: nn.Module, weight: Tensor, bias: Tensor | None) -> nn.Module:
    """Give a layer on the meta device its values, without a copy."""
    assert isinstance(layer, nn.Linear | Recurrence)
    layer.weight = nn.Parameter(weight.detach().contiguous(), requires_grad=False)
    if bias is not None:
        layer.bias = nn.Parameter(bias.detach().contiguous(), requires_grad=False)
    return layer
