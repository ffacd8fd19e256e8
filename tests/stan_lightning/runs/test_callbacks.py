"""What is measured and said beside training."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from stan_lightning.runs import callbacks
from stan_lightning.runs.callbacks import EpochLine, GradientNorm, Pace


class Logged:
    """A module that keeps what is logged to it."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}
        self.weight = nn.Parameter(torch.zeros(2))

    def parameters(self) -> list[nn.Parameter]:
        return [self.weight]

    def log(self, name: str, value: Any) -> None:
        self.values[name] = float(value)

    def log_dict(self, values: dict[str, float]) -> None:
        self.values |= values


BEST = SimpleNamespace(monitor="val/mae")


def trainer(**more: Any) -> Any:
    always = dict(state=SimpleNamespace(fn="fit"), sanity_checking=False, world_size=2, is_global_zero=True)
    return SimpleNamespace(
        **always | {"check_val_every_n_epoch": 1, "current_epoch": 0, "checkpoint_callback": BEST} | more
    )


def test_pace_counts_waiting_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two steps: 1 s and 3 s of waiting, 2 s each of transfer and work; validation is not counted."""
    clock = [0.0]
    monkeypatch.setattr(callbacks, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    module: Any = Logged()
    data = SimpleNamespace(fetched_at=0.0)
    at, pace = trainer(datamodule=data), Pace()
    pace.on_train_epoch_start(at, module)
    for wait in (1.0, 3.0):
        clock[0] += wait
        data.fetched_at = clock[0]
        clock[0] += 1.0
        pace.on_train_batch_start(at, module, SimpleNamespace(target=torch.zeros(3)), 0)
        clock[0] += 1.0
        pace.on_train_batch_end(at, module, None, None, 0)
    clock[0] += 100.0
    pace.on_validation_epoch_end(at, module)
    assert module.values == pytest.approx({"time/clips_per_s": 12 / 8, "time/data_wait": 4 / 8})


def test_gradient_norm_leaves_out_skipped_steps() -> None:
    """The mean over steps of the norm; a step whose gradients overflowed is skipped by 16-bit training."""
    module: Any = Logged()
    norm = GradientNorm()
    norm.on_train_epoch_start(trainer(), module)
    for gradient in ([3.0, 4.0], [float("inf"), 0.0], [0.0, 1.0]):
        module.weight.grad = torch.tensor(gradient)
        norm.on_before_optimizer_step(trainer(), module, None)  # type: ignore[arg-type] # it is not looked at
    norm.on_validation_epoch_end(trainer(), module)
    assert module.values == {"train/grad_norm": 3.0}


def test_a_line_an_epoch_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = {"train/loss": torch.tensor(12.345), "val/mae": torch.tensor(8.0), "lr": torch.tensor(1.0)}
    at = trainer(callback_metrics=metrics, current_epoch=3, max_epochs=10)
    line = EpochLine()
    line.on_train_epoch_start(at, None)  # type: ignore[arg-type] # it is not looked at
    line.start -= 120.0
    line.on_train_epoch_end(at, None)  # type: ignore[arg-type] # it is not looked at
    assert (
        capsys.readouterr().out
        == "epoch 3 of 10: train/loss 12.35, val/mae 8.00, 120.0 s, about 12 min left\n"
    )


def test_an_epoch_without_development_says_no_score_and_counts_for_what_is_left(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Epochs of 60 s and, with development, 180 s take turns: six more take 12 minutes."""
    metrics = {"train/loss": torch.tensor(12.345), "val/mae": torch.tensor(8.0)}
    line = EpochLine()
    for epoch, took in enumerate((600.0, 60.0, 180.0, 60.0), 1):
        at = trainer(callback_metrics=metrics, current_epoch=epoch, max_epochs=11, check_val_every_n_epoch=2)
        line.on_train_epoch_start(at, None)  # type: ignore[arg-type] # it is not looked at
        line.start -= took
        line.on_train_epoch_end(at, None)  # type: ignore[arg-type] # it is not looked at
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "epoch 3 of 11: train/loss 12.35, val/mae 8.00, 180.0 s, about 14 min left",
        "epoch 4 of 11: train/loss 12.35, 60.0 s, about 12 min left",
    ]


def test_what_training_was_is_logged_in_an_epoch_without_development_too() -> None:
    module: Any = Logged()
    at, norm, pace = trainer(check_val_every_n_epoch=2), GradientNorm(), Pace()
    module.weight.grad = torch.tensor([3.0, 4.0])
    norm.on_train_epoch_start(at, module)
    pace.on_train_epoch_start(at, module)
    norm.on_before_optimizer_step(at, module, None)  # type: ignore[arg-type] # it is not looked at
    for callback in (norm, pace):
        callback.on_train_epoch_end(at, module)
    assert module.values["train/grad_norm"] == 5.0 and "time/clips_per_s" in module.values
    at.current_epoch, module.values = 1, {}
    norm.on_train_epoch_end(at, module)
    assert module.values == {}, "an epoch with development has logged it there"
