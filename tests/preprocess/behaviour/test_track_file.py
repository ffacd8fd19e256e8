import json

import numpy as np
import pytest

from preprocess.behaviour.track_file import discard_track, prepare_tracks, track_path, write_track
from stan_boundary.errors import InputError

COLUMNS = {"head_yaw": "deg"}


@pytest.fixture
def model(tmp_path):
    (tmp_path / "face.tflite").write_bytes(b"model")
    return tmp_path / "face.tflite"


def test_a_track_is_a_csv_whose_missing_values_are_empty(tmp_path) -> None:
    path = track_path(tmp_path, "a")
    values = {"head_yaw": np.array([1.23456, np.nan, -0.00001]), "mouth_open": np.array([np.nan, 2, 1e3])}
    write_track(path, "time_s", ["0.000000", "0.100000", "0.200000"], values)
    assert path == tmp_path / "tracks" / "behaviour" / "a.csv"
    assert path.read_bytes() == (
        b"time_s,head_yaw,mouth_open\n0.000000,1.2346,\n0.100000,,2.0000\n0.200000,0.0000,1000.0000\n"
    )
    assert [one.name for one in path.parent.iterdir()] == ["a.csv"]


def test_track_json_says_what_it_is_and_tracks_of_another_model_go(tmp_path, model) -> None:
    assert not prepare_tracks(tmp_path, COLUMNS, model)
    said = json.loads((tmp_path / "tracks" / "behaviour" / "track.json").read_text())
    assert said["columns"] == COLUMNS and said["resample"] == "linear"
    assert said["made_by"].startswith("stan-lightning ") and len(said["model_sha256"]) == 64
    write_track(track_path(tmp_path, "a"), "time_s", ["0"], {"head_yaw": np.zeros(1)})
    assert not prepare_tracks(tmp_path, COLUMNS, model) and track_path(tmp_path, "a").exists()
    model.write_bytes(b"another")
    assert prepare_tracks(tmp_path, COLUMNS, model) and not track_path(tmp_path, "a").exists()
    assert not prepare_tracks(tmp_path, COLUMNS, model)
    write_track(track_path(tmp_path, "a"), "time_s", ["0"], {"head_yaw": np.zeros(1)})
    for _ in range(2):
        discard_track(tmp_path, "a")
    assert [path.name for path in track_path(tmp_path, "a").parent.iterdir()] == ["track.json"]


@pytest.mark.parametrize("description", [None, '{"made_by": "OpenFace"}', "no json"])
def test_a_track_of_others_under_this_name_is_left_alone(description, tmp_path, model) -> None:
    path = track_path(tmp_path, "a")
    path.parent.mkdir(parents=True)
    path.write_text("timestamp,AU12_r\n")
    if description:
        (path.parent / "track.json").write_text(description)
    with pytest.raises(InputError, match="did not make"):
        prepare_tracks(tmp_path, COLUMNS, model)
    discard_track(tmp_path, "a")
    assert path.read_text() == "timestamp,AU12_r\n"
