import csv
import importlib.util
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from preprocess.archive.recording_zip import ArchiveWriter, read_track
from preprocess.archive.settings import Settings
from preprocess.behaviour.columns import ALL, FROM_MESH
from preprocess.behaviour.measure import measure_folder, measure_zip
from preprocess.behaviour.mesh import load_mesh
from preprocess.behaviour.signal_file import prepare_signals, signal_of
from preprocess.faces.model_file import find_mesh
from preprocess.run.tasks import crop_recording, measure_recording

BENCHMARK = Path(__file__).parents[3] / "benchmarks" / "behaviour.py"


@pytest.fixture
def mesh():
    return load_mesh(find_mesh(None))


@pytest.fixture
def crops(cropped, tmp_path):
    shutil.copy(cropped / "a.zip", tmp_path)
    return tmp_path


def signal(folder, recording="a"):
    with signal_of(folder).path(recording).open(newline="") as file:
        return list(csv.DictReader(file))


def test_each_crop_has_a_row_on_the_clock_of_the_signal(crops, mesh) -> None:
    before, counted = (crops / "a.zip").read_bytes(), []
    assert measure_zip(crops, "a", mesh, counted.append) == ""
    rows = signal(crops)
    assert list(rows[0]) == ["time_s", *ALL] and sum(counted) == 10
    assert [row["time_s"] for row in rows] == [row["time_s"] for row in read_track(crops / "a.zip")]
    assert all(row[name] for row in rows for name in (*FROM_MESH, "head_roll", "head_x", "head_scale"))
    assert [bool(row["head_yaw_speed"]) for row in rows] == [False] + [True] * 9
    assert all(0 < float(row["eye_open_right"]) < 1 for row in rows)
    assert all(0.5 < float(row["mouth_width"]) < 1.2 for row in rows)
    assert (crops / "a.zip").read_bytes() == before
    first = signal_of(crops).path("a").read_bytes()
    measure_zip(crops, "a", mesh, counted.append)
    assert signal_of(crops).path("a").read_bytes() == first


def test_crops_that_cannot_be_read_or_show_no_face_are_missing_and_the_former_are_said(crops, mesh) -> None:
    with zipfile.ZipFile(crops / "a.zip") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
        noise = np.random.default_rng(0).integers(0, 255, 30_000, np.uint8).tobytes()
    with ArchiveWriter(crops / "a.zip") as writer:
        for name, data in members.items():
            if name != "000006.jpg":
                writer.add(name, noise if name == "000003.jpg" else data)
    assert measure_zip(crops, "a", mesh, lambda count: None) == (
        f"{crops / 'a.zip'}: 2 crops cannot be read, their behaviour is missing"
    )
    rows = signal(crops)
    assert [bool(row["head_yaw"]) for row in rows[:4]] == [True, False, False, True]
    assert [bool(row["head_roll"]) for row in rows[:4]] == [True] * 4
    assert [bool(row["mouth_open_speed"]) for row in rows[:5]] == [False, False, False, False, True]


def test_crops_made_anew_lose_the_track_of_the_old_ones(cropped, crops, recording_of, mesh) -> None:
    prepare_signals(crops, ALL, find_mesh(None))
    measure_zip(crops, "a", mesh, lambda count: None)
    shutil.copy(cropped / "a.mp4", crops)
    settings = Settings(6, "frames", 112, "eyes", 1.0, 95, None)
    crop_recording(recording_of(crops / "a.mp4"), settings, crops, lambda count: None)
    assert not signal_of(crops).path("a").exists()
    assert measure_recording(recording_of(crops / "a.mp4"), crops, lambda count: None)["status"] == "ok"
    assert len(signal(crops)) == 5


def test_a_folder_of_images_gives_what_the_mesh_alone_gives_by_frame(crops, mesh) -> None:
    with zipfile.ZipFile(crops / "a.zip") as archive:
        archive.extractall(crops / "images")
    (crops / "images" / "000003.jpg").write_bytes(b"")
    images = [(frame, crops / "images" / f"{frame:06d}.jpg") for frame in range(0, 30, 3)]
    said = measure_folder(crops, "theirs", images, mesh, lambda count: None)
    assert said == f"{crops / 'images'}: 1 crops cannot be read, their behaviour is missing"
    rows = signal(crops, "theirs")
    assert list(rows[0]) == ["frame", *FROM_MESH]
    assert [row["frame"] for row in rows] == [str(frame) for frame in range(0, 30, 3)]
    measure_zip(crops, "a", mesh, lambda count: None)
    ours = signal(crops)
    assert [row["head_pitch"] for row in rows if row["frame"] != "3"] == [
        row["head_pitch"] for index, row in enumerate(ours) if index != 1
    ]
    assert rows[1]["head_pitch"] == ""


@pytest.mark.slow
def test_what_was_drawn_is_read_and_the_crop_in_its_rim_is_as_good_as_the_video() -> None:
    spec = importlib.util.spec_from_file_location("behaviour_benchmark", BENCHMARK)
    assert spec and spec.loader
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    found = benchmark.compare(people=8, n_frames=60)
    for name in ("eye openness", "mouth opening", "head yaw", "head pitch"):
        for how in ("alone", "together"):
            read = found[name, how]
            assert read["crop with rim"] > 0.8, (name, how)
            assert read["crop with rim"] > read["video"] - 0.05, (name, how)
    lips = found["mouth opening", "together"]
    assert lips["crop"] < lips["crop with rim"] - 0.05  # what the rim is for
