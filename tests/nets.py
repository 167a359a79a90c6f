"""Built-in networks that nobody trained, and hashes to see whether anything changed."""

from hashlib import sha256

import torch
from torch import nn

from compress_core.data import Data, Part
from compress_core.network import Network, from_module
from compress_core.zoo.build import ARCHITECTURES, build

LABELS = tuple("0123456789")


def untrained(architecture: str, seed: int = 0, width: float = 1.0) -> Network:
    """Return a network whose batch norms have statistics and factors that do something."""
    module = build(architecture, seed, width)
    generator = torch.Generator().manual_seed(seed)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for value, low, high in (
                (layer.weight, 0.5, 1.5),
                (layer.bias, -0.3, 0.3),
                (layer.running_mean, -0.2, 0.2),
                (layer.running_var, 0.5, 2.0),
            ):
                assert isinstance(value, torch.Tensor)
                with torch.no_grad():
                    value.uniform_(low, high, generator=generator)
    side = 8 if architecture == "simple-nn" else 28 if width == 1 else 12
    return from_module(module, (1, side, side), LABELS, architecture)


def thin_resnet() -> Network:
    """Return ResNet-20 with a quarter of its channels, for small pictures: fast."""
    return untrained("resnet-20", width=0.25)


NETWORKS = tuple(ARCHITECTURES)


def noise(network: Network, count: int = 4, seed: int = 1) -> torch.Tensor:
    """Return random samples in the shape that *network* reads."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, *network.input_shape, generator=generator)


def noise_data(network: Network, train: int = 96, others: int = 32) -> Data:
    """Return three parts of random samples with random classes."""
    parts = {
        name: Part(
            name=name,  # type: ignore[arg-type]
            x=noise(network, count, seed),
            y=torch.randint(0, 10, (count,), generator=torch.Generator().manual_seed(seed)),
        )
        for seed, (name, count) in enumerate(
            (("train", train), ("validation", others), ("test", others))
        )
    }
    return Data(**parts, labels=LABELS)


def fingerprint(network: Network) -> str:
    """Return a hash of all that a network computes with: tensors, graph and modes."""
    module = network.module
    found = sha256(module.code.encode())
    for name, value in sorted(module.state_dict().items()):
        found.update(f"{name} {value.dtype} {tuple(value.shape)} {value.requires_grad}".encode())
        found.update(value.contiguous().numpy().tobytes())
    found.update(str([(name, m.training) for name, m in module.named_modules()]).encode())
    found.update(repr(network.layers).encode())
    return found.hexdigest()


def hooks(module: nn.Module) -> int:
    """Return how many hooks hang on a module and its parts."""
    return sum(
        len(registered)
        for part in module.modules()
        for name, registered in vars(part).items()
        if name.endswith("_hooks")
    )
