"""Turns through preprocessing's own command, without a video decoded again."""

import csv
import os
import subprocess
import sys
import wave
import zipfile
from pathlib import Path

import numpy as np

from preprocess.archive.recording_zip import read_record

ROOT = Path(__file__).resolve().parents[3]
HEAD = "start_s,end_s,speaker\n"


def preprocess(cwd: Path, *overrides: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "preprocess", "corpus=manifest", "corpus.root=m.csv", "output=out"]
    done = subprocess.run(
        [*command, "workers=1", "align=none", *overrides],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def rows(cwd: Path) -> dict[str, tuple[str, str]]:
    with (cwd / "out" / "manifest.csv").open(newline="", encoding="utf-8") as file:
        return {
            row["recording"]: (row["participant_s"], row["interviewer_s"]) for row in csv.DictReader(file)
        }


def members(cwd: Path, name: str) -> dict[str, bytes]:
    with zipfile.ZipFile(cwd / "out" / f"{name}.zip") as archive:
        return {one: archive.read(one) for one in archive.namelist()}


def test_turns_come_change_and_go_without_the_video(tmp_path, write_video):
    picture = np.full((48, 64, 3), 90, np.uint8)
    write_video(tmp_path / "film.mp4", [picture] * 20, sound_s=0.8)
    with wave.open(str(tmp_path / "voice.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(np.random.default_rng(0).normal(0, 900, 32_000).astype("<i2").tobytes())
    (tmp_path / "t.csv").write_text(HEAD + "0,0.5,participant\n0.5,0.75,Ellie\n")
    table = "video,sound,subject,partition,label,turns\nfilm.mp4,,1,train,3,t.csv\n,voice.wav,2,train,4,\n"
    (tmp_path / "m.csv").write_text(table)
    code, said = preprocess(tmp_path)
    assert code == 0, said
    assert rows(tmp_path) == {"film": ("0.5", "0.25"), "voice": ("", "")}
    first = (tmp_path / "out" / "film.zip").read_bytes()
    kept = members(tmp_path, "film")
    assert (
        kept["turns.csv"].decode() == HEAD + "0.000000,0.500000,participant\n0.500000,0.750000,interviewer\n"
    )
    assert "turns.csv" not in members(tmp_path, "voice")
    # Another file of turns, and turns for a recording that had none: no source need be there.
    (tmp_path / "film.mp4").rename(tmp_path / "away.mp4")
    (tmp_path / "voice.wav").rename(tmp_path / "away.wav")
    (tmp_path / "film.mp4").write_bytes(b"would fail if it were decoded")
    (tmp_path / "t.csv").write_text(HEAD + "0,0.25,participant\n0.25,0.75,Ellie\n")
    (tmp_path / "m.csv").write_text(table.replace(",4,\n", ",4,t.csv\n"))
    code, said = preprocess(tmp_path)
    assert code == 0, said
    assert "turns of 2 recordings are new or others than before" in said
    assert "2 rows renewed from the corpus, crops kept" in said
    assert rows(tmp_path) == {"film": ("0.25", "0.5"), "voice": ("0.25", "0.5")}
    same = {"turns.csv", "recording.json"}
    now = members(tmp_path, "film")
    assert {name: now[name] for name in kept if name not in same} == {
        name: kept[name] for name in kept if name not in same
    }
    # Nothing changed: nothing is renewed. Sound taken and given again leaves the turns and the bytes.
    before = (tmp_path / "out" / "film.zip").read_bytes()
    (tmp_path / "away.mp4").replace(tmp_path / "film.mp4")
    (tmp_path / "away.wav").replace(tmp_path / "voice.wav")
    code, said = preprocess(tmp_path, "sound=false")
    assert "rows renewed" not in said and "turns.csv" in members(tmp_path, "film"), said
    preprocess(tmp_path)
    assert (tmp_path / "out" / "film.zip").read_bytes() == before
    # The first turns again: to the byte as they were made at once. Without turns they go.
    (tmp_path / "t.csv").write_text(HEAD + "0,0.5,participant\n0.5,0.75,Ellie\n")
    (tmp_path / "m.csv").write_text(table)
    preprocess(tmp_path)
    assert (tmp_path / "out" / "film.zip").read_bytes() == first
    assert "turns.csv" not in members(tmp_path, "voice") and rows(tmp_path)["voice"] == ("", "")
    assert "turns" not in read_record(tmp_path / "out" / "voice.zip")
    (tmp_path / "t.csv").write_text(HEAD + "1,0.5,participant\n")
    code, said = preprocess(tmp_path)
    assert code == 2 and said.strip().splitlines()[-1].endswith("comes before start_s 1: mend the row"), said
