"""The order of training is a pure function of seed and epoch."""

from collections import Counter
from functools import partial

import numpy as np
import pytest

from stan_lightning.data.sampler import Balanced, EpochBatches


@pytest.mark.parametrize("size", [1, 7, 20])
@pytest.mark.parametrize("batch_size", [1, 3, 5])
def test_every_item_once_an_epoch(size: int, batch_size: int) -> None:
    batches = EpochBatches(size, batch_size, seed=0, epoch=lambda: 4)
    keys = [key for batch in batches for key in batch]
    assert sorted(keys) == [(4, index) for index in range(size)]
    assert len(batches) == len(list(batches)) == -(-size // batch_size)


def test_order_depends_on_seed_and_epoch_alone() -> None:
    def order(seed: int, epoch: int) -> list[list[tuple[int, int]]]:
        return list(EpochBatches(30, 4, seed=seed, epoch=lambda: epoch))

    assert order(0, 3) == order(0, 3)
    indices = {tuple(index for batch in order(*at) for _, index in batch) for at in ((0, 0), (0, 1), (1, 0))}
    assert len(indices) == 3


def test_drop_last() -> None:
    assert [len(batch) for batch in EpochBatches(11, 4, 0, epoch=lambda: 0, drop_last=True)] == [4, 4]
    assert [len(batch) for batch in EpochBatches(11, 4, 0, epoch=lambda: 0)] == [4, 4, 3]


@pytest.mark.parametrize("world_size", [2, 3])
def test_processes_share_out_every_global_batch(world_size: int) -> None:
    """As many batches and items for each, nothing twice, at most `world_size - 1` items left out."""
    size, batch_size = 20, 3
    parts = [
        list(EpochBatches(size, batch_size, 0, epoch=lambda: 1, rank=rank, world_size=world_size))
        for rank in range(world_size)
    ]
    assert len({tuple(len(batch) for batch in part) for part in parts}) == 1
    counts = Counter(key for part in parts for batch in part for key in batch)
    assert set(counts.values()) == {1} and size - len(counts) < world_size
    whole = list(EpochBatches(size, batch_size * world_size, 0, epoch=lambda: 1))
    for number, batch in enumerate(whole):
        together = {key for part in parts if number < len(part) for key in part[number]}
        assert together <= set(batch)


def test_balanced_shows_each_part_as_often_whatever_its_size() -> None:
    targets = np.array([1.0] * 90 + [20.0] * 9 + [50.0])
    drawn = np.concatenate([Balanced([10, 40])(targets, np.random.default_rng(seed)) for seed in range(50)])
    shares = [np.mean(targets[drawn] == value) for value in (1.0, 20.0, 50.0)]
    assert shares == pytest.approx([1 / 3] * 3, abs=0.03)
    again = Balanced()(targets, np.random.default_rng(3))
    assert np.array_equal(again, Balanced([10, 40])(targets, np.random.default_rng(3))) and len(again) == 100
    batches = EpochBatches(100, 4, 0, epoch=lambda: 1, order=partial(Balanced(), targets))
    assert [index for batch in batches for _, index in batch] == Balanced()(
        targets, np.random.default_rng((0, 1))
    ).tolist()
