"""Between which scores a new person's label lies, beside each score."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from stan_lightning.training.conformal import Conformal


def with_bounds(
    predictions: pd.DataFrame, conformal: Conformal | None, score_range: Sequence[float]
) -> pd.DataFrame:
    """Predictions with `low_90` and `high_90` after the score, in points.

    Args:
        predictions: With a column prediction.
        conformal: What the network's development told of new people.
        score_range: Lowest and highest score, within which the bounds lie.

    Returns:
        Both columns are NaN where nothing is known, or the interval is infinite.
    """
    scores = predictions["prediction"]
    known = [None if conformal is None else conformal.bounds(one, score_range) for one in scores]
    ends = np.array([one or (np.nan, np.nan) for one in known], float).reshape(-1, 2)
    table = predictions.copy()
    place = list(table.columns).index("prediction") + 1
    for number, name in enumerate(("low_90", "high_90")):
        table.insert(place + number, name, ends[:, number])
    return table
