"""Where a speech encoder's frames lie, and that stretches are the whole."""

import zipfile
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from preprocess.archive.flac import encode
from stan_boundary.errors import InputError
from stan_lightning.data.crops import Crops
from stan_lightning.embedding.speech import Grid, SpeechEncoder, grid


def crops_with(samples: np.ndarray, path: Path) -> Crops:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("000000.jpg", cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes())
        archive.writestr("track.csv", "frame,time_s\n0,0.0\n")
        archive.writestr("sound.flac", encode(samples))
    return Crops(path)


@pytest.fixture
def spoken(tmp_path: Path) -> Crops:
    """7.3 seconds of noise whose level rises, with an offset."""
    random = np.random.default_rng(0)
    samples = random.normal(300, 1, 116_800) + random.normal(0, 1, 116_800) * np.linspace(200, 4000, 116_800)
    return crops_with(samples.astype(np.int16), tmp_path / "a.zip")


def encoder(folder: Path, **changes: object) -> SpeechEncoder:
    arguments = dict(weights="pretrained", seed=0, device="cpu", stretch_s=20.0, margin_s=2.0)
    return SpeechEncoder(str(folder), **(arguments | changes))


def test_one_stretch_is_what_the_library_says(wavlm, spoken):
    from transformers import AutoFeatureExtractor, AutoModel

    found = encoder(wavlm).embed(spoken, lambda _: None)
    samples = spoken.sound(0, 116_800).astype(np.float32) / 32768
    extractor = AutoFeatureExtractor.from_pretrained(wavlm)
    inputs = extractor(samples, sampling_rate=16_000, return_tensors="pt")
    with torch.inference_mode():
        wanted = AutoModel.from_pretrained(wavlm)(input_values=inputs["input_values"]).last_hidden_state[0]
    assert found.values.shape == wanted.shape == (364, 16)
    assert np.abs(found.values - wanted.numpy()).max() < 1e-4


def test_stretches_are_the_whole_where_the_margin_holds_what_is_heard(local_ears, spoken):
    whole = encoder(local_ears).embed(spoken, lambda _: None)
    parts = encoder(local_ears, stretch_s=1.0, margin_s=0.3).embed(spoken, lambda _: None)
    cut = encoder(local_ears, stretch_s=1.0, margin_s=0.0).embed(spoken, lambda _: None)
    assert np.array_equal(whole.when, parts.when)
    assert np.abs(whole.values - parts.values).max() < 1e-4 < np.abs(whole.values - cut.values).max()


def test_a_stretch_bounds_what_is_computed_at_once(wavlm, spoken):
    made = encoder(wavlm, stretch_s=1.0, margin_s=0.3)
    seen: list[int] = []
    made._opened.network.register_forward_pre_hook(
        lambda _, args, kwargs: seen.append(kwargs["input_values"].shape[1]), with_kwargs=True
    )
    counted: list[float] = []
    made.embed(spoken, counted.append)
    assert len(seen) == 8 and max(seen) <= 1.6 * 16_000 + 400
    assert sum(counted) == pytest.approx(364 / 50)


def test_a_frame_s_time_is_the_middle_of_the_samples_that_change_it(wavlm):
    """Found out by changing one sample at a time."""
    made = encoder(wavlm)
    ears = made._opened.network.feature_extractor
    quiet = torch.zeros(1, 8000)
    frames = made._grid.frames(8000)
    with torch.inference_mode():
        before = ears(quiet)
        assert before.shape[2] == frames
        for sample in (2000, 2079, 2080, 2399, 2400, 5555):
            click = quiet.clone()
            click[0, sample] = 1
            changed = (ears(click) != before).any(1)[0].nonzero()[:, 0].tolist()
            wanted = [k for k in range(frames) if 0 <= sample - k * made._grid.hop < made._grid.field]
            assert changed == wanted
    assert made._grid.times(2).tolist() == pytest.approx([199.5 / 16_000, (320 + 199.5) / 16_000], abs=1e-12)


@pytest.mark.parametrize("samples", [0, 1, 399, 400, 719, 720, 16_000, 123_457])
def test_frames_of_so_many_samples(samples):
    length = samples
    for kernel, stride in zip((10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2), strict=True):
        length = max(0, (length - kernel) // stride + 1)
    assert Grid(320, 400).frames(samples) == length


@pytest.mark.parametrize(("frames", "length", "margin"), [(1, 5, 2), (10, 5, 2), (11, 5, 0), (364, 50, 15)])
def test_each_frame_is_kept_once(frames, length, margin):
    pairs = list(Grid(320, 400).stretches(frames, length, margin))
    assert [frame for _, kept in pairs for frame in kept] == list(range(frames))
    for computed, kept in pairs:
        assert computed.start == max(0, kept.start - margin) and computed.stop == min(
            frames, kept.stop + margin
        )


def test_sound_shorter_than_a_frame_has_no_vectors(wavlm, tmp_path):
    found = encoder(wavlm).embed(crops_with(np.ones(300, np.int16), tmp_path / "b.zip"), lambda _: None)
    assert found.values.shape == (0, 16) and found.when.shape == (0,)


def test_silence_is_finite(wavlm, tmp_path):
    silent = crops_with(np.zeros(16_000, np.int16), tmp_path / "c.zip")
    assert np.isfinite(encoder(wavlm).embed(silent, lambda _: None).values).all()


def test_a_model_whose_frames_lie_nobody_knows_where_is_refused():
    with pytest.raises(InputError, match=r"no conv_kernel.*wav2vec 2.0's kind"):
        grid(SimpleNamespace(model_type="other"), "x")
