"""A file that somebody brings -> a network in normal form, checked against its source."""

import json
import tempfile
from pathlib import Path

from compress_core.fit_file import load_fit
from compress_core.handover import take_over
from compress_core.importers.formats import Format, recognise
from compress_core.importers.state_dict import PICKLED
from compress_core.network import Network
from compress_core.refusal import IntakeError
from compress_core.sandbox import Limits, run_apart

READER = "compress_core.importers.reading"


def load_network(
    path: str | Path, input_shape: tuple[int, ...] | None = None, limits: Limits | None = None
) -> Network:
    """
    Return the network in a file, in normal form; the format is told from the content.

    *input_shape* is that of one sample, without the batch; it is needed where the file leaves sizes
    open. Raises IntakeError, whose message is one sentence for the user, for whatever cannot be
    taken in. Foreign formats are parsed in a process of their own within *limits*.
    """
    path = Path(path)
    kind = recognise(path)
    if kind == "pickle":
        raise IntakeError(PICKLED)
    if kind == "fit":
        return _packed(path)
    return _apart(path, kind, input_shape, limits or Limits())


def _packed(path: Path) -> Network:
    try:
        fit = load_fit(path)
    except ValueError as error:
        raise IntakeError(str(error)) from error
    return fit.network


def _apart(
    path: Path, kind: Format, input_shape: tuple[int, ...] | None, limits: Limits
) -> Network:
    with tempfile.TemporaryDirectory(prefix="fitting-room-", ignore_cleanup_errors=True) as folder:
        run_apart(
            READER,
            [str(path.resolve()), kind, path.stem[:80], json.dumps(input_shape)],
            Path(folder),
            limits,
        )
        return take_over(Path(folder))
