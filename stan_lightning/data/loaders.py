"""Loaders of clips and windows, and which windows' crops stay in memory once they were read."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from stan_lightning.data.dataset import Window, WindowDataset

GB = 10**9


def loader(dataset: Dataset[Any], workers: int, **batches: Any) -> DataLoader[Any]:
    """A loader whose processes live as long as it does.

    Args:
        dataset: What is read.
        workers: Processes that read; 0: this one.
        batches: The loader's own arguments that say what makes a batch.
    """
    return DataLoader(
        dataset,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=torch.cuda.is_available(),
        **batches,
    )


def window_loader(
    dataset: WindowDataset, batch_size: int, workers: int, rank: int, processes: int, cache_gb: float = 0.0
) -> DataLoader[Window]:
    """A process's part of all windows, in their order.

    Args:
        dataset: All windows.
        batch_size: Windows of a batch.
        workers: Processes that read for this process; 0: itself.
        rank: Number of this process.
        processes: Processes that share the windows.
        cache_gb: GB of JPEGs that may stay in memory, for this process and its workers together.
    """
    # A process without a window would be missing from the metric's exchange; one seen twice counts once.
    mine = list(range(rank, len(dataset), processes)) or [0]
    if cache_gb:
        held, whole = keep(dataset, mine, batch_size, workers, cache_gb * GB)
        if rank == 0:
            print(f"{held / GB:.3f} of {whole / GB:.3f} GB of crops stay in memory once they were read")
    return loader(dataset, workers, batch_size=batch_size, sampler=mine)


def keep(
    dataset: WindowDataset, order: Sequence[int], batch_size: int, workers: int, most: float
) -> tuple[int, int]:
    """Let a dataset keep the crops of as many windows as fit.

    A loader deals batches out to its workers in turn, at each pass the same ones to the same worker. So each
    holds its own windows, whatever way it was started, and nothing is shared; a crop that two windows show
    is there twice.

    Args:
        dataset: Is told which windows to keep.
        order: In which its windows are read.
        batch_size: Windows of a batch.
        workers: Processes that read; 0: this one.
        most: Bytes that all of them may hold together.

    Returns:
        Bytes that will be held, and those of all windows.
    """
    hands = max(1, workers)
    left, held, whole = [most / hands] * hands, 0, 0
    for place, index in enumerate(order):
        worker, size = place // batch_size % hands, dataset.size(index)
        whole += size
        if size <= left[worker]:
            left[worker] -= size
            held += size
            dataset.kept[index] = {}
    return held, whole
