"""Architectures that the built-in networks are made of: plain torch modules, nothing trained."""

from collections.abc import Callable

import torch
from torch import nn

from compress_core.zoo.memory import WatchGru
from compress_core.zoo.photos import EfficientNetLite0
from compress_core.zoo.pictures import ResNet20, lenet_5, lenet_300_100, simple_nn, vgg_small
from compress_core.zoo.policies import cnn_policy, mlp_policy
from compress_core.zoo.reviews import ReviewConv, ReviewTransformer
from compress_core.zoo.speech import ds_cnn
from compress_core.zoo.tissue import tissue_mlp
from compress_core.zoo.watch import watch_conv

ARCHITECTURES: dict[str, Callable[[float], nn.Module]] = {
    "simple-nn": simple_nn,
    "lenet-300-100": lenet_300_100,
    "lenet-5": lenet_5,
    "vgg-small": vgg_small,
    "resnet-20": ResNet20,
}
"""For pictures of any data set."""

MADE_FOR: dict[str, Callable[[float], nn.Module]] = {
    "speech/ds-cnn": ds_cnn,
    "reviews/conv": ReviewConv,
    "reviews/transformer": ReviewTransformer,
    "breast-cancer/mlp": tissue_mlp,
    "watch/conv": watch_conv,
    "watch/gru": WatchGru,
    "lander/mlp": mlp_policy,
    "driving/cnn": cnn_policy,
    "photos/efficientnet-lite0": lambda _: EfficientNetLite0(),  # its weights have one width
}
"""By scenario: what reads the samples of one data set only."""


def build(name: str, seed: int, width: float = 1.0) -> nn.Module:
    """
    Return a freshly initialised network; equal seeds give equal weights.

    *name* is an architecture or a scenario, `<data set>/<architecture>`; *width* scales the number
    of channels of every hidden layer.
    """
    make = MADE_FOR[name] if name in MADE_FOR else ARCHITECTURES[name.split("/")[-1]]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make(width)
