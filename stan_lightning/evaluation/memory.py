"""How much of a score on people whom training has seen is severity, and how much is knowing the person."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stan_lightning.evaluation.calibration import coefficient
from stan_lightning.evaluation.intervals import COEFFICIENT, Floats, Metric, jackknifed

SCALES = dict.fromkeys(("severity", "memory"), COEFFICIENT)


def memory_weight(seen: pd.DataFrame) -> dict[str, Metric | int]:
    """Weights of a regression of predictions on the label and on the person's mean label in training.

    Args:
        seen: Videos of people trained on; columns label, prediction, subject and identity, the look-up.

    Returns:
        `people`, `severity` (1: scores follow the label, whoever it is) and `memory` (1: scores are what the
        person had in training), undefined where labels are those of training.
    """
    label, said, known = (seen[name].to_numpy(float) for name in ("label", "prediction", "identity"))
    people = seen["subject"].to_numpy(str)

    def estimates(kept: NDArray[np.bool_]) -> dict[str, float]:
        return weights(label[kept], said[kept], known[kept])

    return {"people": len(set(people)), **jackknifed(estimates, people, SCALES)}


def weights(label: Floats, said: Floats, known: Floats) -> dict[str, float]:
    """The two without intervals."""
    return {"severity": coefficient(said, [label, known]), "memory": coefficient(said, [known, label])}
