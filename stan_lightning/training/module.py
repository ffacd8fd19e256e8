"""The network under training: loss, optimiser and metrics.

What is logged, once an epoch in one row: ``train/loss``, ``lr``, and, at every so many epochs, of the
development recordings ``val/mae`` and ``val/rmse`` in points (video level), or ``val/accuracy`` for classes.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
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
from torchmetrics.functional import mean_absolute_error, mean_squared_error

from stan_boundary.errors import InputError
from stan_boundary.names import printable
from stan_lightning.network.catalogue import ENCODER, block, build, network_arguments
from stan_lightning.network.fusion import Encoder, Fusion
from stan_lightning.network.precision import single_precision
from stan_lightning.network.sta_drn import MODALITIES, STADRN, set_memory_format
from stan_lightning.network.track import TrackNet
from stan_lightning.network.weights import load_weights
from stan_lightning.training import development
from stan_lightning.training import objective as losses
from stan_lightning.training.metrics import EpochLoss, WindowScores, recording_means, recording_scores

OBJECTIVES = ("severity", "classification")
OPTIMISER = ("learning_rate", "restart_epochs", "restart_factor", "warmup_epochs")
OWN = (
    "objective",
    "classes",
    "score_range",
    "loss",
    "label_noise",
    "clip_scores",
    "start_at_mean",
    "init_weights",
    "compile",
    "seed",
    "memory_format",
    "validation_precision",
)


class StanModule(L.LightningModule):
    """A network with its objective and optimiser.

    Takes primitives only, so that a checkpoint loads by itself. What each argument means and its
    default stand in ``conf/model``.
    """

    def __init__(
        self,
        network: Mapping[str, Any],
        optimiser: Mapping[str, Any],
        objective: str,
        classes: Sequence[str] | None,
        score_range: Sequence[float] | None,
        loss: str,
        label_noise: float,
        clip_scores: str,
        start_at_mean: bool,
        init_weights: str | None,
        compile: bool,
        seed: int,
        memory_format: str = "channels_last",  # this and the next: what checkpoints of before did
        validation_precision: str | int = "32",
    ) -> None:
        super().__init__()
        self.save_hyperparameters(logger=False)
        if objective not in OBJECTIVES:
            raise InputError(f"model.objective={objective} is none of {', '.join(OBJECTIVES)}")
        if loss not in losses.SEVERITY_LOSSES:
            raise InputError(f"model.loss={loss} is none of {', '.join(losses.SEVERITY_LOSSES)}")
        if clip_scores not in ("window", "recording"):
            raise InputError(f"model.clip_scores={clip_scores} is none of window, recording")
        if str(validation_precision) not in development.SETTINGS:
            raise InputError(
                f"model.validation_precision={validation_precision} is none of "
                f"{', '.join(development.SETTINGS)}"
            )
        outputs = len(classes) if classes else 1
        self.network = build(network, outputs)
        set_memory_format(self.network, memory_format)
        self.train_loss = EpochLoss()
        self.windows = WindowScores(outputs)
        self.gates = WindowScores(len(self.network.modalities))

    @classmethod
    def from_flat(cls, **given: Any) -> "StanModule":
        """One from a flat list of arguments, as the command line has them, and checkpoints of before.

        Raises:
            InputError: an argument has no meaning.
            TypeError: one is missing.
        """
        own = {name: given.pop(name) for name in OWN if name in given}
        optimiser = {name: given.pop(name) for name in OPTIMISER if name in given}
        try:
            network = network_arguments(given)
        except KeyError as error:
            raise TypeError(f"missing argument {error}") from None
        if lacking := [name for name in OPTIMISER if name not in optimiser]:
            raise TypeError(f"missing argument {lacking[0]!r}")
        # A fusion's encoders take what they do not set themselves from the arguments of one alone.
        blocks = {*MODALITIES, "track"} if network["name"] == "fusion" else set()
        strange = set(given) - set(network) - blocks - {*ENCODER, "modalities", "name", "columns"}
        if strange:
            raise InputError(f"model.{sorted(strange)[0]} means nothing to model.name={network['name']}")
        return cls(network=network, optimiser=optimiser, **own)

    @classmethod
    def from_record(cls, arguments: Mapping[str, Any]) -> "StanModule":
        """One from a checkpoint's ``hyper_parameters``; errors as for `from_flat`."""
        return cls(**arguments) if "network" in arguments else cls.from_flat(**arguments)

    def forward(self, inputs: Mapping[str, Tensor], there: Mapping[str, Tensor]) -> Tensor:
        """Outputs ``(B, C)`` for a batch by modality; C = 1 is a fraction of the range."""
        cast = {name: x.to(self.dtype) for name, x in inputs.items()}
        return self.network.score(cast, there)

    # --- start ------------------------------------------------------------------------------------

    def on_fit_start(self) -> None:
        """Give a fresh network its start; a resumed one has it already."""
        if self.trainer.ckpt_path is None:
            self._start()
        if self.hparams["compile"]:
            for part in self.network.modules():
                if isinstance(part, STADRN) and part.channels_last_on(self.device.type):
                    part.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload] # torch's stub lacks it
            self.network.compile()

    def _start(self) -> None:
        for track in [one for one in self.network.modules() if isinstance(one, TrackNet)]:
            track.standardise(*self.trainer.datamodule.track_statistics(*track.modalities))  # type: ignore[attr-defined]
        for name, network, path in self._starts():
            columns = None
            if isinstance(network, TrackNet):
                columns = self.hparams["network"]["columns"][network.modalities[0]]
            self.print(printable(f"{name}{load_weights(network, path, columns)}"))
        if self.hparams["start_at_mean"] and self.hparams["objective"] == "severity":
            low, high = self.hparams["score_range"]
            mean = (self.trainer.datamodule.training_mean - low) / (high - low)  # type: ignore[attr-defined]
            if self.hparams["network"]["bounded"]:
                mean = float(np.log(mean / (1 - mean)))
            for head in self.network.heads:
                nn.init.constant_(head.bias, mean)
                nn.init.zeros_(head.weight)

    def _starts(self) -> Iterator[tuple[str, Encoder, str]]:
        """What starts from weights: a name for the user, the network and the file."""
        whole = self.hparams["init_weights"]
        if not isinstance(self.network, Fusion):
            if whole:
                yield "", self.network, whole
            return
        if whole:
            raise InputError(
                "model.init_weights starts one encoder alone: give model.face.init_weights or another's"
            )
        for name, encoder in self.network.encoders.items():
            if path := block(self.hparams["network"], name)["init_weights"]:
                assert isinstance(encoder, Encoder)
                yield f"{name}: ", encoder, path

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
        output = self(batch.inputs, batch.there).float()
        if self.hparams["objective"] == "classification":
            loss = losses.classes(output, batch.target)
        else:
            noise = self.hparams["label_noise"] * batch.noise
            severity_loss = losses.SEVERITY_LOSSES[self.hparams["loss"]]
            loss = severity_loss(output, batch.target, noise, self.hparams["score_range"])
        self.train_loss.update(loss.detach(), len(output))
        return loss

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Collect the windows of one batch: in float32, but where training's own choice may be quicker."""
        with nullcontext() if self._in_sixteen_bits() else single_precision(self.device.type):
            output = self(batch.inputs, batch.there)
        self.windows.update(batch.recording, batch.window, batch.target, output)

    def test_step(self, batch: Any, batch_idx: int) -> None:
        """As in validation; of a network that weighs modalities the gates, too."""
        self.validation_step(batch, batch_idx)
        if self.network.gates is not None:
            self.gates.update(batch.recording, batch.window, batch.target, self.network.gates)

    def _in_sixteen_bits(self) -> bool:
        fitting = self.trainer.state.fn == "fit"
        return fitting and development.in_sixteen_bits(self.hparams["validation_precision"], self.trainer)

    def on_validation_epoch_end(self) -> None:
        """Log one row for the epoch: its training loss, learning rate and development metrics."""
        values = self._scores("val")
        if self.trainer.sanity_checking:
            return
        if self.trainer.state.fn != "fit":
            self.scores_in_float32 = values
            return
        self.log_training()
        for name, value in values.items():
            self.log(name, value, prog_bar=name in ("val/mae", "val/accuracy"))

    def log_training(self) -> None:
        """Log what the epoch's training was, at its end."""
        self.log("train/loss", self.train_loss.compute(), prog_bar=True)
        self.log("lr", torch.tensor(self.epoch_lr))
        self.train_loss.reset()

    def on_test_epoch_end(self) -> None:
        """Keep all windows for evaluation; what they are worth is worked out from the table they make."""
        self.test_rows = self.windows.compute()
        self.windows.reset()
        self.test_gates = None if self.network.gates is None else self.gates.compute()[:, 3:]
        self.gates.reset()

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
        settings = self.hparams["optimiser"]
        optimizer = torch.optim.Adam(trained, lr=settings["learning_rate"])
        first, warmup = settings["restart_epochs"], settings["warmup_epochs"]
        schedule: LRScheduler = ConstantLR(optimizer, factor=1.0)
        if first is not None:
            schedule = CosineAnnealingWarmRestarts(optimizer, first, settings["restart_factor"])
        if warmup:
            rise = LinearLR(optimizer, start_factor=1 / (warmup + 1), total_iters=warmup)
            schedule = SequentialLR(optimizer, [rise, schedule], milestones=[warmup])
        return {"optimizer": optimizer, "lr_scheduler": schedule}

    # --- checkpoint -------------------------------------------------------------------------------

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Record how the data was divided and who was trained on: evaluation reports against it."""
        checkpoint["training"] = self.trainer.datamodule.training_record()  # type: ignore[attr-defined]
