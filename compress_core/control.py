"""
The control: small networks of the same kind, trained from scratch and stored with 8 bits.

A compression ratio says little alone: it may only tell how oversized the start was. Beside every
ratio stands what a small network reaches at the same size. Made once, into
`assets/<scenario>/control.json`, by `python -m compress_core.control fashion-mnist/lenet-5`.
"""

import argparse
import json
from dataclasses import asdict, dataclass
from math import exp, log

from compress_core.compress import compress
from compress_core.data import Data
from compress_core.data_sets.data_set import ASSETS
from compress_core.data_sets.table import DATA_SETS
from compress_core.evaluate import evaluate
from compress_core.events import Finished
from compress_core.fit import fit
from compress_core.measured import Measured
from compress_core.network import from_module
from compress_core.recipe import Quantize, Recipe
from compress_core.scenarios import list_seeds, load_data, load_scenario
from compress_core.sizes import sizes
from compress_core.train import TRAINING
from compress_core.zoo.build import build

WIDTHS = (0.06, 0.12, 0.25, 0.5, 1.0)
"""Of the built-in network's hidden layers."""
INT8 = Recipe(steps=(Quantize(weight_bits=8, activation_bits=8),))


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPoint:
    """A small network trained from scratch: what it weighs as a file and what it reaches."""

    width: float
    packed_bytes: int
    validation: Measured
    test: Measured


def load_control(scenario: str) -> tuple[ControlPoint, ...]:
    """Return the control curve of a scenario, small networks first; empty where none was made."""
    path = ASSETS / scenario / "control.json"
    if not path.is_file():
        return ()
    return tuple(
        ControlPoint(
            width=point["width"],
            packed_bytes=point["packed_bytes"],
            validation=Measured(**point["validation"]),
            test=Measured(**point["test"]),
        )
        for point in json.loads(path.read_text())["points"]
    )


def smallest_bytes(curve: tuple[ControlPoint, ...], accuracy: float) -> float | None:
    """
    Return the bytes at which a small network reaches *accuracy* on the validation part.

    Between two points by their logarithm; None where no point of the curve reaches it.
    """
    below: ControlPoint | None = None
    for point in curve:
        if point.validation.value >= accuracy:
            if below is None:
                return float(point.packed_bytes)
            rise = point.validation.value - below.validation.value
            share = (accuracy - below.validation.value) / rise
            step = log(point.packed_bytes / below.packed_bytes)
            return below.packed_bytes * exp(share * step)
        below = point
    return None


def train_point(scenario: str, width: float, data: Data) -> ControlPoint:
    """Train one small network with the plan of the built-in one and store it with 8 bits."""
    data_name, architecture = scenario.split("/")
    plan, augment = TRAINING[scenario]
    if width == 1 and plan.seed in list_seeds(scenario):
        network = load_scenario(scenario, plan.seed).network  # the very same training
    else:
        module = build(scenario, plan.seed, width)
        for event in fit(module, data, plan, augment=augment):
            if isinstance(event, Finished):
                module.load_state_dict(event.result)
        shape = DATA_SETS[data_name].input_shape
        network = from_module(module, shape, data.labels, architecture)
    small = compress(network, INT8, data)
    return ControlPoint(
        width=width,
        packed_bytes=sizes(small).packed_bytes,
        validation=evaluate(small, data.validation).accuracy,
        test=evaluate(small, data.test).accuracy,
    )


def main() -> None:
    """Train the control curve of one scenario and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", choices=sorted(TRAINING))
    parser.add_argument("--widths", type=float, nargs="+", default=WIDTHS)
    arguments = parser.parse_args()
    data = load_data(arguments.scenario)
    points = []
    for width in sorted(arguments.widths):
        points.append(asdict(train_point(arguments.scenario, width, data)))
        print(points[-1], flush=True)
    record = {
        "command": f"python -m compress_core.control {arguments.scenario}",
        "points": sorted(points, key=lambda point: point["packed_bytes"]),
    }
    path = ASSETS / arguments.scenario / "control.json"
    path.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
