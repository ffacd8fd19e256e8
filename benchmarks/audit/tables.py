"""The audit's table: one row a question, as Markdown and as a CSV with every replicate's numbers."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.audit.decisions import GAIN, decide, mean_of_replicates
from benchmarks.audit.questions import Question
from benchmarks.markdown import show
from stan_lightning.evaluation.verdict import shown

_WANTED = {"below": "below 0", "above": "above 0", "no gain": f"above -{GAIN:g}"}
COLUMNS = ("score carried by", "protocol", "MAE of", "less that of", "should be", "difference", "comes out")


@dataclass(frozen=True)
class Answer:
    """A question with both errors (MAE in points) of each of its replicates."""

    question: Question
    errors: Sequence[tuple[float, float]]

    @property
    def differences(self) -> list[float]:
        """(K,) paired within a replicate."""
        return [one - other for one, other in self.errors]

    @property
    def means(self) -> tuple[float, float]:
        """Of both errors over replicates."""
        one, other = np.mean(self.errors, axis=0)
        return float(one), float(other)


def rows(answers: Sequence[Answer]) -> list[list[str]]:
    """Cells of `COLUMNS`; at least two replicates each."""
    holds = decide([(one.question.claim, one.differences) for one in answers])
    return [
        [
            answer.question.labels,
            answer.question.protocol,
            f"{answer.question.of} {answer.means[0]:.1f}",
            f"{answer.question.to} {answer.means[1]:.1f}",
            _WANTED[answer.question.claim.kind],
            shown(mean_of_replicates(answer.differences), 1),
            "yes" if came_out else "**no**",
        ]
        for answer, came_out in zip(answers, holds, strict=True)
    ]


def report(answers: Sequence[Answer], file: Path) -> None:
    """Print the questions' table, and write each replicate's errors."""
    show(COLUMNS, rows(answers))
    with file.open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(["labels", "protocol", "of", "to", "replicate", "mae_of", "mae_to"])
        for answer in answers:
            asked = answer.question
            for number, both in enumerate(answer.errors):
                writer.writerow([asked.labels, asked.protocol, asked.of, asked.to, number, *both])
    print(f"wrote {file}")
