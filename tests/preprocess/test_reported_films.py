"""Films after public reports of trouble: each comes out as a player shows it, or says what it lacks."""

import json
import zipfile
from dataclasses import replace

import cv2
import numpy as np
import pytest

from preprocess.archive.recording_zip import read_track
from preprocess.archive.settings import Settings
from preprocess.behaviour.movement import carriage
from preprocess.run.tasks import crop_recording

SETTINGS = Settings(3, "frames", 112, "eyes", 1.0, 95, None)


@pytest.fixture
def cropped(shared, recording_of, tmp_path):
    """`cropped(name, ...)`: manifest row, track as columns of numbers, and path of the zip."""

    def crop(name, folder="reports", **choice):
        recording = replace(recording_of(shared / "media" / folder / name), **choice)
        row = crop_recording(recording, SETTINGS, tmp_path, lambda count: None, sound=True)
        path = tmp_path / f"{recording.recording}.zip"
        track = read_track(path)
        times = np.array([float(line["time_s"]) for line in track])
        assert (np.diff(times) > 0).all()
        return row, times, path

    return crop


def picture(path, number):
    with zipfile.ZipFile(path) as archive:
        data = np.frombuffer(archive.read(f"{number:06d}.jpg"), np.uint8)
    return cv2.imdecode(data, cv2.IMREAD_COLOR).astype(int)


def test_joined_recordings_go_on_to_their_end(cropped):
    row, times, _ = cropped("joined_blobs.webm")
    assert times == pytest.approx(np.arange(0, 121, 3) / 24, abs=0.002)
    assert row["sound_s"] == pytest.approx(5.0, abs=0.05) and row["fps"] == 24
    assert row["status"] == "ok" and "2 recordings joined" in row["note"]


def test_pictures_out_of_order_in_avi(cropped):
    row, times, _ = cropped("avi_h264_bframes.avi")
    assert times == pytest.approx(np.arange(0, 121, 3) / 24, abs=1e-6)
    assert row["status"] == "ok"


def test_lost_packets(cropped):
    row, times, _ = cropped("lossy_camera.ts")
    assert row["status"] == "partial" and "25 of them damaged and left out" in row["reason"]
    assert len(times) < 41


def test_the_person_in_the_shown_half(cropped):
    row, _, path = cropped("call_cropped_to_right.mp4")
    eyes = [float(line["right_eye_x"]) for line in read_track(path)]
    assert row["status"] == "ok" and 0 < min(eyes) and max(eyes) < 320
    whole = cropped("o19_two_person_call.mp4", folder="")[2]
    other = abs(picture(path, 0) - picture(whole, 0)).mean()
    assert other > 20  # the whole call's subject sits on the left


def test_a_mirrored_film_is_upright(cropped):
    track = read_track(cropped("mirrored.mp4")[2])
    roll = carriage(track)["head_roll"]
    assert np.nanmax(np.abs(roll)) < 25
    plain = read_track(cropped("short.mp4")[2])
    for mirrored, line in zip(track, plain, strict=True):
        # The person's own right eye is at the right of a mirrored picture.
        assert float(mirrored["left_eye_x"]) == pytest.approx(640 - float(line["right_eye_x"]), abs=4)


@pytest.mark.parametrize("name", ["obs_silent_first.mkv", "apac_first.mov"])
def test_the_sound_that_can_be_heard(name, cropped):
    row, *_ = cropped(name)
    assert row["status"] == "ok" and row["sound_rms"] == pytest.approx(-24.2, abs=0.5)
    assert "audio stream 2 was taken, not 1" in row["note"]


def test_the_film_with_a_face(cropped):
    row, _, path = cropped("screen_then_camera.mp4")
    assert row["status"] == "ok" and row["n_frames"] == 32
    assert "video stream 1 was taken (no face" in row["note"] and "corpus.video_stream" in row["note"]
    with zipfile.ZipFile(path) as archive:
        assert json.loads(archive.read("recording.json"))["film"] == 1
    named, *_ = cropped("screen_then_camera.mp4", video_stream=0)
    assert named["status"] == "failed" and named["reason"] == "no face found"


def test_wild_stamps_are_counted_on_and_said(cropped):
    row, times, _ = cropped("wild_pts.mkv")
    assert row["status"] == "partial" and "the film's clock is wrong" in row["reason"]
    assert times == pytest.approx(np.arange(0, 121, 3) / 24, abs=0.01)


def test_high_dynamic_range_looks_as_the_plain_film(cropped):
    row, _, path = cropped("phone_hlg.mov")
    plain = cropped("o09_speech_closeup.mp4", folder="")[2]
    assert "HLG" in row["note"] and row["status"] == "ok"
    for number in (0, 15, 33):
        assert abs(picture(path, number) - picture(plain, number)).mean() < 4


def test_a_camcorder_is_deinterlaced(cropped):
    row, *_ = cropped("camcorder_interlaced.mpg")
    assert row["status"] == "ok" and "deinterlaced" in row["note"]


def test_plain_films_say_nothing(cropped):
    for name in ("phone_vfr.mp4", "phone_turned.webm", "short.mp4"):
        row, *_ = cropped(name)
        assert row["status"] == "ok" and "note" not in row
