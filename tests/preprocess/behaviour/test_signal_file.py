import json

import numpy as np
import pytest

from preprocess.behaviour.signal_file import prepare_signals, signal_of
from stan_boundary.errors import InputError

COLUMNS = {"head_yaw": "deg"}


@pytest.fixture
def model(tmp_path):
    (tmp_path / "face.tflite").write_bytes(b"model")
    return tmp_path / "face.tflite"


def test_a_signal_is_a_csv_whose_missing_values_are_empty(tmp_path) -> None:
    path = signal_of(tmp_path).path("a")
    values = {"head_yaw": np.array([1.23456, np.nan, -0.00001]), "mouth_open": np.array([np.nan, 2, 1e3])}
    signal_of(tmp_path).write("a", "time_s", ["0.000000", "0.100000", "0.200000"], values)
    assert path == tmp_path / "signals" / "behaviour" / "a.csv"
    assert path.read_bytes() == (
        b"time_s,head_yaw,mouth_open\n0.000000,1.2346,\n0.100000,,2.0000\n0.200000,0.0000,1000.0000\n"
    )
    assert [one.name for one in path.parent.iterdir()] == ["a.csv"]


def test_signal_json_says_what_it_is_and_signals_of_another_model_go(tmp_path, model) -> None:
    assert not prepare_signals(tmp_path, COLUMNS, model)
    said = json.loads((tmp_path / "signals" / "behaviour" / "signal.json").read_text())
    assert said["columns"] == COLUMNS and said["resample"] == "linear"
    assert said["made_by"].startswith("stan-lightning ") and len(said["model_sha256"]) == 64
    signal_of(tmp_path).write("a", "time_s", ["0"], {"head_yaw": np.zeros(1)})
    assert not prepare_signals(tmp_path, COLUMNS, model) and signal_of(tmp_path).path("a").exists()
    model.write_bytes(b"another")
    assert prepare_signals(tmp_path, COLUMNS, model) and not signal_of(tmp_path).path("a").exists()
    assert not prepare_signals(tmp_path, COLUMNS, model)
    signal_of(tmp_path).write("a", "time_s", ["0"], {"head_yaw": np.zeros(1)})
    for _ in range(2):
        signal_of(tmp_path).discard("a")
    assert [path.name for path in signal_of(tmp_path).path("a").parent.iterdir()] == ["signal.json"]


@pytest.mark.parametrize("description", [None, '{"made_by": "OpenFace"}', "no json"])
def test_a_track_of_others_under_this_name_is_left_alone(description, tmp_path, model) -> None:
    path = signal_of(tmp_path).path("a")
    path.parent.mkdir(parents=True)
    path.write_text("timestamp,AU12_r\n")
    if description:
        (path.parent / "signal.json").write_text(description)
    with pytest.raises(InputError, match="did not make"):
        prepare_signals(tmp_path, COLUMNS, model)
    signal_of(tmp_path).discard("a")
    assert path.read_text() == "timestamp,AU12_r\n"
