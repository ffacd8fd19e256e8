"""How well a score at a scale's cut-off finds those who are above it, session by session."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from stan_lightning.evaluation.intervals import CHANCE, RATE, Floats, Metric, jackknifed

FEWEST_A_SIDE = 5
"""People above and below the cut-off, below whom there is no interval; nor is there one below 40 people."""
_EVEN = replace(RATE, fewest=40, uneven=False)
SCALES = {"auc": CHANCE, "sensitivity": _EVEN, "specificity": _EVEN, "uar": _EVEN, "macro_f1": _EVEN}


def screening(sessions: pd.DataFrame, cutoffs: Sequence[float]) -> dict[str, dict[str, Metric | int]]:
    """At each cut-off: `n_above` and `people_above` of the labels, and each of `SCALES`.

    Args:
        sessions: Columns label, prediction, subject; one row a session, all labelled.
        cutoffs: In points; whoever has as many is above.
    """
    label, said = sessions["label"].to_numpy(float), sessions["prediction"].to_numpy(float)
    people = sessions["subject"].to_numpy(str)
    found: dict[str, dict[str, Metric | int]] = {}
    for cutoff in cutoffs:
        above = label >= cutoff

        def estimates(kept: NDArray[np.bool_], cutoff: float = cutoff) -> dict[str, float]:
            return rates(label[kept], said[kept], cutoff)

        metrics = jackknifed(estimates, people, SCALES)
        sides = [len(set(people[above])), len(set(people[~above]))]
        if min(sides) < FEWEST_A_SIDE:
            metrics = {
                name: {"value": one["value"], "low": None, "high": None} for name, one in metrics.items()
            }
        found[f"{cutoff:g}"] = {"n_above": int(above.sum()), "people_above": sides[0], **metrics}
    return found


def rates(label: Floats, said: Floats, cutoff: float) -> dict[str, float]:
    """Those of `SCALES` without intervals, NaN where nobody is on one side.

    The area under the curve is the share of pairs, one above and one below the cut-off, whose predictions
    stand in the right order; ties count half. `uar`, the unweighted average recall, is also called balanced
    accuracy; `macro_f1` is the mean of the F1 of those above and of those below.
    """
    above, called = label >= cutoff, said >= cutoff
    n_above, n_below = int(above.sum()), int((~above).sum())
    if not n_above or not n_below:
        return dict.fromkeys(SCALES, np.nan)
    ranks = rankdata(said)
    auc = (ranks[above].sum() - n_above * (n_above + 1) / 2) / (n_above * n_below)
    sensitivity, specificity = float(called[above].mean()), float((~called[~above]).mean())
    missed, false = int((above & ~called).sum()), int((~above & called).sum())
    both = [2 * right / (2 * right + missed + false) for right in (n_above - missed, n_below - false)]
    return {
        "auc": float(auc),
        "sensitivity": sensitivity,
        "specificity": specificity,
        "uar": (sensitivity + specificity) / 2,
        "macro_f1": sum(both) / 2,
    }
