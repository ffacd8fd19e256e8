"""The network under training: loss, optimiser and metrics.

What is logged, once an epoch in one row: ``train/loss``, ``lr``, and, at every so many epochs, of the
development recordings ``val/mae`` and ``val/rmse`` in points (video level), or ``val/accuracy``,
``val/macro_f1`` and ``val/auc`` for classes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from typing import Any

import lightning as L
import numpy as np
import torch
from torch import Tensor, nn

from stan_boundary.composition import check, make
from stan_boundary.errors import InputError
from stan_boundary.names import printable
from stan_lightning.network.build import build
from stan_lightning.network.encoder import Encoder
from stan_lightning.network.precision import single_precision
from stan_lightning.network.weights import load_weights
from stan_lightning.training import development
from stan_lightning.training.conformal import Conformal
from stan_lightning.training.frozen import freeze_alone, frozen
from stan_lightning.training.metrics import EpochLoss, WindowScores, recording_scores
from stan_lightning.training.objective import Objective
from stan_lightning.training.reader import fit


class StanModule(L.LightningModule):
    """A network with its objective, optimiser and schedule.

    Takes plain data only, which is the checkpoint's record, so that a checkpoint loads by itself. What each
    argument means and its default stand in ``conf/model``; `data` is `CropDataModule.facts`.
    """

    def __init__(
        self,
        network: Mapping[str, Any],
        objective: Mapping[str, Any],
        optimizer: Mapping[str, Any],
        data: Mapping[str, Any],
        seed: int,
        scheduler: Mapping[str, Any] | None = None,
        init_weights: str | Mapping[str, str | None] | None = None,
        compile: bool = False,
        validation_precision: str | int = "auto",
    ) -> None:
        super().__init__()
        self.save_hyperparameters(logger=False)
        if str(validation_precision) not in development.SETTINGS:
            raise InputError(
                f"model.validation_precision={validation_precision} is none of "
                f"{', '.join(development.SETTINGS)}"
            )
        made: Objective = make(objective, "model.objective", data=data)
        check(optimizer, "model.optimizer")
        check(_parted(scheduler)[0], "model.scheduler")
        self.network = build(network, made.outputs, data)
        self.objective = made
        self.train_loss = EpochLoss()
        self.windows = WindowScores(made.outputs)
        self._new_people: tuple[int, Conformal] | None = None

    @property
    def backbone(self) -> nn.Module:
        """What Lightning's BackboneFinetuning thaws: the encoders."""
        return nn.ModuleList(self.network.parts.values())

    def forward(self, inputs: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> Tensor:
        """What the objective reads, ``(B, outputs)``, of a batch by modality."""
        cast = {name: x.to(self.dtype) for name, x in inputs.items()}
        output = self.network.score(cast, present)
        expected = (len(next(iter(inputs.values()))), self.objective.outputs)
        if tuple(output.shape) != expected:
            raise InputError(
                f"model.network gives outputs of shape {tuple(output.shape)}, and model.objective reads "
                f"{expected}: a row a clip, {expected[1]} wide"
            )
        return output

    # --- start ------------------------------------------------------------------------------------

    def on_fit_start(self) -> None:
        """Give a fresh network its start; a resumed one has it already."""
        if self.network.reader is not None:
            self.trainer.fit_loop.max_epochs = 1  # fitted before the first step, it is measured by one epoch
        if self.trainer.ckpt_path is None:
            self._start()
        else:
            freeze_alone(self, self._frozen)
        if self.hparams["compile"]:
            for encoder in self.network.parts.values():
                if encoder.channels_last_on(self.device.type):
                    encoder.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload] # torch's stub lacks it
            self.network.compile()

    def _start(self) -> None:
        for name in self.network.modalities:
            if name not in self.hparams["data"]["columns"]:
                continue
            statistics = self.trainer.datamodule.signal_statistics(name)  # type: ignore[attr-defined]
            self.network.parts[name].standardise(*statistics)
        for name, encoder, path in self._starts():
            columns = self.hparams["data"]["columns"].get(name)
            self.print(printable(f"{name}: {load_weights(encoder, path, columns)}"))
        self.objective.start(self.network.heads, self.network.bounded)
        if self.network.reader is not None:
            self.print(printable(fit(self.network, self.trainer.datamodule, self.device)))  # type: ignore[attr-defined]

    def _starts(self) -> Iterator[tuple[str, Encoder, str]]:
        """What starts from weights: the modality, its encoder and the file.

        Raises:
            InputError: Weights for several encoders at once, for none, or a frozen encoder without any.
        """
        given, parts = self.hparams["init_weights"] or {}, self.network.parts
        if not isinstance(given, Mapping):
            if len(parts) > 1:
                raise InputError(
                    "model.init_weights starts one encoder alone: give "
                    f"model.init_weights.{next(iter(parts))} or another's"
                )
            given = dict.fromkeys(parts, given)
        paths = {name: path for name, path in given.items() if path}
        if strange := [name for name in paths if name not in parts]:
            raise InputError(f"model.init_weights.{strange[0]}: the network reads {', '.join(parts)}")
        if paths and self.network.reader is not None:
            raise InputError(
                "model.init_weights: a probe is fitted anew and starts from nothing; leave it out"
            )
        for name in getattr(self.network, "frozen", ()):
            if name not in paths:
                raise InputError(
                    f"model.network.frozen names {name}, which without weights would stay as it was "
                    f"drawn: give model.init_weights.{name}=<run>"
                )
        yield from ((name, parts[name], path) for name, path in paths.items())

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
        output = self(batch.inputs, batch.present).float()
        loss = self.objective.training_loss(output, batch.target, batch.noise)
        self.train_loss.update(loss.detach(), len(output))
        return loss

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Collect the windows of one batch: in float32, but where training's own choice may be quicker."""
        with nullcontext() if self._in_sixteen_bits() else single_precision(self.device.type):
            output = self(batch.inputs, batch.present)
        self.windows.update(batch.recording, batch.window, batch.target, output)

    def _in_sixteen_bits(self) -> bool:
        fitting = self.trainer.state.fn == "fit"
        return fitting and development.in_sixteen_bits(self.hparams["validation_precision"], self.trainer)

    def on_validation_epoch_end(self) -> None:
        """Log one row for the epoch: its training loss, learning rate and development metrics."""
        values = self._scores()
        if self.trainer.sanity_checking:
            return
        if self.trainer.state.fn != "fit":
            self.scores_in_float32 = values
            return
        self.log_training()
        for name, value in values.items():
            self.log(name, value, prog_bar=name == self.objective.monitor)

    def log_training(self) -> None:
        """Log what the epoch's training was, at its end."""
        self.log("train/loss", self.train_loss.compute(), prog_bar=True)
        self.log("lr", torch.tensor(self.epoch_lr))
        self.train_loss.reset()

    def _scores(self) -> dict[str, Tensor]:
        """Metrics at the level of the video; all processes have the same."""
        rows = self.windows.compute()
        self.windows.reset()
        self.development = self.objective.gather(rows)
        self._measure_new_people(rows)
        return self.objective.measure(*self.development)

    def _measure_new_people(self, rows: Tensor) -> None:
        """Errors on people whom training does not see, and the step that they were measured at."""
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        score_range = self.hparams["data"]["score_range"]
        if self.trainer.state.fn != "fit" or score_range is None:
            return
        people = data.labelled_subjects("dev")
        fractions = torch.cat([rows[:, :3], self.objective.fraction(rows[:, 3:])[:, None]], 1)
        label, said = (
            one.double().cpu().numpy() for one in recording_scores(fractions, score_range, "window")
        )
        self._new_people = None
        if len(label) == len(people) and np.isfinite(said).all():  # a sanity check or a diverged run has less
            found = Conformal.measured(label, said, people, set(data.labelled_subjects("train")))
            self._new_people = self.trainer.global_step, found

    # --- optimiser --------------------------------------------------------------------------------

    def configure_optimizers(self) -> Any:
        """What `optimizer` and `scheduler` describe.

        `optimizer.params` may be a callable that divides the network into groups; else all is one group of
        what can be trained. The schedule moves on by `scheduler.interval`, "epoch" or "step".
        """
        config = dict(self.hparams["optimizer"])
        groups: Iterable[Any] = [one for one in self.parameters() if one.requires_grad]
        if "params" in config:
            groups = make(config.pop("params"), "model.optimizer.params")(self.network)
        optimizer: torch.optim.Optimizer = make(config, "model.optimizer", params=groups)
        self._groups = len(optimizer.param_groups)
        described, how = _parted(self.hparams["scheduler"])
        if described is None:
            return optimizer
        known: dict[str, Any] = {"optimizer": optimizer}
        if how["interval"] == "step":
            known["total_steps"] = int(self.trainer.estimated_stepping_batches)
        scheduler = make(described, "model.scheduler", **known)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"monitor": self.objective.monitor, **how, "scheduler": scheduler},
        }

    def optimizer_step(
        self, epoch: int, batch_idx: int, optimizer: Any, optimizer_closure: Callable[[], Any] | None = None
    ) -> None:
        """A step; what a reader has fitted stays as it is."""
        fitted = [] if self.network.reader is None else list(self.network.parameters())
        kept = [one.detach().clone() for one in fitted]
        super().optimizer_step(epoch, batch_idx, optimizer, optimizer_closure)
        with torch.no_grad():
            for one, before in zip(fitted, kept, strict=True):
                one.copy_(before)

    def lr_scheduler_step(self, scheduler: Any, metric: Any) -> None:
        """Move the schedule on: of the groups that it was made for, not of those that callbacks thawed."""
        optimizer = scheduler.optimizer
        groups = optimizer.param_groups
        optimizer.param_groups = groups[: self._groups]
        super().lr_scheduler_step(scheduler, metric)
        optimizer.param_groups = groups

    # --- checkpoint -------------------------------------------------------------------------------

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Record what is frozen, and for evaluation how the data was divided and who was trained on."""
        checkpoint["training"] = self.trainer.datamodule.training_record()  # type: ignore[attr-defined]
        checkpoint["frozen"] = frozen(self)
        step, found = self._new_people or (None, None)
        measured = found is not None and step == self.trainer.global_step
        checkpoint["training"]["conformal"] = found.record() if found is not None and measured else None

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep what was frozen until the optimiser has been made as at the start."""
        self._frozen = checkpoint["frozen"]


def _parted(scheduler: Mapping[str, Any] | None) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """What a schedule is made of, and how Lightning moves it on.

    Raises:
        InputError: It moves on by neither epochs nor steps.
    """
    how: dict[str, Any] = {"interval": "epoch"}
    if scheduler is None:
        return None, how
    made = dict(scheduler)
    how |= {name: made.pop(name) for name in ("interval", "frequency", "monitor") if name in made}
    if how["interval"] not in ("epoch", "step"):
        raise InputError(f"model.scheduler.interval={how['interval']} is none of epoch, step")
    return made, how
