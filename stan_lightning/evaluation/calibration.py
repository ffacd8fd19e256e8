"""Whether scores mean what they say: calibration, and gaps between groups at the same severity."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stan_lightning.evaluation.intervals import (
    COEFFICIENT,
    DIFFERENCE,
    POSITIVE_SLOPE,
    SLOPE,
    Floats,
    Metric,
    jackknifed,
)

SCALES = {"slope": SLOPE, "positive_slope": POSITIVE_SLOPE, "mean_error": DIFFERENCE}


def calibration(videos: pd.DataFrame) -> dict[str, Metric]:
    """Of labels on predictions: `slope` and `intercept` (1 and 0 are right), and `mean_error`, in points.

    The slope's interval is made on the logarithm where it lies above 0 on the scale itself, since the larger
    a slope the less certain it is. The intercept has none.

    Args:
        videos: Columns label, prediction, subject; all labelled.
    """
    label, said = videos["label"].to_numpy(float), videos["prediction"].to_numpy(float)

    def estimates(kept: NDArray[np.bool_]) -> dict[str, float]:
        found = line(label[kept], said[kept])
        return found | {"positive_slope": found["slope"] if found["slope"] > 0 else np.nan}

    found = jackknifed(estimates, videos["subject"].to_numpy(str), SCALES)
    slope, positive = found["slope"], found["positive_slope"]
    if slope["low"] is not None and slope["low"] > 0 and positive["low"] is not None:
        slope = positive
    value = line(label, said)["intercept"]
    intercept: Metric = {"value": None if np.isnan(value) else value, "low": None, "high": None}
    return {"slope": slope, "intercept": intercept, "mean_error": found["mean_error"]}


def line(label: Floats, said: Floats) -> dict[str, float]:
    """The three without intervals; slope and intercept are NaN where all predictions or labels are alike."""
    if not len(label):
        return dict.fromkeys(("slope", "intercept", "mean_error"), np.nan)
    apart = said - said.mean()
    spread = float(apart @ apart)
    varied = spread > 1e-9 * len(said) and np.ptp(label) > 0
    slope = float(apart @ label) / spread if varied else np.nan
    return {
        "slope": slope,
        "intercept": float(label.mean() - slope * said.mean()),
        "mean_error": float((said - label).mean()),
    }


def group_gaps(videos: pd.DataFrame, names: Sequence[str]) -> dict[str, Metric]:
    """Of each group, how much higher it is scored than everybody else at the same label, in points.

    The coefficient of the group in a regression of predictions on label and group.

    Args:
        videos: Columns label, prediction, subject, group; all labelled.
        names: Of the groups; nothing is told of one alone.
    """
    if len(names) < 2:
        return {}
    known = videos[videos["group"].isin(list(names))]
    label, said = known["label"].to_numpy(float), known["prediction"].to_numpy(float)
    people = known["subject"].to_numpy(str)
    found = {}
    for name in names:
        own = (known["group"] == name).to_numpy(np.float64)

        def estimates(kept: NDArray[np.bool_], own: NDArray[Any] = own) -> dict[str, float]:
            return {"gap": coefficient(said[kept], [own[kept], label[kept]])}

        found[name] = jackknifed(estimates, people, {"gap": COEFFICIENT})["gap"]
    return found


def coefficient(said: Floats, terms: Sequence[Floats]) -> float:
    """Of the first of some terms in a linear regression on them; NaN where others determine it."""
    if len(said) <= len(terms):
        return float("nan")
    rest = np.column_stack([np.ones_like(said), *terms[1:]])
    first = terms[0] - rest @ np.linalg.lstsq(rest, terms[0], rcond=None)[0]
    spread = float(first @ first)
    return float(first @ said) / spread if spread > 1e-9 * len(said) else float("nan")
