import numpy as np
import pytest

from preprocess.behaviour.columns import FROM_MESH, FROM_TRACK, SPEEDS
from preprocess.behaviour.movement import carriage, speeds


def row(right: tuple[float, float] | None, left: tuple[float, float] | None, interpolated: int = 0):
    places = {"right_eye": right or ("", ""), "left_eye": left or ("", "")}
    eyes = {f"{eye}_{axis}": str(at["xy".index(axis)]) for eye, at in places.items() for axis in "xy"}
    return {**eyes, "interpolated": str(interpolated)}


def values(count: int, **known: list[float]) -> dict[str, np.ndarray]:
    rest = {name: np.zeros(count) for name in (*FROM_MESH, *FROM_TRACK)}
    return rest | {name: np.array(value, float) for name, value in known.items()}


def test_roll_position_and_scale_come_from_the_eyes() -> None:
    found = carriage(
        [
            row((100, 50), (140, 50)),
            row((120, 50), (160, 50)),  # half an eye distance to the right
            row((100, 70), (140, 70)),  # and half of one down
            row((100, 50), (140, 50)),
            row((100, 30), (130, 70)),  # nearer, and tilted to the left shoulder
        ]
    )
    assert found["head_roll"] == pytest.approx([0, 0, 0, 0, np.degrees(np.arctan2(40, 30))])
    assert found["head_x"] == pytest.approx([0, 0.5, 0, 0, -5 / 40])
    assert found["head_y"] == pytest.approx([0, 0, 0.5, 0, 0])
    assert found["head_scale"] == pytest.approx([1, 1, 1, 1, 50 / 40])


def test_what_was_interpolated_is_not_measured() -> None:
    found = carriage([row((0, 0), (40, 0)), row((9, 9), (90, 9), 1), row((0, 0), (40, 0))])
    for value in found.values():
        assert np.isnan(value).tolist() == [False, True, False]
    assert found["head_scale"][0] == 1


def test_without_eyes_all_is_missing() -> None:
    found = carriage([row(None, None), row(None, None)])
    assert list(found) == list(FROM_TRACK) and np.isnan(list(found.values())).all()


def test_speeds_are_per_second_and_without_sign() -> None:
    times = np.array([0.0, 0.1, 0.2, 0.35])
    found = speeds(
        times,
        values(
            4,
            head_yaw=[0, 2, -1, -1.3],
            head_x=[0, 0.3, 0.3, 0.3],
            head_y=[0, 0.4, 0.4, 0.1],
            eye_open_right=[0.4, 0.2, 0.2, 0.2],
            eye_open_left=[0.4, 0.4, 0.2, 0.2],
        ),
    )
    assert list(found) == list(SPEEDS)
    assert found["head_yaw_speed"] == pytest.approx([np.nan, 20, 30, 2], nan_ok=True)
    assert found["head_speed"] == pytest.approx([np.nan, 5, 0, 2], nan_ok=True)
    assert found["eye_open_speed"] == pytest.approx([np.nan, 1, 1, 0], nan_ok=True)


def test_no_speed_across_a_gap_or_beside_a_missing_value() -> None:
    times = np.array([0.0, 0.1, 0.2, 1.2, 1.3, 1.4, 1.5])
    found = speeds(times, values(7, mouth_open=[0, 1, 2, 3, 4, np.nan, 6]))
    assert np.isnan(found["mouth_open_speed"]).tolist() == [True, False, False, True, False, True, True]
    assert np.isnan(found["head_yaw_speed"]).tolist() == [True, False, False, True, False, False, False]


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_moments_have_no_speed(count: int) -> None:
    found = speeds(np.zeros(count), values(count))
    assert all(len(value) == count and np.isnan(value).all() for value in found.values())
