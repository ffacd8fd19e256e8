import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from stan_boundary.errors import InputError
from stan_lightning.data.crops import Crops, open_crops


def write_images(folder: Path, names: list[str], values: list[int], size: int = 16) -> Path:
    folder.mkdir()
    for name, value in zip(names, values, strict=True):
        cv2.imwrite(str(folder / name), np.full((size, size, 3), value, np.uint8))
    return folder


def test_frames_come_in_numeric_order_whatever_the_padding(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "a", ["10.png", "9.png", "100.png"], [10, 9, 100])
    crops = Crops(folder)
    assert crops.frames.tolist() == [9, 10, 100]
    assert crops.read([0, 1, 2, 0], 16)[:, 0, 0, 0].tolist() == [9, 10, 100, 9]


def test_openface_names_and_bitmaps_are_read(tmp_path: Path) -> None:
    names = [f"frame_det_00_{i:06d}.bmp" for i in (1, 2, 4)]
    crops = Crops(write_images(tmp_path / "a", names, [1, 2, 4]))
    assert crops.frames.tolist() == [1, 2, 4]


def test_the_stride_is_the_commonest_distance_so_that_dropped_frames_do_not_count(tmp_path: Path) -> None:
    frames = [0, 3, 6, 12, 15, 18]
    crops = Crops(write_images(tmp_path / "a", [f"{i:04d}.jpg" for i in frames], frames))
    assert crops.stride() == 3
    assert Crops(write_images(tmp_path / "b", ["7.jpg"], [7])).stride() == 1


def test_colours_come_as_rgb(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    cv2.imwrite(str(tmp_path / "a" / "0.png"), np.full((4, 4, 3), (0, 0, 255), np.uint8))  # OpenCV's red
    assert Crops(tmp_path / "a").image(0)[0, 0].tolist() == [255, 0, 0]


def test_a_crop_of_another_size_is_resized(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "a", ["0.png"], [50], size=32)
    assert Crops(folder).read([0], 16).shape == (1, 16, 16, 3)


def test_a_zip_is_opened_once_a_process(make_crops) -> None:
    path = str(make_crops() / "1_1_Freeform.zip")
    assert open_crops(path) is open_crops(path)
    child = os.fork()
    if child == 0:
        os._exit(0 if open_crops(path).frames[0] == 0 else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_what_cannot_be_read_says_what_and_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK not really")
    two = write_images(tmp_path / "two", ["1.png", "01.png"], [1, 1])
    fake = tmp_path / "fake"
    fake.mkdir()
    (fake / "1.jpg").write_text("not a picture")
    for path, said in (
        (tmp_path / "empty", "no crops"),
        (broken, "cannot be read as a zip of crops.*run preprocessing again"),
        (two, "there twice"),
    ):
        with pytest.raises(InputError, match=said):
            Crops(path)
    with pytest.raises(InputError, match=r"1.jpg is not an image"):
        Crops(fake).image(0)
    with pytest.raises(InputError, match="not there"):
        Crops(tmp_path / "absent.zip")
