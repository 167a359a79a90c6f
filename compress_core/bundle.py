"""
What is taken home: one zip with the exported file and all that belongs to it.

    the file, recipe.json, certificate.json, certificate.txt, load_example.py, sample.npy, NOTICE.md

Equal files with equal proofs make equal zips: nothing in them tells the time.
"""

import json
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np

from compress_core.certificate import text
from compress_core.compressed import Compressed
from compress_core.data import Data, Part
from compress_core.data_sets.data_set import ASSETS
from compress_core.data_sets.table import DATA_SETS
from compress_core.example import example
from compress_core.packed import stored_arrays
from compress_core.proof import Proof
from compress_core.rates import rates
from compress_core.sizes import Sizes, zipped_bytes
from compress_core.wardrobe import is_own

OWN_NOTICE = """\
This network and its sample were brought by whoever compressed them; their licences are theirs.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """An exported file with what is known of it; *scenario* is where the network came from."""

    scenario: str
    compressed: Compressed
    data: Data
    sizes: Sizes
    proof: Proof
    content: bytes
    """Of the exported file."""

    def zipped(self) -> bytes:
        """Return the zip."""
        files = BytesIO()
        with ZipFile(files, "w", ZIP_DEFLATED) as archive:
            for name, content in self.parts().items():
                entry = ZipInfo(f"{self.folder}/{name}")
                entry.compress_type = ZIP_DEFLATED
                archive.writestr(entry, content)
        return files.getvalue()

    @property
    def folder(self) -> str:
        """The folder that the zip unfolds into: lenet-5-onnx."""
        if is_own(self.scenario):
            return f"{Path(self.proof.file).stem}-{self.proof.target}"
        return f"{self.scenario.split('/')[1]}-{self.proof.target}"

    def parts(self) -> dict[str, bytes]:
        """Return the name and the content of every file in the zip."""
        texts = {
            "recipe.json": self.compressed.recipe.to_json(),
            "certificate.json": json.dumps(self.certificate(), indent=1) + "\n",
            "certificate.txt": text(
                self.compressed.network.name,
                self.proof,
                self.sizes,
                self.data.against,
                rates(self.scenario, self.proof.run.per_class) if self.proof.run else None,
            ),
            "load_example.py": self.example(),
            "NOTICE.md": notice(self.scenario),
        }
        return {
            self.proof.file: self.content,
            **{name: content.encode() for name, content in texts.items()},
            "sample.npy": sample(self.data.test),
        }

    def example(self) -> str:
        """Return ten lines of Python that load the file and ask it what a sample is."""
        return example(self.proof, self.compressed, self.data.test)

    def certificate(self) -> dict[str, Any]:
        """Return the proof as plain values, with what it was made of."""
        proof = self.proof.to_dict()
        if proof["run"] and self.data.against == "nothing":
            proof["run"]["accuracy"] = None
        return {
            "scenario": self.scenario,
            "accuracy_against": self.data.against,
            "recipe_digest": self.compressed.recipe.digest(),
            "bytes": {
                "original_float32": self.sizes.fp32_bytes,
                "in_theory": self.sizes.theory_bytes,
                "packed": self.sizes.packed_bytes,
                "zipped": zipped_bytes(stored_arrays(self.compressed)),
                "file": self.proof.bytes,
            },
            "proof": proof,
        }


def notice(scenario: str) -> str:
    """Return what `assets/NOTICE.md` says of the networks and of one data set."""
    if is_own(scenario):
        return OWN_NOTICE
    data_set = scenario.split("/")[0]
    return notice_of((ASSETS / "NOTICE.md").read_text(encoding="utf-8"), DATA_SETS[data_set].title)


def notice_of(everything: str, title: str) -> str:
    """Return the sections on the networks and on the data called *title*; all if one is missing."""
    sections = dict(part.partition("\n")[::2] for part in everything.split("\n## ")[1:])
    wanted = ("Trained networks", title)
    if not all(name in sections for name in wanted):
        return everything
    return "\n\n".join(f"## {name}\n\n{sections[name].strip()}" for name in wanted) + "\n"


def sample(part: Part) -> bytes:
    """Return the first sample of *part* as it is stored, in NumPy's format; zeros without any."""
    first = part.x[0] if len(part) else part.x.new_zeros(part.x.shape[1:])
    file = BytesIO()
    np.save(file, first.numpy(), allow_pickle=False)
    return file.getvalue()
