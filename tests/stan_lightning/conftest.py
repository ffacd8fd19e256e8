"""Crops on disk as preprocessing leaves them: frame k is filled with value k."""

import json
import os
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from filelock import FileLock
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from preprocess.archive.flac import encode
from stan_boundary.configs import CONF
from stan_lightning.evaluation.baselines import TrainingSessions
from stan_lightning.evaluation.trained import RECORD, Trained
from stan_lightning.sharing import folder


def write_zip(path: Path, frames: list[int], size: int, value: Callable[[int], int]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for frame in frames:
            image = np.full((size, size, 3), value(frame), np.uint8)
            archive.writestr(f"{frame:06d}.jpg", cv2.imencode(".jpg", image)[1].tobytes())
        signal = "frame,time_s\n" + "".join(f"{frame},{frame / 30:.3f}\n" for frame in frames)
        archive.writestr("track.csv", signal)
        archive.writestr("recording.json", json.dumps({"row": {}, "settings": {}}))


@pytest.fixture
def make_crops(tmp_path: Path) -> Callable[..., Path]:
    """Writes a set of crops; labels follow the brightness, so that a network can learn them."""

    def make(
        subjects: dict[str, list[str]] | None = None, n_frames: int = 40, stride: int = 3, size: int = 32
    ) -> Path:
        root = tmp_path / "crops"
        root.mkdir()
        subjects = subjects or {
            "train": ["1", "2", "3", "4", "5"],
            "dev": ["6", "7", "8"],
            "test": ["1", "10", "11"],
        }
        rows = []
        for partition, names in subjects.items():
            for subject in names:
                session = f"{subject}_{['train', 'dev', 'test'].index(partition) + 1}"
                recording = f"{session}_Freeform"
                label = (int(subject) * 17) % 60
                frames = list(range(0, n_frames * stride, stride))
                write_zip(root / f"{recording}.zip", frames, size, lambda _, v=label: 4 * v)
                rows.append(
                    dict(recording=recording, subject=subject, session=session, task="Freeform")
                    | dict(partition=partition, label=label, group="", video=f"{recording}.mp4", fps=30.0)
                    | dict(n_source_frames=n_frames * stride, frame_stride=stride, n_frames=n_frames)
                    | dict(detection_rate=1.0, status="ok", reason="")
                )
        pd.DataFrame(rows).to_csv(root / "manifest.csv", index=False)
        return root

    return make


def add_sound(path: Path, samples: np.ndarray, first_s: float = 0.0) -> None:
    """Give a recording's zip sound, and a clock that may begin late."""
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist() if name not in ("track.csv", "sound.flac")}
    frames = sorted(int(name[:6]) for name in members if name.endswith(".jpg"))
    signal = "frame,time_s\n" + "".join(f"{frame},{first_s + frame / 30:.6f}\n" for frame in frames)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.writestr("track.csv", signal)
        archive.writestr("sound.flac", encode(samples))


@pytest.fixture
def give_sound() -> Callable[..., None]:
    """`give_sound(path, samples, first_s)`: see `add_sound`."""
    return add_sound


@pytest.fixture
def make_voiced(make_crops: Callable[..., Path]) -> Callable[..., Path]:
    """Crops with noise for audio, the sharper the higher the label; one in so many is silent."""

    def make(silent: int = 3) -> Path:
        root = make_crops()
        table = pd.read_csv(root / "manifest.csv", dtype=str)
        table["sound_s"] = "0.0"
        random = np.random.default_rng(0)
        for index, row in enumerate(table.to_dict("records")):
            if index % silent == silent - 1:
                continue
            noise = random.normal(0, 1500, 4 * 16_000)
            smooth = np.convolve(noise, np.ones(8) / 8, "same")
            share = int(row["label"]) / 63
            add_sound(
                root / f"{row['recording']}.zip", (share * noise + (1 - share) * smooth).astype(np.int16)
            )
            table.loc[index, "sound_s"] = "4.0"
        table.to_csv(root / "manifest.csv", index=False)
        return root

    return make


@pytest.fixture
def train(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Runs training's command line in this process, which starts seconds sooner than one of its own.

    Returns its exit code and what it said.
    """
    from stan_lightning.train import main

    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("PL_GLOBAL_SEED", "0")  # so that what training sets is taken back
    threads = torch.get_num_threads()

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["stan_lightning.train", *arguments])
        torch.set_num_threads(1)
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            torch.set_num_threads(threads)
        said, errors = capfd.readouterr()
        return code, said + errors

    return run


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], None]], Path]:
    """`once(name, make)`: a folder that `make(folder)` fills once a session, for all of its processes.

    It is for reading; who changes something copies it.
    """
    base = tmp_path_factory.getbasetemp()
    home = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "once"

    def get(name: str, make: Callable[[Path], None]) -> Path:
        home.mkdir(exist_ok=True)
        folder, done = home / name, home / f"{name}.done"
        with FileLock(home / f"{name}.lock"):
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of an attempt that failed
                folder.mkdir()
                make(folder)
                done.touch()
        return folder

    return get


@pytest.fixture
def without_onednn() -> Iterator[None]:
    """bfloat16 by torch's own kernels; oneDNN's read memory that nobody wrote."""
    with torch.backends.mkldnn.flags(enabled=False):
        yield


def _assert_same(one: Any, other: Any, where: str) -> None:
    """Equal to the last bit, all the way down."""
    assert type(one) is type(other), where
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other), where
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one:
            _assert_same(one[key], other[key], f"{where}/{key}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), where
        for i, pair in enumerate(zip(one, other, strict=True)):
            _assert_same(*pair, f"{where}/{i}")
    else:
        assert one == other, where


@pytest.fixture
def assert_same_run() -> Callable[[Path, Path], None]:
    """Metrics and both checkpoints are the same, but for the folders that they name."""

    def compare(one: Path, other: Path) -> None:
        assert (one / "metrics.csv").read_bytes() == (other / "metrics.csv").read_bytes()
        for name in ("last.ckpt", "best.ckpt"):
            first, second = (
                torch.load(run / "checkpoints" / name, weights_only=True) for run in (one, other)
            )
            for part in (
                "epoch",
                "global_step",
                "state_dict",
                "optimizer_states",
                "lr_schedulers",
                "training",
                "current_model_state",  # these two: of averaged weights
                "averaging_state",
            ):
                _assert_same(first.get(part), second.get(part), f"{name}/{part}")
            assert {"state_dict", "optimizer_states", "training"} <= first.keys()

    return compare


# --- tiny models as `save_pretrained` leaves them, with their preprocessors' settings ---------------------


def _save(network: torch.nn.Module, folder: Path, settings: object) -> Path:
    network.save_pretrained(folder)
    settings.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def dinov2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vision model like DINOv2: patches of 14 pixels, pictures of 56."""
    from transformers import BitImageProcessorPil, Dinov2Config, Dinov2Model

    torch.manual_seed(0)
    shape = Dinov2Config(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, mlp_ratio=2, image_size=70, patch_size=14
    )
    settings = BitImageProcessorPil(
        size={"shortest_edge": 56},
        crop_size={"height": 56, "width": 56},
        image_mean=[0.4, 0.5, 0.6],
        image_std=[0.2, 0.25, 0.3],
    )
    return _save(Dinov2Model(shape), tmp_path_factory.mktemp("models") / "tiny-dinov2", settings)


SPEECH = dict(
    hidden_size=16,
    num_attention_heads=2,
    intermediate_size=16,
    conv_dim=(8,) * 7,
    num_conv_pos_embeddings=16,
    num_conv_pos_embedding_groups=2,
    feat_extract_norm="layer",
)


@pytest.fixture(scope="session")
def wavlm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A speech model like WavLM, at 50 frames a second."""
    from transformers import Wav2Vec2FeatureExtractor, WavLMConfig, WavLMModel

    torch.manual_seed(0)
    network = WavLMModel(WavLMConfig(num_hidden_layers=2, **SPEECH))
    return _save(network, tmp_path_factory.mktemp("models") / "tiny-wavlm", Wav2Vec2FeatureExtractor())


@pytest.fixture(scope="session")
def local_ears(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A speech model without attention: a frame hears its neighbours within 0.16 s and no others."""
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model

    torch.manual_seed(0)
    network = Wav2Vec2Model(Wav2Vec2Config(num_hidden_layers=0, **SPEECH))
    return _save(network, tmp_path_factory.mktemp("models") / "local-ears", Wav2Vec2FeatureExtractor())


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
    record = {name: data.hparams[name] for name in (*RECORD, "scale")}
    sessions = TrainingSessions.from_rows([["anna", "anna_1", 10.0], ["ben", "ben_1", 12.0]])
    return Trained(module, dict(data.hparams), record, sessions)


@pytest.fixture(scope="session")
def _model_folder(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("models") / "whole"
    described = folder.described(
        trained, {"frame_stride": 3, "crop_size": 32, "align": "none"}, {"torch": "2"}
    )
    folder.finish(folder.write(trained, described, "# a card\n", output), output)
    return output


@pytest.fixture
def model(_model_folder: Path, tmp_path: Path) -> Path:
    """A copy of its own, to be spoilt."""
    return Path(shutil.copytree(_model_folder, tmp_path / "model"))
