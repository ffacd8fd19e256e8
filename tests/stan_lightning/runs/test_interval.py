"""One row an epoch and a scored last one, whatever the interval, undisturbed or killed at any moment."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from stan_lightning.runs.checkpoints import WholeCheckpointIO

ROOT = Path(__file__).resolve().parents[3]
TINY = [
    *(
        "data=folders",
        "model.network.encoder.features=2",
        "model.network.encoder.layers=[1,1,1,1]",
        "data.clip_frames=16",
    ),
    *("data.image_size=32", "data.batch_size=2", "data.num_workers=0", "model.scheduler.T_0=2"),
]
Train = Callable[..., tuple[int, str]]
SameRun = Callable[[Path, Path], None]


def rows(run: Path) -> list[dict[str, str]]:
    with (run / "metrics.csv").open(newline="") as lines:
        return list(csv.DictReader(lines))


def every(epochs: int) -> str:
    return f"trainer.check_val_every_n_epoch={epochs}"


def weights(run: Path, name: str) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.load(run / "checkpoints" / name, weights_only=True)["state_dict"]
    return state


def test_a_row_an_epoch_and_a_score_at_every_so_many_and_at_the_last(
    tmp_path: Path, make_crops: Callable[..., Path], train: Train
) -> None:
    """What is said of training is the same whatever the interval; best.ckpt is the best of those scored."""
    root, tables = f"data.root={make_crops()}", {}
    for interval in (1, 2, 3):
        run = tmp_path / str(interval)
        folder = f"hydra.run.dir={run}"
        code, said = train(*TINY, root, folder, every(interval), "trainer.max_epochs=7")
        assert code == 0, said
        tables[interval] = rows(run)
        lines = [line for line in said.splitlines() if line.startswith("epoch ")]
        scored = [row for row in tables[interval] if row["val/mae"]]
        assert [("val/mae" in line) for line in lines] == [row in scored for row in tables[interval]]
        best = min(scored, key=lambda row: float(row["val/mae"]))
        found = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
        assert (found["epoch"], torch.load(run / "checkpoints" / "last.ckpt")["epoch"]) == (
            int(best["epoch"]),
            6,
        )
    assert [row["epoch"] for row in tables[2] if row["val/mae"]] == ["1", "3", "5", "6"]
    assert [row["epoch"] for row in tables[3] if row["val/mae"]] == ["2", "5", "6"]
    for interval in (2, 3):
        for row, other in zip(tables[1], tables[interval], strict=True):
            assert other == row | ({} if other["val/mae"] else {"val/mae": "", "val/rmse": ""})
    one, three = (weights(tmp_path / name, "last.ckpt") for name in ("1", "3"))
    assert all(torch.equal(one[name], three[name]) for name in one)


def test_a_row_is_on_disk_before_the_checkpoint_that_follows_it(
    tmp_path: Path, make_crops: Callable[..., Path], train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that ends the moment last.ckpt is written, after an epoch without development, lacks nothing."""
    arguments = [*TINY, f"data.root={make_crops()}", every(2), "trainer.max_epochs=4"]
    code, said = train(*arguments, f"hydra.run.dir={tmp_path / 'whole'}")
    assert code == 0, said
    save, run = WholeCheckpointIO.save_checkpoint, tmp_path / "cut"

    def cut(self: WholeCheckpointIO, checkpoint: dict[str, Any], path: Any, **more: Any) -> None:
        save(self, checkpoint, path, **more)
        if checkpoint["epoch"] == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(WholeCheckpointIO, "save_checkpoint", cut)
        code, said = train(*arguments, f"hydra.run.dir={run}")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # Lightning left it ignored
    assert code == 130 and "3 whole epochs are kept" in said, said
    assert rows(run) == rows(tmp_path / "whole")[:3]
    code, said = train(f"resume={run}")
    assert code == 0, said
    assert (run / "metrics.csv").read_bytes() == (tmp_path / "whole" / "metrics.csv").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("interval", [1, 2, 3])
def test_killed_and_resumed_to_the_same_bytes(
    interval: int, tmp_path: Path, make_crops: Callable[..., Path], train: Train, assert_same_run: SameRun
) -> None:
    """SIGKILL in the fourth epoch, which interval 2 ends with a score and interval 3 without one."""
    arguments = [*TINY, f"data.root={make_crops()}", every(interval), "trainer.max_epochs=10"]
    whole, run = tmp_path / "whole", tmp_path / "killed"
    code, said = train(*arguments, f"hydra.run.dir={whole}")
    assert code == 0, said
    process = subprocess.Popen(
        [sys.executable, "-m", "stan_lightning.train", *arguments, f"hydra.run.dir={run}"],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while (not (run / "metrics.csv").exists() or len(rows(run)) < 3) and process.poll() is None:
        time.sleep(0.005)
    process.kill()
    assert process.wait() == -signal.SIGKILL, "the run was over too early"
    assert len(rows(run)) < 10
    code, said = train(f"resume={run}")
    assert code == 0, said
    assert_same_run(run, whole)
