"""Every shipped config composes, and what it describes can be made."""

from collections.abc import Iterator
from pathlib import Path

import lightning as L
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from stan_lightning.data.datamodule import CropDataModule
from stan_lightning.training.module import StanModule

FACTS = {"score_range": [0, 63], "classes": None, "training_mean": 15.75}
FACTS |= {"columns": {}, "spans": {}, "moment_s": 0.1}
CONF = Path(__file__).resolve().parents[1] / "conf"


def choices(group: str) -> list[str]:
    return sorted(file.stem for file in (CONF / group).glob("*.yaml"))


@pytest.fixture(autouse=True)
def hydra_conf() -> Iterator[None]:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        yield


def composed(*overrides: str) -> DictConfig:
    return compose("train", list(overrides))


@pytest.mark.parametrize("name", choices("data"))
def test_every_data_config_makes_a_datamodule(name: str) -> None:
    config = composed(f"data={name}", "data.root=crops")
    data = instantiate(config.data, _convert_="all")
    assert isinstance(data, CropDataModule) and data.hparams["score_range"] == [0, 63]


@pytest.mark.parametrize("name", choices("experiment"))
def test_every_experiment_makes_a_network_and_names_its_preprocessing(name: str) -> None:
    config = composed(f"experiment={name}")
    classes = ["a", "b"] if config.data.score_range is None else None
    facts = FACTS | {"score_range": None, "classes": classes} if classes else FACTS
    module = instantiate(config.model, data=facts, _convert_="all")
    assert isinstance(module, StanModule)
    assert "preprocess" in config.data.make_crops or "make demo" in config.data.make_crops


@pytest.mark.parametrize(
    "name", [one for one in choices("model") if one not in ("training", "own", "probe", "signal")]
)
def test_the_demo_trains_every_network_and_small_ones_at_will(name: str) -> None:
    whole = instantiate(composed("experiment=demo", f"model={name}").model, data=FACTS, _convert_="all")
    parts = [f"encoders.{one}" if "fusion" in name else "encoder" for one in whole.network.parts]
    words = [f"model/encoder@model.network.{one}=sta_drn_small" for one in parts]
    small = instantiate(
        composed("experiment=demo", f"model={name}", *words).model, data=FACTS, _convert_="all"
    )
    counts = [sum(one.numel() for one in made.network.parameters()) for made in (small, whole)]
    assert counts[0] < counts[1] / 4 or "small" in name
    assert composed("experiment=demo").model.network.encoder.features == 8


def test_the_bare_command_is_the_recipe_of_2023_but_for_stride_and_precision() -> None:
    bare, recipe = composed("trainer.max_epochs=200"), composed("experiment=sta_drn_2023")
    differing = {
        key
        for group in ("data", "model", "trainer")
        for key in bare[group]
        if key != "callbacks" and OmegaConf.select(bare, f"{group}.{key}") != recipe[group][key]
    }
    assert differing == {"root", "make_crops", "frame_stride", "precision", "validation_precision"}
    assert (bare.data.frame_stride, recipe.data.frame_stride) == (3, 1)
    assert recipe.trainer.precision == "32-true"


def rates(module: StanModule, epochs: int) -> list[float]:
    """Learning rate of each epoch."""
    made = module.configure_optimizers()
    found = []
    for _ in range(epochs):
        found.append(made["optimizer"].param_groups[0]["lr"])
        made["optimizer"].step()
        made["lr_scheduler"]["scheduler"].step()
    return found


def test_the_schedule_is_the_recipes() -> None:
    found = rates(instantiate(composed("experiment=sta_drn_2023").model, data=FACTS, _convert_="all"), 200)
    assert [epoch for epoch, rate in enumerate(found) if rate == 5e-3] == [0, 50, 150]
    assert found[199] == pytest.approx(4.3e-3, abs=5e-5)


def test_a_warm_up_rises_to_where_the_cosine_begins() -> None:
    warm = ["milestones=[4]", "schedulers.0.start_factor=0.2", "schedulers.1.T_0=10"]
    overrides = [f"model.scheduler.{one}" for one in warm]
    config = composed("model/scheduler=warm_up", *overrides, "model.optimizer.lr=1.0")
    found = rates(instantiate(config.model, data=FACTS, _convert_="all"), 14)
    assert found[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert found[4:] == sorted(found[4:], reverse=True) and found[-1] < 0.1


@pytest.mark.parametrize(("name", "precision"), [("sta_drn_2024", "16-mixed"), ("tukl_2025", "32-true")])
def test_experiments_keep_their_precision_under_another_trainer(name: str, precision: str) -> None:
    assert composed(f"experiment={name}", "trainer=t4").trainer.precision == precision


def test_the_update_of_2024_averages_ten_steps_and_has_no_noise() -> None:
    config = composed("experiment=sta_drn_2024")
    assert config.trainer.accumulate_grad_batches == 10 and config.data.drop_last
    module = instantiate(config.model, data=FACTS, _convert_="all")
    optimizer = module.configure_optimizers()["optimizer"]
    assert isinstance(optimizer, torch.optim.Adam)
    assert [rate for rate in rates(module, 60) if rate != 1e-6] == []
    assert module.objective.label_noise == 0


def test_the_replication_reads_every_ninth_frame_and_clips_means() -> None:
    config = composed("experiment=tukl_2025")
    assert config.data.frame_stride == 9 and config.model.objective.clip_scores == "recording"


def test_the_default_trainer_can_be_made_here(tmp_path: Path) -> None:
    config = composed("logger=csv", f"++hydra.runtime.output_dir={tmp_path}")
    trainer = instantiate({**config.trainer, "callbacks": [], "precision": "32-true", "logger": False})
    assert isinstance(trainer, L.Trainer) and trainer.max_epochs == 200
