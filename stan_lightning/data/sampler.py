"""The order of training: a pure function of seed and epoch."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from torch.utils.data import Sampler

Indices = np.ndarray[tuple[int], np.dtype[np.int64]]
Targets = np.ndarray[tuple[int], np.dtype[np.float64]]


class Balanced:
    """As often from each part of the scores that occurs, or from each class; within one, at random.

    Recordings of a rare part come several times an epoch, and some of a frequent one not at all.

    Args:
        edges: Scores where one part ends and the next begins; None: every score, or class, is a part.
    """

    def __init__(self, edges: Sequence[float] | None = None) -> None:
        self.edges = edges

    def __call__(self, targets: Targets, random: np.random.Generator) -> Indices:
        """The order of an epoch: as many indices as there are targets, all drawn from `random`."""
        parts = targets if self.edges is None else np.digitize(targets, self.edges)
        _, part, counts = np.unique(parts, return_inverse=True, return_counts=True)
        chance = 1 / (len(counts) * counts[part])
        return random.choice(len(targets), len(targets), p=chance / chance.sum())


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
        order: Draws the indices of an epoch, as many as there are items; None: each item once.
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
        order: Callable[[np.random.Generator], Indices] | None = None,
    ) -> None:
        self.size, self.batch_size, self.seed, self.epoch, self.order = size, batch_size, seed, epoch, order
        self.drop_last, self.rank, self.world_size = drop_last, rank, world_size

    def __len__(self) -> int:
        return len(self._batches(np.arange(self.size)))

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        epoch = self.epoch()
        random = np.random.default_rng((self.seed, epoch))
        order = random.permutation(self.size) if self.order is None else self.order(random)
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
