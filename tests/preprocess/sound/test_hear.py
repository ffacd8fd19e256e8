"""Sound that is added to crops, taken away again, or cannot be had: the crops stay what they are."""

import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from preprocess.archive.flac import RATE, decode
from preprocess.archive.recording_zip import ROW, SOUND, ArchiveWriter, read_record, read_row
from preprocess.archive.settings import Settings
from preprocess.run.tasks import crop_recording, hear_recording, mute_recording

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = Settings(3, "frames", 32, "none", 1.0, 95, None)


def members(path, but=()):
    with zipfile.ZipFile(path) as archive:
        return {
            name: hashlib.sha256(archive.read(name)).hexdigest()
            for name in archive.namelist()
            if name not in but
        }


def sound_in(path):
    with zipfile.ZipFile(path) as archive, archive.open(SOUND) as member:
        return decode(member)


def crop(recording, folder, sound):
    return crop_recording(recording, SETTINGS, folder, lambda count: None, sound=sound)


def as_before(path):
    """Rewrite a zip as the version before sound made it, on the file's own clock."""
    record = read_record(path)
    row = {name: value for name, value in record["row"].items() if not name.startswith("sound")}
    with ArchiveWriter(path) as archive:
        archive.add_all(path, but=(ROW, SOUND))
        archive.add_row(row, record["settings"])


def test_sound_at_once_is_sound_added_later_and_can_be_taken_away(film, recording_of, tmp_path):
    film(tmp_path / "a.mp4", offset=-0.4)
    recording = recording_of(tmp_path / "a.mp4")
    row = crop(recording, tmp_path / "with", True)
    assert (row["status"], row["reason"]) == ("ok", "")
    assert row["sound_s"] == pytest.approx(3.6, abs=0.05) and row["sound_rms"] == pytest.approx(-47, abs=2)
    without = crop(recording, tmp_path / "without", False)
    assert without["sound_s"] is None
    files = [tmp_path / folder / "a.zip" for folder in ("with", "without")]
    mute = files[1].read_bytes()
    assert hear_recording(recording, tmp_path / "without", lambda count: None) == row
    assert files[0].read_bytes() == files[1].read_bytes()
    with zipfile.ZipFile(files[0]) as archive:
        assert archive.namelist()[-3:] == ["track.csv", SOUND, ROW]
        assert archive.getinfo(SOUND).compress_type == zipfile.ZIP_STORED
    assert mute_recording(recording, tmp_path / "without", lambda count: None) == without
    assert files[1].read_bytes() == mute


@pytest.mark.parametrize("own_file", [False, True])
def test_crops_of_before_gain_sound_on_their_own_clock(
    own_file, film, sound_file, click_track, recording_of, tmp_path
):
    """Their track counts from the file's zero, here 0.4 s before the first frame."""
    flash_s = film(tmp_path / "a.mkv", ("libx264", "aac"), offset=-0.4)
    recording = recording_of(tmp_path / "a.mkv")
    if own_file:
        path = sound_file(tmp_path / "a.wav", "pcm_s16le", click_track(48_000, 4.0, flash_s))
        recording = replace(recording, sound="a.wav", sound_path=path)
    crop(recording, tmp_path / "out", False)
    path = tmp_path / "out" / "a.zip"
    as_before(path)
    before = members(path, but=(ROW,))
    row = hear_recording(recording, tmp_path / "out", lambda count: None)
    assert members(path, but=(ROW, SOUND)) == before
    click_s = int(np.abs(sound_in(path).astype(int)).argmax()) / RATE
    assert click_s == pytest.approx(0.4 + flash_s, abs=0.002)
    assert row["sound_s"] > 3.5


BAD = {
    "missing": (None, "sound: voice.wav: cannot be opened: No such file or directory"),
    "empty": (b"", "sound: voice.wav: cannot be opened"),
    "text": (b"my dear diary\n" * 100, "sound: voice.wav: cannot be opened"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_sound_that_cannot_be_used_leaves_the_crops_and_a_reason(kind, film, recording_of, tmp_path):
    content, words = BAD[kind]
    film(tmp_path / "a.mp4", ("libx264", None))
    voice = tmp_path / "voice.wav"
    if content is not None:
        voice.write_bytes(content)
    recording = replace(recording_of(tmp_path / "a.mp4"), sound="voice.wav", sound_path=voice)
    silent = crop(recording, tmp_path / "out", False)
    before = members(tmp_path / "out" / "a.zip", but=(ROW,))
    row = hear_recording(recording, tmp_path / "out", lambda count: None)
    assert row["status"] == "partial" and str(row["reason"]).startswith(words)
    assert (row["sound_s"], row["sound_rms"]) == (0.0, None)
    assert members(tmp_path / "out" / "a.zip", but=(ROW,)) == before
    assert mute_recording(recording, tmp_path / "out", lambda count: None) == silent
    assert read_row(tmp_path / "out" / "a.zip")["status"] == "ok"


def test_a_broken_film_keeps_its_own_reason_beside_the_sounds(film, recording_of, tmp_path):
    film(tmp_path / "a.mkv", ("libx264", "aac"))
    whole = (tmp_path / "a.mkv").read_bytes()
    (tmp_path / "a.mkv").write_bytes(whole[: len(whole) // 2])
    recording = replace(recording_of(tmp_path / "a.mkv"), sound="no.wav", sound_path=tmp_path / "no.wav")
    silent = crop(recording, tmp_path / "out", False)
    row = hear_recording(recording, tmp_path / "out", lambda count: None)
    assert (silent["status"], row["status"]) == ("partial", "partial")
    assert str(row["reason"]).startswith(f"{silent['reason']}; sound: no.wav: cannot be opened")
    assert mute_recording(recording, tmp_path / "out", lambda count: None) == silent


# --- the command --------------------------------------------------------------------------------------


@pytest.fixture
def corpus(film, sound_file, click_track, tmp_path):
    """Three videos: with sound, without, and silent with a wav beside it; their crops without sound."""
    film(tmp_path / "spoken.mp4")
    film(tmp_path / "mute.mp4", ("libx264", None))
    film(tmp_path / "beside.mp4", ("libx264", None))
    sound_file(tmp_path / "beside.wav", "pcm_s16le", click_track(48_000, 5.0, 2.0))
    lines = ["video,subject,partition,sound", "spoken.mp4,1,train,", "mute.mp4,2,dev,"]
    (tmp_path / "manifest.csv").write_text("\n".join([*lines, "beside.mp4,3,test,beside.wav"]) + "\n")
    preprocess(tmp_path, "sound=false")
    return tmp_path


def command(folder, *overrides):
    given = ["corpus=manifest", f"corpus.root={folder}", f"output={folder / 'out'}", "align=none"]
    return [sys.executable, "-m", "preprocess", *given, "crop_size=32", "workers=1", *overrides]


def preprocess(folder, *overrides):
    ended = subprocess.run(
        command(folder, *overrides),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    return ended.returncode, ended.stdout + ended.stderr


def rows(folder):
    with (folder / "out" / "manifest.csv").open(newline="") as file:
        return {row["recording"]: row for row in csv.DictReader(file)}


def test_a_run_over_crops_adds_the_sound_and_another_takes_it_away(corpus):
    zips = {name: corpus / "out" / f"{name}.zip" for name in ("spoken", "mute", "beside")}
    silent = {name: path.read_bytes() for name, path in zips.items()}
    pictures = {name: members(path, but=(ROW, SOUND)) for name, path in zips.items()}
    code, said = preprocess(corpus)
    assert code == 0 and "sound added to 3 recordings, crops untouched" in said
    found = rows(corpus)
    assert [found[name]["status"] for name in zips] == ["ok", "ok", "ok"]
    assert float(found["spoken"]["sound_s"]) == 4.0 == float(found["beside"]["sound_s"])
    assert (found["mute"]["sound_s"], found["mute"]["sound_rms"]) == ("0.0", "")
    assert {name: members(path, but=(ROW, SOUND)) for name, path in zips.items()} == pictures
    assert read_record(zips["mute"])["sound"]["note"] == "no sound track"
    code, said = preprocess(corpus)
    assert code == 0 and "sound added" not in said
    code, said = preprocess(corpus, "sound=false")
    assert code == 0 and "sound taken from 3 recordings" in said
    assert {name: path.read_bytes() for name, path in zips.items()} == silent


def test_another_source_and_a_mended_one_are_heard_again_and_a_gone_video_is_told(corpus):
    text = (corpus / "manifest.csv").read_text()
    (corpus / "manifest.csv").write_text(text.replace("mute.mp4,2,dev,", "mute.mp4,2,dev,voice.wav"))
    code, said = preprocess(corpus)
    assert code == 0 and "partial: mute.mp4: sound: voice.wav: cannot be opened: No such file" in said
    assert "sound added to" not in preprocess(corpus)[1]
    (corpus / "voice.wav").write_bytes((corpus / "beside.wav").read_bytes())
    assert "sound added to 1 recordings" in preprocess(corpus)[1]
    assert rows(corpus)["mute"]["status"] == "ok" and float(rows(corpus)["mute"]["sound_s"]) == 4.0
    preprocess(corpus, "sound=false")
    (corpus / "spoken.mp4").unlink()
    code, said = preprocess(corpus)
    assert code == 0 and "1 recordings have crops without sound, and their videos are gone" in said
    assert rows(corpus)["spoken"]["status"] == "ok"


@pytest.mark.slow
def test_kills_while_sound_is_added_lose_nothing(film, tmp_path):
    for number in range(24):
        film(tmp_path / f"v{number}.mp4", seconds=8.0)
    lines = [f"v{number}.mp4,{number},train" for number in range(24)]
    (tmp_path / "manifest.csv").write_text("\n".join(["video,subject,partition", *lines]))
    preprocess(tmp_path, "sound=false")
    out = tmp_path / "out"
    silent = {path.name: path.read_bytes() for path in out.glob("*.zip")}
    pictures = {name: members(out / name, but=(ROW, SOUND)) for name in silent}
    begin = time.monotonic()
    preprocess(tmp_path)
    duration_s = time.monotonic() - begin
    voiced = {path.name: path.read_bytes() for path in out.glob("*.zip")}
    assert voiced != silent
    random = np.random.default_rng(0)
    between = set()
    for _ in range(20):
        for name, content in silent.items():
            (out / name).write_bytes(content)
        process = subprocess.Popen(
            command(tmp_path), env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL
        )
        time.sleep(random.uniform(0.5, 0.98) * duration_s)
        process.send_signal(signal.SIGKILL)
        process.wait()
        time.sleep(0.3)  # its workers end with it
        done = sum(SOUND in members(out / name) for name in silent)
        between.add(done)
        assert {name: members(out / name, but=(ROW, SOUND)) for name in silent} == pictures
        assert preprocess(tmp_path)[0] == 0
        assert {path.name: path.read_bytes() for path in out.glob("*.zip")} == voiced
        assert not list(out.glob(".*part"))
    assert len(between) > 1  # some were killed in the midst of it
    assert json.loads(zipfile.ZipFile(out / "v0.zip").read(ROW))["row"]["sound_s"] == 8.0
