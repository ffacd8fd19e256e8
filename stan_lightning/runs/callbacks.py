"""What watches training beside the module."""

import sys
import time
from pathlib import Path
from typing import Any

import lightning as L
import torch
from torch import Tensor, nn

from stan_lightning.runs.checkpoints import LAST
from stan_lightning.runs.interruption import catch_sigterm
from stan_lightning.runs.interval import scored
from stan_lightning.runs.rehearsal import rehearsal


class FirstCheckpoint(L.Callback):
    """Writes ``last.ckpt`` before the first epoch, so that a run killed in that epoch can go on too.

    Args:
        dirpath: Folder of the checkpoints.
    """

    def __init__(self, dirpath: str) -> None:
        self.dirpath = Path(dirpath)

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Save a fresh run's start."""
        if trainer.ckpt_path is None and not rehearsal(trainer):
            trainer.save_checkpoint(self.dirpath / LAST, weights_only=False)


class Sigterm(L.Callback):
    """Takes SIGTERM back from Lightning, whose handler waits for the other processes and can hang."""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Lightning has set its handler by now."""
        catch_sigterm()


class GradientNorm(L.Callback):
    """Logs ``train/grad_norm``: 2-norm over all parameters, mean over the epoch's steps.

    Steps that 16-bit training skips because a gradient overflowed are left out.
    """

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start an epoch's list."""
        self.norms: list[Tensor] = []

    def on_before_optimizer_step(
        self, trainer: L.Trainer, pl_module: L.LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        """Measure the gradients that the step uses, unscaled and not yet clipped."""
        gradients = [p.grad for p in pl_module.parameters() if p.grad is not None]
        self.norms.append(nn.utils.get_total_norm(gradients))

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Log before the epoch's checkpoint is written, so that no resumed run misses the value."""
        if trainer.state.fn == "fit" and not trainer.sanity_checking:
            self._log(pl_module)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Log where the epoch had no development."""
        if not scored(trainer):
            self._log(pl_module)

    def _log(self, pl_module: L.LightningModule) -> None:
        norms = torch.stack(self.norms)
        pl_module.log("train/grad_norm", norms[norms.isfinite()].mean())


class EpochLine(L.Callback):
    """Prints a line an epoch where there is no terminal for a progress bar: in a log, a notebook, a job."""

    def __init__(self) -> None:
        self.took: list[float] = []

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the epoch's clock."""
        self.start = time.perf_counter()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Say how the epoch went and how long the rest may take."""
        if not trainer.is_global_zero or sys.stdout.isatty():
            return
        epoch, took = trainer.current_epoch, time.perf_counter() - self.start
        selecting = getattr(trainer.checkpoint_callback, "monitor", None)
        shown = ("train/loss", selecting) if scored(trainer) and selecting else ("train/loss",)
        values = {
            name: float(trainer.callback_metrics[name]) for name in shown if name in trainer.callback_metrics
        }
        said = ", ".join(f"{name} {value:.2f}" for name, value in values.items())
        # Epochs with and without development differ: the last ones from one development to the next count.
        self.took = [*self.took, took][-(trainer.check_val_every_n_epoch or 1) :]
        left = sum(self.took) / len(self.took) * ((trainer.max_epochs or 0) - epoch - 1)
        rest = f", about {left / 60:.0f} min left" if left >= 60 else ""
        print(f"epoch {epoch} of {trainer.max_epochs}: {said}, {took:.1f} s{rest}", flush=True)


class Pace(L.Callback):
    """Logs ``time/clips_per_s`` of training and ``time/data_wait``, the share of it spent waiting for data.

    Waiting is the time in which the process had nothing to do because the loader's workers were not
    ready; the clips' way to the device and their augmentation count as work.
    """

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clock."""
        self.start = self.idle_since = time.perf_counter()
        self.waited, self.clips = 0.0, 0

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Count what arrived and how long it was waited for."""
        fetched: float = trainer.datamodule.fetched_at  # type: ignore[attr-defined]
        self.waited += fetched - self.idle_since
        self.clips += len(batch.target) * trainer.world_size

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """From here on the next batch is waited for."""
        self.idle_since = time.perf_counter()

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Log the epoch's training, validation left out."""
        if trainer.state.fn == "fit" and not trainer.sanity_checking:
            self._log(pl_module)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Log where the epoch had no development."""
        if not scored(trainer):
            self._log(pl_module)

    def _log(self, pl_module: L.LightningModule) -> None:
        took = max(self.idle_since - self.start, 1e-9)
        pl_module.log_dict({"time/clips_per_s": self.clips / took, "time/data_wait": self.waited / took})
