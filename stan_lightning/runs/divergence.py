"""A run that has become NaN ends at that epoch, with its last good weights kept."""

from pathlib import Path

import lightning as L
import torch

from stan_boundary.errors import InputError
from stan_lightning.runs.checkpoints import FOLDER, LAST
from stan_lightning.runs.interval import scored
from stan_lightning.runs.resume import command


class StopAtNaN(L.Callback):
    """Stops before the epoch's checkpoints are written, so that none holds such weights.

    Args:
        run: Folder of the run.
    """

    def __init__(self, run: Path) -> None:
        self.run = run

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Look before any checkpoint of the epoch is written."""
        if trainer.state.fn == "fit" and not trainer.sanity_checking:
            self._look(trainer, pl_module)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Look where the epoch had no development."""
        if not scored(trainer):
            self._look(trainer, pl_module)

    def _look(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Look at the epoch's loss, its development score and all weights.

        Raises:
            InputError: One of them is no number, in whatever process: they end together.
        """
        metrics = trainer.callback_metrics
        watched = ("train/loss", *pl_module.objective.metrics)  # type: ignore[union-attr,misc] # StanModule's
        broken = [name for name in watched if name in metrics and not metrics[name].isfinite()]
        if not broken and not _finite(pl_module):
            broken = ["a weight of the network"]
        if not trainer.strategy.reduce_boolean_decision(not broken):
            broken = broken or ["a weight of the network, in another process,"]
            raise InputError(
                f"epoch {trainer.current_epoch}: {broken[0]} is no number any more, so training stopped; "
                f"{self.run / FOLDER / LAST} holds the weights before this epoch: `{command(self.run)}` goes "
                "on from it with trainer.precision=32-true or trainer.gradient_clip_val=1, or start a fresh "
                "run with a lower model.optimizer.lr"
            )


def _finite(module: L.LightningModule) -> bool:
    """Whether every parameter and every running statistic is a number; one look at the device for all."""
    tensors = [*module.parameters(), *(b for b in module.buffers() if b.is_floating_point())]
    return bool(torch.stack([tensor.detach().isfinite().all() for tensor in tensors]).all())
