"""Recordings with pictures, with sound alone and with signals alone: in one training, or refused."""

import json
import subprocess
import sys
import wave
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch

from preprocess.archive.manifest import write_manifest
from preprocess.archive.recording_zip import ArchiveWriter
from preprocess.archive.settings import Settings
from preprocess.corpora.recording import Recording
from preprocess.run.clocks import clock_recording
from stan_boundary.errors import InputError
from stan_lightning.data.crops import open_crops
from stan_lightning.data.datamodule import CropDataModule
from stan_lightning.evaluation.trained import open_checkpoint
from stan_lightning.network.encoder import mean_over

SETTINGS = Settings(3, "frames", 32, "none", 1.0, 90, None)
KINDS = ("face", "wav", "rows")
PARTS = {"train": 6, "dev": 3, "test": 3}
TINY = [
    *("data=manifest", "data.clip_frames=16", "data.sound_s=1.6"),
    *("data.image_size=32", "data.batch_size=3", "data.num_workers=0", "trainer.max_epochs=2"),
]
ENCODERS = [
    f"model.network.encoders.{name}.{one}"
    for name in ("face", "audio")
    for one in ("features=2", "layers=[1,1,1,1]")
]
OWN = "+model/encoder@model.network.encoders.openface=signal"
SIZE = ["model.network.encoder.features=2", "model.network.encoder.layers=[1,1,1,1]"]


def write_wav(path: Path, samples: np.ndarray, rate: int = 16_000) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def clocked(root: Path, name: str, sound: Path | None, **known) -> dict[str, object]:
    """One recording without pictures, as preprocessing makes it."""
    given = {"subject": name, "partition": "train", "label": 1.0, **known}
    recording = Recording(
        recording=name,
        session=name,
        task="",
        group="",
        video="",
        path=None,
        sound=sound.name if sound else "",
        sound_path=sound,
        **given,
    )
    return clock_recording(recording, SETTINGS, root, lambda count: None, sound=True)


def filmed(root: Path, name: str, **known) -> None:
    row = {"recording": name, "subject": name, "session": name, "task": "", "group": "", "fps": 30.0}
    row |= {"video": f"{name}.mp4", "n_source_frames": 60, "frame_stride": 3, "n_frames": 20, "reason": ""}
    row |= {"detection_rate": 1.0, "status": "ok", "sound_s": None, "sound_rms": None, **known}
    random = np.random.default_rng(len(name))
    with ArchiveWriter(root / f"{name}.zip") as archive:
        for frame in range(0, 60, 3):
            picture = random.integers(0, 255, (32, 32, 3), np.uint8)
            archive.add_frame(frame, cv2.imencode(".jpg", picture)[1].tobytes())
        archive.add_track(
            [{"frame": frame, "time_s": f"{frame / 30:.6f}", "interpolated": 0} for frame in range(0, 60, 3)]
        )
        archive.add_row(row, SETTINGS.as_dict())


def rows_of(path: Path, seconds: float, random: np.random.Generator) -> None:
    times = np.arange(0, seconds, 1 / 25)
    table = pd.DataFrame({"time_s": times, "AU12_r": random.normal(size=len(times)), "AU04_r": 1.0})
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, index=False)


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Twelve recordings of 2 s, a third of each kind; `rows` have a signal alone, and so has no other."""
    root = tmp_path / "crops"
    root.mkdir()
    random = np.random.default_rng(0)
    for partition, count in PARTS.items():
        for number in range(count):
            kind = KINDS[number % 3]
            name, label = f"{kind}_{partition}_{number}", float(random.integers(0, 60))
            known = {"partition": partition, "label": label}
            if kind == "face":
                filmed(root, name, **known)
            elif kind == "wav":
                wav = write_wav(tmp_path / f"{name}.wav", random.normal(0, 900, 32_000))
                assert clocked(root, name, wav, **known)["status"] == "ok"
            else:
                clocked(root, name, None, **known)
                rows_of(root / "signals" / "openface" / f"{name}.csv", 2.0, random)
    write_manifest(root)
    return root


def module(root: Path, *modalities: str, **changes) -> CropDataModule:
    given = dict(make_crops="make", synthetic=False, protocol="official", fold=0, n_folds=5, split_seed=0)
    given |= dict(score_range=[0, 63], clip_frames=16, frame_stride=3, crops_stride=None, image_size=32)
    given |= dict(batch_size=3, drop_last=False, num_workers=0, seed=0, sound_s=1.6)
    return CropDataModule(root=str(root), modalities=list(modalities), **(given | changes))


def test_a_sound_has_a_regular_grid_for_a_clock(tmp_path):
    root = tmp_path / "crops"
    root.mkdir()
    ramp = np.arange(16_000 * 3 + 800)
    row = clocked(root, "one", write_wav(tmp_path / "one.wav", ramp % 30_000))
    assert (row["n_moments"], row["n_frames"], row["fps"], row["sound_s"]) == (31, 0, None, 3.05)
    crops = open_crops(str(root / "one.zip"))
    assert crops.grid == 3 and np.allclose(crops.times, np.arange(31) / 10)
    assert crops.sound(8_000, 4).tolist() == [8_000, 8_001, 8_002, 8_003]
    with pytest.raises(InputError, match="holds 0 crops"):
        crops.image(0)


def test_rows_are_read_at_the_grids_moments(mixed):
    data = module(mixed, "openface")
    data.setup("fit")
    table = data.tables["dev"].set_index("recording")
    assert table.n_crops.to_dict() == {"face_dev_0": 20, "rows_dev_2": 20, "wav_dev_1": 20}
    source = data.sources(data.tables["dev"])[list(data.tables["dev"].recording).index("rows_dev_2")]
    file = pd.read_csv(mixed / "signals" / "openface" / "rows_dev_2.csv")
    moments = np.array([0, 5, 19])
    expected = np.interp(moments / 10, file.time_s, file.AU12_r)
    assert np.allclose(source.measured("openface", moments.tolist())[:, 0], expected, atol=1e-5)


def test_rows_without_times_are_refused_where_no_pictures_are(mixed):
    path = mixed / "signals" / "openface" / "rows_dev_2.csv"
    pd.DataFrame({"frame": range(60), "AU12_r": 1.0, "AU04_r": 1.0}).to_csv(path, index=False)
    with pytest.raises(InputError, match=r"rows_dev_2.csv: has no times.*add a column time_s"):
        module(mixed, "openface").setup("fit")


def test_the_face_alone_refuses_them_in_one_line(mixed, train):
    code, said = train(*TINY, *SIZE, f"data.root={mixed}")
    assert code == 2 and "Traceback" not in said
    line = said.strip().splitlines()[-1]
    assert "8 of 12 recordings have no pictures" in line and "reads the face alone" in line


def test_what_a_lenient_reader_cannot_see_is_missing(mixed):
    data = module(mixed, "face")
    data.lenient = True
    data.setup("test")
    assert data.tables["test"].recording.tolist() == ["face_test_0"]
    assert set(data.missing["test"].reason) == {"no pictures, and this network reads the face alone"}


@pytest.mark.parametrize("kind", ["mean", "gated", "attention"])
def test_a_fusion_of_three_kinds_is_each_one_s_part(kind, mixed, train, tmp_path):
    """Trained on all three; each recording's score is what its own modality says, whatever is beside it."""
    run = tmp_path / "run"
    arguments = [
        *TINY,
        *ENCODERS,
        OWN,
        "model=fusion",
        f"model.network.fusion={kind}",
        "model.scheduler.T_0=2",
    ]
    code, said = train(*arguments, f"data.root={mixed}", f"hydra.run.dir={run}")
    assert code == 0, said
    assert "8 of 12 recordings have no pictures, such as rows_train_2" in said
    trained = open_checkpoint(run / "checkpoints" / "last.ckpt")
    network = trained.module.network.eval()
    data = module(mixed, "face", "audio", "openface")
    data.setup("test")
    data.serve(network.parts)
    batch = next(iter(data.windows(data.tables["test"])))
    batch = data.on_after_batch_transfer(batch, 0)
    names = [data.tables["test"].recording[int(index)].split("_")[0] for index in batch.recording]
    assert batch.present["face"].tolist() == [name == "face" for name in names]
    with torch.inference_mode():
        whole = network.score(batch.inputs, batch.present)
        for place, name in enumerate(names):
            one = {"face": "face", "wav": "audio", "rows": "openface"}[name]
            own = {key: x[place : place + 1] for key, x in batch.inputs.items()}
            found = network.parts[one].tokens(own[one])
            if kind == "mean":
                expected = network.parts[one].fc(mean_over(*found))
            elif kind == "gated":
                expected = network.fc(network.norm[one](network.project[one](mean_over(*found))))
            else:
                alone = {key: torch.tensor([key == one]) for key in network.modalities}
                for other in set(network.modalities) - {one}:
                    own[other] = torch.randn_like(own[other])  # nothing of it may show
                expected = network.score(own, alone)
            assert torch.allclose(whole[place : place + 1], expected, atol=1e-6, rtol=0)


@pytest.mark.slow  # five programs start
def test_sounds_are_trained_on_evaluated_and_predicted(mixed, train, tmp_path):
    """A network of audio on a manifest of sounds alone: one wav and a folder of them are scored."""
    table = pd.read_csv(mixed / "manifest.csv", dtype=str, keep_default_na=False)
    sounds = mixed / "sounds.csv"
    table[table.recording.str.startswith("wav")].to_csv(sounds, index=False)
    run = tmp_path / "run"
    code, said = train(*TINY, *SIZE, "model=audio", f"data.root={sounds}", f"hydra.run.dir={run}")
    assert code == 0, said
    checkpoint = f"checkpoint={run / 'checkpoints' / 'best.ckpt'}"
    code, said = _called("evaluate", checkpoint, f"output={tmp_path / 'found'}", "partition=train")
    assert code == 0, said
    numbers = json.loads((tmp_path / "found" / "metrics.json").read_text())
    assert numbers["video"]["n"] == 2 and numbers["n_missing"] == 0
    folder = tmp_path / "heard"
    folder.mkdir()
    for number in range(2):
        write_wav(folder / f"s{number}.wav", np.random.default_rng(number).normal(0, 900, 48_000))
    (folder / "broken.wav").write_bytes(b"RIFF")
    code, said = _called("predict", checkpoint, f"video={folder}", f"output={tmp_path / 'scores'}")
    assert code == 3 and "not scored: broken" in said, said
    scores = pd.read_csv(tmp_path / "scores" / "predictions.csv")
    assert scores.recording.tolist() == ["s0", "s1"] and scores.prediction.between(0, 63).all()
    code, said = _called("predict", checkpoint, f"video={folder / 's0.wav'}", f"output={tmp_path / 'one'}")
    assert code == 0, said
    one = pd.read_csv(tmp_path / "one" / "predictions.csv")
    assert one.prediction[0] == pytest.approx(scores.prediction[0], abs=1e-4)
    windows = pd.read_csv(tmp_path / "one" / "windows.csv")
    assert windows.start_s[0] == 0.0 and windows.end_s.iloc[-1] == pytest.approx(2.9)


def _called(command: str, *arguments: str) -> tuple[int, str]:
    program = [sys.executable, "-m", f"stan_lightning.{command}"]
    done = subprocess.run([*program, *arguments], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr
