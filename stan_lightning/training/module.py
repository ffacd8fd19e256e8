"""The network under training: loss, optimiser and metrics.

What is logged, once an epoch in one row: ``train/loss``, ``lr``, and of the development recordings
``val/mae`` and ``val/rmse`` in points (video level), or ``val/accuracy`` for classes.
"""

from collections.abc import Sequence
from typing import Any

import lightning as L
import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingWarmRestarts,
    LinearLR,
    LRScheduler,
    SequentialLR,
)
from torchmetrics import MeanMetric
from torchmetrics.functional import mean_absolute_error, mean_squared_error

from stan_lightning.errors import InputError
from stan_lightning.network import STADRN
from stan_lightning.network.weights import load_weights
from stan_lightning.training import objective as losses
from stan_lightning.training.metrics import WindowScores, recording_means, recording_scores

OBJECTIVES = ("severity", "classification")


class StanModule(L.LightningModule):
    """STA-DRN with its objective and optimiser.

    Takes primitives only, so that a checkpoint loads by itself. What each argument means and its
    default stand in ``conf/model/sta_drn.yaml``.
    """

    def __init__(
        self,
        attention: str,
        layers: Sequence[int],
        k: int,
        features: int,
        dropout: float,
        norm: str,
        bounded: bool,
        recompute: bool,
        objective: str,
        classes: Sequence[str] | None,
        score_range: Sequence[float] | None,
        loss: str,
        label_noise: float,
        clip_scores: str,
        start_at_mean: bool,
        init_weights: str | None,
        learning_rate: float,
        restart_epochs: int | None,
        restart_factor: int,
        warmup_epochs: int,
        compile: bool,
        seed: int,
    ) -> None:
        super().__init__()
        self.save_hyperparameters(logger=False)
        if objective not in OBJECTIVES:
            raise InputError(f"model.objective={objective} is none of {', '.join(OBJECTIVES)}")
        if loss not in losses.SEVERITY_LOSSES:
            raise InputError(f"model.loss={loss} is none of {', '.join(losses.SEVERITY_LOSSES)}")
        if clip_scores not in ("window", "recording"):
            raise InputError(f"model.clip_scores={clip_scores} is none of window, recording")
        outputs = len(classes) if classes else 1
        self.network = STADRN(
            attention=attention,
            num_classes=outputs,
            layers=tuple(layers),
            k=k,
            features=features,
            dropout=dropout,
            norm=norm,
            bounded=bounded,
            recompute=recompute,
        )
        self.train_loss = MeanMetric()
        self.windows = WindowScores(outputs)

    def forward(self, clips: Tensor) -> Tensor:
        """Outputs ``(B, C)`` for normalised clips ``(B, 3, T, H, W)``; C = 1 is a fraction of the range."""
        output: Tensor = self.network(clips.to(self.dtype))
        return output

    # --- start ------------------------------------------------------------------------------------

    def on_fit_start(self) -> None:
        """Give a fresh network its start; a resumed one has it already."""
        if self.trainer.ckpt_path is None:
            self._start()
        if self.hparams["compile"]:
            self.network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
            self.network.compile()

    def _start(self) -> None:
        if self.hparams["init_weights"]:
            self.print(load_weights(self.network, self.hparams["init_weights"]))
        if self.hparams["start_at_mean"] and self.hparams["objective"] == "severity":
            low, high = self.hparams["score_range"]
            mean = (self.trainer.datamodule.training_mean - low) / (high - low)  # type: ignore[attr-defined]
            if self.hparams["bounded"]:
                mean = float(np.log(mean / (1 - mean)))
            nn.init.constant_(self.network.fc.bias, mean)
            nn.init.zeros_(self.network.fc.weight)

    # --- steps ------------------------------------------------------------------------------------

    def on_train_epoch_start(self) -> None:
        """Keep the epoch's learning rate: the schedule moves on before validation logs it."""
        self.epoch_lr = self.trainer.optimizers[0].param_groups[0]["lr"]

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Seed what the network itself draws (dropout) from the step, so that a resumed run repeats it."""
        step = (self.hparams["seed"], self.current_epoch, batch_idx, self.global_rank)
        torch.manual_seed(int(np.random.SeedSequence(step).generate_state(1)[0]))

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Loss of one batch of random clips."""
        output = self(batch.inputs["face"]).float()
        if self.hparams["objective"] == "classification":
            loss = losses.classes(output, batch.target)
        else:
            noise = self.hparams["label_noise"] * batch.noise
            severity_loss = losses.SEVERITY_LOSSES[self.hparams["loss"]]
            loss = severity_loss(output, batch.target, noise, self.hparams["score_range"])
        self.train_loss.update(loss.detach(), len(output))
        return loss

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Collect the windows of one batch, in float32 whatever training's precision."""
        with torch.autocast(self.device.type, enabled=False):
            self.windows.update(batch.recording, batch.window, batch.target, self(batch.inputs["face"]))

    test_step = validation_step

    def on_validation_epoch_end(self) -> None:
        """Log one row for the epoch: its training loss, learning rate and development metrics."""
        values = self._scores("val")
        if self.trainer.sanity_checking:
            return
        if self.trainer.state.fn == "fit":
            values["train/loss"] = self.train_loss.compute()
            values["lr"] = torch.tensor(self.epoch_lr)
            self.train_loss.reset()
        shown = {"val/mae", "val/accuracy", "train/loss"}
        for name, value in values.items():
            self.log(name, value, prog_bar=name in shown)

    def on_test_epoch_end(self) -> None:
        """Keep all windows for evaluation; what they are worth is worked out from the table they make."""
        self.test_rows = self.windows.compute()
        self.windows.reset()

    def _scores(self, stage: str) -> dict[str, Tensor]:
        """Metrics at the level of the video; all processes have the same."""
        rows = self.windows.compute()
        self.windows.reset()
        if self.hparams["objective"] == "classification":
            targets, logits = recording_means(rows, rows[:, 3:].softmax(1))
            return {f"{stage}/accuracy": (logits.argmax(1) == targets).float().mean()}
        targets, scores = recording_scores(rows, self.hparams["score_range"], self.hparams["clip_scores"])
        targets, scores = targets.float(), scores.float()
        self.development = targets, scores
        return {
            f"{stage}/mae": mean_absolute_error(scores, targets),
            f"{stage}/rmse": mean_squared_error(scores, targets, squared=False),
        }

    # --- optimiser --------------------------------------------------------------------------------

    def configure_optimizers(self) -> Any:
        """Adam; a linear warm-up, then a cosine with warm restarts, where asked for; one step an epoch."""
        trained = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        optimizer = torch.optim.Adam(trained, lr=self.hparams["learning_rate"])
        first, warmup = self.hparams["restart_epochs"], self.hparams["warmup_epochs"]
        schedule: LRScheduler = ConstantLR(optimizer, factor=1.0)
        if first is not None:
            schedule = CosineAnnealingWarmRestarts(optimizer, first, self.hparams["restart_factor"])
        if warmup:
            rise = LinearLR(optimizer, start_factor=1 / (warmup + 1), total_iters=warmup)
            schedule = SequentialLR(optimizer, [rise, schedule], milestones=[warmup])
        return {"optimizer": optimizer, "lr_scheduler": schedule}

    # --- checkpoint -------------------------------------------------------------------------------

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Record how the data was divided and who was trained on: evaluation reports against it."""
        checkpoint["training"] = self.trainer.datamodule.training_record()  # type: ignore[attr-defined]
