"""Any two that scored the same recordings, compared: runs, ensembles of runs, and the simple baselines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtr

from stan_lightning.evaluation.baselines import RIDGES
from stan_lightning.evaluation.intervals import LEVEL, Metric, student
from stan_lightning.evaluation.runs import Run
from stan_lightning.evaluation.statistics import mae_difference
from stan_lightning.evaluation.verdict import ROWS, shown

APART = "other recordings"


@dataclass(frozen=True)
class Contender:
    """Whoever scored recordings.

    Attributes:
        name: What it is called.
        video: Its metrics at video level.
        scored: Labelled recordings: recording, subject, label, prediction.
    """

    name: str
    video: Mapping[str, Any]
    scored: pd.DataFrame


def contenders(runs: Sequence[Run]) -> list[Contender]:
    """The runs in their order, then each ridge once, or once for each training set where they differ."""
    found = []
    ridges: dict[Any, list[tuple[str, Contender]]] = {}
    for run in runs:
        columns = ["recording", "subject", "label", "prediction"]
        scored = run.evaluation.predictions[columns].dropna(subset=["label"])
        found.append(Contender(run.name, run.evaluation.metrics["video"], scored))
        table, numbers = run.evaluation.baselines, run.evaluation.metrics["baselines"] or {}
        for name in RIDGES:
            if table is None or not numbers.get(name):
                continue
            said = scored["recording"].map(table.set_index("recording")[name])
            own = Contender(ROWS[name], numbers[name], scored.assign(prediction=said))
            same = (name, *zip(scored["recording"], said.round(6), strict=True))
            ridges.setdefault(same, []).append((run.name, own))
    names = [key[0] for key in ridges]
    for key, owners in sorted(ridges.items(), key=lambda item: RIDGES.index(item[0][0])):
        run_name, own = owners[0]
        many = names.count(key[0]) > 1
        found.append(Contender(f"{own.name} ({run_name})" if many else own.name, own.video, own.scored))
    return found


@dataclass(frozen=True)
class Pair:
    """Two that are compared: on how many recordings of how many people, and the paired difference."""

    n: int
    people: int
    difference: Metric

    @property
    def p(self) -> float | None:
        """Two-sided, None where there is no interval."""
        return p_value(self.difference, self.people)

    def turned(self) -> "Pair":
        """The other less the one."""
        found = self.difference
        ends = {"value": found["value"], "low": found["high"], "high": found["low"]}
        return replace(self, difference={name: None if end is None else -end for name, end in ends.items()})


def p_value(difference: Metric, people: int) -> float | None:
    """Two-sided p of a difference with its interval over people; None where it has none."""
    value, low, high = difference["value"], difference["low"], difference["high"]
    if value is None or low is None or high is None:
        return None
    if low == high:
        return float(value == 0)
    error = (high - low) / 2 / student((1 + LEVEL) / 2, people - 1)
    return float(2 * stdtr(people - 1, -abs(value) / error))


def holm(found: Sequence[float]) -> list[float]:
    """Each p with Holm's correction for all of them."""
    order = np.argsort(found, kind="stable")
    corrected = np.empty(len(found))
    factors = np.arange(len(found), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(np.asarray(found)[order] * factors), 1)
    return [float(one) for one in corrected]


def better_than_the_median(runs: Sequence[Run]) -> str:
    """How many runs are, corrected for their number; the best of many is picked after seeing its score."""
    numbers = [run.evaluation.metrics for run in runs]
    compared = [
        (run.name, one["video"], one["baselines"]["train_median"]["mae_difference"])
        for run, one in zip(runs, numbers, strict=True)
        if one["baselines"]
    ]
    known = [
        (name, video["mae"]["value"], difference["high"], p)
        for name, video, difference in compared
        if (p := p_value(difference, video["people"])) is not None
    ]
    corrected = holm([p for *_, p in known])
    beaten = sum(high < 0 and p <= 1 - LEVEL for (_, _, high, _), p in zip(known, corrected, strict=True))
    said = f"{beaten} of {len(runs)} runs are better than predicting the training median (Holm's correction)"
    if not known:
        return said
    best = min(range(len(known)), key=lambda number: known[number][1])
    return (
        f"{said}; the lowest MAE of several, here {known[best][0]}'s, flatters by having been picked: "
        f"p {corrected[best]:.2g} against the median, corrected"
    )


def paired(one: Contender, other: Contender) -> Pair | None:
    """MAE of one less that of the other on the recordings that both scored, paired by person.

    Returns:
        None where they share none, or where what is called alike shows other people or has another label.
    """
    both = one.scored.merge(other.scored, on="recording", suffixes=("", "_other"))
    if both.empty or (both["label"] != both["label_other"]).any():
        return None
    if (both["subject"].astype(str) != both["subject_other"].astype(str)).any():
        return None
    difference = mae_difference(both["label"], both["prediction"], both["prediction_other"], both["subject"])
    return Pair(len(both), both["subject"].nunique(), difference)


def matrix(found: Sequence[Contender], *, intervals: bool) -> list[list[str]]:
    """Cells of row less column; `*` marks a difference that Holm's correction for all pairs leaves standing.

    Args:
        found: Who is compared, at least one.
        intervals: Whether a cell holds them, and the number of recordings where that is not the row's.
    """
    pairs = {
        (row, column): paired(one, found[column]) for row, one in enumerate(found) for column in range(row)
    }
    known = {place: pair.p for place, pair in pairs.items() if pair and pair.p is not None}
    corrected = dict(zip(known, holm([p for p in known.values() if p is not None]), strict=True))
    cells = [["" for _ in found] for _ in found]
    for (row, column), pair in pairs.items():
        star = "*" if corrected.get((row, column), 1.0) <= 1 - LEVEL else ""
        cells[row][column] = _cell(pair, len(found[row].scored), star, intervals)
        cells[column][row] = _cell(pair and pair.turned(), len(found[column].scored), star, intervals)
    return cells


def _cell(pair: Pair | None, n_row: int, star: str, intervals: bool) -> str:
    if pair is None:
        return APART if intervals else "-"
    if not intervals:
        return shown({**pair.difference, "low": None}, 1) + star
    value, bracket, rest = shown(pair.difference).partition(" [")
    text = value + star + bracket + rest
    return text if pair.n == n_row else f"{text} {pair.n} recordings"
