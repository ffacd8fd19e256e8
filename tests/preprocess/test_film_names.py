"""Films under names that people have: cropped, in the manifest and on the quality page."""

import csv
import errno
import fcntl
import os
import unicodedata
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from preprocess.archive.recording_zip import read_record
from preprocess.archive.settings import Settings
from preprocess.corpora.manifest import read_manifest
from preprocess.run import additions
from preprocess.run.clocks import clock_recording
from preprocess.run.run import Run
from preprocess.run.tasks import crop_recording
from stan_boundary.names import check_recording_name

LATIN = os.fsdecode(b"M\xfcller.mp4")
NAMES = [
    "x" * 243 + ".mp4",
    "😀" * 62 + ".mp4",
    unicodedata.normalize("NFD", "Müller.mp4"),
    ".hidden.mp4",
    "..mp4",
    "a#b?c&d 100%.mp4",
    LATIN,
]


class Here:
    """Runs tasks in this process."""

    def submit(self, function: Any, /, *args: Any, progress: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(function(*args, progress))
        return future

    def stop(self) -> None:
        """Nothing runs."""


def crop(folder: Path, output: Path, console: Console | None = None) -> dict[str, dict[str, str]]:
    corpus = read_manifest(str(folder), (0, 63), (1, 0, 0), 0)
    settings = Settings(1, "frames", 32, "none", 1.0, 90, None)
    run = Run(
        corpus=corpus,
        settings=settings,
        output=output,
        crop=partial(crop_recording, sound=True),
        clock=clock_recording,
        additions=[additions.sound(True)],
        overwrite=False,
        contact_sheets=True,
        console=console or Console(quiet=True),
    )
    run.execute(Here())
    with (output / "manifest.csv").open(newline="", encoding="utf-8") as file:
        return {row["video"]: row for row in csv.DictReader(file)}


def listed(folder: Path, names: list[str]) -> Path:
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["video", "subject"], *([name, name[:5]] for name in names)])
    return folder


def test_any_name_is_cropped_listed_and_found_again(tmp_path: Path, film_face, write_video) -> None:
    film = write_video(tmp_path / "film.mp4", film_face(4), sound_s=0.2)
    videos = tmp_path / os.fsdecode(b"vid\xe9os")
    videos.mkdir()
    for name in NAMES:
        (videos / name).write_bytes(film.read_bytes())
    listed(videos, [unicodedata.normalize("NFC", name).replace("\udcfc", "%FC") for name in NAMES])
    console = Console(record=True, width=100, file=open(os.devnull, "w", encoding="utf-8"))
    rows = crop(videos, tmp_path / "out", console)
    assert "vid%E9os: 7 recordings" in console.export_text()
    assert [row["status"] for row in rows.values()] == ["ok"] * len(NAMES)
    assert "M%FCller.mp4" in rows and rows["M%FCller.mp4"]["recording"] == "M%FCller"
    names = [row["recording"] for row in rows.values()]
    assert len(set(names)) == len(NAMES) and {"Müller", "%2Ehidden", "%2E", "a#b?c&d 100%"} <= set(names)
    for name in names:
        check_recording_name(name, "manifest")
        assert read_record(tmp_path / "out" / f"{name}.zip")["row"]["recording"] == name
    page = (tmp_path / "out" / "quality.html").read_text(encoding="utf-8")
    assert 'href="contact_sheets/a%23b%3Fc%26d%20100%25.jpg"' in page and "a#b?c&amp;d 100%" in page
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.zip")}
    crop(videos, tmp_path / "out")  # all are known again
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.zip")}


def test_names_that_become_alike_stay_two_recordings(tmp_path: Path, film_face, write_video) -> None:
    film = write_video(tmp_path / "film.mp4", film_face(2))
    names = ["Müller.mp4", unicodedata.normalize("NFD", "Müller.mp4")]
    for name in names:
        (tmp_path / name).write_bytes(film.read_bytes())
    rows = crop(listed(tmp_path, names), tmp_path / "out")
    recordings = {row["recording"] for row in rows.values()}
    assert len(rows) == len(recordings) == 2 and all(name.startswith("Müller") for name in recordings)


def test_a_name_that_no_file_can_have_is_a_missing_video(tmp_path: Path, film_face, write_video) -> None:
    write_video(tmp_path / "a.mp4", film_face(2))
    rows = crop(listed(tmp_path, ["a.mp4", "x" * 300 + ".mp4"]), tmp_path / "out")
    assert [row["status"] for row in rows.values()] == ["ok", "failed"]


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EBADF])
def test_a_share_without_locks_is_said_once(
    tmp_path: Path, film_face, write_video, monkeypatch: pytest.MonkeyPatch, capsys, code: int
) -> None:
    def refuse(handle: int, how: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)
    write_video(tmp_path / "a.mp4", film_face(2))
    assert crop(listed(tmp_path, ["a.mp4"]), tmp_path / "out")["a.mp4"]["status"] == "ok"
    assert capsys.readouterr().out.count("lies on a file system without locks") == 1


def test_the_temporary_folder_is_not_needed(
    tmp_path: Path, film_face, write_video, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sound waits beside its zip: a full or missing TMPDIR stops nothing."""
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "nowhere"))
    write_video(tmp_path / "a.mp4", film_face(4), sound_s=0.2)
    assert crop(listed(tmp_path, ["a.mp4"]), tmp_path / "out")["a.mp4"]["sound_s"]
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]


def test_a_table_only_where_something_is_wrong(tmp_path: Path, film_face, write_video) -> None:
    console = Console(record=True, width=100, file=open(os.devnull, "w"))
    write_video(tmp_path / "a.mp4", film_face(4))
    crop(listed(tmp_path, ["a.mp4"]), tmp_path / "whole", console)
    said = console.export_text()
    assert "1 recordings (1 ok, 0 partial, 0 failed)" in said and "to be looked at" not in said
    assert "longest" not in said
    (tmp_path / "b.mp4").write_bytes(b"no video")
    crop(listed(tmp_path, ["a.mp4", "b.mp4"]), tmp_path / "broken", console)
    said = console.export_text()
    assert "1 of 2 recordings are to be looked at" in said and "longest" in said
