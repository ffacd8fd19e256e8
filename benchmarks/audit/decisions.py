"""What replicates show: a mean difference with its interval, and one decision for each question.

A replicate is one dealing of labels and partitions with one training of each network, so that its variance
holds people, trainings and labels together. Differences are paired within it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from stan_lightning.evaluation.comparison import holm
from stan_lightning.evaluation.intervals import LEVEL, Metric, student

EQUIVALENT = 1.5
"""Points within which a difference must lie to count as none."""
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
        kind: ``below`` or ``above`` 0, or ``none``: within `EQUIVALENT` points of 0.
    """

    kind: str

    def p(self, differences: Sequence[float]) -> float:
        """Of the t test against 0 (two-sided), or of the two one-sided tests against `EQUIVALENT`."""
        values = np.asarray(differences, np.float64)
        if self.kind != "none":
            return float(stats.ttest_1samp(values, 0.0).pvalue)
        below = stats.ttest_1samp(values, EQUIVALENT, alternative="less").pvalue
        above = stats.ttest_1samp(values, -EQUIVALENT, alternative="greater").pvalue
        # Twice the larger: the 95 % interval lies inside, not the 90 % one.
        return float(min(1.0, 2 * max(below, above)))

    def holds(self, differences: Sequence[float], corrected: float) -> bool:
        """Whether it came out, `corrected` being its p after Holm's correction."""
        mean = float(np.mean(differences))
        side = {"below": mean < 0, "above": mean > 0, "none": True}[self.kind]
        return side and corrected <= SIGNIFICANT


def decide(asked: Sequence[tuple[Claim, Sequence[float]]]) -> list[bool]:
    """Whether each claim holds, with Holm's correction for all of them."""
    corrected = holm([claim.p(differences) for claim, differences in asked])
    return [claim.holds(values, p) for (claim, values), p in zip(asked, corrected, strict=True)]
