"""Two real processes over gloo against one."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from stan_lightning.data.sampler import EpochBatches

ROOT = Path(__file__).resolve().parents[2]
TINY = [
    *(
        "data=folders",
        "model.network.encoder.features=2",
        "model.network.encoder.layers=[1,1,1,1]",
        "model.network.encoder.norm=group",
        "data.num_workers=0",
    ),
    *("data.clip_frames=16", "data.image_size=32", "trainer.max_epochs=3", "trainer.accelerator=cpu"),
]
FOUR = ["1", "2", "3", "4"]


def curve(run: Path, *arguments: str) -> pd.DataFrame:
    """Train in processes of their own and read the table of metrics."""
    done = subprocess.run(
        [sys.executable, "-m", "stan_lightning.train", *TINY, *arguments, f"hydra.run.dir={run}"],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return pd.read_csv(run / "metrics.csv")


@pytest.mark.slow
def test_validation_is_exactly_that_of_one_process(
    tmp_path: Path, make_crops: Callable[..., Path], train: Callable[..., tuple[int, str]]
) -> None:
    """Same weights (learning rate 0), nine windows dealt out five and four: equal to the last bit."""
    root = f"data.root={make_crops({'train': FOUR, 'dev': ['6', '7', '8'], 'test': ['9']})}"
    arguments = [root, "model.optimizer.lr=0", "data.batch_size=2"]
    two = curve(tmp_path / "two", *arguments, "trainer=ddp")
    code, said = train(*TINY, *arguments, f"hydra.run.dir={tmp_path / 'one'}")
    assert code == 0, said
    one = pd.read_csv(tmp_path / "one" / "metrics.csv")
    assert two[["val/mae", "val/rmse"]].equals(one[["val/mae", "val/rmse"]])


@pytest.mark.slow
def test_training_curve_of_the_same_global_batch(
    tmp_path: Path, make_crops: Callable[..., Path], train: Callable[..., tuple[int, str]]
) -> None:
    """2 x 2 clips a step give the curve of 4 (group norm); one process has no window of its own.

    In double precision: in single, sums in another order differ by rounding, which training magnifies.
    """
    root = f"data.root={make_crops({'train': FOUR, 'dev': ['6'], 'test': ['9']}, n_frames=16)}"
    arguments = [root, "model.optimizer.lr=1e-3", "trainer.precision=64-true"]
    two = curve(tmp_path / "two", *arguments, "trainer=ddp", "data.batch_size=2")
    code, said = train(*TINY, *arguments, "data.batch_size=4", f"hydra.run.dir={tmp_path / 'one'}")
    assert code == 0, said
    one = pd.read_csv(tmp_path / "one" / "metrics.csv")
    for name in ("train/loss", "train/grad_norm", "val/mae"):
        assert two[name].tolist() == pytest.approx(one[name].tolist(), rel=1e-6), name
    assert one["train/grad_norm"].nunique() == 3


@pytest.mark.slow
def test_a_run_that_becomes_nan_ends_in_all_its_processes(
    tmp_path: Path, make_crops: Callable[..., Path]
) -> None:
    """Its one step spoils the weights, whose loss is none in the next; neither epoch has development."""
    run = tmp_path / "run"
    root = f"data.root={make_crops({'train': FOUR, 'dev': ['6', '7'], 'test': ['9']})}"
    more = [
        "trainer=ddp",
        "model.optimizer.lr=1e30",
        "data.batch_size=2",
        "trainer.check_val_every_n_epoch=3",
    ]
    ended = subprocess.run(
        [sys.executable, "-m", "stan_lightning.train", *TINY, root, *more, f"hydra.run.dir={run}"],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 2 and "error: epoch 1: " in ended.stderr, ended.stderr
    assert "Traceback" not in ended.stderr
    assert {file.name for file in (run / "checkpoints").iterdir()} == {"last.ckpt", "last.previous.ckpt"}


def test_each_process_takes_its_part_of_every_global_batch() -> None:
    """Together the processes' batches are those of one process with the same global batch."""
    whole = list(EpochBatches(11, 4, seed=0, epoch=lambda: 3))
    parts = [list(EpochBatches(11, 2, seed=0, epoch=lambda: 3, rank=rank, world_size=2)) for rank in (0, 1)]
    assert len(parts[0]) == len(parts[1]) == 3
    for batch, first, second in zip(whole[:2], parts[0], parts[1], strict=False):
        assert sorted(batch) == sorted(first + second)
    assert len(parts[0][2]) == len(parts[1][2]) == 1 and set(parts[0][2] + parts[1][2]) < set(whole[2])
