"""What replicates show: a mean difference with its interval, and one decision for each question.

A replicate is one dealing of partitions (and of `identity` labels) with one training of each network, so
that its variance holds both. Differences are paired within it. Replicates share a pool of people and films,
so that they are alike, and intervals are narrower than over new corpora.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from stan_lightning.evaluation.comparison import holm
from stan_lightning.evaluation.intervals import LEVEL, Metric, student

GAIN = 1.5
"""Points by which an error must at least be lower to count as a gain."""
SIGNIFICANT = 1 - LEVEL


def mean_of_replicates(values: Sequence[float]) -> Metric:
    """Mean of at least two replicates with its 95 % interval (Student's t), in the values' unit."""
    mean, error = float(np.mean(values)), float(stats.sem(values))
    reach = student((1 + LEVEL) / 2, len(values) - 1) * error
    return {"value": mean, "low": mean - reach, "high": mean + reach}


@dataclass(frozen=True)
class Claim:
    """What a difference should be, if a question comes out.

    Attributes:
        kind: ``below`` or ``above`` 0, or ``no gain``: above minus `GAIN`. A network that has learnt whom it
            saw is worse than a constant on new people, which is no gain either.
    """

    kind: str

    def p(self, differences: Sequence[float]) -> float:
        """Of the two-sided t test against 0; for no gain, twice that of the one-sided test against a gain."""
        values = np.asarray(differences, np.float64)
        if self.kind != "no gain":
            return float(stats.ttest_1samp(values, 0.0).pvalue)
        # Twice: the lower end of the 95 % interval is above, not that of the 90 % one.
        return float(min(1.0, 2 * stats.ttest_1samp(values, -GAIN, alternative="greater").pvalue))

    def holds(self, differences: Sequence[float], corrected: float) -> bool:
        """Whether it came out, `corrected` being its p after Holm's correction."""
        mean = float(np.mean(differences))
        side = {"below": mean < 0, "above": mean > 0, "no gain": True}[self.kind]
        return side and corrected <= SIGNIFICANT


def decide(asked: Sequence[tuple[Claim, Sequence[float]]]) -> list[bool]:
    """Whether each claim holds, with Holm's correction for all of them."""
    corrected = holm([claim.p(differences) for claim, differences in asked])
    return [claim.holds(values, p) for (claim, values), p in zip(asked, corrected, strict=True)]
