"""What can be said of a class without a network.

`majority` calls everybody the commonest class of the training sessions; `prevalence` gives the shares of the
classes among them as probabilities; `identity` gives the shares among a person's own training sessions, and
the prevalence for a stranger. `LOGISTIC` are fitted by `stan_lightning.classification.logistic`.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from stan_lightning.evaluation.baselines import OPTIONAL, RIDGES, TrainingSessions
from stan_lightning.training.class_metrics import Floats

LOOKED_UP = ("majority", "prevalence", "identity")
LOGISTIC = RIDGES
BASELINES = LOOKED_UP + LOGISTIC
MAY_LACK = OPTIONAL


def looked_up(training: TrainingSessions, subjects: Sequence[str], n_classes: int) -> dict[str, Floats]:
    """Probabilities ``(N, C)`` of each of `LOOKED_UP`, a row a subject asked for."""
    labels = np.array([int(label) for _, _, label in training.sessions])
    share = np.bincount(labels, minlength=n_classes) / len(labels)
    own: dict[str, list[int]] = {}
    for subject, _, label in training.sessions:
        own.setdefault(subject, []).append(int(label))
    known = {who: np.bincount(one, minlength=n_classes) / len(one) for who, one in own.items()}
    majority = np.eye(n_classes)[share.argmax()]
    return {
        "majority": np.tile(majority, (len(subjects), 1)),
        "prevalence": np.tile(share, (len(subjects), 1)),
        "identity": np.array([known.get(one, share) for one in subjects]).reshape(-1, n_classes),
    }


def column(baseline: str, name: str) -> str:
    """Of a baseline's probability of a class, in baselines.csv."""
    return f"{baseline}_{name}"


def said(table: pd.DataFrame, baseline: str, classes: Sequence[str]) -> Floats | None:
    """A baseline's probabilities ``(N, C)``; None where it is not there for all."""
    columns = [column(baseline, name) for name in classes]
    if not set(columns) <= set(table.columns) or table[columns].isna().any(axis=None):
        return None
    return table[columns].to_numpy(float)
