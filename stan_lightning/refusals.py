"""Settings that cannot work, or that make a number worthless, refused before anything is trained."""

from collections.abc import Iterable
from math import ceil

import lightning as L
import torch
from omegaconf import DictConfig

from preprocess.errors import InputError


def refuse_test_metrics(callbacks: Iterable[object]) -> None:
    """Selection is by the development partition only."""
    for callback in callbacks:
        monitored = getattr(callback, "monitor", None)
        if isinstance(monitored, str) and monitored.startswith("test"):
            raise InputError(
                f"{type(callback).__name__} would monitor {monitored}: a choice made on test data makes its "
                "number worthless; monitor val/mae"
            )


def refuse_unlogged_monitors(callbacks: Iterable[object], objective: str) -> None:
    """A callback that waits for a metric which is never logged would end the first epoch with an error."""
    of_dev = ["val/accuracy"] if objective == "classification" else ["val/mae", "val/rmse"]
    logged = [*of_dev, "train/loss", "train/grad_norm", "lr"]
    for callback in callbacks:
        monitored = getattr(callback, "monitor", None)
        if isinstance(monitored, str) and monitored not in logged:
            mode = "; with mode=max for accuracy" if "accuracy" in logged[0] else ""
            raise InputError(
                f"{type(callback).__name__} monitors {monitored}, which is not logged with "
                f"model.objective={objective}: take one of {', '.join(logged)}{mode}"
            )


def refuse_half_precision(precision: str, accelerator: str) -> None:
    """Lightning would quietly take another 16-bit format on a CPU."""
    if precision.startswith("16") and (accelerator == "cpu" or not torch.cuda.is_available()):
        raise InputError(
            f"trainer.precision={precision} needs a GPU and there is none; take trainer.precision=32-true"
        )


def refuse_single_values(config: DictConfig, recordings: int, processes: int) -> None:
    """Batch normalisation cannot train on a batch that leaves it one value a channel.

    Args:
        config: The whole config.
        recordings: Labelled recordings of the training partition, one clip each.
        processes: Processes that share a batch.
    """
    data = config.data
    if config.model.norm != "batch" or ceil(data.clip_frames / 8) * ceil(data.image_size / 32) ** 2 > 1:
        return
    left_over = 0 if data.drop_last else recordings % (data.batch_size * processes) // processes
    if data.batch_size == 1 or left_over == 1:
        raise InputError(
            f"a batch of one clip of {data.clip_frames} frames at {data.image_size} pixels (of {recordings} "
            f"recordings in batches of {data.batch_size}) leaves batch normalisation one value a channel: "
            "take another data.batch_size, data.drop_last=true, model.norm=group, or larger clips"
        )


def refuse_sync_on_cpu(trainer: L.Trainer, sync_batchnorm: bool) -> None:
    """Torch synchronises batch normalisation on GPUs alone."""
    if sync_batchnorm and trainer.strategy.root_device.type == "cpu":
        raise InputError(
            "trainer.sync_batchnorm=true needs GPUs; on the CPU take model.norm=group, which has no "
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
