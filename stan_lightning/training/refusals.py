"""Settings that cannot work, or that make a number worthless, refused before anything is trained."""

import os
from collections.abc import Iterable
from math import inf

import lightning as L
import torch
from omegaconf import DictConfig, OmegaConf

from stan_boundary.errors import InputError
from stan_lightning.network.encoder import Network

# Lowest and highest value of settings whose own errors would come late or without a name.
NUMBERS: dict[str, tuple[type, float, float]] = {
    "seed": (int, 0, 2**32 - 1),
    "data.split_seed": (int, 0, 2**32 - 1),
    "data.batch_size": (int, 1, inf),
    "data.eval_batch_size": (int, 1, inf),
    "data.clip_frames": (int, 1, 20_000),
    "data.frame_stride": (int, 1, 10_000),
    "data.image_size": (int, 1, 2_000),
    "data.sound_s": (float, 0, 3_600),
    "data.num_workers": (int, 0, 256),
    "trainer.max_epochs": (int, 1, inf),
    "trainer.accumulate_grad_batches": (int, 1, inf),
}

MOST_PIXELS = 2**28
"""Of a clip: 3 GB as float32, eighty times the paper's."""


def refuse_impossible_numbers(config: DictConfig) -> None:
    """Numbers out of their range, and words in the place of numbers."""
    for key, (kind, low, high) in NUMBERS.items():
        value = OmegaConf.select(config, key)
        right = type(value) is int or (kind is float and isinstance(value, float))
        if value is not None and not (right and low <= value <= high):
            whole = "a whole number" if kind is int else "a number"
            bounds = f"of at least {low}" if high == inf else f"from {low} to {high}"
            raise InputError(f"{key}={str(value)[:80]}: it must be {whole} {bounds}")
    devices, most = str(OmegaConf.select(config, "trainer.devices")), max(64, os.cpu_count() or 1)
    if devices.isdecimal() and int(devices) > most:
        raise InputError(
            f"trainer.devices={devices[:20]}: that many processes are not started; give at most {most}"
        )
    frames, size = (OmegaConf.select(config, f"data.{name}") for name in ("clip_frames", "image_size"))
    if frames and size and frames * size**2 > MOST_PIXELS:
        raise InputError(
            f"data.clip_frames={frames} of data.image_size={size} are more than memory can be asked for"
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
