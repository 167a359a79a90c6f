"""
A person's own data set, as the network reads it: survey it, then load it.

The files are read in a process of their own; what it writes is kept by content, so that the same
data for the same network are there at once the next time, in every process.
"""

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp

import platformdirs
import torch
from torch import Tensor, fx, nn

from compress_core.data import Data, Part, PartName, mapped
from compress_core.intake.choices import Choices
from compress_core.intake.fingerprint import fingerprint, lot
from compress_core.intake.limits import MEMORY, MOST_WRITTEN, SECONDS
from compress_core.intake.read_apart import REQUEST, SURVEY
from compress_core.intake.scaling import Scaling, usual_scaling
from compress_core.intake.store import MANIFEST, PROGRESS, Manifest
from compress_core.intake.survey import Survey
from compress_core.intake.wanted import Wanted
from compress_core.network import Network
from compress_core.refusal import IntakeError
from compress_core.sandbox import Limits, run_apart

KEPT = 20 << 30
"""Bytes of data sets that are kept; beyond, those that were not used for longest are deleted."""
_LEFT_BEHIND = 24 * 3600.0
"""Seconds after which an unfinished folder belongs to nobody."""
_VERSION = 2
"""Of the files in a folder. Raise it when the same bytes would be read otherwise."""
_BATCH = 256
_MODULE = "compress_core.intake.read_apart"


class BrokenSamples(IntakeError):
    """Some samples cannot be read, and nobody agreed yet to go on without them."""

    def __init__(self, manifest: Manifest) -> None:
        """Name the first; *manifest*.broken lists them."""
        self.broken, self.broken_count = manifest.broken, manifest.broken_count
        first = self.broken[0]
        super().__init__(
            f"{self.broken_count:,} of {self.broken_count + sum(manifest.sizes):,} samples cannot "
            f"be used, the first of them {first.name}: {first.reason}. Go on without them, or "
            "repair them."
        )


def survey_data(path: Path, network: Network, choices: Choices | None = None) -> Survey:
    """
    Look at a data set: counts, samples, what is broken, and what has to be asked.

    *path* is a file or a folder. Small sets are read whole, of large ones some samples, so that it
    takes seconds. Raises IntakeError, in one sentence, for what cannot be used.
    """
    with _new_folder() as folder:
        _ask(folder, "survey", path, wanted_by(network), choices or Choices())
        return Survey.from_dict(json.loads((folder / SURVEY).read_text(encoding="utf-8")))


def load_data(
    path: Path,
    network: Network,
    choices: Choices | None = None,
    *,
    skip_broken: bool = False,
    scaling: Scaling | None = None,
) -> Data:
    """
    Read a data set as *network* does; its samples stay on disk and are mapped into memory.

    The parts are those that the data set names, else drawn by its content: the same bytes give the
    same parts. Without labels, *y* is what *network* answers, and the data say that they are
    `against` the original. Raises BrokenSamples where some cannot be read unless *skip_broken*,
    and IntakeError, in one sentence, for what cannot be used or is not decided yet.
    """
    folder = prepare(path, network, choices)
    return open_parts(folder, network, skip_broken=skip_broken, scaling=scaling)


def prepare(path: Path, network: Network, choices: Choices | None = None) -> Path:
    """Return the folder that `open_parts` opens; reading everything may take long."""
    return _prepared(path, wanted_by(network), choices or Choices())


def open_parts(
    folder: Path, network: Network, *, skip_broken: bool = False, scaling: Scaling | None = None
) -> Data:
    """Return the samples that lie in a folder of `prepare`; raises BrokenSamples."""
    manifest = Manifest.read(folder)
    if manifest.broken_count and not skip_broken:
        raise BrokenSamples(manifest)
    scaling = scaling or usual_scaling(manifest.dtype)
    train, validation, test = (
        _part(folder, manifest, index, scaling, network) for index in range(3)
    )
    return Data(train=train, validation=validation, test=test, labels=manifest.labels)


def progress_of(
    path: Path, network: Network, choices: Choices | None = None
) -> tuple[int, int] | None:
    """Return (samples read, samples in all) while `load_data` reads them anywhere, else None."""
    name = _key(path, wanted_by(network), choices or Choices())
    for noted in data_folder().glob(f".new-{name}-*/{PROGRESS}"):
        with suppress(OSError, ValueError):  # it may have ended just now
            found = json.loads(noted.read_text())
            return int(found["done"]), int(found["of"])
    return None


def wanted_by(network: Network) -> Wanted:
    """Return what *network* reads; words where its first layer looks tokens up."""
    return Wanted(shape=network.input_shape, tokens=_tokens(network.module), labels=network.labels)


def _tokens(module: fx.GraphModule) -> int | None:
    """Return how many tokens the first layer knows, where it is one that looks tokens up."""
    waiting = [node for node in module.graph.nodes if node.op == "placeholder"]
    while waiting:
        for user in waiting.pop().users:
            if user.op == "call_module":
                leaf = module.get_submodule(str(user.target))
                return leaf.num_embeddings if isinstance(leaf, nn.Embedding) else None
            waiting.append(user)  # a conversion to whole numbers, most likely
    return None


def _key(path: Path, wanted: Wanted, choices: Choices) -> str:
    """Return what samples are kept by: the bytes they come from and all that decides about them."""
    key = [_VERSION, _fingerprint(path), asdict(wanted), asdict(choices)]
    return sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]


def _prepared(path: Path, wanted: Wanted, choices: Choices) -> Path:
    """Return the folder of the samples as they are read; made now, unless it is there."""
    name = _key(path, wanted, choices)
    done = data_folder() / name
    if (done / MANIFEST).is_file():
        os.utime(done)
        return done
    with _new_folder(name) as folder:
        _ask(folder, "read", path, wanted, choices)
        try:
            folder.rename(done)
        except OSError:
            if not (done / MANIFEST).is_file():  # else somebody else was faster
                raise
    forget_old(data_folder(), KEPT, spare=done)
    return done


def _ask(folder: Path, what: str, path: Path, wanted: Wanted, choices: Choices) -> None:
    request = {
        "do": what,
        "path": str(path.resolve()),
        "seed": lot(path.resolve()),
        "wanted": asdict(wanted),
        "choices": asdict(choices),
    }
    (folder / REQUEST).write_text(json.dumps(request), encoding="utf-8")
    run_apart(_MODULE, [], folder, Limits(seconds=SECONDS, memory=MEMORY, file=MOST_WRITTEN))


def _fingerprint(path: Path) -> str:
    if not path.exists():
        raise IntakeError(f"{path.name} is not there.")
    return fingerprint(path.resolve())


def data_folder() -> Path:
    """Return where data sets are kept: in FITTING_ROOM_HOME, or in the user's cache."""
    home = os.environ.get("FITTING_ROOM_HOME")
    cache = platformdirs.user_cache_path("fitting-room", appauthor=False)
    return (Path(home) if home else cache) / "data"


@contextmanager
def _new_folder(name: str = "survey") -> Iterator[Path]:
    """Give an empty folder; whatever is still in it at the end is deleted."""
    data_folder().mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix=f".new-{name}-", dir=data_folder()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def forget_old(kept_in: Path, most: int, spare: Path) -> None:
    """Delete the data sets that were not used for longest until at most *most* bytes are left."""
    sizes: dict[Path, int] = {}
    for folder in sorted(kept_in.iterdir(), key=lambda f: f.stat().st_mtime, reverse=True):
        if folder.name.startswith("."):
            if time.time() - folder.stat().st_mtime > _LEFT_BEHIND:
                shutil.rmtree(folder, ignore_errors=True)
            continue
        sizes[folder] = sum(file.stat().st_size for file in folder.iterdir())
        if sum(sizes.values()) > most and folder != spare:
            shutil.rmtree(folder, ignore_errors=True)
            del sizes[folder]


def _part(folder: Path, manifest: Manifest, index: int, scaling: Scaling, network: Network) -> Part:
    names: tuple[PartName, PartName, PartName] = ("train", "validation", "test")
    name, count = names[index], manifest.sizes[index]
    x = mapped(folder / f"{name}.x", (count, *manifest.shape), getattr(torch, manifest.dtype))
    part = Part(
        name=name, x=x, y=torch.zeros(count, dtype=torch.int64), mean=scaling.mean, std=scaling.std
    )
    if manifest.labelled:
        return replace(part, y=mapped(folder / f"{name}.y", (count,), torch.int64).clone())
    return replace(part, y=answers(network, part), against="original")


def answers(network: Network, part: Part) -> Tensor:
    """Return the class that *network* gives each sample of *part* (int64)."""
    with torch.inference_mode():
        found = [network.module(x).argmax(1) for x, _ in part.batches(_BATCH)]
    return torch.cat(found).clone() if found else torch.zeros(0, dtype=torch.int64)
