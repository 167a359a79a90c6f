"""The desk at which a session takes a network in: its files, and the work going on with them."""

import os
import re
import shutil
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from threading import Event, Thread
from typing import IO, TYPE_CHECKING, Any
from weakref import finalize

import streamlit as st

from compress_core.intake.choices import Choices
from compress_core.wardrobe import wardrobe
from pages.shared import meter
from pages.shared.retell import tell
from pages.shared.words import _

if TYPE_CHECKING:
    from compress_core.consult import Opinion
    from compress_core.importers.infer import Row

POLL = 0.5
"""Seconds between two looks at work that is going on."""
_DESK = "own.desk"
_ABANDONED = 24 * 3600.0
"""Seconds after which a desk that nobody cleared belongs to nobody."""


class Job:
    """Work in a thread of its own; what it returns, or a sentence that says why not."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self.over, self.result, self.problem = Event(), None, ""
        Thread(target=self._run, args=(work,), name="intake", daemon=True).start()

    def _run(self, work: Callable[[], Any]) -> None:
        try:
            self.result = work()
        except ValueError as error:  # an IntakeError says all that is to be said
            self.problem = str(error)
        except Exception as error:
            reason = " ".join(str(error).split())[:200].rstrip(".")
            self.problem = _("It stopped with an error ({kind}: {reason}).").format(
                kind=type(error).__name__, reason=reason
            )
        finally:
            self.over.set()


@dataclass(eq=False, kw_only=True)
class Desk:
    """What was brought so far, and what was answered."""

    folder: Path
    file: Path
    shape: tuple[int, ...] | None = None
    rows: "tuple[Row, ...] | None" = None
    opinion: "Opinion | None" = None
    """The last that could be given; questions are asked about it."""
    data: Path | None = None
    without: bool = False
    """Whether there will be no data."""
    choices: Choices = field(default_factory=Choices)
    skip_broken: bool = False
    jobs: dict[Hashable, Job] = field(default_factory=dict)

    def ask(self, key: Hashable, work: Callable[[], Any]) -> Job:
        """Return the work of this key; it is begun when it is asked for first."""
        if key not in self.jobs:
            self.jobs[key] = Job(work)
        return self.jobs[key]


def current() -> Desk | None:
    """Return this session's desk; None where nothing was brought."""
    found: Desk | None = st.session_state.get(_DESK)
    return found


def open_with(name: str, content: IO[bytes]) -> None:
    """Take the file of a network; what lay on the desk before is cleared away."""
    folder = _new_folder()
    begin(folder, save(folder / "network", name, content))


def open_at(file: Path) -> None:
    """Take the file of a network that lies on this machine, without a copy."""
    begin(_new_folder(), file)


def begin(folder: Path, file: Path) -> None:
    """Clear the desk and put a network's file on it."""
    clear()
    desk = Desk(folder=folder, file=file)
    # For sessions that end without a word.
    finalize(desk, shutil.rmtree, folder, ignore_errors=True)
    st.session_state[_DESK] = desk


def clear() -> None:
    """Take everything off the desk."""
    desk = st.session_state.pop(_DESK, None)
    if desk is not None:
        shutil.rmtree(desk.folder, ignore_errors=True)


def save(folder: Path, name: str, content: IO[bytes]) -> Path:
    """Write an upload to disk under a harmless form of its name."""
    folder.mkdir(exist_ok=True)
    harmless = re.sub(r"[^\w .()+-]", "_", name.replace("\\", "/").rpartition("/")[2])
    path = folder / (harmless.strip(". ")[-100:] or "file")
    with path.open("wb") as file:
        shutil.copyfileobj(content, file, 1 << 20)
    return path


def outcome(
    job: Job, text: str, progress: Callable[[], tuple[int, int] | None] | None = None
) -> Any:
    """Return what came of a job; while it goes on, or failed, show that and return None."""
    if not job.over.wait(meter.PATIENCE):
        st.fragment(_look, run_every=POLL)(job, text, progress)
        return None
    if job.problem:
        refusal(job.problem)
    return job.result


def refusal(problem: str) -> None:
    """Show why a file was refused, and the lines that help if there are any."""
    sentence, _gap, code = problem.partition("\n\n")
    st.error(tell(sentence), icon=":material/block:")
    if code:
        st.code(code, language="python")


def most_megabytes() -> int:
    """Return how large an upload may be; larger files are chosen on this machine."""
    named = os.environ.get("FITTING_ROOM_UPLOAD", "")
    return int(named) if named.isdigit() and int(named) else 500


def _look(job: Job, text: str, progress: Callable[[], tuple[int, int] | None] | None) -> None:
    if job.over.is_set():
        st.rerun()
    known = progress() if progress else None
    with st.container(key=meter.PENDING):
        if known:
            st.progress(known[0] / max(1, known[1]), text)
        else:
            st.markdown(f":material/hourglass_top: {text}")


def _new_folder() -> Path:
    wardrobe().mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in wardrobe().glob(".new-*"):
        if time.time() - left.stat().st_mtime > _ABANDONED:
            shutil.rmtree(left, ignore_errors=True)
    return Path(mkdtemp(prefix=".new-desk-", dir=wardrobe()))
