"""Settings that cannot work, or that make a number worthless, refused before anything is trained."""

import os
from collections.abc import Iterable

import lightning as L
import torch
from omegaconf import DictConfig

from stan_boundary.errors import InputError
from stan_boundary.numbers import check_number
from stan_lightning.network.encoder import Network


def refuse_impossible_numbers(config: DictConfig) -> None:
    """What would fail late, or start more processes than a machine takes; data and model check their own."""
    check_number("seed", config.seed, int, 0, 2**32 - 1)
    for name in ("max_epochs", "accumulate_grad_batches"):
        if (value := config.trainer.get(name)) is not None:
            check_number(f"trainer.{name}", value, int, 1)
    devices, most = str(config.trainer.get("devices")), max(64, os.cpu_count() or 1)
    if devices.isdecimal() and int(devices) > most:
        raise InputError(
            f"trainer.devices={devices[:20]}: that many processes are not started; give at most {most}"
        )


def refuse_other_kind(part: str, found: object, kind: type) -> None:
    """A config's part must be made of what this project takes there."""
    if not isinstance(found, kind):
        raise InputError(
            f"the config's {part} makes a {type(found).__name__}, no {kind.__name__}: its _target_ is "
            "missing or another's"
        )


def refuse_test_metrics(callbacks: Iterable[object]) -> None:
    """Selection is by the development partition only."""
    for callback in callbacks:
        monitored = getattr(callback, "monitor", None)
        if isinstance(monitored, str) and monitored.startswith("test"):
            raise InputError(
                f"{type(callback).__name__} would monitor {monitored}: a choice made on test data makes its "
                "number worthless; monitor a metric of development"
            )


def refuse_unlogged_monitors(callbacks: Iterable[object], metrics: Iterable[str]) -> None:
    """A callback that waits for a metric which is never logged would end the first epoch with an error.

    Args:
        callbacks: The run's.
        metrics: What its objective logs.
    """
    callbacks = list(callbacks)
    if any(not type(one).__module__.startswith(("lightning.", "stan_lightning.")) for one in callbacks):
        return  # of one's own, which may log what they like
    logged = [*metrics, "train/loss", "train/grad_norm", "lr"]
    for callback in callbacks:
        monitored = getattr(callback, "monitor", None)
        if isinstance(monitored, str) and monitored not in logged:
            raise InputError(
                f"{type(callback).__name__} monitors {monitored}, which nothing here logs: take one of "
                f"{', '.join(logged)}"
            )


def refuse_area_of_one_class(callbacks: Iterable[object], labels: Iterable[str]) -> None:
    """Nothing can be selected by how well two classes are told apart where there is one.

    Args:
        callbacks: The run's.
        labels: Of the development recordings; empty where unknown.
    """
    classes = {str(label) for label in labels} - {""}
    if len(classes) < 2 and any(getattr(one, "monitor", None) == "val/auc" for one in callbacks):
        raise InputError(
            f"val/auc is monitored, but all development recordings are of class {', '.join(classes)}: take "
            "val/accuracy, or data.protocol=group_kfold"
        )


def refuse_half_precision(precision: str, accelerator: str) -> None:
    """Lightning would quietly take another 16-bit format on a CPU."""
    if precision.startswith("16") and (accelerator == "cpu" or not torch.cuda.is_available()):
        raise InputError(
            f"trainer.precision={precision} needs a GPU and there is none; take trainer=default or "
            "trainer.precision=32-true"
        )


def refuse_single_values(network: Network, data: DictConfig, recordings: int, processes: int) -> None:
    """Batch normalisation cannot train on a batch that leaves it one value a channel.

    Args:
        network: Whose encoders say how many values of a clip theirs sees, where they know.
        data: The data's config.
        recordings: Labelled recordings of the training partition, one clip each.
        processes: Processes that share a batch.
    """
    left_over = 0 if data.drop_last else recordings % (data.batch_size * processes) // processes
    if data.batch_size > 1 and left_over != 1:
        return
    for encoder in network.parts.values():
        if encoder.values_a_channel(data.clip_frames, data.image_size) == 1:
            raise InputError(
                f"a batch of one clip of {data.clip_frames} frames at {data.image_size} pixels (of "
                f"{recordings} recordings in batches of {data.batch_size}) leaves batch normalisation one "
                "value a channel: take another data.batch_size, data.drop_last=true, norm=group of the "
                "encoder, or larger clips"
            )


def refuse_sync_on_cpu(trainer: L.Trainer, sync_batchnorm: bool) -> None:
    """Torch synchronises batch normalisation on GPUs alone."""
    if sync_batchnorm and trainer.strategy.root_device.type == "cpu":
        raise InputError(
            "trainer.sync_batchnorm=true needs GPUs; on the CPU take norm=group of the encoder, which has no "
            "statistics of a batch, or trainer.sync_batchnorm=false"
        )


def refuse_sweep_on_processes(trainer: L.Trainer) -> None:
    """Lightning starts the other processes by this command line: under a multirun, the whole sweep."""
    launcher = trainer.strategy.launcher
    if (
        trainer.world_size > 1
        and launcher is not None
        and type(launcher).__name__ == "_SubprocessScriptLauncher"
    ):
        environment = trainer.strategy.cluster_environment  # type: ignore[attr-defined]
        if not environment.creates_processes_externally:
            raise InputError(
                f"a multirun cannot start {trainer.world_size} processes for each job on one machine: take "
                "trainer=default, one run at a time, or a cluster's launcher that starts all processes itself"
            )
