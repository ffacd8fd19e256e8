"""Sound as training and evaluation read it: slices of the FLAC about a clip's middle."""

import io
import zipfile

import numpy as np
import pandas as pd
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from preprocess.archive.flac import encode
from stan_boundary.configs import CONF
from stan_boundary.errors import InputError
from stan_lightning.data import sound
from stan_lightning.data.augmentation import DEFAULT
from stan_lightning.data.clips import windows
from stan_lightning.data.crops import Crops
from stan_lightning.data.dataset import ClipDataset, Reading, Source, WindowDataset
from stan_lightning.data.log_mel import RATE, audio_input


@pytest.fixture
def samples():
    return np.random.default_rng(0).integers(-3000, 3000, 4 * RATE).astype(np.int16)


@pytest.mark.parametrize(
    ("start", "count"),
    [(0, 10), (12_345, 20_000), (-500, 1000), (63_000, 5000), (64_000, 10), (-9000, 90_000)],
)
def test_a_slice_of_the_file(samples, start, count):
    padded = np.concatenate([np.zeros(100_000, np.int16), samples, np.zeros(100_000, np.int16)])
    found = sound.SoundReader(io.BytesIO(encode(samples))).read(start, count)
    assert np.array_equal(found, padded[100_000 + start : 100_000 + start + count])


@pytest.mark.parametrize("seconds", [0.01, 0.3, 2.1, 30.0])
def test_any_stretch_of_any_file(seconds):
    """Also in the last frame, where libav's own search finds nothing; one reader, in any order."""
    random = np.random.default_rng(3)
    whole = random.normal(0, 1000, round(seconds * RATE)).astype(np.int16)
    padded = np.concatenate([np.zeros(60_000, np.int16), whole, np.zeros(60_000, np.int16)])
    reader = sound.SoundReader(io.BytesIO(encode(whole)))
    for _ in range(100):
        start, count = int(random.integers(-6000, len(whole) + 100)), int(random.integers(1, 25_000))
        assert np.array_equal(reader.read(start, count), padded[60_000 + start : 60_000 + start + count])


def make_data(root, *overrides):
    small = ["data.clip_frames=16", "data.image_size=32", "data.batch_size=2", "data.num_workers=0"]
    with initialize_config_dir(CONF, version_base="1.3"):
        config = compose("train", [f"data.root={root}", *small, *overrides])
    data = instantiate(config.data, _convert_="all")
    data.setup("fit")
    return data


@pytest.fixture
def voiced(make_crops, samples, give_sound):
    """Crops of which all but one recording speak."""
    root = make_crops()
    table = pd.read_csv(root / "manifest.csv", dtype=str)
    table["sound_s"] = "4.0"
    table.loc[table.recording == "2_1_Freeform", "sound_s"] = "0.0"
    table.to_csv(root / "manifest.csv", index=False)
    for name in table.recording[table.sound_s == "4.0"]:
        give_sound(root / f"{name}.zip", samples)
    return root


def test_a_clips_sound_lies_about_its_middle(voiced, samples):
    path = str(voiced / "1_1_Freeform.zip")
    source = Source(path, 40, 1, 5.0)
    positions = list(range(10, 26))  # crops of every third of 30 frames a second: 1.0 s to 2.5 s
    found = source.hear(positions, 1.6).numpy()
    start = round((1.75 - 0.8) * RATE)
    assert np.array_equal(found, samples[start : start + round(1.6 * RATE)])
    assert not source.hear(list(range(16)), 1.6).numpy()[: round(0.05 * RATE) - 1].any()  # before the start


def test_the_signals_clock_decides(voiced, samples, give_sound):
    path = voiced / "1_1_Freeform.zip"
    give_sound(path, samples, first_s=0.5)
    found = Source(str(path), 40, 1, 5.0).hear(list(range(10, 26)), 1.0).numpy()
    start = round((0.5 + 1.75 - 0.5) * RATE)
    assert np.array_equal(found, samples[start : start + RATE])


def test_training_and_windows_hear_alike_and_the_missing_is_told(voiced, capsys):
    data = make_data(voiced, "data.modalities=[face,audio]")
    assert "1 of 11 recordings have no sound, such as 2_1_Freeform" in capsys.readouterr().out
    sources = data.sources(data.tables["train"])
    present = []
    for window in WindowDataset(sources, 16, data.reading()):
        assert window.inputs["audio"].shape == (round(1.6 * RATE),)
        assert window.inputs["audio"].any() == window.present["audio"]
        present.append(bool(window.present["audio"]))
    assert 0 < sum(present) < len(present)
    window = next(iter(data.val_dataloader()))
    moved = data.on_after_batch_transfer(window, 0)
    assert moved.inputs["audio"].shape == (2, 1, 160, 64, 1)
    want = sources and data._learnable("dev")[0].hear(windows(40, 16)[0], 1.6)
    assert torch.equal(moved.inputs["audio"][0], audio_input(want[None])[0])


def test_the_face_is_the_same_whatever_else_is_read(voiced):
    source = Source(str(voiced / "1_1_Freeform.zip"), 40, 1, 5.0)
    both = ClipDataset([source], 16, Reading(["face", "audio"], 32, 1.6), 3, DEFAULT)[4, 0]
    face = ClipDataset([source], 16, Reading(["face"], 32), 3, DEFAULT)[4, 0]
    audio = ClipDataset([source], 16, Reading(["audio"], 32, 1.6), 3, DEFAULT)[4, 0]
    assert torch.equal(both.inputs["face"], face.inputs["face"]) and torch.equal(both.noise, face.noise)
    assert torch.equal(both.inputs["audio"], audio.inputs["audio"])
    assert torch.equal(both.draws["sound"].times, audio.draws["sound"].times)
    assert set(face.inputs) == {"face"} and set(audio.inputs) == {"audio"} and face.present == {}


def test_a_face_reads_nothing_of_sound(voiced, monkeypatch):
    monkeypatch.setattr(sound.SoundReader, "read", lambda *_: pytest.fail("sound was read"))
    data = make_data(voiced)
    assert set(next(iter(data.val_dataloader())).inputs) == {"face"}


def test_what_cannot_be_heard_is_said_in_one_line(
    make_crops, voiced_lines=("no recording has sound", "make")
):
    root = make_crops()
    with pytest.raises(InputError, match="no recording has sound; add it to the crops with `make preprocess"):
        make_data(root, "data.modalities=[audio]")
    with pytest.raises(InputError, match=r"no such folder of the signal smell \(crops .* face and audio"):
        make_data(root, "data.modalities=[smell]")


def test_damaged_sound_is_named(voiced):
    path = voiced / "1_1_Freeform.zip"
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, b"no flac" if name == "sound.flac" else content)
    with pytest.raises(InputError, match=r"1_1_Freeform\.zip: sound\.flac cannot be read"):
        Crops(path).sound(0, 10)
