import cmath

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preprocess.faces.alignment import (
    LEFT_EYE_PLACE,
    RIGHT_EYE_PLACE,
    Placement,
    cut,
    cut_box,
    cut_region,
    place_by_eyes,
    place_centre,
    take_region,
)

REST = (0j, 0j, 0j, 0j)  # nose, mouth and ears play no part


def ramp(width, height):
    """A picture whose red is x and whose green is y, so that a pixel says where it comes from."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x, y, np.zeros_like(x)], axis=-1).astype(np.uint8)


@given(
    st.complex_numbers(max_magnitude=1e3),
    st.complex_numbers(min_magnitude=1, max_magnitude=1e3),
)
def test_eyes_go_to_their_places_without_squashing(right, between):
    placement = place_by_eyes((right, right + between, *REST))
    assert cmath.isclose(placement.to_picture(RIGHT_EYE_PLACE), right, abs_tol=1e-6)
    assert cmath.isclose(placement.to_picture(LEFT_EYE_PLACE), right + between, abs_tol=1e-6)
    assert placement.side == pytest.approx(abs(between) / 0.32)
    assert cmath.isclose(placement.from_picture(placement.to_picture(0.3 + 0.9j)), 0.3 + 0.9j, abs_tol=1e-6)


@settings(max_examples=30)
@given(st.floats(-3.1, 3.1), st.floats(30, 45))
def test_every_pixel_comes_from_where_the_placement_says(angle, side):
    placement = Placement(100 + 90j, 0)
    across = cmath.rect(side, angle)
    placement = Placement(100 + 90j - across * (0.5 + 0.5j), across)
    crop = cut(ramp(200, 180), placement, 32)
    for row, column in ((0, 0), (5, 29), (16, 16), (31, 31)):
        source = placement.to_picture(complex(column + 0.5, row + 0.5) / 32) - (0.5 + 0.5j)
        assert np.abs(crop[row, column, :2] - np.array([source.real, source.imag])).max() <= 1


def test_a_drawn_eye_is_found_at_its_place_to_the_pixel():
    picture = np.zeros((400, 400, 3), np.uint8)
    right, left = 150 + 160j, 220 + 190j
    for eye in (right, left):
        cv2.circle(picture, (int(eye.real), int(eye.imag)), 6, (255, 255, 255), -1)
    crop = cut(picture, place_by_eyes((right + 0.5 + 0.5j, left + 0.5 + 0.5j, *REST)), 112)
    for half, place in ((crop[:, :56], RIGHT_EYE_PLACE), (crop[:, 56:], LEFT_EYE_PLACE)):
        y, x = (axis.mean() for axis in np.nonzero(half[..., 0] > 128))
        wanted = place * 112 - (0.5 + 0.5j) - (56 if place == LEFT_EYE_PLACE else 0)
        assert abs(complex(x, y) - wanted) < 0.5


def test_outside_the_picture_its_border_goes_on():
    crop = cut(ramp(100, 100), Placement(-50 + 0j, 100 + 0j), 100)
    assert (crop[:, :50, 0] == 0).all()
    assert crop[10, 99, 0] == 49


def test_a_large_face_is_averaged_not_sampled():
    fine = np.indices((896, 896)).sum(axis=0) % 2 * 255  # a chequerboard of single pixels
    picture = np.repeat(fine[..., None], 3, axis=2).astype(np.uint8)
    crop = cut(picture, Placement(0j, 896 + 0j), 112)
    assert np.abs(crop.astype(int) - 127).max() <= 2


@pytest.mark.parametrize("side", [60, 300])
def test_a_kept_region_gives_the_crop_of_the_whole_picture(side):
    picture = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8), (9, 9), 3)
    placement = Placement(200 + 90j, cmath.rect(side, 0.2))
    region = take_region(picture, placement.widened(3), 3 * 112)
    difference = cut_region(region, placement, 112).astype(int) - cut(picture, placement, 112)
    assert np.abs(difference).mean() < 1.0


@pytest.mark.parametrize("box", [(40, 30, 50, 60), (-10, 5, 40, 40), (80, 60, 30, 50), (0, 0, 100, 100)])
def test_the_predecessors_box_is_widened_clipped_and_squashed(box):
    picture = np.random.default_rng(1).integers(0, 256, (100, 100, 3), np.uint8)
    x, y, width, height = box
    margin = int(0.2 * max(width, height))
    left, top = max(0, x - margin), max(0, y - margin)
    right, bottom = min(100, x + width + margin), min(100, y + height + margin)
    wanted = cv2.resize(picture[top:bottom, left:right], (112, 112), interpolation=cv2.INTER_LINEAR)
    assert (cut_box(picture, box, 112) == wanted).all()


def test_the_centre_square_is_the_largest_in_the_middle():
    crop = cut(ramp(120, 80), place_centre(ramp(120, 80)), 80)
    assert (crop == ramp(120, 80)[:, 20:100]).all()
