"""Averaged weights against means worked out by hand, and what of them is validated and saved."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning as L
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from stan_boundary.errors import InputError
from stan_lightning.training.averaging import MeanFromEpoch

TINY = ["data=folders", "model.network.encoder.features=2", "model.network.encoder.layers=[1,1,1,1]"]
TINY += ["data.clip_frames=16", "data.image_size=32", "data.batch_size=2", "data.num_workers=0"]
EMA = "lightning.pytorch.callbacks.EMAWeightAveraging, decay: 0.5"
MEAN = "stan_lightning.training.averaging.MeanFromEpoch, start_epoch: 2"


def average(how: str) -> str:
    return f"+trainer.callbacks.average={{_target_: {how}}}"


class Drifting(L.LightningModule):
    """One weight that moves by the batch; keeps what it was after each step, and what was validated."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.after_steps: list[float] = []
        self.validated: list[float] = []

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        return -batch.sum() * self.weight

    def on_train_batch_end(self, *_: Any) -> None:
        self.after_steps.append(self.weight.item())

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        self.validated.append(self.weight.item())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=1.0)


def test_the_mean_is_over_the_steps_from_an_epoch_on(tmp_path: Path) -> None:
    module = Drifting()
    steps = torch.utils.data.DataLoader(torch.tensor([1.0, 2.0, 4.0]))
    one = torch.utils.data.DataLoader(torch.zeros(1))
    quiet = dict(logger=False, enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0)
    trainer = L.Trainer(
        max_epochs=3,
        accelerator="cpu",
        callbacks=[MeanFromEpoch(start_epoch=1)],
        default_root_dir=tmp_path,
        enable_checkpointing=False,
        **quiet,  # type: ignore[arg-type]
    )
    trainer.fit(module, steps, one)
    assert module.after_steps == [1, 3, 7, 8, 10, 14, 15, 17, 21]
    means = [7, sum(module.after_steps[3:6]) / 3, sum(module.after_steps[3:]) / 6]
    assert module.validated == pytest.approx(means) and module.weight.item() == pytest.approx(means[-1])


@pytest.mark.parametrize("start", [-1, 1.5, None, True])
def test_an_epoch_is_a_whole_number(start: Any) -> None:
    with pytest.raises(InputError, match="start_epoch="):
        MeanFromEpoch(start)


def test_the_averaged_weights_are_what_is_scored_and_training_is_the_same(
    tmp_path: Path, make_crops: Callable[..., Path], train: Callable[..., tuple[int, str]]
) -> None:
    root = f"data.root={make_crops()}"
    for name, more in (("plain", []), ("ema", [average(EMA)])):
        code, said = train(*TINY, *more, "trainer.max_epochs=2", root, f"hydra.run.dir={tmp_path / name}")
        assert code == 0, said
    files = [tmp_path / name / "checkpoints" / "last.ckpt" for name in ("plain", "ema")]
    plain, ema = (torch.load(file, weights_only=True) for file in files)
    weights = plain["state_dict"]
    assert all(torch.equal(weights[key], ema["current_model_state"][key]) for key in weights)
    assert any(not torch.equal(weights[key], ema["state_dict"][key]) for key in weights)
    without, averaged = (pd.read_csv(tmp_path / name / "metrics.csv") for name in ("plain", "ema"))
    assert without["train/loss"].tolist() == averaged["train/loss"].tolist()
    assert without["val/mae"].tolist() != averaged["val/mae"].tolist()


@pytest.mark.slow
@pytest.mark.parametrize("how", [EMA, MEAN])
def test_killed_resumed_and_evaluated_they_are_the_same(
    how: str,
    tmp_path: Path,
    make_crops: Callable[..., Path],
    train: Callable[..., tuple[int, str]],
    assert_same_run: Callable[[Path, Path], None],
) -> None:
    """SIGKILL after the third epoch; what evaluation scores is the average that development chose."""
    asked = [*TINY, f"data.root={make_crops()}", average(how), "trainer.max_epochs=10"]
    whole, run = tmp_path / "whole", tmp_path / "killed"
    code, said = train(*asked, f"hydra.run.dir={whole}")
    assert code == 0, said
    python = [sys.executable, "-m"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [*python, "stan_lightning.train", *asked, f"hydra.run.dir={run}"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    table = run / "metrics.csv"
    while (not table.exists() or len(table.read_text().splitlines()) < 4) and process.poll() is None:
        time.sleep(0.005)
    process.kill()
    assert process.wait() == -signal.SIGKILL, "the run was over too early"
    code, said = train(f"resume={run}")
    assert code == 0, said
    assert_same_run(run, whole)
    best = run / "checkpoints" / "best.ckpt"
    evaluate = [*python, "stan_lightning.evaluate", f"checkpoint={best}", "partition=dev"]
    evaluate += [f"output={tmp_path / 'dev'}", "trainer.accelerator=cpu"]
    subprocess.run(evaluate, env=environment, check=True, capture_output=True)
    numbers = json.loads((tmp_path / "dev" / "metrics.json").read_text())
    chosen = json.loads((run / "summary.json").read_text())["value"]
    assert numbers["video"]["mae"]["value"] == pytest.approx(chosen, abs=1e-4)
