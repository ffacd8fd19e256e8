from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from stan_boundary.errors import InputError
from stan_lightning.data.labels import class_names, severity
from stan_lightning.data.manifest import read_manifest


def write_folders(root: Path, rows: list[dict[str, object]], frames: range = range(0, 12, 3)) -> Path:
    for row in rows:
        folder = root / str(row["video"])
        folder.mkdir(parents=True)
        for frame in frames:
            cv2.imwrite(str(folder / f"{frame:04d}.jpg"), np.full((8, 8, 3), frame, np.uint8))
    pd.DataFrame(rows).to_csv(root / "manifest.csv", index=False)
    return root


def test_our_crops_are_found_beside_their_manifest(make_crops) -> None:
    root = make_crops()
    table = read_manifest(root)
    assert len(table) == 11
    assert table.subject.tolist()[:2] == ["1", "2"]
    assert Path(table.crops.iloc[0]) == root / "1_1_Freeform.zip"
    assert set(table.stride) == {3} and set(table.n_crops) == {40}


def test_folders_of_images_need_only_a_video_and_a_subject(tmp_path: Path) -> None:
    rows = [{"video": f"Train/{task}/7_1_aligned", "subject": "007"} for task in ("Freeform", "Northwind")]
    root = write_folders(tmp_path, [*rows, {"video": "8", "subject": "8"}])
    table = read_manifest(root / "manifest.csv")
    assert table.subject.tolist() == ["007", "007", "8"]
    assert set(table.stride) == {3} and set(table.n_crops) == {4}
    same = [f"Train__{task}__7_1_aligned" for task in ("Freeform", "Northwind")]
    assert table.recording.tolist() == [*same, "8"]
    assert set(table.label) == {""}


def test_several_sets_of_crops_are_one_table(make_crops, tmp_path: Path) -> None:
    other = write_folders(tmp_path / "other", [{"video": "x", "subject": "1"}])
    table = read_manifest([make_crops(), other])
    assert len(table) == 12
    assert (table.subject == "1").sum() == 3


def test_a_failed_recording_stays_listed_without_crops(make_crops) -> None:
    root = make_crops()
    rows = pd.read_csv(root / "manifest.csv", dtype=str)
    rows.loc[0, ["status", "reason"]] = ["failed", "no video"]
    rows.to_csv(root / "manifest.csv", index=False)
    (root / "1_1_Freeform.zip").unlink()
    assert read_manifest(root).crops.iloc[0] == ""


def test_what_cannot_be_used_is_named_with_the_way_out(make_crops, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"make preprocess.*make demo"):
        read_manifest(tmp_path / "absent")
    root = make_crops()
    rows = pd.read_csv(root / "manifest.csv", dtype=str)
    file = tmp_path / "m.csv"
    for change, said in (
        (lambda: pd.concat([rows, rows[:1]]), "1_1_Freeform is listed twice"),
        (lambda: rows.drop(columns="subject"), "no column subject"),
        (lambda: rows[:0], "lists no recording"),
    ):
        change().to_csv(root / "manifest.csv", index=False)
        with pytest.raises(InputError, match=said):
            read_manifest(root)
    file.write_bytes(b"")
    with pytest.raises(InputError, match="not a CSV table"):
        read_manifest(file)
    rows.to_csv(root / "manifest.csv", index=False)
    (root / "2_1_Freeform.zip").unlink()
    with pytest.raises(InputError, match=r"2_1_Freeform.zip: not there"):
        read_manifest(root)


def labelled(*labels: str) -> pd.DataFrame:
    return pd.DataFrame({"recording": [f"r{i}" for i in range(len(labels))], "label": labels})


def test_scores_are_numbers_within_their_range_or_unknown() -> None:
    scores = severity(labelled("0", "63", "", "12.5"), (0, 63))
    assert scores.tolist()[:2] == [0, 63] and np.isnan(scores[2]) and scores[3] == 12.5
    for label in ("64", "-1", "ill", "nan", "inf"):
        with pytest.raises(InputError, match=f"r1: label {label} is no score in 0..63"):
            severity(labelled("5", label), (0, 63))


def test_classes_are_ordered_as_numbers_where_they_are_numbers() -> None:
    assert class_names(labelled("10", "9", "", "9")) == ["9", "10"]
    assert class_names(labelled("walk", "run")) == ["run", "walk"]
