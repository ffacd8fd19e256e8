from pathlib import Path
from typing import Any

import lightning as L
import pandas as pd
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from stan_boundary.errors import InputError
from stan_lightning.data.augmentation import DEFAULT
from stan_lightning.data.crops import Crops
from stan_lightning.data.datamodule import CropDataModule, TrainingBatch, WindowBatch
from stan_lightning.data.dataset import ClipDataset, Reading, Source, WindowDataset

FACE = Reading(["face"], 32)
CONF = str(Path(__file__).resolve().parents[3] / "conf")


def make_data(root: Path, *overrides: str, **more: Any) -> CropDataModule:
    small = ["data.clip_frames=16", "data.image_size=32", "data.batch_size=2", "data.num_workers=0"]
    with initialize_config_dir(CONF, version_base="1.3"):
        config = compose("train", [f"data.root={root}", *small, *overrides])
    data: CropDataModule = instantiate(config.data, _convert_="all", **more)
    data.setup("fit")
    data.trainer = L.Trainer(logger=False, enable_checkpointing=False, barebones=True)
    return data


def test_a_clip_is_a_pure_function_of_seed_epoch_and_recording(make_crops) -> None:
    path = str(make_crops() / "1_1_Freeform.zip")
    dataset = ClipDataset([Source(path, 40, 1, 5.0)] * 2, 16, FACE, seed=3, augment=DEFAULT)
    first, again = dataset[4, 1], dataset[4, 1]
    assert torch.equal(first.draws["picture"].factors, again.draws["picture"].factors) and torch.equal(
        first.noise, again.noise
    )
    others = [dataset[5, 1], dataset[4, 0]]
    assert all(not torch.equal(first.noise, other.noise) for other in others)
    noises = torch.stack([dataset[epoch, 0].noise for epoch in range(200)])
    assert abs(noises.mean()) < 0.3 and 0.8 < noises.std() < 1.2


def test_windows_read_the_frames_that_the_stride_asks_for(tmp_path: Path) -> None:
    import cv2
    import numpy as np

    for frame in range(0, 60, 3):
        cv2.imwrite(str(tmp_path / f"{frame:04d}.png"), np.full((8, 8, 3), frame, np.uint8))
    assert Crops(tmp_path).stride() == 3
    n_frames = -(-20 // 2)  # a stride of 6 source frames is every second crop
    windows = WindowDataset(
        [Source(str(tmp_path), n_frames, 2, 1.0)], clip_frames=4, reading=Reading(["face"], 8)
    )
    read = [windows[i].inputs["face"][:, 0, 0, 0].tolist() for i in range(len(windows))]
    assert read == [[0, 6, 12, 18], [18, 24, 30, 36], [36, 42, 48, 54]]


def test_batches_are_normalised_on_the_device(make_crops) -> None:
    data = make_data(make_crops())
    train = data.on_after_batch_transfer(next(iter(data.train_dataloader())), 0)
    assert isinstance(train, TrainingBatch) and train.inputs["face"].shape == (2, 3, 16, 32, 32)
    window = data.on_after_batch_transfer(next(iter(data.val_dataloader())), 0)
    assert isinstance(window, WindowBatch) and window.inputs["face"].dtype == torch.float32


def test_every_window_of_every_recording_is_evaluated_once(make_crops) -> None:
    data = make_data(make_crops())
    seen = [
        (int(r), int(w))
        for b in data.windows(data.tables["test"])
        for r, w in zip(b.recording, b.window, strict=True)
    ]
    assert seen == [(recording, window) for recording in range(3) for window in range(3)]


def test_the_checkpoint_is_told_who_was_trained_on(make_crops) -> None:
    record = make_data(make_crops()).training_record()
    assert record["protocol"] == "official"
    assert ["2", "2_1", 34.0] in record["sessions"] and len(record["sessions"]) == 5


def test_labels_are_needed_only_where_they_are_used(make_crops, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_crops()
    rows = pd.read_csv(root / "manifest.csv")
    rows.loc[rows.partition == "test", "label"] = float("nan")
    rows.loc[0, "label"] = float("nan")
    rows.to_csv(root / "manifest.csv", index=False)
    data = make_data(root)
    assert len(data.windows(data.tables["test"]).dataset) == 9
    assert len(data.train_dataloader().dataset) == 4
    assert "1 of 5 train recordings have no label" in capsys.readouterr().out
    rows.label = float("nan")
    rows.to_csv(root / "manifest.csv", index=False)
    with pytest.raises(InputError, match="no recording of partition train has a label"):
        make_data(root).train_dataloader()


def test_classes_replace_the_score_range(make_crops) -> None:
    root = make_crops()
    rows = pd.read_csv(root / "manifest.csv")
    rows["label"] = ["walk" if int(s) % 2 else "run" for s in rows.subject]
    rows.to_csv(root / "manifest.csv", index=False)
    data = make_data(root, "data.score_range=null")
    assert data.classes == ["run", "walk"]
    assert [s.target for s in data.sources(data.tables["train"])] == [1, 0, 1, 0, 1]


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("data.frame_stride=4", "1_1_Freeform: data.frame_stride: .*`make preprocess"),
        ("data.frame_stride=1", "1_1_Freeform: data.frame_stride"),
        ("data.batch_size=9", "make no batch of 9"),
        ("data.score_range=[0,24]", "no score in 0..24"),
    ],
)
def test_what_the_crops_cannot_serve_is_named(make_crops, override: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        make_data(make_crops(), override, "data.drop_last=true").train_dataloader()


def test_an_empty_partition_is_named(make_crops) -> None:
    data = make_data(make_crops({"train": ["1"], "dev": ["2"]}))
    with pytest.raises(InputError, match="partition test holds no recording"):
        data.recordings("test")
