"""Whether probabilities mean what they say: the share of recordings of a class among those told so likely."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from stan_lightning.classification.metrics import Told

BINS = 10


def reliability(told: Told, classes: Sequence[str], positive: int) -> dict[str, list[dict[str, Any]]]:
    """Of each class (of two, of the positive one) the bins of equal width that hold recordings.

    Returns:
        By class its bins: `n` recordings, `people`, their mean `probability`, and the `share` that has it.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for one in [positive] if len(classes) == 2 else range(len(classes)):
        chance = told.probabilities[:, one]
        where = np.minimum((chance * BINS).astype(int), BINS - 1)
        rows = []
        for number in np.unique(where):
            kept = where == number
            row: dict[str, Any] = {"n": int(kept.sum()), "people": len(set(told.subject[kept]))}
            row["probability"] = float(chance[kept].mean())
            rows.append(row | {"share": float((told.truth[kept] == one).mean())})
        found[classes[one]] = rows
    return found
