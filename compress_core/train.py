"""
Train the built-in networks from a seed: `python -m compress_core.train fashion-mnist/lenet-5`.

Writes `assets/<scenario>/seed-<n>.safetensors` and, beside it, `seed-<n>.json` with the training
curve, the accuracies, the hash of the weights and the command. The test part is looked at once,
after the last epoch.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from compress_core.data import Data
from compress_core.data_sets.data_set import ASSETS
from compress_core.events import EpochEnd, Event, Finished, Improved
from compress_core.fit import Augment, Plan, State, fit, score
from compress_core.measured import Measured, proportion
from compress_core.scenarios import load_data
from compress_core.zoo.build import build
from compress_core.zoo.reviews import PADDING, UNKNOWN


def shift_and_flip(x: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror half of the pictures and move all by up to two pixels: garments have two sides."""
    n, _, height, width = x.shape
    flip = torch.rand(n, generator=generator) < 0.5
    x = torch.where(flip[:, None, None, None], x.flip(3), x)
    padded = torch.nn.functional.pad(x, (2, 2, 2, 2), mode="replicate")
    dy, dx = torch.randint(0, 5, (2, n), generator=generator)
    rows = dy[:, None] + torch.arange(height)
    columns = dx[:, None] + torch.arange(width)
    return padded[torch.arange(n)[:, None, None], :, rows[:, :, None], columns[:, None, :]].permute(
        0, 3, 1, 2
    )


def forget_words(x: Tensor, generator: torch.Generator) -> Tensor:
    """Let half of the words be unknown ones, so that no answer hangs on a few of them."""
    forgotten = torch.rand(x.shape, generator=generator) < 0.5
    return torch.where(forgotten & (x != PADDING), UNKNOWN, x)


def vary_voice(x: Tensor, generator: torch.Generator) -> Tensor:
    """Let spectra be louder or softer, and lack a few bands of pitch and some moments."""
    n, _, bands, columns = x.shape
    louder = torch.rand((n, 1, 1, 1), generator=generator) - 0.5
    hidden = (
        _run(n, bands, 6, generator)[:, None, :, None]
        | _run(n, columns, 16, generator)[:, None, None, :]
    )
    return torch.where(hidden, 0.0, x + louder)


def _run(n: int, length: int, most: int, generator: torch.Generator) -> Tensor:
    """Return n x length, in each row one run of True, up to *most* long."""
    drawn = torch.rand((2, n, 1), generator=generator)
    start, size = drawn[0] * length, drawn[1] * most
    place = torch.arange(length)
    return torch.logical_and(place >= start, place < start + size)


TRAINING: dict[str, tuple[Plan, Augment | None]] = {
    "digits/simple-nn": (Plan(epochs=60, lr=3e-3, batch_size=32, amp=False), None),
    "fashion-mnist/lenet-300-100": (Plan(epochs=20, lr=2e-3, weight_decay=0.05), None),
    "fashion-mnist/lenet-5": (Plan(epochs=30, lr=4e-3, weight_decay=0.02), shift_and_flip),
    "fashion-mnist/vgg-small": (Plan(epochs=24, lr=4e-3, weight_decay=0.05), shift_and_flip),
    "fashion-mnist/resnet-20": (Plan(epochs=20, lr=4e-3, weight_decay=0.05), shift_and_flip),
    "speech/ds-cnn": (Plan(epochs=12, lr=4e-3, weight_decay=0.05, batch_size=64), vary_voice),
    "breast-cancer/mlp": (
        Plan(epochs=60, lr=3e-3, weight_decay=0.5, batch_size=16, amp=False),
        None,
    ),
    "watch/conv": (Plan(epochs=15, lr=3e-3, weight_decay=0.1, batch_size=64, amp=False), None),
    "watch/gru": (Plan(epochs=12, lr=3e-3, weight_decay=0.1, batch_size=64, amp=False), None),
    "lander/mlp": (Plan(epochs=40, lr=4e-3, amp=False), None),
    "driving/cnn": (Plan(epochs=10, lr=2e-3, weight_decay=0.02), None),
    "reviews/conv": (
        Plan(epochs=12, lr=5e-3, weight_decay=1.0, batch_size=32, amp=False),
        forget_words,
    ),
    "reviews/transformer": (
        Plan(epochs=10, lr=3e-3, weight_decay=1.0, batch_size=32, amp=False),
        forget_words,
    ),
}


def train(
    scenario: str, seed: int, data: Data
) -> Iterator[Event | Improved[State] | Finished[State]]:
    """Train the network of *scenario* from scratch and yield what happens."""
    plan, augment = TRAINING[scenario]
    plan = Plan(**{**asdict(plan), "seed": seed})
    return fit(build(scenario, seed), data, plan, augment=augment)


def write(scenario: str, seed: int, state: State, curve: list[EpochEnd], data: Data) -> Path:
    """Store weights and their record under `assets/`, and return the record's path."""
    folder = ASSETS / scenario
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / f"seed-{seed}.safetensors"
    save_file({name: value.contiguous() for name, value in state.items()}, weights)
    module = build(scenario, seed)
    module.load_state_dict(state)
    classes, _ = score(module, data.test)
    right = classes == data.test.y
    record = {
        "scenario": scenario,
        "seed": seed,
        "command": f"python -m compress_core.train {scenario} --seed {seed}",
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "plan": asdict(TRAINING[scenario][0]) | {"seed": seed},
        "sha256": sha256(weights.read_bytes()).hexdigest(),
        "test": asdict(_share(right)),
        "per_class": [asdict(_share(right[data.test.y == i])) for i in range(len(data.labels))],
        "curve": [asdict(epoch) for epoch in curve],
    }
    path = weights.with_suffix(".json")
    path.write_text(json.dumps(record, indent=1) + "\n")
    return path


def _share(right: Tensor) -> Measured:
    return proportion(int(right.sum()), len(right))


def main() -> None:
    """Train one scenario for the seeds asked for and print an epoch a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", choices=sorted(TRAINING))
    parser.add_argument("--seed", type=int, nargs="+", default=[0])
    arguments = parser.parse_args()
    data = load_data(arguments.scenario)
    for seed in arguments.seed:
        curve: list[EpochEnd] = []
        for event in train(arguments.scenario, seed, data):
            if isinstance(event, EpochEnd):
                curve.append(event)
                print(f"{arguments.scenario} seed {seed}: {event}", flush=True)
            elif isinstance(event, Finished):
                print(write(arguments.scenario, seed, event.result, curve, data), flush=True)


if __name__ == "__main__":
    main()
