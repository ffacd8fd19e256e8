"""The order of training: a pure function of seed and epoch."""

from collections.abc import Callable, Iterator

import numpy as np
from torch.utils.data import Sampler


class EpochBatches(Sampler[list[tuple[int, int]]]):
    """Batches of (epoch, index) keys, shuffled anew each epoch.

    The epoch travels with the index, so that a dataset can draw each item's randomness from (seed,
    epoch, index) whatever worker, process or resumed run asks for it. Under DDP each process takes its
    part of every global batch; one global batch is `batch_size` clips a process.

    Args:
        size: Number of items.
        batch_size: Items of a batch in this process.
        seed: Seed of the order.
        epoch: Says which epoch an iteration is for.
        drop_last: Leave out a last batch that is not full.
        rank: Number of this process.
        world_size: Number of processes.
    """

    def __init__(
        self,
        size: int,
        batch_size: int,
        seed: int,
        epoch: Callable[[], int],
        drop_last: bool = False,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.size, self.batch_size, self.seed, self.epoch = size, batch_size, seed, epoch
        self.drop_last, self.rank, self.world_size = drop_last, rank, world_size

    def __len__(self) -> int:
        return len(self._batches(np.arange(self.size)))

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        epoch = self.epoch()
        order = np.random.default_rng((self.seed, epoch)).permutation(self.size)
        for batch in self._batches(order):
            yield [(epoch, int(index)) for index in batch]

    def _batches(self, order: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[list[int]]:
        """This process's part of each global batch; every process gets as many items as the others."""
        whole = self.batch_size * self.world_size
        starts = range(0, self.size, whole)
        batches = [order[start : start + whole] for start in starts]
        if self.drop_last and batches and len(batches[-1]) < whole:
            batches.pop()
        even = [batch[: len(batch) // self.world_size * self.world_size] for batch in batches]
        return [batch[self.rank :: self.world_size].tolist() for batch in even if len(batch)]
