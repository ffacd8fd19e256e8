"""A model folder as it is handed on, of a network as it is drawn."""

import shutil
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from stan_boundary.configs import CONF
from stan_lightning.evaluation.baselines import TrainingSessions
from stan_lightning.evaluation.trained import RECORD, Trained
from stan_lightning.sharing import folder

FACTS = {"score_range": [0, 63], "classes": None, "training_mean": 15.75}
FACTS |= {"columns": {}, "spans": {}, "moment_s": 0.1}
TINY = ["data=manifest", "data.clip_frames=8", "data.image_size=32", "data.root=/home/anna/avec-like"]
TINY += ["model.network.encoder.layers=[1,1,1,1]", "model.network.encoder.features=2"]


@pytest.fixture(scope="session")
def trained() -> Trained:
    with initialize_config_dir(CONF, version_base="1.3"):
        config = compose("train", TINY)
    torch.manual_seed(0)
    data = instantiate(config.data, modalities=["face"], _convert_="all")
    module = instantiate(config.model, data=FACTS, _convert_="all").eval()
    record = {name: data.hparams[name] for name in RECORD}
    sessions = TrainingSessions.from_rows([["anna", "anna_1", 10.0], ["ben", "ben_1", 12.0]])
    return Trained(module, dict(data.hparams), record, sessions)


@pytest.fixture(scope="session")
def _folder(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("models") / "whole"
    described = folder.described(
        trained, {"frame_stride": 3, "crop_size": 32, "align": "none"}, {"torch": "2"}
    )
    folder.finish(folder.write(trained, described, "# a card\n", output), output)
    return output


@pytest.fixture
def model(_folder: Path, tmp_path: Path) -> Path:
    """A copy of its own, to be spoilt."""
    return Path(shutil.copytree(_folder, tmp_path / "model"))
