"""Whether scores follow a person's own changes, which a memory of faces cannot, and how far tasks agree."""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stan_lightning.evaluation.intervals import (
    COEFFICIENT,
    CORRELATION,
    RATE,
    ROOT_MEAN_SQUARE,
    Floats,
    Metric,
    jackknifed,
)

CHANGED = 5.0
"""Points by which two sessions' labels differ where a change of sign means something."""
_EVEN = replace(RATE, fewest=20, uneven=False)
DETECTABLE = 1.96 * 2**0.5
"""Of the standard error of measurement: the least change between two sessions that is not noise (95 %)."""


def change(sessions: pd.DataFrame) -> dict[str, Metric | int]:
    """Over people with sessions of different labels.

    Args:
        sessions: Columns subject, label, prediction; one row a session, all labelled.

    Returns:
        `people`; `slope` of predicted on labelled deviations from each person's mean (1: changes are seen as
        large as they are, 0: not at all); and `agreement`, the share of pairs of a person's sessions whose
        labels differ by `CHANGED` or more in which the predictions differ in the same direction.
    """
    varied = sessions.groupby("subject")["label"].transform("nunique") > 1
    table = sessions[varied]
    people = table["subject"].to_numpy(str)
    own = table.groupby("subject")
    moved = (table["label"] - own["label"].transform("mean")).to_numpy(float)
    said = (table["prediction"] - own["prediction"].transform("mean")).to_numpy(float)

    def slope(kept: NDArray[np.bool_]) -> dict[str, float]:
        spread = float(moved[kept] @ moved[kept])
        return {"slope": float(moved[kept] @ said[kept]) / spread if spread else np.nan}

    of, agree = pairs(table)

    def agreement(kept: NDArray[np.bool_]) -> dict[str, float]:
        return {"agreement": float(agree[kept].mean()) if kept.any() else np.nan}

    return {
        "people": len(set(people)),
        "slope": jackknifed(slope, people, {"slope": COEFFICIENT})["slope"],
        "agreement": jackknifed(agreement, of, {"agreement": _EVEN})["agreement"],
    }


def pairs(sessions: pd.DataFrame) -> tuple[NDArray[np.str_], Floats]:
    """Of each pair of a person's sessions whose labels differ by `CHANGED`: the person, and agreement."""
    of, agree = [], []
    for person, own in sessions.groupby("subject"):
        label, said = own["label"].to_numpy(float), own["prediction"].to_numpy(float)
        first, second = np.triu_indices(len(own), 1)
        apart = label[first] - label[second]
        wide = np.abs(apart) >= CHANGED
        of += [str(person)] * int(wide.sum())
        agree += (apart[wide] * (said[first] - said[second])[wide] > 0).astype(float).tolist()
    return np.array(of, str), np.array(agree, np.float64)


def reliability(videos: pd.DataFrame) -> dict[str, Metric | int] | None:
    """How far the tasks of one session agree, whatever the label; high agreement alone shows no validity.

    Args:
        videos: Columns subject, session, task, label, prediction; all labelled.

    Returns:
        `n` sessions, `people`, `icc` (ICC(A,1) of McGraw and Wong 1996), `sem` (standard error of measurement
        in points, tasks' mean difference included) and `detectable` (the smallest detectable change,
        1.96 sqrt(2) `sem`). None where fewer than two sessions have all of two or more tasks.
    """
    table = videos.pivot_table(index=["subject", "session"], columns="task", values="prediction")
    table = table.dropna()
    if table.shape[1] < 2 or len(table) < 2:
        return None
    scores = table.to_numpy(float)
    people = table.index.get_level_values(0).to_numpy(str)

    def estimates(kept: NDArray[np.bool_]) -> dict[str, float]:
        return agreement_of(scores[kept])

    found = jackknifed(estimates, people, {"icc": CORRELATION, "sem": ROOT_MEAN_SQUARE})
    detectable = {name: value and DETECTABLE * value for name, value in found["sem"].items()}
    return {"n": len(scores), "people": len(set(people)), **found, "detectable": detectable}


def agreement_of(scores: Floats) -> dict[str, float]:
    """`icc` and `sem` of (N, K) scores, N sessions by K tasks; NaN where all scores are alike."""
    n, k = scores.shape
    if n < 2:
        return {"icc": np.nan, "sem": np.nan}
    rows, columns = scores.mean(1, keepdims=True), scores.mean(0, keepdims=True)
    ms_rows = k * float(((rows - scores.mean()) ** 2).sum()) / (n - 1)
    ms_columns = n * float(((columns - scores.mean()) ** 2).sum()) / (k - 1)
    ms_error = float(((scores - rows - columns + scores.mean()) ** 2).sum()) / ((n - 1) * (k - 1))
    whole = ms_rows + (k - 1) * ms_error + k * (ms_columns - ms_error) / n
    return {
        "icc": (ms_rows - ms_error) / whole if whole > 1e-12 else np.nan,
        "sem": float(np.sqrt(max(ms_columns - ms_error, 0.0) / n + ms_error)),
    }
