"""Loaders of clips and windows."""

from typing import Any

import torch
from torch.utils.data import DataLoader

from stan_lightning.data.dataset import ClipDataset, Window, WindowDataset, collated_whole


def loader(dataset: ClipDataset | WindowDataset, workers: int, **batches: Any) -> DataLoader[Any]:
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
        collate_fn=collated_whole if dataset.clip_frames is None else None,
        **batches,
    )


def window_loader(
    dataset: WindowDataset, batch_size: int, workers: int, rank: int, processes: int
) -> DataLoader[Window]:
    """A process's part of all windows, in their order.

    Args:
        dataset: All windows.
        batch_size: Windows of a batch.
        workers: Processes that read for this process; 0: itself.
        rank: Number of this process.
        processes: Processes that share the windows.
    """
    # A process without a window would be missing from the metric's exchange; one seen twice counts once.
    mine = list(range(rank, len(dataset), processes)) or [0]
    return loader(dataset, workers, batch_size=batch_size, sampler=mine)
