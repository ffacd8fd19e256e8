"""A run that becomes NaN ends there, and its checkpoints hold numbers."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import torch
from torch import nn

from stan_boundary.errors import InputError
from stan_boundary.typed import typed_python
from stan_lightning.runs.divergence import StopAtNaN
from stan_lightning.training.module import StanModule

TINY = [
    *(
        "data=folders",
        "model.network.encoder.features=2",
        "model.network.encoder.layers=[1,1,1,1]",
        "data.clip_frames=16",
    ),
    *("data.image_size=32", "data.batch_size=2", "data.num_workers=0"),
]


def finite(checkpoint: Path) -> bool:
    state = torch.load(checkpoint, weights_only=True)["state_dict"]
    return all(bool(tensor.isfinite().all()) for tensor in state.values())


@pytest.mark.parametrize("interval", [1, 3])
def test_a_run_that_becomes_nan_stops_and_keeps_the_weights_before(
    interval: int, tmp_path: Path, make_crops: Callable[..., Path], train: Callable[..., tuple[int, str]]
) -> None:
    """A rate far too high spoils the first epoch; the start of the run is still in last.ckpt."""
    run = tmp_path / "run"
    more = [f"hydra.run.dir={run}", "model.optimizer.lr=1e30", f"trainer.check_val_every_n_epoch={interval}"]
    code, said = train(*TINY, f"data.root={make_crops()}", *more)
    line = said.strip().splitlines()[-1]
    assert code == 2 and line.startswith("error: epoch 0: ") and "no number" in line
    assert f"{typed_python()} -m stan_lightning.train resume={run}" in line and "model.optimizer.lr" in line
    assert [file.name for file in (run / "checkpoints").iterdir()] == ["last.ckpt"]
    assert finite(run / "checkpoints" / "last.ckpt")


@pytest.mark.usefixtures("without_onednn")  # else it is no number before, now and then
def test_a_run_that_became_nan_in_sixteen_bits_goes_on_in_float32(
    tmp_path: Path,
    make_crops: Callable[..., Path],
    train: Callable[..., tuple[int, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A gradient that is no number, as bfloat16 on some CPUs has them, and only there."""
    run, step = tmp_path / "run", StanModule.training_step

    def broken(self: StanModule, batch: Any, batch_idx: int) -> torch.Tensor:
        bad = self.current_epoch == 2 and self.trainer.precision == "bf16-mixed"
        loss = step(self, batch, batch_idx)
        return loss * float("nan") if bad else loss

    monkeypatch.setattr(StanModule, "training_step", broken)
    more = ["trainer.max_epochs=4", "trainer.precision=bf16-mixed", "trainer.check_val_every_n_epoch=2"]
    more += ["data.clip_frames=8", "data.image_size=16", "model.network.encoder.norm=group"]
    code, said = train(*TINY, f"data.root={make_crops(n_frames=12)}", f"hydra.run.dir={run}", *more)
    assert code == 2 and "error: epoch 2: train/loss is no number" in said, said
    last = run / "checkpoints" / "last.ckpt"
    assert finite(last) and torch.load(last, weights_only=True)["epoch"] == 1
    code, said = train(f"resume={run}", "trainer.precision=32-true")
    assert code == 0, said
    table = pd.read_csv(run / "metrics.csv")
    assert table.epoch.tolist() == [0, 1, 2, 3] and table["train/loss"].notna().all() and finite(last)


def test_a_sweep_s_table_says_why_a_job_stopped(
    tmp_path: Path, make_crops: Callable[..., Path], train: Callable[..., tuple[int, str]]
) -> None:
    folder = tmp_path / "sweep"
    more = ["model.optimizer.lr=1e30,1e-3", "trainer.max_epochs=1", f"hydra.sweep.dir={folder}"]
    code, said = train("-m", *TINY, f"data.root={make_crops()}", *more)
    assert code == 1 and "1 of 2 jobs did not finish" in said
    table = pd.read_csv(folder / "sweep.csv")
    assert table.status.tolist() == ["failed", "finished"]
    assert table.reason[0].startswith("epoch 0: ") and "no number" in table.reason[0]


def test_all_processes_stop_where_one_has_a_weight_that_is_no_number() -> None:
    """Batch normalisation's statistics are each process's own."""
    alone = SimpleNamespace(reduce_boolean_decision=lambda fine: False)
    state = SimpleNamespace(fn="fit")
    trainer: Any = SimpleNamespace(
        state=state, sanity_checking=False, callback_metrics={}, strategy=alone, current_epoch=3
    )
    module: Any = nn.BatchNorm3d(2)
    module.objective = SimpleNamespace(metrics={})
    with pytest.raises(
        InputError, match="epoch 3: a weight of the network, in another process, is no number"
    ):
        StopAtNaN(Path("run")).on_validation_end(trainer, module)
    alone.reduce_boolean_decision = lambda fine: fine
    StopAtNaN(Path("run")).on_validation_end(trainer, module)
    module.running_var[0] = float("inf")
    with pytest.raises(InputError, match="epoch 3: a weight of the network is no number"):
        StopAtNaN(Path("run")).on_validation_end(trainer, module)
