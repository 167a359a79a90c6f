"""Exporters and runtimes talk a lot; a user's log should hold what matters to the user."""

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile

TALKATIVE = ("torch.onnx", "torch.export", "torch.utils._pytree", "torchao", "executorch", "root")


@contextmanager
def quiet() -> Iterator[None]:
    """Hold back warnings and standard error; what was said is printed if an error follows."""
    levels = {name: logging.getLogger(name).level for name in TALKATIVE}
    sys.stderr.flush()
    with TemporaryFile() as said, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in TALKATIVE:
            logging.getLogger(name).setLevel(logging.ERROR)
        # Native code writes to the descriptor, past sys.stderr.
        stderr = os.dup(2)
        os.dup2(said.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(stderr, 2)
            said.seek(0)
            sys.stderr.write(said.read().decode(errors="replace"))
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
