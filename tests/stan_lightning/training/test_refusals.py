"""What is refused before training, by a line that names the key and the way out."""

from types import SimpleNamespace
from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from omegaconf import DictConfig, OmegaConf

from stan_boundary.errors import InputError
from stan_lightning.network import STADRN, SignalNet
from stan_lightning.training import refusals


def config(**changes: Any) -> DictConfig:
    made = OmegaConf.create(
        {
            "seed": 0,
            "data": {"batch_size": 5, "clip_frames": 8, "image_size": 32, "drop_last": False},
            "trainer": {"max_epochs": 2},
        }
    )
    for key, value in changes.items():
        OmegaConf.update(made, key.replace("__", "."), value)
    return made


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("trainer.max_epochs", 0), ("trainer.max_epochs", "abc"), ("trainer.max_epochs", 2.5)),
        *(("trainer.max_epochs", True), ("trainer.accumulate_grad_batches", 0), ("seed", -1)),
    ],
)
def test_numbers(key: str, value: object) -> None:
    wrong = config()
    OmegaConf.update(wrong, key, value)
    with pytest.raises(InputError, match=f"^{key}={value}: it must be a"):
        refusals.refuse_impossible_numbers(wrong)
    refusals.refuse_impossible_numbers(config())


@pytest.mark.parametrize(("clip_frames", "image_size"), [(8, 32), (9, 32), (8, 33), (1, 16), (16, 32)])
@pytest.mark.parametrize(("batch_size", "recordings"), [(1, 4), (2, 5), (2, 4), (3, 5)])
def test_single_values_are_refused_where_torch_would_fail(
    clip_frames: int, image_size: int, batch_size: int, recordings: int
) -> None:
    """The refusal agrees with a real training step on the smallest batch of the epoch."""
    smallest = recordings % batch_size or batch_size
    network = STADRN(features=2, layers=(1, 1, 1, 1)).train()
    grouped = STADRN(features=2, layers=(1, 1, 1, 1), norm="group")
    try:
        network(torch.zeros(smallest, 3, clip_frames, image_size, image_size))
        fails = False
    except ValueError:
        fails = True
    asked = {"data__clip_frames": clip_frames, "data__image_size": image_size, "data__batch_size": batch_size}
    if fails:
        with pytest.raises(InputError, match="one value a channel"):
            refusals.refuse_single_values(network, config(**asked).data, recordings, 1)
    else:
        refusals.refuse_single_values(network, config(**asked).data, recordings, 1)
    refusals.refuse_single_values(grouped, config(**asked).data, recordings, 1)
    whole = config(**asked | {"data__clip_frames": None}).data
    refusals.refuse_single_values(SignalNet("mood", 2), whole, recordings, 1)


def test_single_values_of_several_processes() -> None:
    """Six recordings in batches of 2 x 2 leave one for each process."""
    network = STADRN(features=2, layers=(1, 1, 1, 1))
    with pytest.raises(InputError, match="one value a channel"):
        refusals.refuse_single_values(network, config(data__batch_size=2).data, 6, 2)
    refusals.refuse_single_values(network, config(data__batch_size=2, data__drop_last=True).data, 6, 2)


def test_monitors() -> None:
    with pytest.raises(InputError, match="makes its number worthless"):
        refusals.refuse_test_metrics([SimpleNamespace(monitor="test/mae")])
    metrics = ["val/accuracy"]
    with pytest.raises(InputError, match=r"val/mae, which nothing here logs: take one of val/accuracy"):
        refusals.refuse_unlogged_monitors([ModelCheckpoint(monitor="val/mae")], metrics)
    refusals.refuse_unlogged_monitors([ModelCheckpoint(monitor="val/accuracy")], metrics)
    refusals.refuse_unlogged_monitors([ModelCheckpoint(monitor="val/ccc"), OfOnesOwn()], metrics)


class OfOnesOwn(L.Callback):
    """One that may log what it likes."""


def test_half_precision_needs_a_gpu() -> None:
    with pytest.raises(InputError, match="needs a GPU"):
        refusals.refuse_half_precision("16-mixed", "cpu")
    refusals.refuse_half_precision("32-true", "cpu")
