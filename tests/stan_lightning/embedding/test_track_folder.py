"""Tracks are whole or absent, and of one encoder."""

import json

import numpy as np
import pytest

from stan_boundary.errors import InputError
from stan_lightning.embedding.track_folder import Moments, TrackFolder, track_name

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
        (None, "models/2nd", "pretrained", "track_2nd"),
        (None, "facebook/dinov2-small", "random", "dinov2_small_random"),
        ("mine_2", "x", "random", "mine_2"),
    ],
)
def test_names(asked, encoder, weights, name):
    assert track_name(asked, encoder, weights) == name


@pytest.mark.parametrize("asked", ["face", "voice", "behaviour", "Mine", "a.b", "1a", "", "a b", "../a"])
def test_names_that_cannot_be(asked):
    with pytest.raises(InputError, match=f"track={asked}"):
        track_name(asked, "x", "pretrained")
    if asked == "face":
        with pytest.raises(InputError, match="track=face is the name of a modality"):
            track_name(None, "models/Face", "pretrained")


def test_what_is_written_is_read_without_pickle(tmp_path):
    folder = TrackFolder(tmp_path / "tracks" / "tiny", RECORD)
    assert json.loads((folder.folder / "track.json").read_text()) == RECORD
    moments = Moments("time_s", np.arange(3.0), np.ones((3, 2), np.float32))
    assert not folder.has("a", "f")
    folder.write("a", moments, "f")
    assert folder.has("a", "f") and not folder.has("a", "g")
    with np.load(folder.folder / "a.npz", allow_pickle=False) as content:
        assert content["time_s"].tolist() == [0, 1, 2] and content["values"].dtype == np.float32
    first = (folder.folder / "a.npz").read_bytes()
    folder.write("a", moments, "f")
    assert (folder.folder / "a.npz").read_bytes() == first
    assert sorted(path.name for path in folder.folder.iterdir()) == ["a.npz", "track.json"]


def test_a_damaged_file_is_not_there(tmp_path):
    folder = TrackFolder(tmp_path, RECORD)
    for content in (b"", b"PK\x03\x04 cut off"):
        (tmp_path / "a.npz").write_bytes(content)
        assert not folder.has("a", "f")


def test_another_encoder_is_refused_and_both_are_named(tmp_path):
    TrackFolder(tmp_path, RECORD)
    TrackFolder(tmp_path, RECORD)
    for change, words in (
        ({"weights_sha256": "1" * 64}, r"\(tiny, weights_sha256 000000000000\.\.\.\) .*sha256 111111111111"),
        ({"made_by": "a 2"}, r"\(tiny, made_by a 1\) than this \(tiny, made_by a 2\)"),
        ({"encoder": "large"}, r"\(tiny\) than this \(large\)"),
    ):
        with pytest.raises(InputError, match=f"{words}.*give track=<another name>, or delete the folder"):
            TrackFolder(tmp_path, RECORD | change)


def test_a_folder_of_unknown_files_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("time_s,AU12\n")
    with pytest.raises(InputError, match=r"holds files without a track.json"):
        TrackFolder(tmp_path, RECORD)
    (tmp_path / "track.json").write_text("{")
    with pytest.raises(InputError, match=r"track.json: cannot be read as JSON"):
        TrackFolder(tmp_path, RECORD)
