"""What a recipe is worth over trainings and people together: runs that differ by seed alone.

The variance of multi-reader multi-case studies (Obuchowski and Rockette 1995; Hillis 2007): readers are runs
and cases are people. Differs: Satterthwaite's degrees of freedom count people, too, as they are few here, and
the variance is never less than that over people alone. An interval over people alone says what one network is
worth, not what another training of the same recipe would give.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from stan_lightning.evaluation.intervals import DIFFERENCE, FEWEST_PEOPLE, LEVEL, Floats, Scale, student

SIZE = Scale(np.log, np.exp)


def over_runs(sample: ArrayLike, subject: ArrayLike, scale: Scale = DIFFERENCE) -> dict[str, Any]:
    """Mean over runs and people, and its interval.

    Args:
        sample: (R, N) an error, or a difference of errors, of each run on each video; at least two runs.
        subject: (N,) whom each video shows.
        scale: Of the mean.

    Returns:
        `value`, `low`, `high` (None below `FEWEST_PEOPLE`), `runs`, `people`, and `run_share`: the part of
        the variance of a single run's mean that comes from the run, None where there is no interval.
    """
    values = np.asarray(sample, np.float64)
    _, codes = np.unique(np.asarray(subject).astype(str), return_inverse=True)
    runs, people = len(values), int(codes.max()) + 1
    value = float(values.mean())
    found = {"value": value, "low": None, "high": None, "runs": runs, "people": people, "run_share": None}
    if people < FEWEST_PEOPLE:
        return found
    of_run, of_person, rest = _mean_squares(values, codes, people)
    if not of_run + of_person:
        return found
    by_people, by_runs = max(of_person, rest), max(of_run - rest, 0.0)
    both = by_people + by_runs
    freedom = both**2 / (by_people**2 / (people - 1) + by_runs**2 / (runs - 1))
    error = np.sqrt(both / (runs * people))
    step = 1e-6 * abs(value) or 1e-6
    slope = (scale.forth(np.asarray(value + step)) - scale.forth(np.asarray(value - step))) / (2 * step)
    reach = student((1 + LEVEL) / 2, freedom) * error * slope
    ends = [float(scale.back(scale.forth(np.asarray(value)) + way * reach)) for way in (-1, 1)]
    if np.isfinite(ends).all():
        found |= {"low": ends[0], "high": ends[1]}
    person = (
        max(of_person - rest, 0.0) / runs
    )  # variances of a person's part, and of a run's times the people
    found["run_share"] = float(by_runs / (by_runs + person + rest))
    return found


def _mean_squares(values: Floats, codes: np.ndarray[Any, Any], people: int) -> tuple[float, float, float]:
    """Of runs, of people and of what is left, of what each person adds to each run's mean."""
    videos = np.bincount(codes, minlength=people)
    sums = np.stack([np.bincount(codes, row, people) for row in values])
    means = values.mean(axis=1, keepdims=True)
    added = means + (sums - means * videos) * people / len(codes)
    runs = len(values)
    by_run, by_person = added.mean(axis=1, keepdims=True), added.mean(axis=0, keepdims=True)
    rest = ((added - by_run - by_person + added.mean()) ** 2).sum() / ((runs - 1) * (people - 1))
    of_run, of_person = people * by_run.var(ddof=1), runs * by_person.var(ddof=1)
    return float(of_run), float(of_person), float(rest)
