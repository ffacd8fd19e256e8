"""Prosody of sounds whose pitch, level and pauses are known."""

import numpy as np
import pytest

from preprocess.prosody.columns import COLUMNS
from preprocess.prosody.measure import HOP, REFERENCE_HZ, STEP_S, measure
from preprocess.prosody.speech import SpeechDetector, pauses
from preprocess.synthetic.voice import CONTROL_RATE, RATE, draw_voice, melody, speak

pytest.importorskip("swift_f0")


def buzz(hertz: float, seconds: float, level: float = 0.2) -> np.ndarray:
    """A tone with ten harmonics."""
    moments = np.arange(round(seconds * RATE)) / RATE
    sound = sum(np.sin(2 * np.pi * hertz * number * moments) / number for number in range(1, 11))
    return np.rint(level * 32767 * sound / np.abs(sound).max()).astype(np.int16)


def test_a_tone_has_its_pitch_and_level() -> None:
    sound = buzz(220.0, 2.0)
    moments, values = measure(sound)
    assert list(values) == list(COLUMNS) and len(moments) == len(sound) // HOP
    inner = slice(10, -10)
    assert np.abs(values["pitch"][inner] - 12 * np.log2(220.0 / REFERENCE_HZ)).max() < 0.2
    level = 20 * np.log10(np.sqrt(np.mean((sound / 32768.0) ** 2)))
    assert np.abs(values["loudness"][inner] - level).max() < 0.5
    quieter = measure(sound // 4)[1]
    assert np.abs(values["loudness"] - quieter["loudness"])[inner] == pytest.approx(12.04, abs=0.1)
    assert np.abs(values["tilt"] - quieter["tilt"])[inner].max() < 0.3
    assert values["tilt"][inner].mean() > measure(buzz(880.0, 2.0))[1]["tilt"][inner].mean()


def test_a_voice_is_followed_and_its_pauses_are_found() -> None:
    opening = np.repeat([0.5, 0.0, 0.5, 0.0, 0.5], [30, 20, 30, 4, 30])  # 0.67 s and 0.13 s shut at 30 fps
    voice = draw_voice(np.random.default_rng(2))
    sound = speak(voice, 0.3, opening, 30, np.random.default_rng(1))
    moments, values = measure(np.rint(sound * 32767).astype(np.int16))
    control_s = np.arange(int(np.ceil(len(sound) / RATE * CONTROL_RATE)) + 1) / CONTROL_RATE
    drawn = 12 * np.log2(melody(voice, 0.3, control_s, np.random.default_rng(1)) / REFERENCE_HZ)
    error = np.abs(values["pitch"] - np.interp(moments, control_s, drawn))
    voiced = ~np.isnan(values["pitch"])
    assert np.median(error[voiced]) < 0.1 and 0.6 < voiced.mean() < 0.95
    silent = (moments > 1.1) & (moments < 1.55)
    assert np.isnan(values["pitch"][silent]).all() and (values["pause"][silent] == 1).all()
    assert np.nansum(values["pause"]) * STEP_S == pytest.approx(20 / 30, abs=0.15)


def test_pauses_are_gaps_of_speech_that_are_long_enough() -> None:
    speaking = np.zeros(60, bool)
    speaking[5:10] = speaking[24:30] = speaking[50:52] = True
    found = pauses(speaking, STEP_S)  # gaps of 14 and 20 rows: 0.22 s and 0.32 s
    assert np.isnan(found[:5]).all() and np.isnan(found[52:]).all()
    assert not found[5:30].any() and (found[30:50] == 1).all() and not found[50:52].any()
    assert np.isnan(pauses(np.zeros(9, bool), STEP_S)).all()


@pytest.mark.parametrize("samples", [1, HOP - 1, HOP, 5 * HOP + 7])
def test_sounds_of_any_length_and_silence_have_missing_values(samples: int) -> None:
    moments, values = measure(np.zeros(samples, np.int16))
    assert len(moments) == max(1, samples // HOP)
    assert all(len(column) == len(moments) for column in values.values())
    for name in ("pitch", "loudness", "tilt", "pause"):
        assert np.isnan(values[name]).all()
    assert (values["voicing"] == 0).all() and (values["speech"] < 0.5).all()


def test_pieces_of_a_sound_tell_what_the_whole_does(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = np.concatenate([buzz(150.0, 1.3), np.zeros(9_000, np.int16), buzz(300.0, 0.9)])
    whole = measure(sound)[1]
    monkeypatch.setattr("preprocess.prosody.measure._BLOCK", 5_000)
    monkeypatch.setattr("preprocess.prosody.speech._BLOCK", 7)
    told: list[int] = []
    pieces = measure(sound, told.append)[1]
    for name, column in whole.items():
        np.testing.assert_allclose(pieces[name], column, atol=1e-3, err_msg=name)
    assert sum(told) == len(sound) // RATE


def test_speech_is_that_of_the_package() -> None:
    torch = pytest.importorskip("torch")
    silero = pytest.importorskip("silero_vad")
    sound = np.random.default_rng(0).normal(0, 0.1, 20_000).astype(np.float32)
    theirs = silero.load_silero_vad(onnx=True).audio_forward(torch.from_numpy(sound), 16_000)
    assert SpeechDetector().probabilities(sound) == pytest.approx(theirs.numpy().reshape(-1), abs=2e-3)
