"""Signals are whole or absent, and of one encoder."""

import json

import numpy as np
import pytest

from stan_boundary.errors import InputError
from stan_lightning.embedding.signal_folder import Moments, SignalFolder, signal_name

RECORD = {
    "what": "x",
    "made_by": "a 1",
    "encoder": "tiny",
    "weights_sha256": "0" * 64,
    "input": {"mean": [0.5]},
}


@pytest.mark.parametrize(
    ("asked", "encoder", "weights", "name"),
    [
        (None, "facebook/dinov2-small", "pretrained", "dinov2_small"),
        (None, "/models/WavLM Base+/", "pretrained", "wavlm_base"),
        (None, "models/2nd", "pretrained", "signal_2nd"),
        (None, "facebook/dinov2-small", "random", "dinov2_small_random"),
        ("mine_2", "x", "random", "mine_2"),
    ],
)
def test_names(asked, encoder, weights, name):
    assert signal_name(asked, encoder, weights) == name


@pytest.mark.parametrize("asked", ["face", "audio", "behaviour", "Mine", "a.b", "1a", "", "a b", "../a"])
def test_names_that_cannot_be(asked):
    with pytest.raises(InputError, match=f"signal={asked}"):
        signal_name(asked, "x", "pretrained")
    if asked == "face":
        with pytest.raises(InputError, match="signal=face is the name of a modality"):
            signal_name(None, "models/Face", "pretrained")


def test_what_is_written_is_read_without_pickle(tmp_path):
    folder = SignalFolder(tmp_path / "signals" / "tiny", RECORD)
    assert json.loads((folder.folder / "signal.json").read_text()) == RECORD
    moments = Moments("time_s", np.arange(3.0), np.ones((3, 2), np.float32))
    assert not folder.has("a", "f")
    folder.write("a", moments, "f")
    assert folder.has("a", "f") and not folder.has("a", "g")
    with np.load(folder.folder / "a.npz", allow_pickle=False) as content:
        assert content["time_s"].tolist() == [0, 1, 2] and content["values"].dtype == np.float32
    first = (folder.folder / "a.npz").read_bytes()
    folder.write("a", moments, "f")
    assert (folder.folder / "a.npz").read_bytes() == first
    assert sorted(path.name for path in folder.folder.iterdir()) == ["a.npz", "signal.json"]


def test_a_damaged_file_is_not_there(tmp_path):
    folder = SignalFolder(tmp_path, RECORD)
    for content in (b"", b"PK\x03\x04 cut off"):
        (tmp_path / "a.npz").write_bytes(content)
        assert not folder.has("a", "f")


def test_another_encoder_is_refused_and_both_are_named(tmp_path):
    SignalFolder(tmp_path, RECORD)
    SignalFolder(tmp_path, RECORD)
    for change, words in (
        ({"weights_sha256": "1" * 64}, r"\(tiny, weights_sha256 000000000000\.\.\.\) .*sha256 111111111111"),
        ({"made_by": "a 2"}, r"\(tiny, made_by a 1\) than this \(tiny, made_by a 2\)"),
        ({"encoder": "large"}, r"\(tiny\) than this \(large\)"),
    ):
        with pytest.raises(InputError, match=f"{words}.*give signal=<another name>, or delete the folder"):
            SignalFolder(tmp_path, RECORD | change)


def test_a_folder_of_unknown_files_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("time_s,AU12\n")
    with pytest.raises(InputError, match=r"holds files without a signal.json"):
        SignalFolder(tmp_path, RECORD)
    (tmp_path / "signal.json").write_text("{")
    with pytest.raises(InputError, match=r"signal.json: cannot be read as JSON"):
        SignalFolder(tmp_path, RECORD)
