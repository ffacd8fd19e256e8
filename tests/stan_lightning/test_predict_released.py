"""Released weights on any recording: the scores of the released code, and what is refused."""

import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from hydra import compose, initialize_config_dir

from stan_boundary.configs import CONF
from stan_boundary.errors import InputError
from stan_lightning.network import STADRN
from stan_lightning.network.weights import save_released
from stan_lightning.predict import predict

TINY = ["data.clip_frames=8", "data.frame_stride=1", "data.image_size=32"]
TINY += ["model.network.encoder.layers=[1,1,1,1]", "model.network.encoder.features=2"]


def run(*given: str) -> int:
    with initialize_config_dir(CONF, version_base="1.3"):
        quick = ["trainer.accelerator=cpu", "+trainer.enable_progress_bar=false", "views=false"]
        config = compose("predict", [*quick, *given])
    return predict(config, given)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    network = STADRN(layers=(1, 1, 1, 1), features=2)
    torch.nn.init.constant_(network.fc.bias, 0.3)
    save_released(network, tmp_path / "released.pth")
    return tmp_path / "released.pth"


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    folder = tmp_path / "crops" / "someone"
    folder.mkdir(parents=True)
    for frame in range(20):
        cv2.imwrite(str(folder / f"{frame:05d}.png"), np.full((32, 32, 3), 5 * frame, np.uint8))
    return folder


@pytest.mark.parametrize("case", ["open_plain", "open_stride"])
def test_the_released_codes_score_of_a_folder_of_crops(shared: Path, tmp_path: Path, case: str) -> None:
    folder = shared / "reference" / "evaluation" / case
    expected = json.loads((folder / "expected.json").read_text())
    given = [f"weights={folder / 'weights.pth'}", f"video={folder / 'crops' / f'{case}_aligned'}"]
    given += [f"data.{name}={expected[name]}" for name in ("clip_frames", "frame_stride")]
    given += [f"data.image_size={expected['size']}", f"output={tmp_path / 'out'}"]
    network = expected["network"].items()
    given += [f"model.network.encoder.{name}={str(value).replace(' ', '')}" for name, value in network]
    assert run(*given) == 0
    assert pd.read_csv(tmp_path / "out" / "windows.csv").output.tolist() == pytest.approx(
        expected["windows_out"], abs=1e-4
    )
    predictions = pd.read_csv(tmp_path / "out" / "predictions.csv")
    assert predictions.prediction.item() == pytest.approx(expected["score"], abs=0.01)


def test_weights_need_no_run_and_no_corpus(weights: Path, crops: Path, tmp_path: Path) -> None:
    """Their scores are the network's own, whatever lies where the data's config looks for a corpus."""
    given = [f"weights={weights}", f"video={crops}", *TINY, "data.root=/nowhere"]
    assert run(*given, f"output={tmp_path / 'out'}") == 0
    windows = pd.read_csv(tmp_path / "out" / "windows.csv")
    predictions = pd.read_csv(tmp_path / "out" / "predictions.csv")
    assert len(windows) == 3 and windows.output.nunique() == 3
    assert predictions.prediction.item() == pytest.approx((windows.output.clip(lower=0) * 63).mean())
    assert (tmp_path / "out" / "predictions.html").is_file()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["checkpoint=a.ckpt"], "give checkpoint=<run>"),
        (["model=audio"], "takes the published network's"),
        (["model.network.encoder.features=4"], "does not fit the network"),
        (["data.score_range=null"], "for classes"),
    ],
)
def test_what_does_not_fit_the_weights_is_said(
    weights: Path, crops: Path, tmp_path: Path, given: list[str], said: str
) -> None:
    with pytest.raises(InputError, match=said) as error:
        run(f"weights={weights}", f"video={crops}", *TINY, f"output={tmp_path / 'out'}", *given)
    assert "\n" not in str(error.value) and not (tmp_path / "out").exists()


def test_a_checkpoint_takes_no_word_on_its_network_and_one_of_the_two_is_needed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"model\.network\.encoder\.k: a checkpoint knows its own"):
        run("checkpoint=a.ckpt", f"video={tmp_path}", "model.network.encoder.k=4")
    with pytest.raises(InputError, match="give checkpoint=<run>"):
        run(f"video={tmp_path}")
