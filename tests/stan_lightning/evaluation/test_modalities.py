"""Whose is whose, and what hiding and exchanging a modality costs."""

import numpy as np
import pandas as pd
import pytest

from stan_lightning.evaluation.modalities import contributions, derangement, gates


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
    errors = {"whole": 1.0, "face": 2.0, "audio": 5.0, "lent face": 4.0, "lent audio": 7.0}
    asked = []

    def score(hidden=(), swapped=None):
        asked.append((tuple(hidden), None if swapped is None else next(iter(swapped))))
        kept = [name for name in ("face", "audio") if name not in hidden]
        key = f"lent {next(iter(swapped))}" if swapped else kept[0] if len(kept) == 1 else "whole"
        return pd.DataFrame({"label": labels, "prediction": labels + errors[key], "subject": list("abcd")})

    def describe(table):
        return {"mae": float((table.prediction - table.label).abs().mean())}

    rows = contributions(["face", "audio"], list("abcd"), score, describe, seed=0)
    assert {row["name"]: row["mae"] for row in rows} == {
        "face + audio": 1.0,
        "face alone": 2.0,
        "audio alone": 5.0,
        "another person's face": 4.0,
        "another person's audio": 7.0,
    }
    assert [row["mae_difference"]["value"] for row in rows[1:]] == pytest.approx([1.0, 4.0, 3.0, 6.0])
    assert asked == [((), None), (("audio",), None), (("face",), None), ((), "face"), ((), "audio")]
    alone = contributions(["face", "audio"], ["a"] * 4, score, describe, seed=0)
    assert len(alone) == 3  # one person alone has nobody to borrow from


def weighed(faces: list[float], recordings: str) -> pd.DataFrame:
    voices = [1 - gate for gate in faces]
    return pd.DataFrame({"recording": list(recordings), "gate_face": faces, "gate_audio": voices})


def test_gates_are_counted_by_window_and_by_who_has_audio():
    windows = weighed([0.2, 0.4, 0.87, 1.0, 1.0], "aabcc")
    found = gates(windows, ["face", "audio"], {"face": ["a", "b", "c"], "audio": ["a", "b"]})
    face = found["face"]
    assert (face["n"], face["mean"]) == (3, pytest.approx(0.49))
    assert face["sd"] == pytest.approx(np.std([0.2, 0.4, 0.87], ddof=1))
    assert face["quantiles"]["0.5"] == 0.4 and list(face["quantiles"]) == [
        "0.05",
        "0.25",
        "0.5",
        "0.75",
        "0.95",
    ]
    assert sum(face["histogram"]) == 3 and face["histogram"][17] == 1  # 0.85 to 0.9
    assert face["mean_by"] == {
        "audio": {"with": {"n": 3, "mean": pytest.approx(0.49)}, "without": {"n": 2, "mean": 1.0}}
    }
    assert (
        found["audio"]["mean"] == pytest.approx(0.51) and found["audio"]["histogram"][2] == 1
    )  # 0.1 to 0.15
    assert found["audio"]["mean_by"]["audio"]["without"] == {"n": 2, "mean": 0.0}
    whole = gates(windows, ["face", "audio"], {"face": list("abc"), "audio": list("abc")})
    assert whole["face"]["n"] == 5 and whole["face"]["mean_by"] == {}
    alone = gates(weighed([0.3], "a"), ["face", "audio"], {"face": ["a"], "audio": ["a"]})
    assert alone["face"]["sd"] is None
    assert gates(windows[["recording"]], ["face", "audio"], {"face": [], "audio": []}) is None
