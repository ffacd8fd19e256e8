"""Whose is whose, and what hiding and exchanging a modality costs."""

import numpy as np
import pandas as pd
import pytest

from stan_lightning.evaluation.modalities import derangement, worth


def test_everybody_gets_another_persons_and_always_the_same():
    subjects = ["3", "1", "1", "2", "3", "10", "2"]
    lenders = derangement(subjects, seed=5)
    assert lenders == derangement(subjects, seed=5)
    assert all(subjects[lender] != own for lender, own in zip(lenders, subjects, strict=True))
    by_subject = {own: subjects[lender] for own, lender in zip(subjects, lenders, strict=True)}
    assert sorted(by_subject.values()) == sorted(by_subject)  # nobody lends to two
    assert len({tuple(derangement(subjects, seed)) for seed in range(20)}) > 3


def test_rows_and_paired_differences():
    labels = np.array([10.0, 20.0, 30.0, 40.0])
    errors = {"whole": 1.0, "face": 2.0, "voice": 5.0, "lent face": 4.0, "lent voice": 7.0}
    asked = []

    def score(hidden=(), swapped=None):
        asked.append((tuple(hidden), None if swapped is None else next(iter(swapped))))
        kept = [name for name in ("face", "voice") if name not in hidden]
        key = f"lent {next(iter(swapped))}" if swapped else kept[0] if len(kept) == 1 else "whole"
        return pd.DataFrame({"label": labels, "prediction": labels + errors[key], "subject": list("abcd")})

    def describe(table):
        return {"mae": float((table.prediction - table.label).abs().mean())}

    rows = worth(["face", "voice"], list("abcd"), score, describe, resamples=50, seed=0)
    assert {row["name"]: row["mae"] for row in rows} == {
        "face + voice": 1.0,
        "face alone": 2.0,
        "voice alone": 5.0,
        "another person's face": 4.0,
        "another person's voice": 7.0,
    }
    assert [row["mae_difference"]["value"] for row in rows[1:]] == pytest.approx([1.0, 4.0, 3.0, 6.0])
    assert asked == [((), None), (("voice",), None), (("face",), None), ((), "face"), ((), "voice")]
    alone = worth(["face", "voice"], ["a"] * 4, score, describe, resamples=50, seed=0)
    assert len(alone) == 3  # one person alone has nobody to borrow from
