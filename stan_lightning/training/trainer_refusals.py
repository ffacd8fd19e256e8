"""Lightning's settings that would make a run, or its number, another than it says: refused at the start."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import BaseFinetuning, ModelCheckpoint, StochasticWeightAveraging

from stan_boundary.errors import InputError


def _is(*values: object) -> Callable[[Any], bool]:
    """Whether a setting is one of these, in type as well: Lightning takes 1 for one batch and 1.0 for all."""
    return lambda given: any(type(given) is type(value) and given == value for value in values)


_NO_DEVELOPMENT = (
    "without whole development scores there is no best checkpoint: leave it out, or make "
    "development smaller by data.root"
)
_WHOLE_EPOCHS = "metrics.csv, last.ckpt and resume go by whole epochs"
TRAINING: dict[str, tuple[Callable[[Any], bool], str]] = {
    "limit_val_batches": (_is(None, 1.0), _NO_DEVELOPMENT),
    "val_check_interval": (
        _is(None, 1.0),
        f"{_WHOLE_EPOCHS}, validated at their end: leave it out, or set trainer.check_val_every_n_epoch",
    ),
    "check_val_every_n_epoch": (
        lambda given: type(given) is int and given > 0,
        f"{_WHOLE_EPOCHS}: give a whole number of epochs from one development score to the next",
    ),
    "max_steps": (_is(None, -1), f"{_WHOLE_EPOCHS}: set trainer.max_epochs"),
    "min_steps": (_is(None), f"{_WHOLE_EPOCHS}: set trainer.min_epochs"),
    "max_time": (_is(None), f"{_WHOLE_EPOCHS}: stop the run when time is up, and go on by resume=<run>"),
    "overfit_batches": (_is(0, 0.0), "development would be scored on training clips: leave it out"),
    "enable_checkpointing": (_is(None, True), "a run without checkpoints cannot be reported: leave it out"),
    "barebones": (_is(False), "a run without checkpoints and logs cannot be reported: leave it out"),
}
_WHOLE = "an evaluation is whole, or its number is that of another test set: leave it out"
SCORING: dict[str, tuple[Callable[[Any], bool], str]] = {
    "limit_test_batches": (_is(None, 1.0), _WHOLE),
    "overfit_batches": (_is(0, 0.0), _WHOLE),
    "fast_dev_run": (_is(False, 0), _WHOLE),
    "barebones": (_is(False), _WHOLE),
}


def refuse_trainer_settings(
    settings: Mapping[str, Any], table: Mapping[str, tuple[Callable[[Any], bool], str]]
) -> None:
    """Refuse what a table does not allow.

    Args:
        settings: Arguments of Lightning's Trainer.
        table: `TRAINING` or `SCORING`.

    Raises:
        InputError: A setting has a value that is not allowed; the message says why.
    """
    for name, (allowed, why) in table.items():
        if name in settings and not allowed(settings[name]):
            raise InputError(f"trainer.{name}={settings[name]}: {why}")


def refuse_profiler(profiler: Any) -> None:
    """Raise an `InputError` where a profiler would fail when it writes, which is after the training."""
    if getattr(profiler, "dump_stats", False) and not profiler.dirpath:
        raise InputError("trainer.profiler.dump_stats=true needs trainer.profiler.dirpath=<folder>")


def refuse_callbacks(callbacks: Any) -> None:
    """What selects and keeps checkpoints has to be there, and weights are those that were scored.

    Args:
        callbacks: By their name in the config.

    Raises:
        InputError: One is missing, or works against another.
    """
    if not isinstance(callbacks, Mapping) or not all(
        isinstance(one, L.Callback) for one in callbacks.values()
    ):
        raise InputError("trainer.callbacks must be callbacks by their names, each with its _target_")
    for name, use in (("best", "is what a run reports"), ("last", "is what a resumed run goes on from")):
        if not isinstance(callbacks.get(name), ModelCheckpoint):
            raise InputError(f"trainer.callbacks.{name} {use}: it cannot be left out")
        if callbacks[name].save_on_exception:
            raise InputError(
                f"trainer.callbacks.{name}.save_on_exception=true would keep an epoch cut short, or weights "
                "that are no numbers: leave it out"
            )
    if next(one for one in callbacks.values() if isinstance(one, ModelCheckpoint)) is not callbacks["best"]:
        raise InputError(
            "trainer.callbacks.best is what a run reports: it must stand before other ModelCheckpoints"
        )
    if callbacks["best"].save_top_k != 1:
        raise InputError(
            f"trainer.callbacks.best.save_top_k={callbacks['best'].save_top_k}: best.ckpt is one file; add a "
            "ModelCheckpoint of another name and filename, as docs/trainer.md shows"
        )
    _refuse_twins(callbacks)
    _refuse_averages(callbacks.values())


def refuse_thawing_in_processes(callbacks: Iterable[L.Callback], processes: int) -> None:
    """Raise an `InputError` where processes would not share the gradients of what is frozen at the start."""
    for callback in callbacks:
        if processes > 1 and isinstance(callback, BaseFinetuning):
            raise InputError(
                f"{type(callback).__name__} thaws weights whose gradients {processes} processes would not "
                "share, as torch decides at the start what is shared: set trainer.devices=1"
            )


def _refuse_twins(callbacks: Mapping[str, L.Callback]) -> None:
    """Lightning tells the states of callbacks apart in a checkpoint by what they watch and when."""
    keys: dict[str, str] = {}
    for name, callback in callbacks.items():
        if type(callback).state_dict is not L.Callback.state_dict and callback.state_key in keys:
            raise InputError(
                f"trainer.callbacks.{name} and {keys[callback.state_key]} watch the same at the same "
                "moment, and a resumed run could not tell them apart: change a monitor or every_n_epochs"
            )
        keys[callback.state_key] = name


def _refuse_averages(callbacks: Iterable[L.Callback]) -> None:
    for callback in callbacks:
        if isinstance(callback, StochasticWeightAveraging):
            raise InputError(
                "StochasticWeightAveraging changes the weights after the last development score: no number "
                "would be theirs; take stan_lightning.training.averaging.MeanFromEpoch or "
                "lightning.pytorch.callbacks.EMAWeightAveraging"
            )
