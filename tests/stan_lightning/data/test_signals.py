"""The signals of a set of crops: found, looked at, read by the loader, and refused in one line."""

import json
import os
import shutil
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import lightning as L
import numpy as np
import pandas as pd
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.errors import InstantiationException
from hydra.utils import instantiate

from stan_boundary.configs import CONF
from stan_boundary.errors import InputError
from stan_lightning.data.crops import Crops, open_crops
from stan_lightning.data.datamodule import CropDataModule
from stan_lightning.data.dataset import collated_whole
from stan_lightning.data.manifest import read_manifest
from stan_lightning.data.presence import having
from stan_lightning.data.signals import gather


def make_data(root: Any, *overrides: str, columns: dict[str, list[str]] | None = None) -> CropDataModule:
    small = ["data.clip_frames=16", "data.image_size=32", "data.batch_size=2", "data.num_workers=0"]
    with initialize_config_dir(CONF, version_base="1.3"):
        config = compose("train", [f"data.root={root}", "data.modalities=[mood]", *small, *overrides])
    data: CropDataModule = instantiate(config.data, _convert_="all")
    data.columns = dict(columns or {})
    data.setup("fit")
    data.trainer = L.Trainer(logger=False, enable_checkpointing=False, barebones=True)
    return data


def write_signal(folder: Path, names: list[str], rate: float = 10.0, end: float = 4.0) -> None:
    """Column `a` is the time and `b` its tenfold, for recordings of 3.9 seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    times = np.arange(0, end, 1 / rate)
    for name in names:
        pd.DataFrame({"time_s": times, "a": times, "b": 10 * times}).to_csv(
            folder / f"{name}.csv", index=False
        )


@pytest.fixture
def root(make_crops: Callable[..., Path]) -> Path:
    """Crops with a signal `mood`, which one recording lacks."""
    made = make_crops()
    names = pd.read_csv(made / "manifest.csv").recording.tolist()
    write_signal(made / "signals" / "mood", [name for name in names if name != "2_1_Freeform"])
    return made


def test_windows_are_slices_by_time_and_the_missing_is_told(root: Path, capsys) -> None:
    data = make_data(root)
    assert "1 of 11 recordings have no mood, such as 2_1_Freeform" in capsys.readouterr().out
    assert data.columns == {"mood": ["a", "b"]}
    batches = list(data.windows(data.tables["train"]))
    found = torch.cat([batch.inputs["mood"] for batch in batches])
    present = torch.cat([batch.present["mood"] for batch in batches])
    assert found.shape == (15, 16, 2) and found.dtype == torch.float32
    clip = found[:3, :, 0]  # of frames 0, 3, .. 117 at 30 a second: three windows of 16
    assert clip[0].tolist() == pytest.approx([i / 10 for i in range(16)], abs=1e-5)
    assert clip[2].tolist() == pytest.approx([(24 + i) / 10 for i in range(16)], abs=1e-5)
    assert torch.allclose(found[:3, :, 1], 10 * clip, atol=1e-4)
    assert present.tolist() == 3 * [True] + 3 * [False] + 9 * [True]
    assert found[3:6].isnan().all()


def test_no_picture_is_decoded_where_no_face_is_read(root: Path, monkeypatch) -> None:
    monkeypatch.setattr(Crops, "image", lambda *_: pytest.fail("a picture was decoded"))
    data = make_data(root)
    assert set(next(iter(data.train_dataloader())).inputs) == {"mood"}
    assert set(next(iter(data.val_dataloader())).inputs) == {"mood"}


def test_faces_are_the_same_whatever_signal_is_read(root: Path) -> None:
    both, face = (make_data(root, f"data.modalities={one}") for one in ("[face,mood]", "[face]"))
    for one, other in zip(both.train_dataloader(), face.train_dataloader(), strict=True):
        assert torch.equal(one.inputs["face"], other.inputs["face"]) and torch.equal(one.noise, other.noise)
        assert torch.equal(one.draws["picture"].factors, other.draws["picture"].factors)


def test_workers_give_what_one_process_gives(root: Path) -> None:
    alone, shared = (list(make_data(root, f"data.num_workers={n}").val_dataloader()) for n in (0, 2))
    for one, other in zip(alone, shared, strict=True):
        assert torch.equal(one.inputs["mood"], other.inputs["mood"])


def test_another_person_s_signal_is_read_over_the_same_share(root: Path) -> None:
    pd.DataFrame({"time_s": [0.0, 4.0], "a": [5.0, 5.0], "b": [5.0, 5.0]}).to_csv(
        root / "signals" / "mood" / "10_3_Freeform.csv", index=False
    )
    data = make_data(root)
    lent = data.windows(data.tables["test"], swapped={"mood": [1, 2, 0]})
    assert (next(iter(lent)).inputs["mood"] == 5).all()


def test_whole_recordings_are_padded_with_what_is_missing(root: Path) -> None:
    data = make_data(root, "data.clip_frames=null")
    batch = next(iter(data.val_dataloader()))
    assert batch.inputs["mood"].shape == (2, 40, 2) and batch.window.tolist() == [0, 0]
    assert next(iter(data.train_dataloader())).inputs["mood"].shape == (2, 40, 2)
    items = [data.val_dataloader().dataset[0] for _ in range(2)]
    items[1] = items[1]._replace(inputs={"mood": items[1].inputs["mood"][:7]})
    padded = collated_whole(items).inputs["mood"]
    assert torch.equal(padded[0], items[0].inputs["mood"]) and torch.equal(
        padded[1, :7], items[1].inputs["mood"]
    )
    assert padded[1, 7:].isnan().all()
    with pytest.raises(InstantiationException) as error:
        make_data(root, "data.clip_frames=null", "data.modalities=[face,mood]")
    assert "data.clip_frames=null reads whole recordings, but face is read in clips" in str(
        error.value.__cause__
    )


def test_statistics_are_of_the_training_recordings_alone(root: Path) -> None:
    folder = root / "signals" / "mood"
    for name in ("6_2_Freeform", "10_3_Freeform"):  # development and test
        pd.DataFrame({"time_s": [0.0, 1.0], "a": [1e6, 1e6], "b": [1, 2]}).to_csv(
            folder / f"{name}.csv", index=False
        )
    pd.DataFrame({"time_s": [0.0, 1.0, 2.0], "a": [np.nan, 7, np.nan], "b": [1, 2, 3]}).to_csv(
        folder / "3_1_Freeform.csv", index=False
    )
    table = pd.read_csv(root / "manifest.csv")
    table.loc[table.recording == "4_1_Freeform", "label"] = np.nan  # never trained on
    table.to_csv(root / "manifest.csv", index=False)
    mean, deviation = make_data(root).signal_statistics("mood")
    times = np.arange(0, 4, 0.1)
    rows = [np.concatenate([times, times, [7]]), np.concatenate([10 * times, 10 * times, [1, 2, 3]])]
    assert mean.tolist() == pytest.approx([row.mean() for row in rows], rel=1e-5)
    assert deviation.tolist() == pytest.approx([row.std() for row in rows], rel=1e-5)


def test_constant_and_empty_columns_deviate_by_nothing(root: Path) -> None:
    for file in (root / "signals" / "mood").glob("*.csv"):
        file.write_text("time_s,a,b,c\n" + "".join(f"{i / 10},{1000.1},,{1e-9 * i}\n" for i in range(40)))
    mean, deviation = make_data(root).signal_statistics("mood")
    assert mean[0] == pytest.approx(1000.1) and mean[1] == 0
    assert deviation[:2].tolist() == [0, 0] and deviation[2] > 0


def test_columns_are_what_signal_json_names_else_what_every_file_has(root: Path, capsys) -> None:
    folder = root / "signals" / "mood"
    pd.DataFrame({"time_s": [0.0, 1.0], "c": [1, 1], "b": [1, 2]}).to_csv(
        folder / "3_1_Freeform.csv", index=False
    )
    assert make_data(root).columns == {"mood": ["b"]}
    assert "signal mood: 2 columns that not every file has are left out, such as a" in capsys.readouterr().out
    said = {"what": "x", "resample": "nearest", "columns": {"c": None, "a": "s"}}
    (folder / "signal.json").write_text(json.dumps(said))
    data = make_data(root)
    assert data.columns == {"mood": ["c", "a"]}
    assert data.signals["mood"].members["1_1_Freeform"].resample == "nearest"


def test_a_trained_network_s_columns_are_read_by_name(root: Path, capsys) -> None:
    data = make_data(root, columns={"mood": ["b", "z"]})
    assert data.columns == {"mood": ["b", "z"]}
    assert "signal mood: no file has z; missing throughout" in capsys.readouterr().out
    found = next(iter(data.val_dataloader())).inputs["mood"]
    assert found[..., 1].isnan().all() and not found[..., 0].isnan().any()
    with pytest.raises(InputError, match=r"\.csv: has none of the columns that are read of mood: y, z"):
        make_data(root, columns={"mood": ["y", "z"]})


def test_hundreds_of_columns_are_not_read_in_silence(root: Path, capsys) -> None:
    folder = root / "signals" / "mood"
    for file in folder.glob("*.csv"):
        more = pd.DataFrame(0.0, index=range(40), columns=[f"x_{i}" for i in range(110)])
        pd.concat([pd.read_csv(file), more], axis=1).to_csv(file, index=False)
    assert len(make_data(root).columns["mood"]) == 112
    said = capsys.readouterr().out
    assert (
        f"signal mood: all 112 columns are read; those named under `columns` in {folder}/signal.json" in said
    )
    (folder / "signal.json").write_text(json.dumps({"columns": {"b": None}}))
    data = make_data(root)
    assert data.columns == {"mood": ["b"]} and "columns are read" not in capsys.readouterr().out
    member = data.signals["mood"].members["1_1_Freeform"]
    assert member.open().columns == ["b"]
    assert next(iter(data.val_dataloader())).inputs["mood"][0, :, 0].tolist() == pytest.approx(
        [float(i) for i in range(16)], abs=1e-4
    )


def test_text_beside_what_is_read_does_not_matter(root: Path) -> None:
    file = root / "signals" / "mood" / "1_1_Freeform.csv"
    pd.read_csv(file).assign(note="calm").to_csv(file, index=False)
    with pytest.raises(InputError, match=r"1_1_Freeform.csv: row 2: note is 'calm', which is no number"):
        make_data(root)
    assert make_data(root, columns={"mood": ["a"]}).columns == {"mood": ["a"]}


def test_other_folders_other_roots_and_files_called_as_videos(root: Path, tmp_path: Path) -> None:
    other, second = tmp_path / "theirs", tmp_path / "second"
    table = pd.read_csv(root / "manifest.csv", dtype=str)
    table["video"] = [f"videos/clip{number}.avi" for number in range(len(table))]
    table.to_csv(root / "manifest.csv", index=False)
    write_signal(other, [f"clip{number}" for number in range(11)])
    data = make_data(root, f"+data.signals.mood={other}")
    assert data.signals["mood"].members["1_1_Freeform"].path == str(other / "clip0.csv")
    shutil.copytree(root, second)
    for zipped in second.glob("*.zip"):
        zipped.rename(second / f"s{zipped.name}")
    table.assign(recording="s" + table.recording).to_csv(second / "manifest.csv", index=False)
    write_signal(second / "signals" / "mood", ["s1_1_Freeform"])
    data = make_data(f"[{root},{second}]")
    assert data.signals["mood"].members["s1_1_Freeform"].path == str(
        second / "signals" / "mood" / "s1_1_Freeform.csv"
    )
    assert data.signals["mood"].members["1_1_Freeform"].path.startswith(str(root))
    present = having(data.tables["train"], "mood", data.signals)
    assert len(present) == 5 and "2_1_Freeform" not in present.recording.tolist()


def test_folders_of_images_are_matched_by_frame(tmp_path: Path) -> None:
    """OpenFace's own aligned faces and its CSV, both counted from 1."""
    for partition, subject in (("train", "1"), ("dev", "2"), ("test", "3")):
        folder = tmp_path / f"sub{subject}"
        folder.mkdir()
        for frame in range(1, 49):
            cv2.imwrite(str(folder / f"frame_det_00_{frame:06d}.bmp"), np.zeros((8, 8, 3), np.uint8))
        rows = [f"{frame}, {(frame - 1) / 30:.3f}, {frame}" for frame in range(1, 49)]
        text = "frame, timestamp, AU12_r\n" + "\n".join(rows) + "\n"
        (tmp_path / "openface").mkdir(exist_ok=True)
        (tmp_path / "openface" / f"sub{subject}.csv").write_text(text)
        with (tmp_path / "manifest.csv").open("a") as file:
            if subject == "1":
                file.write("video,subject,label,partition\n")
            file.write(f"sub{subject},{subject},3,{partition}\n")
    given = ["data.modalities=[openface]", f"+data.signals.openface={tmp_path / 'openface'}"]
    data = make_data(tmp_path, *given, "data.frame_stride=3")
    assert next(iter(data.val_dataloader())).inputs["openface"][0, :, 0].tolist() == list(range(1, 49, 3))
    for file in (tmp_path / "openface").glob("*.csv"):
        pd.read_csv(file, skipinitialspace=True).drop(columns="frame").to_csv(file, index=False)
    with pytest.raises(InputError, match=r"sub1\.csv: these crops have no times, .* column `frame`"):
        make_data(tmp_path, *given, "data.frame_stride=3")


def test_three_hundred_recordings_of_a_minute_are_looked_at_in_seconds(root: Path) -> None:
    """50 columns at 30 Hz: a file in a few hundredths of a second, its crops' clock with it."""
    path = root / "signals" / "mood" / "1_1_Freeform.csv"
    values = np.random.default_rng(0).normal(size=(1800, 50)).round(3)
    table = pd.DataFrame(values, columns=[f"c{i}" for i in range(50)])
    table.insert(0, "time_s", np.linspace(0, 3.9, 1800))  # as many rows as of a minute's film
    table.to_csv(path, index=False)
    recordings = read_manifest(root)
    recordings = recordings[recordings.recording == "1_1_Freeform"]
    took = []
    for number in range(5):
        table.assign(time_s=table.time_s + number / 1000).to_csv(path, index=False)  # another file each time
        open_crops(recordings.crops.iloc[0]).__dict__.pop("times", None)
        start = time.process_time()
        gather(recordings, "mood", None)
        took.append(time.process_time() - start)
    assert min(took) < 0.1  # seconds of a processor; measured: 0.016, so 300 of them take 5


def test_windows_without_a_number_are_said(root: Path, capsys) -> None:
    """Three windows of each of ten recordings; one is measured in its first window alone, of another none."""
    file = root / "signals" / "mood" / "1_1_Freeform.csv"
    table = pd.read_csv(file)
    table.loc[table.time_s > 0.75, ["a", "b"]] = np.nan
    table.to_csv(file, index=False)
    empty = root / "signals" / "mood" / "3_1_Freeform.csv"
    pd.read_csv(empty).assign(a=np.nan, b=np.nan).to_csv(empty, index=False)
    data = make_data(root)
    said = capsys.readouterr().out
    assert "signal mood: 2 of 27 windows hold no number of it" in said
    assert "1 of 11 recordings have a file of mood without any number" in said
    assert len(having(data.tables["train"], "mood", data.signals)) == 3


def test_files_and_recordings_are_matched_in_any_normal_form(root: Path) -> None:
    table = pd.read_csv(root / "manifest.csv", dtype=str)
    composed, decomposed = "Müller", unicodedata.normalize("NFD", "Müller")
    folder = root / "signals" / "mood"
    (root / "1_1_Freeform.zip").rename(root / f"{composed}.zip")
    (folder / "1_1_Freeform.csv").rename(folder / f"{decomposed}.csv")
    (folder / "3_1_Freeform.csv").rename(folder / os.fsdecode(b"M\xfc.csv"))
    table["recording"] = table.recording.replace("1_1_Freeform", composed)
    table["video"] = table.video.replace("3_1_Freeform.mp4", "M%FC.mp4")
    table.to_csv(root / "manifest.csv", index=False)
    members = make_data(root).signals["mood"].members
    assert members[composed].path.endswith(f"{decomposed}.csv")
    assert members["3_1_Freeform"].path == str(folder / os.fsdecode(b"M\xfc.csv"))


def test_columns_of_others_do_not_steer_the_terminal(root: Path, capsys) -> None:
    pd.DataFrame({"time_s": [0.0, 1.0], "\x1b[2Jc": [1, 1], "b": [1, 2]}).to_csv(
        root / "signals" / "mood" / "3_1_Freeform.csv", index=False
    )
    make_data(root, columns={"mood": ["b", "\x9b2J"]})
    assert "no file has \\x9b2J" in capsys.readouterr().out
    (root / "signals" / "mood" / "1_1_Freeform.csv").unlink()
    make_data(root)
    assert "\x1b" not in capsys.readouterr().out
