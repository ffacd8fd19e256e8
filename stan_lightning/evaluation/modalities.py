"""What each modality is worth to a network that reads several: with some hidden, and with another person's.

A modality that the network needs costs it points when it is hidden. One that it needs for what it says of
the score, and not only for being there, costs it points when it comes from somebody else.
"""

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from stan_lightning.evaluation.statistics import mae_difference

Score = Callable[..., pd.DataFrame]
"""Predictions (`tables.PREDICTIONS`), given `hidden` or `swapped` as `scoring.score_windows` takes them."""


def worth(
    modalities: Sequence[str],
    subjects: Sequence[str],
    score: Score,
    describe: Callable[[pd.DataFrame], dict[str, Any]],
    *,
    resamples: int,
    seed: int,
) -> list[dict[str, Any]]:
    """One row for the whole, each subset of modalities, and each modality taken from another person.

    Args:
        modalities: Of the network.
        subjects: Whom each recording shows, all of which have all modalities.
        score: Scores them all.
        describe: Metrics of predictions.
        resamples: Of the bootstrap.
        seed: Of the bootstrap, and of who gets whose.

    Returns:
        `name`, the metrics, and `mae_difference`: this row's MAE minus that of the whole, paired.
    """
    whole = score()
    rows = [{"name": " + ".join(modalities)} | describe(whole)]

    def add(name: str, table: pd.DataFrame) -> None:
        difference = mae_difference(
            table["label"],
            table["prediction"],
            whole["prediction"],
            table["subject"],
            resamples=resamples,
            seed=seed,
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


def derangement(subjects: Sequence[str], seed: int) -> list[int]:
    """For each recording one of another subject: each subject gets a next one's, in an order of chance."""
    random = np.random.default_rng(seed)
    people = np.array(subjects).astype(str)
    order = random.permutation(np.unique(people))
    follows = dict(zip(order, np.roll(order, -1), strict=True))
    return [int(random.choice(np.flatnonzero(people == follows[own]))) for own in people]
