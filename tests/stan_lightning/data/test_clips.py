import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stan_lightning.data.clips import random_clip, step, windows


@given(n=st.integers(1, 3000), length=st.integers(1, 80))
def test_windows_cover_the_recording_and_stay_inside(n: int, length: int) -> None:
    found = windows(n, length)
    assert all(len(window) == length for window in found)
    assert all(0 <= position < n for window in found for position in window)
    if n >= length:
        # the release's floating point may start the last window one frame early
        assert set(range(n)) - set().union(*found) <= {n - 1}
        assert len(found) == -(-n // length)


def test_a_short_recording_is_stretched_over_one_window() -> None:
    assert windows(3, 8) == [[0, 0, 0, 1, 1, 1, 2, 2]]
    assert windows(64, 64) == [list(range(64))]


def test_starts_follow_the_released_formula_to_the_letter() -> None:
    n, length = 200, 64
    count = 4
    expected = [int(i * (length - (length * count - n) / (count - 1))) for i in range(count)]
    assert [window[0] for window in windows(n, length)] == expected == [0, 45, 90, 136]


@pytest.mark.parametrize(("n", "length"), [(0, 64), (5, 0)])
def test_nothing_to_window_is_an_error(n: int, length: int) -> None:
    with pytest.raises(ValueError, match="windows need frames"):
        windows(n, length)


def test_the_last_frame_of_a_longer_recording_is_never_trained_on() -> None:
    random = np.random.default_rng(0)
    clips = [random_clip(70, 64, random) for _ in range(500)]
    assert {clip[0] for clip in clips} == set(range(6))  # 0 .. n-65
    assert max(position for clip in clips for position in clip) == 68
    assert all(np.diff(clip).tolist() == [1] * 63 for clip in clips)


def test_a_recording_of_one_clip_is_taken_whole() -> None:
    assert random_clip(64, 64, np.random.default_rng(0)) == list(range(64))
    assert random_clip(65, 64, np.random.default_rng(0)) == list(range(64))
    assert random_clip(2, 4, np.random.default_rng(0)) == [0, 0, 1, 1]


def test_strides_are_stated_in_source_frames() -> None:
    assert step(3, 3) == 1
    assert step(3, 1) == 3
    assert step(9, 3) == 3
    for wanted, own in ((1, 3), (4, 3), (0, 1)):
        with pytest.raises(ValueError, match="cannot be read"):
            step(wanted, own)
