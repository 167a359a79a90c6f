"""Exporters and runtimes talk a lot; a user's log should hold what matters to the user."""

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from tempfile import TemporaryFile
from threading import RLock

TALKATIVE = ("torch.onnx", "torch.export", "torch.utils._pytree", "torchao", "executorch", "root")
LOCK = RLock()


@contextmanager
def quiet() -> Iterator[None]:
    """
    Hold back warnings and whatever is printed; it is printed after all if an error follows.

    One thread at a time: where things are printed belongs to the whole process.
    """
    with LOCK, TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        try:
            with ExitStack() as held:
                held.enter_context(_less_logged())
                held.enter_context(redirect_stdout(said))
                held.enter_context(redirect_stderr(said))
                held.enter_context(_descriptor_2_to(said.fileno()))
                yield
        except BaseException:
            said.seek(0)
            sys.stderr.write(said.read())
            raise


@contextmanager
def _less_logged() -> Iterator[None]:
    levels = {name: logging.getLogger(name).level for name in TALKATIVE}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in TALKATIVE:
            logging.getLogger(name).setLevel(logging.ERROR)
        try:
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)


@contextmanager
def _descriptor_2_to(descriptor: int) -> Iterator[None]:
    """Send away what native code writes, past sys.stderr."""
    stderr = os.dup(2)
    os.dup2(descriptor, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
