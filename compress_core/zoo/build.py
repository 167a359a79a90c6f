"""Architectures that the built-in networks are made of: plain torch modules, nothing trained."""

from collections.abc import Callable

import torch
from torch import nn

from compress_core.zoo.pictures import ResNet20, lenet_5, lenet_300_100, simple_nn, vgg_small

ARCHITECTURES: dict[str, Callable[[float], nn.Module]] = {
    "simple-nn": simple_nn,
    "lenet-300-100": lenet_300_100,
    "lenet-5": lenet_5,
    "vgg-small": vgg_small,
    "resnet-20": ResNet20,
}


def build(architecture: str, seed: int, width: float = 1.0) -> nn.Module:
    """
    Return a freshly initialised network; equal seeds give equal weights.

    *width* scales the number of channels of every hidden layer.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ARCHITECTURES[architecture](width)
