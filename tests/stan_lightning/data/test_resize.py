import numpy as np
import pytest
import torch
from PIL import Image

from stan_lightning.data.resize import bicubic, float_bicubic

SIZES = [(112, 112, 224), (112, 112, 48), (100, 130, 64), (33, 47, 112)]


@pytest.mark.parametrize("resize", [bicubic, float_bicubic])
@pytest.mark.parametrize(("height", "width", "size"), SIZES)
def test_resize_is_pillows_to_a_grey_level(resize, height: int, width: int, size: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    expected = np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC)).astype(int)
    frames = torch.from_numpy(image).permute(2, 0, 1)[None].contiguous()
    difference = np.abs(resize(frames, size)[0].permute(1, 2, 0).numpy().astype(int) - expected)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.02


def test_a_frame_of_the_right_size_is_left_alone() -> None:
    frames = torch.arange(48, dtype=torch.uint8).view(1, 3, 4, 4)
    assert bicubic(frames, 4) is frames
