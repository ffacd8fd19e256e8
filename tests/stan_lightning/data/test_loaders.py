"""Crops that stay in memory: within the number given, with the same digits."""

from pathlib import Path

import pytest
import torch

from stan_lightning.data.crops import Crops
from stan_lightning.data.dataset import Reading, Source, WindowDataset
from stan_lightning.data.loaders import GB, window_loader

CLIP = 16


def dataset(root: Path) -> WindowDataset:
    sources = [Source(str(file), 40, 1, 0.0) for file in sorted(root.glob("*.zip"))]
    return WindowDataset(sources, CLIP, Reading(["face"], 32))


def pixels(loader: object) -> list[torch.Tensor]:
    return [batch.inputs["face"] for batch in loader]  # type: ignore[attr-defined]


@pytest.mark.parametrize("workers", [0, 2])
def test_the_same_digits_without_the_files(make_crops, workers: int) -> None:
    root = make_crops()
    plain = pixels(window_loader(dataset(root), 2, workers, 0, 1))
    kept = window_loader(dataset(root), 2, workers, 0, 1, cache_gb=1.0)
    first = pixels(kept)
    for file in root.glob("*.zip"):
        file.write_bytes(b"no zip any more" * 1000)  # the handles are open; there is nothing behind them
    again = pixels(kept)
    for one, other in ((plain, first), (plain, again)):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("workers", [0, 2])
def test_no_more_is_kept_than_was_allowed(
    make_crops, workers: int, capsys: pytest.CaptureFixture[str]
) -> None:
    windows = dataset(make_crops())
    size = sum(windows.size(index) for index in range(len(windows)))
    window_loader(windows, 2, workers, 0, 1, cache_gb=size / GB / 2)
    held = sum(windows.size(index) for index in windows.kept)
    assert 0.3 * size < held <= size / 2
    assert f"{held / GB:.3f} of {size / GB:.3f} GB of crops stay in memory" in capsys.readouterr().out


def test_a_window_s_size_is_that_of_the_files_it_reads(make_crops) -> None:
    root = make_crops()
    windows = dataset(root)
    windows.kept[1] = {}
    windows[1]
    assert sum(map(len, windows.kept[1].values())) == windows.size(1)
    assert len(windows.kept[1]) == CLIP
    unpacked = root / "folder"
    unpacked.mkdir()
    crops = Crops(sorted(root.glob("*.zip"))[0])
    for place, frame in enumerate(crops.frames.tolist()):
        (unpacked / f"{frame:06d}.jpg").write_bytes(crops.encoded(place))
    assert Crops(unpacked).size(3) == crops.size(3) == len(crops.encoded(3))
