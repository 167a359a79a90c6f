"""Bias correction: give every output back the mean that rounding its weights took."""

from torch import Tensor, fx

from compress_core.calibrate import input_means
from compress_core.data import Part
from compress_core.network import layer_weight


def corrected_biases(
    module: fx.GraphModule, shipped: dict[str, Tensor], part: Part
) -> dict[str, Tensor]:
    """
    Return biases moved by (w - shipped w) E[x], for the layers that have one (Nagel et al., 2019).

    *shipped* are the weights after masking and rounding; E[x] is the mean of each input channel
    over training samples, the border of padded convolutions not told apart.
    """
    means = input_means(module, part, shipped.keys())
    biases = {}
    for name, weight in shipped.items():
        error = layer_weight(module, name) - weight
        error = error.reshape(*error.shape[:2], -1).sum(2)
        bias = getattr(module.get_submodule(name), "bias", None)
        if isinstance(bias, Tensor) and error.shape[1] == len(means[name]):
            biases[name] = bias + error @ means[name]
    return biases
