"""The spectrogram against librosa and by hand, and what it must not hear: gain, offset, silence."""

from functools import partial

import numpy as np
import pytest
import torch

from stan_lightning.data.log_mel import (
    BANDS,
    HOP,
    RATE,
    SoundDraw,
    audio_input,
    band_of,
    draw_masks,
    filters,
    log_mel,
    masked,
)


def noise(seconds=1.0, seed=0):
    return torch.from_numpy(
        np.random.default_rng(seed).normal(0, 3000, round(seconds * RATE)).astype(np.int16)
    )


def test_it_is_librosas_to_the_fourth_digit():
    librosa = pytest.importorskip("librosa")
    samples = noise(6.4)
    border = (1024 - HOP) // 2
    mel = librosa.feature.melspectrogram(
        y=np.pad(samples.numpy() / 32768, border, mode="reflect").astype(np.float32),
        sr=RATE,
        n_fft=1024,
        hop_length=HOP,
        win_length=400,
        window="hann",
        center=False,
        power=2.0,
        n_mels=BANDS,
        fmin=60.0,
        fmax=7600.0,
        htk=True,
        norm=None,
    )
    found = log_mel(samples[None])[0].T.numpy()
    assert found.shape == (64, 640)
    assert np.abs(found - np.log(mel + 1e-8)).max() < 1e-4


def test_a_frame_by_hand():
    """One frame's band from the definition: window, transform, triangle, logarithm."""
    samples = noise(0.2).double() / 32768
    at = 7 * HOP + HOP // 2  # the middle of frame 7
    n = np.arange(400)
    piece = samples[at - 200 : at + 200].numpy() * (0.5 - 0.5 * np.cos(2 * np.pi * n / 400))
    power = np.array(
        [np.abs(np.sum(piece * np.exp(-2j * np.pi * k * np.arange(400) / 1024))) ** 2 for k in range(513)]
    )
    weights = filters()[30].double().numpy()
    want = np.log(np.sum(weights * power) + 1e-8)
    assert log_mel(noise(0.2)[None])[0, 7, 30].item() == pytest.approx(want, abs=1e-4)


def test_every_band_hears_something_and_a_tone_lights_its_own():
    assert (filters().sum(1) > 0.5).all()
    times = torch.arange(RATE) / RATE
    tone = (10_000 * torch.sin(2 * torch.pi * 1000 * times)).short()
    band = int(log_mel(tone[None])[0, 50].argmax())
    assert filters()[band, round(1000 * 1024 / RATE)] == filters()[:, round(1000 * 1024 / RATE)].max()


def test_a_clip_is_centred_scaled_and_shaped_for_the_network():
    found = audio_input(torch.stack([noise(), noise(seed=1) // 50]))
    assert found.shape == (2, 1, 100, BANDS, 1) and found.dtype == torch.float32
    assert found.mean(2).abs().max() < 1e-4
    assert torch.allclose(found.square().mean((1, 2, 3, 4)), torch.ones(2), atol=1e-3)


def test_silence_becomes_zeros_and_is_no_number_that_is_none():
    found = audio_input(torch.stack([torch.zeros(RATE, dtype=torch.int16), noise()]))
    assert not found[0].any() and found[1].any() and found.isfinite().all()


def test_autocast_leaves_it_in_float32():
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(audio_input(noise()[None]), audio_input(noise()[None]).float())
        assert log_mel(noise()[None]).dtype == torch.float32


def test_neither_gain_nor_a_constant_offset_tell_on_real_speech(shared):
    from preprocess.sound.decode import read_sound

    clips = {
        "o05_grid_speech_glasses.mpg": 2.9,
        "o09_speech_closeup.mp4": 5.0,
        "o14_speech_glasses_lowlight.mp4": 5.0,
    }
    for name, seconds in clips.items():
        speech = read_sound(shared / "media" / name, None, seconds).samples.astype(np.float64)
        speech *= 12_000 / np.abs(speech).max()  # 6 dB more clip nothing
        plain = audio_input(torch.from_numpy(speech.round().astype(np.int16))[None])
        for other in (speech * 2, speech / 2, speech + 100, speech + 300):
            changed = audio_input(torch.from_numpy(other.round().astype(np.int16))[None])
            assert (changed - plain).abs().mean() < 0.02


def test_masks_hide_what_they_say_and_no_more():
    found = torch.ones(2, 100, BANDS)
    times = torch.tensor([[[0.10, 0.15], [0.5, 0.5]], [[0.0, 0.0], [0.0, 0.0]]])
    bands = torch.tensor([[[3, 5], [60, 64]], [[0, 0], [0, 0]]])
    kept = masked(found, SoundDraw(times, bands))
    assert torch.equal(kept[1], found[1])
    assert not kept[0, 10:15].any() and not kept[0, :, 3:5].any() and not kept[0, :, 60:].any()
    assert kept[0].sum() == 95 * (64 - 6)


def test_masks_are_drawn_within_their_limits():
    random = np.random.default_rng(0)
    drawn = [draw_masks(random, 2) for _ in range(500)]
    times = torch.stack([one.times for one in drawn])
    bands = torch.stack([one.bands for one in drawn])
    assert times.shape == (500, 2, 2) and times.min() >= 0 and times.max() <= 1
    lengths, widths = times[..., 1] - times[..., 0], bands[..., 1] - bands[..., 0]
    assert 0.095 < lengths.max() <= 0.1 + 1e-6 and set(widths.unique().tolist()) == set(range(9))
    assert bands.min() >= 0 and bands.max() == BANDS
    assert draw_masks(random, 0).times.shape == (0, 2)
    nothing = SoundDraw(*(part[None] for part in draw_masks(random, 0)))
    assert torch.equal(masked(torch.ones(1, 100, BANDS), nothing), torch.ones(1, 100, BANDS))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_under_16_bits_it_is_float32_to_the_bit(dtype):
    samples = torch.stack([noise(1.0), noise(1.0, seed=1)])
    mask = draw_masks(np.random.default_rng(0), 2)
    draws = SoundDraw(mask.times[None].expand(2, -1, -1), mask.bands[None].expand(2, -1, -1))
    halved = lambda sound: sound * 0.5  # noqa: E731 - a corruption
    expected = audio_input(samples, partial(masked, draws=draws), halved)
    with torch.autocast("cpu", dtype):
        assert (samples.float() @ samples.float().T).dtype == dtype  # it is on
        found = audio_input(samples, partial(masked, draws=draws), halved)
    assert found.dtype == torch.float32 and torch.equal(found, expected)
    torch.set_default_dtype(dtype)
    try:
        found = audio_input(samples, partial(masked, draws=draws), halved)
    finally:
        torch.set_default_dtype(torch.float32)
    assert found.dtype == torch.float32 and torch.equal(found, expected)


def test_a_frequency_lies_in_the_band_that_hears_it():
    bins = torch.arange(513) * RATE / 1024
    for hertz in (250.0, 1000.0, 4000.0):
        loudest = filters()[:, (bins - hertz).abs().argmin()].argmax()
        assert abs(band_of(hertz) - (float(loudest) + 0.5)) <= 0.5
