"""
Reads mutated files, each in a fork of one process that has torch loaded already.

    python -m tests.fuzz_server FOLDER CASES SEED

FOLDER holds sound files. For each case a line `case end sentence` goes to FOLDER/results: `read`,
`refused`, `died` (a native parser crashed or ran out of memory), or `hung`.
"""

import os
import random
import signal
import sys
import time
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

# Loaded before the forks, which would each do it again otherwise.
import onnx.inliner  # noqa: F401
import onnxruntime  # type: ignore[import-untyped]  # noqa: F401
import torch._dynamo
import torch._export.converter  # noqa: F401

from compress_core.importers import exported, known, state_dict, torchscript  # noqa: F401
from compress_core.importers.formats import recognise
from compress_core.importers.reading import check, read
from compress_core.refusal import IntakeError
from compress_core.sandbox import confine

PATIENCE = 60.0
MEMORY, FILE = 6 << 30, 64 << 20
ODD = (b"\0", b"\xff", b"\x7f", b"\x80", b"../", b"[[[[", b"1e999", b"NaN", b"-1", b"{}")


def mutate(content: bytes, random: random.Random) -> bytes:
    """Return the content with a few bytes turned, cut, doubled or replaced."""
    out = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 4, 16))):
        at = random.randrange(len(out))
        match random.randrange(6):
            case 0:
                out[at] ^= 1 << random.randrange(8)
            case 1:
                out[at : at + 1] = random.choice(ODD)
            case 2:
                del out[at : at + random.randrange(1, 64)]
            case 3:
                out[at:at] = out[at : at + random.randrange(1, 64)]
            case 4:
                out[at : at + 4] = random.randbytes(4)
            case _:
                del out[max(at, 8) :]
        if not out:
            return b"\0"
    return bytes(out)


def mutate_inside(content: bytes, random: random.Random) -> bytes:
    """Mutate one part of an archive and pack it again with the right checksums."""
    out = BytesIO()
    with ZipFile(BytesIO(content)) as archive, ZipFile(out, "w") as changed:
        parts = {name: archive.read(name) for name in archive.namelist()}
        target = random.choice([name for name, part in parts.items() if part])
        for name, part in parts.items():
            changed.writestr(name, mutate(part, random) if name == target else part)
    return out.getvalue()


def attempt(path: Path, folder: Path) -> str:
    """Read one file as the confined process would and return how that ended."""
    try:
        kind = recognise(path)
        if kind in ("fit", "pickle"):
            return "refused"
        check(read(path, kind, None, folder))
    except IntakeError as error:
        return f"refused {str(error)[:300]}"
    except MemoryError:
        return "refused memory"
    except Exception as error:
        # `sentences` makes one of it; that it is needed at all is counted.
        return f"caught {type(error).__name__} {str(error)[:200]}"
    return "read"


def one(case: int, content: bytes, folder: Path) -> str:
    """Read *content* in a fork and return how that ended."""
    work = folder / f"case{case}"
    work.mkdir()
    path, said = work / "net", work / "said"
    path.write_bytes(content)
    child = os.fork()
    if child == 0:
        os.chdir(work)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1), os.dup2(null, 2)
        said.write_text(attempt(path, work))
        os._exit(0)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            text = said.read_text() if status == 0 and said.exists() else f"died {status}"
            break
        time.sleep(0.002)
    else:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        text = "hung"
    for name in work.iterdir():
        name.unlink()
    work.rmdir()
    return " ".join(text.split())


def main() -> None:
    """Run the cases that the command line asks for."""
    folder, cases, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    os.environ["FITTING_ROOM_LIMITS"] = f"{MEMORY} {FILE}"
    confine()
    sound = [path.read_bytes() for path in sorted((folder / "sound").iterdir())]
    names = [path.name for path in sorted((folder / "sound").iterdir())]
    # Much of torch is loaded at first use; no threads start here, so that forking is safe.
    for path in (folder / "sound").glob("*.pt2"):
        attempt(path, folder)
    with (folder / "results").open("w", buffering=1) as results:
        for case in range(cases):
            which = case % len(sound)
            inside = sound[which].startswith(b"PK") and case // len(sound) % 3
            change = mutate_inside if inside else mutate
            content = change(sound[which], random.Random(f"{seed} {case}"))
            results.write(f"{names[which]} {one(case, content, folder)}\n")


if __name__ == "__main__":
    main()
