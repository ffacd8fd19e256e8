"""Conformal intervals: recomputed by hand, their coverage of new people, and records that cannot be."""

import numpy as np
import pandas as pd
import pytest

from stan_boundary.errors import InputError
from stan_lightning.prediction.new_person import with_bounds
from stan_lightning.training.conformal import FEWEST, Conformal, half_width, told


def people(number: int) -> np.ndarray:
    return np.array([f"p{one:03}" for one in range(number)])


def test_with_one_recording_each_it_is_the_order_statistic() -> None:
    rng = np.random.default_rng(0)
    for number in (9, 10, 19, 43):
        residual = rng.exponential(5, number)
        rank = int(np.ceil(0.9 * (number + 1)))
        assert half_width(residual, people(number)) == pytest.approx(np.sort(residual)[rank - 1])


def test_people_count_alike_however_often_they_were_filmed() -> None:
    once, residual = people(12), np.arange(12.0)
    often = np.concatenate([once, np.repeat("p000", 50)])
    more = np.concatenate([residual, np.zeros(50)])
    assert half_width(more, often) == half_width(residual, once) == 11.0
    # Half of the worst person's recordings are good: 11 / 13 + 1 / 26 reaches less than 0.9, all reach more.
    halved = np.concatenate([residual, [0.0]])
    assert half_width(halved, np.append(once, "p011")) == 11.0
    assert half_width(np.append(np.arange(19.0), 0.0), np.append(people(19), "p018")) == 17.0


def test_fewer_than_nine_people_give_no_finite_interval() -> None:
    assert FEWEST == 9
    assert half_width(np.ones(8), people(8)) is None and half_width(np.ones(9), people(9)) == 1.0
    assert half_width(np.ones(0), people(0)) is None
    assert half_width(np.ones(80), np.repeat(people(8), 10)) is None


def test_nine_of_ten_new_people_are_held() -> None:
    rng, held = np.random.default_rng(1), []
    for _ in range(3000):
        spread = rng.gamma(2, 2, 21)
        width = half_width(np.abs(rng.normal(0, np.repeat(spread[:20], 2))), np.repeat(people(20), 2))
        held.append(abs(rng.normal(0, spread[20])) <= width)
    assert 0.885 < np.mean(held) < 0.95


def test_people_trained_on_tell_nothing_of_new_ones() -> None:
    label, said = np.zeros(20), np.concatenate([np.full(10, 30.0), np.full(10, 2.0)])
    names = people(20).tolist()
    assert Conformal.measured(label, said, names, set(names[:10])) == Conformal(10, 2.0)
    assert Conformal.measured(label, said, names, set(names)) == Conformal(0, None)
    assert Conformal.measured(label, said, names, set()).half_width == 30.0


def test_bounds_lie_within_the_range_and_are_empty_where_nothing_is_known() -> None:
    table = pd.DataFrame({"recording": list("abc"), "prediction": [14.0, 2.0, 90.0], "n_windows": 1})
    found = with_bounds(table, Conformal(12, 17.0), (0, 63))
    assert list(found) == ["recording", "prediction", "low_90", "high_90", "n_windows"]
    assert found[["low_90", "high_90"]].to_numpy().tolist() == [[0, 31], [0, 19], [63, 63]]
    for nothing in (None, Conformal(8, None)):
        assert with_bounds(table, nothing, (0, 63))[["low_90", "high_90"]].isna().all(axis=None)
    assert with_bounds(table[:0], Conformal(12, 17.0), (0, 63)).empty


def test_a_sentence_says_where_it_is_from_or_that_there_is_none() -> None:
    assert "± 17.0 points holds for 9 of 10 new people" in told(Conformal(12, 17.0))
    assert "held 8 people" in told(Conformal(8, None)) and "without one" in told(None)


def test_records_are_read_as_they_were_written_and_others_refused() -> None:
    for one in (Conformal(12, 3.5), Conformal(8, None)):
        assert Conformal.from_record(one.record()) == one
    assert Conformal.from_record(None) is None
    for people_known, width in (
        (12, None),
        (8, 1.0),
        (-1, None),
        (True, None),
        (12, float("nan")),
        (12, -1.0),
    ):
        with pytest.raises(InputError, match="cannot be"):
            Conformal.from_record({"people": people_known, "half_width": width})
    for other in (3, [], {}, {"people": "12"}):
        with pytest.raises(InputError, match="cannot be"):
            Conformal.from_record(other)
