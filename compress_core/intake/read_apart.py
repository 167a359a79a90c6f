"""What the process does that reads uploads: it may die, and whoever started it goes on."""

import faulthandler
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compress_core.intake.choices import Choices
from compress_core.intake.fingerprint import contents
from compress_core.intake.limits import SILENCE
from compress_core.intake.listing import Array, Read
from compress_core.intake.open_data import open_data
from compress_core.intake.store import write_parts
from compress_core.intake.survey import matched, parts_of, survey_listing, taken
from compress_core.intake.wanted import Wanted
from compress_core.refusal import IntakeError
from compress_core.sandbox import confine, refuse

REQUEST, SURVEY = "request.json", "survey.json"


def serve(folder: Path) -> None:
    """
    Do what the request in *folder* asks for and write the answer there.

    Raises IntakeError, in one sentence, for every file that is not what it should be.
    """
    request: dict[str, Any] = json.loads((folder / REQUEST).read_text(encoding="utf-8"))
    path = Path(request["path"])
    wanted = Wanted.from_dict(request["wanted"])
    choices = Choices.from_dict(request["choices"])
    with _in_a_sentence(path), open_data(path, wanted, choices) as found:
        seed = int(request["seed"]) + contents(path)
        listing = replace(found, read=partial(_watched, found.read))
        if request["do"] == "survey":
            survey = survey_listing(listing, wanted, choices, seed)
            (folder / SURVEY).write_text(json.dumps(survey.to_dict()), encoding="utf-8")
            return
        matching = matched(listing, wanted, choices)
        for question in (*listing.questions, matching.question):
            if question is not None:
                raise IntakeError(question.text)
        chosen = taken(listing, matching)
        parts = parts_of(listing, chosen, seed)
        write_parts(folder, listing, matching, chosen, parts, seed, wanted)


def _watched(read: Read, chosen: NDArray[np.int64]) -> Iterator[tuple[int, Array | str]]:
    """Yield what is read; end this process, whatever it is caught in, if one sample takes long."""
    watched = 0.0
    try:
        for found in read(chosen):
            if monotonic() - watched > 1:
                watched = monotonic()
                faulthandler.dump_traceback_later(SILENCE, exit=True)
            yield found
    finally:
        faulthandler.cancel_dump_traceback_later()


@contextmanager
def _in_a_sentence(path: Path) -> Iterator[None]:
    """Say whatever goes wrong with a file so that its owner understands it."""
    try:
        yield
    except IntakeError:
        raise
    except MemoryError as error:
        raise IntakeError(
            f"{path.name} needs more memory than a file may take here; choose fewer or smaller "
            "samples."
        ) from error
    except OSError as error:
        what = error.strerror or type(error).__name__
        raise IntakeError(f"{path.name} cannot be read: {what}.") from error
    except Exception as error:  # parsers raise whatever a damaged file leads them to
        raise IntakeError(
            f"{path.name} is damaged, or unlike what its kind should be "
            f"({type(error).__name__}); write it again."
        ) from error


def main() -> None:
    """Serve the folder that is named on the command line."""
    confine()
    folder = Path(sys.argv[1])
    try:
        serve(folder)
    except IntakeError as error:
        refuse(folder, error)


if __name__ == "__main__":
    main()
