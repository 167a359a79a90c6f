"""How many cores torch takes: one less than there are, for a page needs one to be drawn."""

import os

import torch


def leave_one() -> None:
    """
    Let torch leave one core to others from now on, unless it was told how many to take.

    Two threads that wait for each other on a core that a browser wants too are slower than one.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, torch.get_num_threads() - 1))
