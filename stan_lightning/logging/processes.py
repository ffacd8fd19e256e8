"""Which of the processes of one run this is."""

import os

import torch
from lightning.pytorch.utilities.rank_zero import rank_zero_only  # type: ignore[attr-defined] # no __all__

from stan_boundary import cores
from stan_boundary.environment import THREADS, chosen


def is_first() -> bool:
    """Whether this process is the one that writes and speaks, known before there is a Trainer."""
    return getattr(rank_zero_only, "rank", 0) == 0


def share_processors(processes: int) -> None:
    """Give each of several processes of this machine its part of what control groups grant.

    Without such a limit Lightning shares out the processors by itself, and a number that the user set stands.
    """
    if THREADS in chosen and processes > 1:
        threads = max(1, cores.usable() // processes)
        os.environ[THREADS] = str(threads)  # which the processes that Lightning starts inherit
        torch.set_num_threads(threads)
