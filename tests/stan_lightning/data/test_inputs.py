from functools import partial

import torch

from stan_lightning.data.augmentation import Draw, augment
from stan_lightning.data.inputs import MEAN, STD, network_input


def test_frames_are_normalised_channels_first_and_in_order() -> None:
    crops = torch.arange(5, dtype=torch.uint8).view(1, 5, 1, 1, 1).expand(2, 5, 8, 8, 3)
    clips = network_input(crops, 8)
    assert clips.shape == (2, 3, 5, 8, 8)
    for channel in range(3):
        expected = (torch.arange(5) / 255 - MEAN[channel]) / STD[channel]
        torch.testing.assert_close(clips[1, channel, :, 3, 4], expected)


def test_a_corruption_sees_resized_grey_levels() -> None:
    seen = []

    def corrupt(frames: torch.Tensor) -> torch.Tensor:
        seen.append((frames.shape, frames.max().item()))
        return frames * 0

    clips = network_input(torch.full((1, 2, 4, 4, 3), 200, dtype=torch.uint8), 8, corrupt=corrupt)
    assert seen == [((1, 2, 3, 8, 8), 200.0)]
    torch.testing.assert_close(clips[0, 0].unique(), torch.tensor([-MEAN[0] / STD[0]]))


def test_each_clip_has_its_own_draw() -> None:
    crops = torch.full((2, 1, 4, 4, 3), 100, dtype=torch.uint8)
    factors = torch.tensor([[1.0, 1.0, 1.0, 0.0], [1.2, 1.0, 1.0, 0.0]])
    draws = Draw(factors, torch.arange(4).expand(2, 4), torch.tensor([False, False]))
    clips = network_input(crops, 4, partial(augment, draws=draws))
    grey = clips[:, 0, 0, 0, 0] * STD[0] + MEAN[0]
    torch.testing.assert_close(grey * 255, torch.tensor([100.0, 120.0]))


def test_a_network_may_ask_for_other_means_and_another_layout() -> None:
    crops = torch.full((1, 2, 4, 4, 3), 51, dtype=torch.uint8)
    clips = network_input(crops, 4, mean=(0.1, 0.2, 0.2), deviation=(0.5, 1.0, 0.5), layout="BTCHW")
    assert clips.shape == (1, 2, 3, 4, 4)
    torch.testing.assert_close(clips[0, 1, :, 0, 0], torch.tensor([0.2, 0.0, 0.0]))
