import csv
import shutil
import zipfile

import pytest

from preprocess.behaviour.columns import FROM_MESH


@pytest.fixture
def theirs(cropped, tmp_path):
    """Two folders of images that others left, and their manifest."""
    for name in ("v1", "v2"):
        with zipfile.ZipFile(cropped / "a.zip") as archive:
            names = [one for one in archive.namelist() if one.endswith(".jpg")]
            archive.extractall(tmp_path / "theirs" / name, names)
    (tmp_path / "theirs" / "list.csv").write_text("video,subject\nv1,1\nv2,2\n")
    return tmp_path / "theirs"


def test_crops_of_others_get_signals_beside_their_manifest_once(theirs, command) -> None:
    code, out, err = command("preprocess.behaviour", "crops=theirs/list.csv", "workers=1")
    assert (code, err) == (0, "") and "behaviour measured of 2 recordings, 0 were there" in out
    folder = theirs / "signals" / "behaviour"
    assert sorted(path.name for path in folder.iterdir()) == ["signal.json", "v1.csv", "v2.csv"]
    with (folder / "v1.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["frame", *FROM_MESH] and len(rows) == 10
    whole = (folder / "v2.csv").read_bytes()
    (folder / "v2.csv").unlink()
    (folder / ".0123.part").write_bytes(whole[:100])  # as a killed run leaves it
    stamp = (folder / "v1.csv").stat().st_mtime_ns
    code, out, _ = command("preprocess.behaviour", "crops=theirs/list.csv", "workers=1")
    assert code == 0 and "behaviour measured of 1 recordings, 1 were there" in out
    assert (folder / "v2.csv").read_bytes() == whole and (folder / "v1.csv").stat().st_mtime_ns == stamp
    assert sorted(path.name for path in folder.iterdir()) == ["signal.json", "v1.csv", "v2.csv"]


def test_our_own_crops_get_theirs_without_their_videos(cropped, tmp_path, command) -> None:
    shutil.copy(cropped / "a.zip", tmp_path)
    (tmp_path / "manifest.csv").write_text(
        "recording,video,status,n_frames\na,gone.mp4,ok,10\nb,b,failed,0\n"
    )
    code, _, err = command("preprocess.behaviour", "crops=.", "workers=1")
    assert (code, err) == (0, "")
    with (tmp_path / "signals" / "behaviour" / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 10 and rows[1]["time_s"] == "0.120000" and rows[1]["head_roll"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "crops is not set"),
        (["crops=nowhere"], "no crops at nowhere"),
        (["crops=theirs/list.csv", "workers=0"], "workers=0"),
        (["crops=theirs/list.csv", "detector.model_path=nowhere"], "detector.model_path=nowhere"),
    ],
)
def test_what_cannot_be_used_ends_in_one_line(arguments, words, theirs, command) -> None:
    code, _, err = command("preprocess.behaviour", *arguments)
    assert code == 2
    assert err.startswith("error: ") and words in err and err.count("\n") == 1
    assert not list(theirs.rglob("*.csv"))[1:]
