"""Corruptions against OpenCV and their definition."""

import cv2
import numpy as np
import pytest
import torch

from stan_boundary.errors import InputError
from stan_lightning.evaluation.robustness import KERNELS, SIGMAS, blur, noise, series, shuffle


def frames(size=64, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (2, 3, 3, size, size))).float()


@pytest.mark.parametrize("kernel", KERNELS)
def test_blur_is_opencvs_and_spatial_alone(kernel):
    clips = frames()
    blurred = blur(kernel)(clips)
    sigma = 0.3 * ((kernel - 1) / 2 - 1) + 0.8
    for b, t in ((0, 0), (1, 2)):
        picture = clips[b, t].permute(1, 2, 0).numpy()
        expected = cv2.GaussianBlur(picture, (kernel, kernel), sigma) if kernel > 1 else picture
        assert np.abs(blurred[b, t].permute(1, 2, 0).numpy() - expected).max() < 1e-2


def test_noise_has_its_strength_and_is_neither_rounded_nor_out_of_range():
    grey = torch.full((1, 4, 3, 64, 64), 128.0)
    noisy = noise(8, seed=0)(grey)
    assert (noisy - grey).std().item() == pytest.approx(8, rel=0.02)
    assert (noisy != noisy.round()).float().mean() > 0.99
    flat = (noisy - grey).flatten(3)
    correlation = np.corrcoef(flat[0, 0].numpy())  # channels of one frame
    assert np.abs(correlation - np.eye(3)).max() < 0.08
    loud = noise(256, seed=0)(grey)
    assert loud.min() == 0 and loud.max() == 255


def test_noise_is_fixed_by_its_seed_and_new_in_each_batch():
    grey = torch.full((1, 1, 3, 8, 8), 128.0)
    first = noise(8, seed=1)
    batches = first(grey), first(grey)
    assert (batches[0] != batches[1]).any()
    again = noise(8, seed=1)
    assert (again(grey) == batches[0]).all() and (again(grey) == batches[1]).all()
    assert (noise(8, seed=2)(grey) != batches[0]).any()


def test_shuffled_clips_hold_the_same_frames_in_other_orders():
    clips = torch.arange(32).view(1, 32, 1, 1, 1).expand(2, 32, 3, 2, 2).float()
    corrupt = shuffle(seed=1)
    first, second = corrupt(clips), corrupt(clips)
    for shuffled in (first, second):
        assert (shuffled.sort(dim=1).values == clips).all()  # frame by frame: nothing is mixed within one
        assert (shuffled == shuffled[:, :, :1, :1, :1]).all()
    orders = {tuple(clip[:, 0, 0, 0].int().tolist()) for clip in (*first, *second)}
    assert len(orders) == 4 and tuple(range(32)) not in orders
    assert (shuffle(seed=1)(clips) == first).all()


def test_series_runs_each_strength_once_and_shares_the_clean_run():
    calls = []

    def describe(corrupt):
        calls.append(corrupt)
        return {"mae": len(calls)}

    rows = series(describe, ["face"], seed=0)
    assert [row["strength"] for row in rows["noise"]] == list(SIGMAS)
    assert [row["strength"] for row in rows["blur"]] == list(KERNELS)
    assert [row["strength"] for row in rows["shuffle"]] == [0, 1]
    assert len(calls) == 17 and calls.count({}) == 1
    assert all(set(one) <= {"face"} for one in calls)
    assert rows["noise"][0]["mae"] == rows["blur"][0]["mae"] == 1


def test_a_blur_larger_than_the_picture_is_refused():
    with pytest.raises(InputError, match=r"data\.image_size"):
        blur(49)(frames(24))
