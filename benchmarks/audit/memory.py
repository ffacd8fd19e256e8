"""What scores follow where people recur: a person's own changes and severity, or memory of the person."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.audit.decisions import mean_of_replicates
from benchmarks.audit.films import Replicate
from benchmarks.audit.trainings import Trained
from stan_lightning.evaluation.verdict import shown

COLUMNS = ("score carried by", "change within a person", "weight of severity", "weight of memory")
LABELS = ("identity", "face")
_NUMBERS = (("change", "slope"), ("memory", "severity"), ("memory", "memory"))


def row(folder: Path, labels: str, numbers: Sequence[int]) -> list[str]:
    """Cells of `COLUMNS`, means over replicates with their 95 % intervals.

    Under the official protocol, by `validity` on two sessions of each tested person,
    whose third is training's.
    """
    runs = [
        Trained(Replicate(number, labels), "official", "face", number).numbers(folder) for number in numbers
    ]
    values = [[run["validity"][part][name]["value"] for run in runs] for part, name in _NUMBERS]
    return [labels, *(shown(mean_of_replicates(one), 2) for one in values)]
