"""What a recording tells without the person: each number from files whose truth is known."""

import zipfile

import cv2
import numpy as np
import pytest

from stan_lightning.data.manifest import read_manifest
from stan_lightning.data.nuisance import NUISANCE, measure


def measured(root, recording="1_1_Freeform", side=32):
    table = read_manifest(root).set_index("recording", drop=False)
    return measure(table.loc[recording].to_dict(), side)


def test_length_light_and_detections_come_from_manifest_and_crops(make_crops):
    found = measured(make_crops(n_frames=40, stride=3))
    assert list(found) == list(NUISANCE)
    assert found["duration_s"] == 4.0 and found["detection_rate"] == 1.0
    assert found["brightness"] == pytest.approx(4 * 17, abs=1) and found["sharpness"] == pytest.approx(
        0, abs=1
    )
    assert all(np.isnan(found[name]) for name in ("face_size", "loudness_db", "noise_floor_db"))


def test_the_face_s_size_is_the_median_box(make_crops):
    root = make_crops(n_frames=4)
    path = root / "1_1_Freeform.zip"
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist() if name != "track.csv"}
    members["track.csv"] = b"frame,time_s,box_width\n0,0,90\n3,.1,\n6,.2,110\n9,.3,400\n"
    with zipfile.ZipFile(path, "w") as new:
        for name, content in members.items():
            new.writestr(name, content)
    assert measured(root)["face_size"] == 110


@pytest.mark.parametrize("seconds", [4, 40])
def test_loudness_and_noise_floor_are_levels_of_the_sound(make_crops, give_sound, seconds):
    root = make_crops()
    time = np.arange(seconds * 16_000) / 16_000
    tone = np.sin(2 * np.pi * 220 * time) * np.where(time % 1 < 0.5, 3276.8, 32.768)  # -23 and -63 dB
    give_sound(root / "1_1_Freeform.zip", tone.astype(np.int16))
    table = (root / "manifest.csv").read_text().splitlines()
    rows = [f"{table[0]},sound_s", *(f"{line},{float(seconds)}" for line in table[1:])]
    (root / "manifest.csv").write_text("\n".join(rows))
    found = measured(root)
    assert found["loudness_db"] == pytest.approx(-26.0, abs=0.2)
    assert found["noise_floor_db"] == pytest.approx(-63.0, abs=0.3)
    assert np.isnan(measured(root, "2_1_Freeform")["loudness_db"])  # no sound in its zip


def test_folders_of_others_tell_length_and_light_alone(tmp_path):
    """Sharpness is measured at one size, so that a sharp small picture is no sharper than a large one."""
    random = np.random.default_rng(0)
    small = random.integers(0, 256, (16, 16), np.uint8)
    for name, side in (("a", 32), ("b", 64)):
        (tmp_path / name).mkdir()
        for frame in range(0, 60, 3):
            picture = cv2.resize(small, (side, side), interpolation=cv2.INTER_NEAREST)
            cv2.imwrite(str(tmp_path / name / f"{frame}.png"), picture)
    (tmp_path / "manifest.csv").write_text("video,subject\na,1\nb,2\n")
    one, other = (measured(tmp_path, name) for name in "ab")
    assert one["duration_s"] == 2.0 and one["brightness"] == pytest.approx(small.mean(), abs=1)
    assert one["sharpness"] == pytest.approx(other["sharpness"], rel=0.01) and one["sharpness"] > 1000
    assert {name for name, value in one.items() if np.isnan(value)} == {
        *("detection_rate", "face_size", "loudness_db", "noise_floor_db")
    }
