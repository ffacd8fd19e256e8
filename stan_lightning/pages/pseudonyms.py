"""Recordings by numbers in place of names: a page is handed on sooner than a table."""

from dataclasses import replace
from typing import Any

import pandas as pd

from stan_lightning.evaluation.results import Evaluation

NAMED = "This page names recordings: hand it on only where the corpus's agreement lets you hand on its names."
NUMBERED = "Recordings are numbered in the order of predictions.csv, which has their names."
_ELSEWHERE = "the reason stands in metrics.json"


def unnamed(found: Evaluation) -> Evaluation:
    """The same evaluation with ``recording 1``, ``recording 2``, ... for names; those without scores last."""
    missing = found.metrics["missing"]
    names = [*found.predictions["recording"].astype(str), *(str(row["recording"]) for row in missing)]
    known = {name: f"recording {number}" for number, name in enumerate(dict.fromkeys(names), start=1)}
    metrics = dict(found.metrics) | {"missing": [_row(row, known) for row in missing]}
    return replace(
        found,
        metrics=metrics,
        predictions=_renamed(found.predictions, known),
        windows=_renamed(found.windows, known),
    )


def _renamed(table: pd.DataFrame, known: dict[str, str]) -> pd.DataFrame:
    return table.assign(recording=table["recording"].astype(str).map(lambda name: known.get(name, name)))


def _row(row: Any, known: dict[str, str]) -> dict[str, str]:
    reason = str(row["reason"])
    tells = any(part in reason for part in ("/", "\\", str(row["recording"])))
    return {"recording": known[str(row["recording"])], "reason": _ELSEWHERE if tells else reason}
