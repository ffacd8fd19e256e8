"""Do the network's features tell people apart? The direct evidence of leakage.

A network that has learnt severity alone would place two sessions of one person as far apart as their
scores; one that has learnt faces finds the person again.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stan_lightning.evaluation.intervals import RATE
from stan_lightning.evaluation.statistics import mean_with_interval


def audit(features: NDArray[np.float64], subject: pd.Series, session: pd.Series) -> dict[str, Any] | None:
    """Nearest-centroid recognition of subjects across sessions.

    Each session of a subject who has others is held out; every subject's centroid is the mean of their
    remaining sessions, each the mean of its recordings. Each feature is in units of its standard deviation.

    Args:
        features: (N, D) one row a recording.
        subject: (N,) whom each recording shows.
        session: (N,) its session; names need only be unique within a subject.

    Returns:
        `accuracy` with its interval, `chance` (one in `n_candidates` subjects), `n_sessions` held out and
        `n_subjects` whose they are; None where no subject has two sessions or nobody else is there.
    """
    table = pd.DataFrame(features).groupby([subject.to_numpy(), session.to_numpy()]).mean()
    people = table.index.get_level_values(0).to_numpy()
    points = table.to_numpy()
    points = (points - points.mean(axis=0)) / np.maximum(points.std(axis=0), 1e-12)
    names, codes, counts = np.unique(people, return_inverse=True, return_counts=True)
    held_out = np.flatnonzero(counts[codes] > 1)
    if len(names) < 2 or not len(held_out):
        return None
    sums = np.zeros((len(names), points.shape[1]))
    np.add.at(sums, codes, points)
    correct = np.array([_nearest(points[row], sums, counts, codes[row]) == codes[row] for row in held_out])
    return {
        "accuracy": mean_with_interval(correct.astype(float), codes[held_out], RATE),
        "chance": 1 / len(names),
        "n_candidates": len(names),
        "n_sessions": len(held_out),
        "n_subjects": len(np.unique(codes[held_out])),
    }


def _nearest(
    point: NDArray[np.float64], sums: NDArray[np.float64], counts: NDArray[np.intp], own: int
) -> int:
    """The subject whose centroid is nearest once `point` is taken out of its own subject's."""
    sums, sizes = sums.copy(), counts.astype(float)
    sums[own] -= point
    sizes[own] -= 1
    return int(np.argmin(((sums / sizes[:, None] - point) ** 2).sum(axis=1)))
