import csv
import errno
import os
from pathlib import Path

import pytest
from rich.console import Console

from preprocess.archive.manifest import COLUMNS, write_manifest
from preprocess.archive.recording_zip import ArchiveWriter, read_row, read_settings
from preprocess.archive.settings import Settings
from preprocess.corpora.corpus import Corpus
from preprocess.corpora.recording import Recording
from preprocess.run.plan import facts
from preprocess.run.run import Run
from preprocess.workers.pool import WorkerDiedError
from stan_boundary.errors import InputError

SETTINGS = Settings(3, "frames", 112, "eyes", 1.0, 95, None)


class Here:
    """An executor without processes; futures are finished when they are handed out."""

    def __init__(self) -> None:
        self.stopped = False

    def submit(self, function, /, *args, progress):
        from concurrent.futures import Future

        future = Future()
        try:
            future.set_result(function(*args, progress))
        except Exception as error:
            future.set_exception(error)
        return future

    def stop(self) -> None:
        self.stopped = True


class Crop:
    """Stands in for the real one; knows which recordings it was asked for."""

    def __init__(self, failed=(), raises=None) -> None:
        self.asked = []
        self.failed, self.raises = failed, raises or {}

    def __call__(self, recording, settings, output, progress):
        self.asked.append(recording.recording)
        if error := self.raises.get(recording.recording):
            raise error
        bad = recording.recording in self.failed
        row = {
            **facts(recording),
            "fps": None,
            "n_source_frames": 30,
            "frame_stride": settings.frame_stride,
            "n_frames": 0,
            "detection_rate": 0.0,
            "status": "failed" if bad else "ok",
            "reason": "no face found" if bad else "",
        }
        with ArchiveWriter(output / f"{recording.recording}.zip") as archive:
            archive.add_row(row, settings.as_dict())
        progress(30)
        return row


def corpus_of(folder: Path, names: str = "abc", **changes) -> Corpus:
    recordings = []
    for name in names:
        if not (folder / f"{name}.mp4").exists():  # a touch would make it newer than its crops
            (folder / f"{name}.mp4").touch()
        values = {"subject": name, "partition": "train", "label": 1.0, **changes}
        recordings.append(
            Recording(
                recording=name,
                session=name,
                task="",
                group="",
                video=f"{name}.mp4",
                path=folder / f"{name}.mp4",
                **values,
            )
        )
    return Corpus("tiny", folder, tuple(recordings))


def run(tmp_path: Path, crop, corpus=None, settings=SETTINGS, overwrite=False, executor=None) -> int:
    corpus = corpus or corpus_of(tmp_path)
    console = Console(file=(tmp_path / "said").open("a"), width=200)
    found = Run(
        corpus=corpus,
        settings=settings,
        output=tmp_path / "out",
        crop=crop,
        clock=crop,
        additions=[],
        overwrite=overwrite,
        contact_sheets=False,
        console=console,
    )
    return found.execute(executor or Here())


def rows(tmp_path: Path) -> list[dict[str, str]]:
    with (tmp_path / "out" / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def said(tmp_path: Path) -> str:
    return (tmp_path / "said").read_text()


def test_manifest_has_the_contracts_columns_and_is_rebuilt_from_the_zips(tmp_path: Path) -> None:
    assert run(tmp_path, Crop(failed="b")) == 3
    path = tmp_path / "out" / "manifest.csv"
    before = path.read_bytes()
    assert before.decode().split("\n")[0] == ",".join(COLUMNS)
    assert [(row["recording"], row["status"]) for row in rows(tmp_path)] == [
        ("a", "ok"),
        ("b", "failed"),
        ("c", "ok"),
    ]
    path.unlink()
    write_manifest(tmp_path / "out")
    assert path.read_bytes() == before


def test_finished_recordings_are_not_done_again(tmp_path: Path) -> None:
    first, second = Crop(failed="b"), Crop()
    run(tmp_path, first)
    (tmp_path / "out" / "c.zip").unlink()
    assert run(tmp_path, second) == 3
    assert (sorted(first.asked), second.asked) == (["a", "b", "c"], ["c"])


def test_a_failed_video_that_was_replaced_is_tried_again(tmp_path: Path) -> None:
    run(tmp_path, Crop(failed="b"))
    later = (tmp_path / "out" / "b.zip").stat().st_mtime + 10
    corpus = corpus_of(tmp_path)
    os.utime(tmp_path / "b.mp4", (later, later))
    crop = Crop()
    assert run(tmp_path, crop, corpus) == 0
    assert crop.asked == ["b"]


def test_other_settings_are_told_and_overwrite_redoes(tmp_path: Path) -> None:
    run(tmp_path, Crop())
    other = Settings(1, "frames", 112, "eyes", 1.0, 95, None)
    crop = Crop()
    with pytest.raises(InputError, match=r"3 of 3 .* other settings .*frame_stride 3, now 1.*overwrite=true"):
        run(tmp_path, crop, settings=other)
    assert crop.asked == []
    assert run(tmp_path, crop, settings=other, overwrite=True) == 0
    assert sorted(crop.asked) == ["a", "b", "c"]
    assert read_settings(tmp_path / "out" / "a.zip") == other.as_dict()


def test_a_stopped_overwrite_leaves_no_old_crops(tmp_path: Path) -> None:
    run(tmp_path, Crop())
    other = Settings(1, "frames", 112, "eyes", 1.0, 95, None)
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(InputError, match="No space left on device") as error:
        run(tmp_path, Crop(raises={"c": full}), settings=other, overwrite=True)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out" / "c.zip").exists() and not (tmp_path / "out" / "manifest.csv").exists()
    crop = Crop()
    assert run(tmp_path, crop, settings=other) == 0
    assert "c" in crop.asked
    assert {row["frame_stride"] for row in rows(tmp_path)} == {"1"}


def test_a_label_that_changed_is_renewed_without_new_crops(tmp_path: Path) -> None:
    run(tmp_path, Crop())
    crop = Crop()
    assert run(tmp_path, crop, corpus_of(tmp_path, label=40.0, partition="dev")) == 0
    assert crop.asked == []
    assert {(row["label"], row["partition"]) for row in rows(tmp_path)} == {("40.0", "dev")}
    assert "3 rows renewed" in said(tmp_path)
    renewed = (tmp_path / "out" / "a.zip").read_bytes()
    (tmp_path / "out" / "a.zip").unlink()
    run(tmp_path, crop, corpus_of(tmp_path, label=40.0, partition="dev"))
    assert (tmp_path / "out" / "a.zip").read_bytes() == renewed


def test_a_dead_worker_costs_its_recording_and_is_tried_again(tmp_path: Path) -> None:
    died = WorkerDiedError("the worker process died (killed by SIGSEGV)")
    assert run(tmp_path, Crop(raises={"b": died})) == 3
    reasons = {row["recording"]: row["reason"] for row in rows(tmp_path)}
    assert "SIGSEGV" in reasons["b"] and not reasons["a"] + reasons["c"]
    crop = Crop()
    assert run(tmp_path, crop) == 0
    assert crop.asked == ["b"]


def test_a_defect_met_by_one_recording_costs_that_one(tmp_path: Path) -> None:
    assert run(tmp_path, Crop(raises={"b": ZeroDivisionError("oops")})) == 3
    assert [row["status"] for row in rows(tmp_path)] == ["ok", "failed", "ok"]
    assert "ZeroDivisionError: oops" in said(tmp_path)


def test_two_runs_in_one_folder_are_refused(tmp_path: Path) -> None:
    def nested(recording, settings, output, progress):
        with pytest.raises(InputError, match="another run is at work"):
            run(tmp_path, Crop())
        return Crop()(recording, settings, output, progress)

    assert run(tmp_path, nested, corpus_of(tmp_path, "a")) == 0


def test_recordings_of_another_corpus_are_told(tmp_path: Path) -> None:
    run(tmp_path, Crop(), corpus_of(tmp_path, "abc"))
    run(tmp_path, Crop(), corpus_of(tmp_path, "ab"))
    assert "1 recordings in" in said(tmp_path) and "not of this corpus" in said(tmp_path)
    assert len(rows(tmp_path)) == 3


def test_half_written_files_and_damaged_zips_are_made_again(tmp_path: Path) -> None:
    run(tmp_path, Crop())
    (tmp_path / "out" / "a.zip").write_bytes(b"PK no more")
    (tmp_path / "out" / ".0123.part").write_bytes(b"half")
    crop = Crop()
    assert run(tmp_path, crop) == 0
    assert crop.asked == ["a"] and read_row(tmp_path / "out" / "a.zip")["recording"] == "a"
    assert not list((tmp_path / "out").glob("*.part")) and not list((tmp_path / "out").glob(".*"))
