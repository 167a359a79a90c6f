"""From a network to its sketch: the weights of all layers and what folding does to them."""

from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from compress_core.network import Network, layer_weight
from compress_core.quantize import fold_batch_norms
from compress_core.sketch import LayerSketch, Sketch
from compress_core.sketch_layer import sketch_layer


def sketch_network(network: Network) -> Sketch:
    """Sketch every layer, one after the other."""
    folded = fold_batch_norms(network)
    layers: list[LayerSketch] = []
    for layer in network.layers:
        weights = layer_weight(network.module, layer.name).detach().numpy()
        after = layer_weight(folded.module, layer.name).detach().numpy()
        layers.append(sketch_layer(layer.name, weights, _factors(weights, after)))
    inside = sum(layer.count for layer in layers)
    return Sketch(
        layers=tuple(layers),
        fp32_bytes=4 * _values(network),
        others=_values(network) - inside,
        folded_others=_values(folded) - inside,
    )


def _values(network: Network) -> int:
    values = network.module.state_dict().values()
    return sum(value.numel() for value in values if value.is_floating_point())


def weights_digest(network: Network) -> str:
    """Return a hash of all that a sketch depends on: names, shapes and every value."""
    found = sha256()
    for name, value in sorted(network.module.state_dict().items()):
        found.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        found.update(value.contiguous().numpy().tobytes())
    return found.hexdigest()


def _factors(before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what each output was multiplied by, read off its largest weight."""
    rows, changed = before.reshape(len(before), -1), after.reshape(len(after), -1)
    at = np.abs(rows).argmax(1)[:, None]
    largest = np.take_along_axis(rows, at, 1)[:, 0]
    found = np.take_along_axis(changed, at, 1)[:, 0]
    return np.where(largest == 0, 1, found / np.where(largest == 0, 1, largest)).astype(np.float32)
