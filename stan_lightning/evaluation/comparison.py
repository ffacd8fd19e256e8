"""Any two that scored the same recordings, compared: runs, ensembles of runs, and the simple baselines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from stan_lightning.evaluation.baselines import RIDGES
from stan_lightning.evaluation.intervals import Metric
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


def paired(one: Contender, other: Contender) -> tuple[int, Metric] | None:
    """MAE of one less that of the other on the recordings that both scored, paired by person.

    Returns:
        Number of recordings and the difference; None where they share none, or where what is called alike
        shows other people or has another label.
    """
    both = one.scored.merge(other.scored, on="recording", suffixes=("", "_other"))
    if both.empty or (both["label"] != both["label_other"]).any():
        return None
    if (both["subject"].astype(str) != both["subject_other"].astype(str)).any():
        return None
    return len(both), mae_difference(
        both["label"],
        both["prediction"],
        both["prediction_other"],
        both["subject"],
    )


def matrix(found: Sequence[Contender], *, intervals: bool) -> list[list[str]]:
    """Cells of row less column; `*` marks a difference whose 95 % interval leaves 0 out.

    Args:
        found: Who is compared, at least one.
        intervals: Whether a cell holds them, and the number of recordings where that is not the row's.
    """
    cells = [["" for _ in found] for _ in found]
    for row, one in enumerate(found):
        for column in range(row):
            pair = paired(one, found[column])
            cells[row][column] = _cell(pair, len(one.scored), intervals)
            cells[column][row] = _cell(_turned(pair), len(found[column].scored), intervals)
    return cells


def _turned(pair: tuple[int, Metric] | None) -> tuple[int, Metric] | None:
    if pair is None:
        return None
    n, metric = pair
    turned = {"value": metric["value"], "low": metric["high"], "high": metric["low"]}
    return n, {name: None if value is None else -value for name, value in turned.items()}


def _cell(pair: tuple[int, Metric] | None, n_row: int, intervals: bool) -> str:
    if pair is None:
        return APART if intervals else "-"
    n, metric = pair
    low, high = metric["low"], metric["high"]
    star = "*" if low is not None and high is not None and (low > 0 or high < 0) else ""
    if not intervals:
        return shown({**metric, "low": None}, 1) + star
    text = shown(metric).replace(" [", f"{star} [")
    return text if n == n_row else f"{text} {n} recordings"
