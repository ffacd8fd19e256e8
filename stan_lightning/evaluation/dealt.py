"""A model's own predictions swapped between people: one that does no better does not distinguish people."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stan_lightning.evaluation.intervals import FEWEST_PEOPLE, Floats

DEALS = 1999


def dealt_to_others(
    label: ArrayLike, prediction: ArrayLike, subject: ArrayLike, *, seed: int = 0, deals: int = DEALS
) -> dict[str, float | None]:
    """A permutation test over people of the mean absolute error.

    Each person's labels meet all predictions of one person, their own or another's, so that people with
    different numbers of videos can change places.

    Args:
        label: (N,) true scores in points, none missing.
        prediction: (N,) predicted scores in points.
        subject: (N,) whom each sample shows.
        seed: Fixes the permutations.
        deals: How many.

    Returns:
        `mae`, the mean error with another person's predictions; and `p`, in what share of permutations the
        error is as small as with one's own (one-sided, counting the people as they are), None below
        `FEWEST_PEOPLE`. Both None where there is one person alone.
    """
    truth, said = np.asarray(label, np.float64), np.asarray(prediction, np.float64)

    def apart(whose: NDArray[np.bool_]) -> Floats:
        found: Floats = np.abs(truth[:, None] - said[whose]).mean(axis=1)
        return found

    mae, p = dealt(apart, subject, seed=seed, deals=deals)
    return {"mae": mae, "p": p}


def dealt(
    apart: Callable[[NDArray[np.bool_]], Floats], subject: ArrayLike, *, seed: int = 0, deals: int = DEALS
) -> tuple[float | None, float | None]:
    """The same test of any error.

    Args:
        apart: Of each sample's label (N,) the mean error with the predictions that a mask (N,) keeps.
        subject: (N,) whom each sample shows.
        seed: Fixes the permutations.
        deals: How many.

    Returns:
        The mean error with another person's predictions, and p, as `dealt_to_others` has them.
    """
    _, codes = np.unique(np.asarray(subject).astype(str), return_inverse=True)
    people = int(codes.max()) + 1 if len(codes) else 0
    if people < 2:
        return None, None
    error: Floats = np.zeros((people, people))  # of whose labels, with whose predictions
    for giver in range(people):
        error[:, giver] = np.bincount(codes, apart(codes == giver), people)
    own = np.trace(error)
    others = float((error.sum() - own) / (people - 1) / len(codes))
    if people < FEWEST_PEOPLE:
        return others, None
    random = np.random.default_rng(seed)
    order = random.permuted(np.tile(np.arange(people), (deals, 1)), axis=1)
    found = error[np.arange(people), order].sum(axis=1)
    return others, float((1 + (found <= own * (1 + 1e-12)).sum()) / (deals + 1))
