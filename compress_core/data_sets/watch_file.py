"""
Make `assets/watch/watch.npz` from the recordings that come with seglearn. Needed once.

    pip download --no-deps seglearn==1.2.5
    unzip seglearn-1.2.5-*.whl seglearn/data/watch_dataset.npy
    python -m compress_core.data_sets.watch_file seglearn/data/watch_dataset.npy

The file is a pickle, which can run code as it is read: that is why it is read here, once, and never
by the app. Writes *x* (moments x sensors, all recordings one after the other, in thousandths),
and for each recording *length* (moments), *y* (exercise) and *person*.
"""

import sys

import numpy as np

from compress_core.data_sets.data_set import ASSETS

STEPS = 1000
"""Of what is stored, to g (acceleration) or to a radian a second (turning)."""


def main() -> None:
    """Write what the watch felt, which exercise it was and whose."""
    recorded = np.load(sys.argv[1], allow_pickle=True).item()
    np.savez_compressed(
        ASSETS / "watch" / "watch.npz",
        x=np.round(np.concatenate(recorded["X"]) * STEPS).astype(np.int16),
        length=np.array([len(recording) for recording in recorded["X"]], np.int32),
        y=recorded["y"].astype(np.uint8),
        person=recorded["subject"].astype(np.uint8),
    )


if __name__ == "__main__":
    main()
