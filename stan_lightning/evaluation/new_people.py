"""How often the interval for a new person held the labels of the new people who were evaluated."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from stan_lightning.data.scale import SeverityScale
from stan_lightning.evaluation.intervals import RATE, UNDEFINED, Metric
from stan_lightning.evaluation.statistics import mean_with_interval
from stan_lightning.training.conformal import LEVEL, Conformal


def coverage(new: pd.DataFrame, conformal: Conformal | None, scale: SeverityScale) -> dict[str, Any] | None:
    """Coverage of the conformal interval, each person weighted equally.

    Args:
        new: Videos of people whom neither training nor development held; columns subject, label, prediction.
        conformal: What the network's development told.
        scale: What scores are on.

    Returns:
        `nominal`, `half_width` in points (None: infinite), `calibrated_on` (people), `held` (n, people, and
        the share of labels within, with its interval), and the same `by_band` (None on a scale without, and
        where the interval is infinite). None where there is no interval, or nobody new.
    """
    if conformal is None or new.empty:
        return None
    found: dict[str, Any] = {
        "nominal": LEVEL,
        "half_width": conformal.half_width,
        "calibrated_on": conformal.people,
    }
    if conformal.half_width is None:
        return found | {"held": None, "by_band": None}
    within = (new["label"] - new["prediction"]).abs() <= conformal.half_width
    table = new.assign(within=within.astype(float))
    found["held"] = _held(table)
    number = scale.band(table["label"])
    bands = {name: _held(table[number == at]) for at, name in enumerate(scale.band_names)}
    found["by_band"] = bands or None
    return found


def _held(table: pd.DataFrame) -> Mapping[str, Any]:
    """Of people's own shares the mean."""
    of_person = table.groupby(table["subject"].astype(str))["within"].mean()
    share: Metric = dict(UNDEFINED)
    if len(of_person):
        share = mean_with_interval(of_person, np.asarray(of_person.index, str), RATE)
    return {"n": len(table), "people": len(of_person), "share": share}
