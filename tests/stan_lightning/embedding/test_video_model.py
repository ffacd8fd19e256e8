"""A tiny VideoMAE as an encoder: thawed, resumed, and evaluated without its folder and without a network."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from stan_boundary.composition import make
from stan_boundary.errors import InputError
from stan_boundary.targets import check_readers, check_targets
from stan_lightning.embedding.video_model import VideoModel

PAGE = (Path(__file__).parents[3] / "docs" / "bring_your_own.md").read_text()
TINY = ["data=folders", "data.image_size=32", "data.batch_size=2", "data.num_workers=0"]
NAME = "stan_lightning.embedding.video_model.VideoModel"
NO_NETWORK = """
import os, socket
def refuse(*_, **__):
    os._exit(77)
connect = socket.socket.connect
socket.socket.connect = lambda one, to: connect(one, to) if one.family == socket.AF_UNIX else refuse()
socket.getaddrinfo = refuse
"""
Train = Callable[..., tuple[int, str]]


@pytest.fixture
def videomae(tmp_path: Path) -> Path:
    """16 frames of 32 pixels, in two layers; its preprocessor has a mean of its own."""
    from transformers import VideoMAEConfig, VideoMAEModel

    torch.manual_seed(0)
    shape = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16)
    VideoMAEModel(VideoMAEConfig(**shape, image_size=32, num_frames=16)).save_pretrained(
        tmp_path / "videomae"
    )
    settings = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.25, 0.25]}
    (tmp_path / "videomae" / "preprocessor_config.json").write_text(json.dumps(settings))
    return tmp_path / "videomae"


def written_out(folder: Path) -> dict[str, Any]:
    return dict(
        VideoModel.written_out({"_target_": NAME, "architecture": str(folder)}, "model.network.encoder")
    )


def test_it_is_the_library_s_model_made_of_plain_data_alone(videomae: Path) -> None:
    from transformers import AutoModel

    config = json.loads(json.dumps(written_out(videomae)))  # plain data
    encoder = make(config, "encoder")
    assert encoder.start_from(videomae).startswith("took 32 of 32 tensors")
    clips = torch.rand(2, 16, 3, 32, 32)
    theirs = AutoModel.from_pretrained(videomae).eval()(clips).last_hidden_state
    found, _ = encoder.eval().tokens(clips)
    assert torch.equal(found, theirs)
    wanted = {"layout": "BTCHW", "size": 32, "frames": 16, "mean": (0.5,) * 3, "deviation": (0.25,) * 3}
    assert encoder.input == wanted and encoder.width == 16
    check_targets({"encoder": config})
    check_readers({"encoder": config}, (), "file")


def test_the_page_s_command_thaws_resumes_and_evaluates_without_the_folder(
    videomae: Path,
    tmp_path: Path,
    make_crops: Callable[..., Path],
    train: Train,
    assert_same_run: Callable[[Path, Path], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (block,) = (one for one in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL) if "VideoModel" in one)
    words = shlex.split(block.replace("\\\n", " ").replace("<videomae>", "videomae"))[3:]
    asked = [*words, *TINY, f"data.root={make_crops()}", "model.optimizer.lr=1e-3"]
    code, said = train(*asked, "trainer.max_epochs=4", "hydra.run.dir=whole")
    assert code == 0 and "face: took 32 of 32 tensors" in said, said
    code, said = train(*asked, "trainer.max_epochs=3", "hydra.run.dir=parts")
    assert code == 0, said
    shutil.rmtree(videomae)
    code, said = train("resume=parts", "trainer.max_epochs=4")
    assert code == 0, said
    assert_same_run(Path("whole"), Path("parts"))

    last, before = (
        torch.load(f"parts/checkpoints/{name}.ckpt", weights_only=True) for name in ("last", "last.previous")
    )
    assert last["frozen"] == before["frozen"] == []
    weights = {name: one for name, one in last["state_dict"].items() if "encoder.layer.0" in name}
    assert any(not torch.equal(one, before["state_dict"][name]) for name, one in weights.items())
    architecture = last["hyper_parameters"]["network"]["encoder"]["architecture"]
    assert architecture["model_type"] == "videomae" and architecture["num_frames"] == 16

    (tmp_path / "sitecustomize.py").write_text(NO_NETWORK)
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = os.pathsep.join((str(tmp_path), environment.get("PYTHONPATH", "")))
    command = [sys.executable, "-m", "stan_lightning.evaluate", "checkpoint=whole/checkpoints/best.ckpt"]
    done = subprocess.run(
        [*command, "output=found", "partition=dev", "trainer.accelerator=cpu"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    scored = json.loads(Path("found/metrics.json").read_text())["video"]["mae"]["value"]
    assert scored == pytest.approx(pd.read_csv("whole/metrics.csv")["val/mae"].min(), abs=1e-4)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"num_frames": None}, "Field 'num_frames' expected int"),
        ({"model_type": "dinov2"}, "a dinov2 model reads no clips"),
        ({"model_type": "mine"}, "model_type='mine' is none that transformers has"),
        ({"hidden_size": 10**6, "image_size": 512}, "positions, each wider than an encoder's"),
        ({"hidden_act": "${oc.env:HOME}"}, "a file may refer to its own keys"),
        ({"hidden_size": 10**9}, "hidden_size is 1,000,000,000, more than an encoder has"),
    ],
)
def test_what_is_no_video_model_is_one_line(change: dict[str, Any], words: str, videomae: Path) -> None:
    file = videomae / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(InputError) as said:
        make(written_out(videomae), "encoder")
    assert words in str(said.value) and "\n" not in str(said.value)


def test_weights_of_another_model_are_refused(videomae: Path, dinov2: Path) -> None:
    encoder = make(written_out(videomae), "encoder")
    with pytest.raises(InputError, match=r"model.init_weights=.*tiny-dinov2: a dinov2 model reads no clips"):
        encoder.start_from(dinov2)
    with pytest.raises(InputError, match="no model"):
        written_out(videomae / "nowhere")
