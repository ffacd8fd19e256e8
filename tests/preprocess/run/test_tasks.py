import csv
import resource
import subprocess
import sys
import zipfile
from dataclasses import replace

import av
import cv2
import numpy as np
import pytest

from preprocess.archive.recording_zip import TRACK_COLUMNS, read_row, read_settings, read_track
from preprocess.archive.settings import Settings
from preprocess.faces.decode import Video
from preprocess.faces.detector import LEFT_EYE, RIGHT_EYE, load_detector
from preprocess.faces.model_file import find_models
from preprocess.run.tasks import crop_recording
from stan_boundary.errors import InputError

SETTINGS = Settings(3, "frames", 112, "eyes", 1.0, 95, None)
PLACES = (112 * (0.34 + 0.40j), 112 * (0.66 + 0.40j))
# Faces of fewer pixels, and pictures that damage has garbled, cannot be placed to the pixel.
NOT_TO_THE_PIXEL = {"o08", "b18", "b25"}
OUTCOMES = {  # status, decoded frames, lowest and highest detection rate, part of the reason
    "o01": ("ok", 242, 1, 1, ""),
    "o02": ("ok", 169, 0.4, 0.5, ""),
    "o03": ("ok", 290, 1, 1, ""),
    "o04": ("ok", 75, 1, 1, ""),
    "o05": ("ok", 75, 1, 1, ""),
    "o06": ("ok", 75, 1, 1, ""),
    "o07": ("ok", 109, 1, 1, ""),
    "o08": ("ok", 35, 0.3, 0.9, ""),
    "o09": ("ok", 121, 1, 1, ""),
    "o10": ("ok", 121, 1, 1, ""),
    "o11": ("ok", 121, 1, 1, ""),
    "o12": ("ok", 118, 1, 1, ""),
    "o13": ("ok", 121, 1, 1, ""),
    "o14": ("ok", 121, 1, 1, ""),
    "o15": ("ok", 200, 1, 1, ""),
    "o16": ("ok", 135, 1, 1, ""),
    "o17": ("ok", 300, 1, 1, ""),
    "o18": ("ok", 103, 1, 1, ""),
    "o19": ("ok", 121, 1, 1, ""),
    "o20": ("ok", 121, 0.5, 0.65, ""),
    "b01": ("failed", 0, 0, 0, "cannot be opened"),
    "b02": ("partial", 68, 1, 1, "68 of 121 frames decoded"),
    "b03": ("partial", 71, 1, 1, "71 frames decoded, ends at"),
    "b04": ("failed", 0, 0, 0, "empty"),
    "b05": ("failed", 0, 0, 0, "cannot be opened"),
    "b06": ("ok", 1, 1, 1, ""),
    "b07": ("failed", 75, 0, 0, "no face found"),
    "b08": ("failed", 152, 0, 0, "no face found"),
    "b09": ("failed", 0, 0, 0, "no video: sound only (a manifest names it in its column sound)"),
    "b10": ("failed", 0, 0, 0, "no video: sound and a cover picture only"),
    "b11": ("ok", 72, 1, 1, ""),
    "b12": ("ok", 72, 1, 1, ""),
    "b13": ("ok", 72, 1, 1, ""),
    "b14": ("ok", 72, 1, 1, ""),
    "b15": ("ok", 72, 1, 1, ""),
    "b16": ("ok", 72, 1, 1, ""),
    "b17": ("ok", 121, 1, 1, ""),
    "b18": ("partial", 120, 0.9, 1, "120 of 121 frames decoded"),
    "b19": ("ok", 72, 1, 1, ""),
    "b20": ("ok", 72, 1, 1, ""),
    "B21": ("ok", 121, 1, 1, ""),
    "b22": ("ok", 48, 1, 1, ""),
    "b23": ("ok", 121, 1, 1, ""),
    "b24": ("ok", 36, 1, 1, ""),
    "b25": ("ok", 48, 0.9, 1, ""),
}
QUICK = {"o02", "o20", "b02", "b06", "b08", "b14", "b18", "b22"}


@pytest.fixture
def crop(tmp_path, recording_of):
    """`crop(video, **changes of the settings)`: the row and the zip."""

    def run(video, **changes):
        recording = recording_of(video)
        row = crop_recording(recording, replace(SETTINGS, **changes), tmp_path / "out", lambda count: None)
        return row, tmp_path / "out" / f"{recording.recording}.zip"

    return run


def pictures_in(path):
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".jpg")]
        decoded = [
            cv2.imdecode(np.frombuffer(archive.read(name), np.uint8), cv2.IMREAD_COLOR) for name in names
        ]
    return {
        int(name[:6]): cv2.cvtColor(one, cv2.COLOR_BGR2RGB) for name, one in zip(names, decoded, strict=True)
    }


def eye_error(picture):
    """Largest distance of an eye from its place, in pixels of the crop; infinite if no face is found.

    A second opinion from the written crop alone: it is set into a view of 192 px at its own scale.
    """
    view = cv2.copyMakeBorder(picture, 40, 40, 40, 40, cv2.BORDER_REPLICATE)
    faces = load_detector(find_models(None).short_range, 0.5).find(view)
    return min(
        (
            max(
                abs(face.points[RIGHT_EYE] - 40 - 40j - PLACES[0]),
                abs(face.points[LEFT_EYE] - 40 - 40j - PLACES[1]),
            )
            for face in faces
        ),
        default=np.inf,
    )


def test_the_zip_is_what_the_contract_says(tmp_path, crop, write_video, film_face):
    row, path = crop(write_video(tmp_path / "a.mp4", film_face(30)))
    assert (row["status"], row["reason"], row["n_source_frames"], row["n_frames"]) == ("ok", "", 30, 10)
    assert (row["fps"], row["detection_rate"], row["frame_stride"]) == (25.0, 1.0, 3)
    assert read_row(path) == row
    assert read_settings(path) == SETTINGS.as_dict()
    track = read_track(path)
    assert tuple(track[0]) == tuple(TRACK_COLUMNS)
    assert [int(one["frame"]) for one in track] == list(pictures_in(path)) == list(range(0, 30, 3))
    assert [float(one["time_s"]) for one in track] == pytest.approx([k / 25 for k in range(0, 30, 3)])
    assert {picture.shape for picture in pictures_in(path).values()} == {(112, 112, 3)}


@pytest.mark.parametrize("turn", [0, 35, 90, 180])
def test_eyes_are_at_their_places_however_the_face_is_turned(tmp_path, crop, write_video, film_face, turn):
    matrix = cv2.getRotationMatrix2D((160, 120), turn, 1.0) + np.array([[0, 0, 0], [0, 0, 40]])
    pictures = [
        cv2.warpAffine(picture, matrix, (320, 320), borderMode=cv2.BORDER_REPLICATE)
        for picture in film_face(30, seed=5)
    ]
    row, path = crop(write_video(tmp_path / "a.mp4", pictures))
    assert row["detection_rate"] == 1.0
    errors = [eye_error(picture) for picture in pictures_in(path).values()]
    assert np.mean(np.array(errors) <= 4) >= 0.95


def test_the_same_bytes_whatever_was_cropped_before(tmp_path, crop, write_video, film_face):
    one = write_video(tmp_path / "a.mp4", film_face(30, seed=1))
    other = write_video(tmp_path / "b.mp4", film_face(30, seed=2))
    first = crop(one)[1].read_bytes()
    crop(other)
    assert crop(one)[1].read_bytes() == first


def test_a_short_absence_is_bridged_and_a_long_one_is_not(tmp_path, crop, write_video, film_face):
    pictures = film_face(150, seed=4)
    for k in (*range(30, 45), *range(75, 120)):  # 0.6 s and 1.8 s with nobody there
        pictures[k] = np.full_like(pictures[k], 90)
    row, path = crop(write_video(tmp_path / "a.mp4", pictures))
    track = read_track(path)
    # With the face the whole picture goes: a change of scene, which is not bridged.
    assert not set(range(75, 120)) & {int(one["frame"]) for one in track}
    assert row["detection_rate"] == pytest.approx(sum(one["interpolated"] == "0" for one in track) / 50)


def test_a_hidden_face_is_interpolated_and_marked(tmp_path, crop, write_video, film_face):
    pictures = film_face(90, seed=4)
    for k in range(30, 45):
        pictures[k] = pictures[k].copy()
        pictures[k][40:215, 90:230] = 120  # a board before the face, 0.6 s
    row, path = crop(write_video(tmp_path / "a.mp4", pictures))
    marked = [int(one["frame"]) for one in read_track(path) if one["interpolated"] == "1"]
    assert marked == list(range(30, 45, 3))
    assert list(pictures_in(path)) == list(range(0, 90, 3))
    assert row["detection_rate"] == pytest.approx(25 / 30, abs=1e-4)
    assert all(one["score"] == "" for one in read_track(path) if one["interpolated"] == "1")


def test_the_predecessors_crop(tmp_path, crop, write_video, film_face):
    pictures = film_face(12, seed=6)
    pictures[3:6] = [np.full_like(pictures[0], 60)] * 3
    video = write_video(tmp_path / "a.mp4", pictures)
    row, path = crop(video, align="box", jpeg_quality=100)
    written = pictures_in(path)
    assert list(written) == [0, 6, 9]
    assert row["detection_rate"] == 0.75
    detector = load_detector(find_models(None).full_range, 0.5)
    with Video(video) as opened:
        for frame in opened.frames(6, "frames", lambda count: None):
            x, y, width, height = (int(value) for value in detector.find(frame.picture)[0].box)
            margin = int(0.2 * max(width, height))
            part = frame.picture[
                max(0, y - margin) : y + height + margin, max(0, x - margin) : x + width + margin
            ]
            wanted = cv2.resize(part, (112, 112), interpolation=cv2.INTER_LINEAR)
            assert np.abs(written[frame.number].astype(int) - wanted).mean() < 2


def test_without_alignment_every_frame_is_kept_and_no_model_is_needed(tmp_path, crop, write_video):
    pictures = [np.full((48, 64, 3), 3 * k, np.uint8) for k in range(20)]
    row, path = crop(write_video(tmp_path / "a.mp4", pictures), align="none", model_path="/no/such/file")
    assert (row["status"], row["n_frames"], row["detection_rate"]) == ("ok", 7, 1.0)
    assert all(abs(one.mean() - 3 * k) < 3 for k, one in pictures_in(path).items())
    assert read_track(path)[0]["right_eye_x"] == ""


def test_a_video_that_cannot_be_used_is_a_row_with_a_reason(tmp_path, crop, write_video):
    (tmp_path / "zero.mp4").touch()
    black = write_video(tmp_path / "black.mp4", [np.zeros((120, 160, 3), np.uint8)] * 10)
    for video, reason in (
        (tmp_path / "zero.mp4", "empty"),
        (black, "no face"),
        (tmp_path / "gone.mp4", "No such"),
    ):
        row, path = crop(video)
        assert row["status"] == "failed"
        assert reason in row["reason"]
        with zipfile.ZipFile(path) as archive:
            assert archive.namelist() == ["recording.json"]


def test_a_missing_model_is_the_users_to_mend_and_leaves_nothing(tmp_path, crop, write_video, film_face):
    with pytest.raises(InputError, match="/no/such/model"):
        crop(write_video(tmp_path / "a.mp4", film_face(3)), model_path="/no/such/model")
    assert not list((tmp_path / "out").iterdir())


def test_a_full_disk_is_an_os_error_and_leaves_nothing(tmp_path, crop, write_video, film_face):
    video = write_video(tmp_path / "a.mp4", film_face(60))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            crop(video)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    "name",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in sorted(OUTCOMES)],
)
def test_the_outcome_of_each_real_file(crop, shared, name):
    status, n_source, lowest, highest, reason = OUTCOMES[name]
    folder = shared / "media" if name[0] == "o" else shared / "media" / "bad"
    row, path = crop(next(folder.glob(f"{name}*")))
    assert (row["status"], row["n_source_frames"]) == (status, n_source)
    assert lowest <= row["detection_rate"] <= highest
    assert reason in row["reason"]
    assert bool(reason) == bool(row["reason"])
    if status == "failed" or name in NOT_TO_THE_PIXEL:
        return
    seen = {int(one["frame"]) for one in read_track(path) if one["interpolated"] == "0"}
    errors = np.array([eye_error(one) for number, one in pictures_in(path).items() if number in seen])
    assert np.mean(errors <= 4) >= 0.95


def test_lettering_that_looks_like_a_face_is_no_face(tmp_path, crop, write_video, shared):
    with av.open(str(shared / "media" / "o02_face_then_absent.mov")) as file:
        pictures = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)][75:]
    # Each twice: the lettering of the end title stays longer than a bystander has to.
    video = write_video(
        tmp_path / "a.mp4", [one for one in pictures for _ in range(2)], options={"preset": "ultrafast"}
    )
    row, _ = crop(video)
    assert (row["status"], row["reason"], row["n_frames"]) == ("failed", "no face found", 0)


@pytest.mark.slow
def test_memory_stays_below_500_mb_however_long_the_video(tmp_path, write_video, film_face):
    ten_seconds = film_face(250, 640, 480)
    video = write_video(tmp_path / "a.mp4", ten_seconds * 6 * 20, options={"preset": "ultrafast"})
    code = (
        "import pathlib, sys\n"
        "from preprocess.run.tasks import crop_recording\n"
        "from preprocess.corpora.recording import Recording\n"
        "from preprocess.archive.settings import Settings\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "recording = Recording('a', '', '', '', '', None, '', 'a.mp4', path)\n"
        "row = crop_recording(recording, Settings(3, 'frames', 112, 'eyes', 1.0, 95, None), path.parent,"
        " lambda count: None)\n"
        # Not ru_maxrss: that one starts from the parent's size.
        "peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
        "print(row['n_frames'], peak.split()[1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(video)], capture_output=True, text=True, check=True
    )
    n_frames, peak_kb = (int(word) for word in done.stdout.split())
    assert n_frames == 10_000
    assert peak_kb * 1024 <= 500e6


def test_track_csv_is_read_by_any_reader(tmp_path, crop, write_video, film_face):
    _, path = crop(write_video(tmp_path / "a.mp4", film_face(6)))
    with zipfile.ZipFile(path) as archive:
        rows = list(csv.reader(archive.read("track.csv").decode().splitlines()))
    assert rows[0] == list(TRACK_COLUMNS)
    assert len(rows) == 3
