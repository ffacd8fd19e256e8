"""Recordings without pictures through preprocessing's own command."""

import csv
import json
import os
import subprocess
import sys
import wave
import zipfile
from pathlib import Path

import numpy as np
import pytest

from preprocess.run.clocks import n_moments

ROOT = Path(__file__).resolve().parents[3]


def write_wav(path: Path, samples: np.ndarray, rate: int = 16_000) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())


def preprocess(cwd: Path, *overrides: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "preprocess", "corpus=manifest", "corpus.root=m.csv", "output=out"]
    done = subprocess.run(
        [*command, "workers=1", *overrides],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def rows(cwd: Path) -> dict[str, dict[str, str]]:
    with (cwd / "out" / "manifest.csv").open(newline="", encoding="utf-8") as file:
        return {row["recording"]: row for row in csv.DictReader(file)}


@pytest.mark.parametrize(
    ("length_s", "stride", "count"), [(6.4, 3, 64), (6.401, 3, 65), (0.01, 3, 1), (1, 1, 30)]
)
def test_moments_lie_within_the_sound(length_s, stride, count):
    assert n_moments(length_s, stride) == count


def test_sounds_and_signals_alone(tmp_path):
    random = np.random.default_rng(0)
    write_wav(tmp_path / "a.wav", random.normal(0, 900, 44_100 * 2), 44_100)
    write_wav(tmp_path / "cut.wav", random.normal(0, 900, 16_000 * 4))
    whole = (tmp_path / "cut.wav").read_bytes()
    (tmp_path / "cut.wav").write_bytes(whole[: 44 + 32_000])
    (tmp_path / "text.wav").write_text("no sound")
    lines = ["sound,subject,recording,label", "a.wav,1,,3", "cut.wav,2,,4", "text.wav,3,,5", ",4,alone,6"]
    (tmp_path / "m.csv").write_text("\n".join(lines))
    code, said = preprocess(tmp_path, "corpus.shares=[1,0,0]")
    assert code == 3 and "Traceback" not in said, said
    found = rows(tmp_path)
    facts = {name: (row["status"], row["n_moments"], row["sound_s"]) for name, row in found.items()}
    assert facts == {
        "a": ("ok", "20", "2.0"),
        "alone": ("ok", "0", ""),
        "cut": ("partial", "10", "1.0"),
        "text": ("failed", "0", ""),
    }
    assert "96,000 bytes that its header tells of are not there" in found["cut"]["reason"]
    assert all((row["fps"], row["n_frames"], row["video"]) == ("", "0", "") for row in found.values())
    assert "4 of them without pictures" in said and not (tmp_path / "out" / "signals").exists()
    page = (tmp_path / "out" / "quality.html").read_text()
    assert (
        "2.0 s, 10 moments a second" in page and "as long as its signals" in page and "Waveform of a" in page
    )
    before = (tmp_path / "out" / "a.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "out" / "a.zip") as archive:
        assert archive.namelist() == ["sound.flac", "recording.json"]
        assert json.loads(archive.read("recording.json"))["source"] == "a.wav"
    # The sound goes and comes back to the byte; another sound makes another clock.
    code, said = preprocess(tmp_path, "corpus.shares=[1,0,0]", "sound=false", "summary=false")
    assert "sound taken from 2 recordings" in said and rows(tmp_path)["a"]["sound_s"] == ""
    write_wav(tmp_path / "cut.wav", random.normal(0, 900, 16_000 * 4))
    (tmp_path / "m.csv").write_text("\n".join([*lines[:2], "text.wav,3,,5", "cut.wav,2,cut,4", ",4,alone,6"]))
    code, said = preprocess(tmp_path, "corpus.shares=[1,0,0]", "summary=false")
    assert (tmp_path / "out" / "a.zip").read_bytes() == before
    assert (rows(tmp_path)["cut"]["n_moments"], rows(tmp_path)["cut"]["status"]) == ("40", "ok")


def test_a_row_that_names_nothing_is_refused(tmp_path):
    (tmp_path / "m.csv").write_text("sound,subject,recording\n,1,\n")
    code, said = preprocess(tmp_path)
    assert code == 2 and "m.csv line 2: names no video, no sound and no recording" in said
    assert "Traceback" not in said and not (tmp_path / "out").exists()
