import errno
import io
import zipfile

import numpy as np
import pytest

from preprocess.archive import flac
from preprocess.archive.recording_zip import ArchiveWriter, read_row, read_settings, read_track
from stan_boundary.errors import InputError

ROW = {"recording": "203_1_Freeform", "label": 7, "video": "Größe/面.mp4", "reason": "", "status": "ok"}
ROW |= {"n_source_frames": 9, "frame_stride": 3, "n_frames": 2, "detection_rate": 1.0}
SETTINGS = {"frame_stride": 3, "align": "eyes", "model_path": None}
TRACK = [{"frame": 3, "time_s": "0.1", "interpolated": 0}, {"frame": 6, "time_s": "0.2", "score": "0.9"}]


def write(path):
    with ArchiveWriter(path) as archive:
        archive.add_frame(3, b"three" * 100)
        archive.add_frame(6, b"six")
        archive.add_track(TRACK)
        archive.add_row(ROW, SETTINGS)
    return path


def test_what_is_read_is_what_was_written(tmp_path):
    path = write(tmp_path / "made" / "a.zip")
    assert read_row(path) == ROW
    assert read_settings(path) == SETTINGS
    assert [row["frame"] for row in read_track(path)] == ["3", "6"]
    assert read_track(path)[0]["score"] == ""


def test_members_are_stored_under_one_time_and_named_by_source_frame(tmp_path):
    with zipfile.ZipFile(write(tmp_path / "a.zip")) as archive:
        assert archive.namelist() == ["000003.jpg", "000006.jpg", "track.csv", "recording.json"]
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.testzip() is None


def test_the_same_members_give_the_same_bytes(tmp_path):
    assert write(tmp_path / "a.zip").read_bytes() == write(tmp_path / "b.zip").read_bytes()


def test_an_error_leaves_the_folder_as_it_was(tmp_path):
    before = write(tmp_path / "a.zip").read_bytes()
    with pytest.raises(RuntimeError), ArchiveWriter(tmp_path / "a.zip") as archive:
        archive.add_frame(0, b"new")
        raise RuntimeError("killed")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]
    assert (tmp_path / "a.zip").read_bytes() == before


def test_nothing_shows_before_the_archive_is_whole(tmp_path):
    with ArchiveWriter(tmp_path / "a.zip") as archive:
        archive.add_frame(0, b"new")
        assert not list(tmp_path.glob("*.zip"))


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(InputError, match="file"), ArchiveWriter(tmp_path / "file" / "a.zip"):
        pass


def test_a_failed_recording_has_no_track(tmp_path):
    with ArchiveWriter(tmp_path / "a.zip") as archive:
        archive.add_row(ROW, SETTINGS)
    assert read_track(tmp_path / "a.zip") == []


def test_a_disk_that_is_full_of_sound_is_said_as_such() -> None:
    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left") as error:
        flac.write(np.zeros(100_000, np.int16), Full())
    assert error.value.errno == errno.ENOSPC
