"""The command: crops with sound get the signal once, and what cannot be used ends in one line."""

import csv
from pathlib import Path

import numpy as np
import pytest

from preprocess.archive.recording_zip import ArchiveWriter
from preprocess.archive.settings import Settings
from preprocess.prosody.columns import COLUMNS

pytest.importorskip("swift_f0")
SETTINGS = Settings(3, "frames", 112, "eyes", 1.0, 95, None)
ROW = {
    **dict.fromkeys(("subject", "session", "task", "partition", "group", "video", "reason"), ""),
    **{"label": None, "fps": 30.0, "n_source_frames": 90, "frame_stride": 3, "n_frames": 30},
    **{"detection_rate": 1.0, "status": "ok", "sound_rms": -20.0},
}


def heard(folder: Path, name: str, seconds: float) -> None:
    """A recording's zip with so much sound."""
    with ArchiveWriter(folder / f"{name}.zip") as archive:
        if seconds:
            random = np.random.default_rng(0)
            archive.add_sound(random.normal(0, 3_000, round(seconds * 16_000)).astype(np.int16))
        row = ROW | {"recording": name, "sound_s": seconds or None}
        archive.add_row(row, SETTINGS.as_dict())


def test_crops_with_sound_get_their_signal_once(tmp_path, command) -> None:
    for name, seconds in (("a", 3.0), ("b", 1.5), ("mute", 0.0)):
        heard(tmp_path, name, seconds)
    code, out, err = command("preprocess.prosody", "crops=.", "workers=1")
    assert (code, err) == (0, "") and "measured of 2 recordings, 0 were there, 1 have no sound" in out
    folder = tmp_path / "signals" / "prosody"
    assert sorted(path.name for path in folder.iterdir()) == ["a.csv", "b.csv", "signal.json"]
    with (folder / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["time_s", *COLUMNS] and len(rows) == 187 and rows[-1]["time_s"] == "2.976"
    whole = (folder / "b.csv").read_bytes()
    (folder / "b.csv").unlink()
    (folder / ".0123.part").write_bytes(whole[:100])  # as a killed run leaves it
    stamp = (folder / "a.csv").stat().st_mtime_ns
    heard(tmp_path, "c", 2.0)
    damaged = bytearray((tmp_path / "c.zip").read_bytes())
    damaged[20_000:20_400] = bytes(400)
    (tmp_path / "c.zip").write_bytes(damaged)
    code, out, _ = command("preprocess.prosody", "crops=.", "workers=1")
    assert code == 3, out
    assert "c.zip: sound.flac" in out
    assert "measured of 1 recordings, 1 were there" in out
    assert (folder / "b.csv").read_bytes() == whole and (folder / "a.csv").stat().st_mtime_ns == stamp
    assert sorted(path.name for path in folder.iterdir()) == ["a.csv", "b.csv", "signal.json"]


@pytest.mark.parametrize(
    ("crops", "words"),
    [("nowhere", "no crops at nowhere"), ("mute", "no sound in mute"), ("theirs", "did not make")],
)
def test_what_cannot_be_used_ends_in_one_line(crops, words, tmp_path, command) -> None:
    for name, seconds in (("mute", 0.0), ("theirs", 1.0)):
        (tmp_path / name).mkdir()
        heard(tmp_path / name, "a", seconds)
    other = tmp_path / "theirs" / "signals" / "prosody" / "a.csv"
    other.parent.mkdir(parents=True)
    other.write_text("time_s,F0\n0,1\n")
    code, _, err = command("preprocess.prosody", f"crops={crops}", "workers=1")
    assert code == 2 and err.startswith("error: ") and words in err and err.count("\n") == 1
    assert other.read_text() == "time_s,F0\n0,1\n"
