"""Contribution of each modality to a network that reads several: with some hidden, and with another person's.

A modality that the network needs costs it points when it is hidden. One that it needs for what it says of
the score, and not only for being there, costs it points when it comes from somebody else. A gate says how a
network weighs a modality, not its contribution.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stan_lightning.evaluation.statistics import mae_difference

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
GATE_BINS = 20
Score = Callable[..., pd.DataFrame]
"""Predictions (`tables.PREDICTIONS`), given `hidden` or `swapped` as `scoring.score_windows` takes them."""


def contributions(
    modalities: Sequence[str],
    subjects: Sequence[str],
    score: Score,
    describe: Callable[[pd.DataFrame], dict[str, Any]],
    *,
    seed: int,
) -> list[dict[str, Any]]:
    """One row for the whole, each subset of modalities, and each modality taken from another person.

    Args:
        modalities: Of the network.
        subjects: Whom each recording shows, all of which have all modalities.
        score: Scores them all.
        describe: Metrics of predictions.
        seed: Of who gets whose.

    Returns:
        `name`, the metrics, and `mae_difference`: this row's MAE minus that of the whole, paired.
    """
    whole = score()
    rows = [{"name": " + ".join(modalities)} | describe(whole)]

    def add(name: str, table: pd.DataFrame) -> None:
        difference = mae_difference(
            table["label"], table["prediction"], whole["prediction"], table["subject"]
        )
        rows.append({"name": name} | describe(table) | {"mae_difference": difference})

    for size in range(1, len(modalities)):
        for kept in combinations(modalities, size):
            add(" + ".join(kept) + " alone", score(hidden=[one for one in modalities if one not in kept]))
    if len(set(subjects)) > 1:
        lenders = derangement(subjects, seed)
        for one in modalities:
            add(f"another person's {one}", score(swapped={one: lenders}))
    return rows


def gate_column(modality: str) -> str:
    """The column of scored windows that holds a modality's gate."""
    return f"gate_{modality}"


def gates(
    windows: pd.DataFrame, modalities: Sequence[str], present: Mapping[str, Collection[str]]
) -> dict[str, Any] | None:
    """How a network that weighs its modalities weighed them.

    Args:
        windows: As `scoring.score_windows` returns them.
        modalities: Of the network.
        present: By modality the recordings that have it.

    Returns:
        By modality `n`, `mean`, `sd`, `quantiles` and `histogram` (counts in equal bins from 0 to 1) over the
        windows that have all modalities, of which there are some; and `mean_by`: for each modality that some
        recordings lack, `n` and `mean` over the windows `with` and `without` it. None where the network has
        no gates.
    """
    if gate_column(modalities[0]) not in windows:
        return None
    has = {one: windows["recording"].isin(list(present[one])) for one in modalities}
    whole = np.logical_and.reduce(list(has.values()))
    found = {}
    for one in modalities:
        values = windows[gate_column(one)]
        parts = {
            other: {"with": _mean(values[has[other]]), "without": _mean(values[~has[other]])}
            for other in modalities
            if not has[other].all()
        }
        found[one] = _distribution(values[whole].to_numpy()) | {"mean_by": parts}
    return found


def _mean(values: pd.Series) -> dict[str, Any]:
    return {"n": len(values), "mean": float(values.mean()) if len(values) else None}


def _distribution(values: NDArray[np.float64]) -> dict[str, Any]:
    """Numbers of at least one value in 0..1; `sd` is the sample's, None for one."""
    return {
        "n": len(values),
        "mean": float(values.mean()),
        "sd": float(values.std(ddof=1)) if len(values) > 1 else None,
        "quantiles": {f"{share:g}": float(np.quantile(values, share)) for share in QUANTILES},
        "histogram": np.histogram(values, GATE_BINS, (0, 1))[0].tolist(),
    }


def derangement(subjects: Sequence[str], seed: int) -> list[int]:
    """For each recording one of another subject: each subject gets a next one's, in an order of chance."""
    random = np.random.default_rng(seed)
    people = np.array(subjects).astype(str)
    order = random.permutation(np.unique(people))
    follows = dict(zip(order, np.roll(order, -1), strict=True))
    return [int(random.choice(np.flatnonzero(people == follows[own]))) for own in people]
