"""Real files with wrong bytes: each is read, or refused in one sentence; nothing else happens."""

import random
import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from compress_core.intake.choices import Choices
from compress_core.intake.wanted import Wanted
from compress_core.refusal import IntakeError
from tests.test_intake_tables import parquet
from tests.uploads import pack, picture, read_parts, shade, sound, survey, wanted


def folders(folder: Path) -> Path:
    colour = np.arange(300, dtype=np.uint8).reshape(10, 10, 3)
    files = {f"cat/{form}": picture(colour, form) for form in FORMS}
    return pack(folder / "a.zip", files | {"dog/1.png": shade(3)})


def one(form: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / "one"
        path.write_bytes(picture(np.arange(300, dtype=np.uint8).reshape(10, 10, 3), form))
        return path

    return write


def wav(folder: Path) -> Path:
    path = folder / "a.wav"
    path.write_bytes(sound(np.linspace(-0.5, 0.5, 200)))
    return path


def table(folder: Path) -> Path:
    path = folder / "a.csv"
    rows = [f"{i},{i * i},{-i / 2},{'xy'[i % 2]}" for i in range(20)]
    path.write_text("\n".join(["a,b,c,label", *rows]))
    return path


def arrays(folder: Path) -> Path:
    np.savez(folder / "a.npz", x=np.arange(24.0).reshape(8, 3), y=np.arange(8) % 2)
    return folder / "a.npz"


def columns(folder: Path) -> Path:
    values = [float(i) for i in range(20)]
    return parquet(folder, a=values, b=values, c=values, label=["x", "y"] * 10)


FORMS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")
SEEDS: dict[str, tuple[Callable[[Path], Path], Wanted]] = {
    "folders": (folders, wanted(3, 8, 8)),
    **{form: (one(form), wanted(1, 8, 8)) for form in FORMS},
    "wav": (wav, wanted(1, 100)),
    "csv": (table, wanted(3)),
    "npz": (arrays, wanted(3)),
    "parquet": (columns, wanted(3)),
}  # fmt: skip
EXTREMES = (
    b"\x00" * 4,
    b"\xff" * 4,
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\x80",
    b',\n"',
    b"nan",
)


def mutated(raw: bytes, draw: random.Random) -> bytes:
    """Return a file with bytes turned, cut, doubled or made extreme."""
    changed = bytearray(raw)
    for _ in range(draw.choice([1, 1, 2, 8])):
        at = draw.randrange(len(changed) + 1)
        match draw.randrange(5):
            case 0 if changed:
                changed[at % len(changed)] ^= 1 << draw.randrange(8)
            case 1:
                changed[at : at + 4] = draw.choice(EXTREMES)
            case 2:
                del changed[at : at + draw.choice([1, 7, 100])]
            case 3:
                changed[at:at] = changed[at : at + draw.choice([1, 16, 64])]
            case _:
                changed[at:at] = draw.randbytes(draw.choice([1, 4]))
    return bytes(changed)


def hammer(kind: str, cases: int, folder: Path, seed: int = 0) -> set[str]:
    """Read mutants of one kind in this process and return how each ended."""
    write, reads = SEEDS[kind]
    (folder / "seed").mkdir()
    source = write(folder / "seed")
    raw, target, work = source.read_bytes(), folder / source.name, folder / "work"
    draw, endings = random.Random(f"{kind} {seed}"), set()
    for _ in range(cases):
        target.write_bytes(mutated(raw, draw))
        for act in (survey, read_parts):
            try:
                act(target, reads, work, Choices())
                endings.add("read")
            except IntakeError as error:
                text = str(error)
                assert text.rstrip()[-1] in ".?", text
                assert "\n" not in text
                endings.add("refused")
    return endings


@pytest.mark.parametrize("kind", SEEDS)
def test_what_is_not_changed_is_read(kind: str, tmp_path: Path) -> None:
    write, reads = SEEDS[kind]
    manifest, x, _ = read_parts(write(tmp_path), reads, tmp_path / "work")
    assert manifest.broken_count == 0
    assert sum(map(len, x)) > 0


@pytest.mark.parametrize("kind", SEEDS)
def test_a_few_mutants_end_in_data_or_in_a_sentence(kind: str, tmp_path: Path) -> None:
    assert hammer(kind, 14, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", SEEDS)
def test_ten_thousand_mutants_end_in_data_or_in_a_sentence(kind: str, tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert hammer(kind, 10_000 // len(SEEDS) + 1, tmp_path, seed=1) == {"read", "refused"}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 20  # KiB: 1 GiB
    left = {path.name for path in tmp_path.iterdir()} - {"home", "seed", "work"}
    assert left == {path.name for path in (tmp_path / "seed").iterdir()}
