"""How often the printed 95 % intervals of told classes hold the truth, and how often equals are told apart.

    python -m benchmarks.class_coverage [--tables 1000]

Tables are drawn with one class a person, 1 to 4 recordings each, and a model whose errors are alike within a
person. The truth is that of 300,000 people. Each table goes through the functions that an evaluation calls.
An interval that is not printed, because people are too few, is not counted.
"""

import argparse
from collections.abc import Mapping

import numpy as np

from benchmarks.coverage import RARE
from stan_lightning.classification.metrics import Told, dealt_to_others, describe, differences, metric_names
from stan_lightning.classification.terminal import TITLES
from stan_lightning.evaluation.intervals import Metric
from stan_lightning.training.class_metrics import (
    area,
    counts,
    f1_of_each,
    recall_of_each,
    squared_errors,
)

PEOPLE = (6, 10, 14, 20, 40, 80)
SHARES: Mapping[str, tuple[float, ...]] = {
    "half": (0.5, 0.5),
    "30 %": (0.7, 0.3),
    "three classes": (0.4, 0.3, 0.3),
}
"""Of people by class."""
VERDICTS = ("accuracy_difference", "brier_difference")
POPULATION = 300_000


def drawn(random: np.random.Generator, people: int, shares: tuple[float, ...]) -> tuple[Told, Told]:
    """What two models that are equal in law say of the same people."""
    own = random.choice(len(shares), people, p=shares)
    subject = np.repeat(np.arange(people), random.integers(1, 5, people))
    seen = np.eye(len(shares))[own] + np.log(shares)

    def model() -> Told:
        latent = seen + random.normal(0, 1, seen.shape)
        said = np.exp(latent[subject] + random.normal(0, 0.8, (len(subject), len(shares))))
        return Told(own[subject], said / said.sum(1, keepdims=True), subject.astype(str))

    return model(), model()


def intervals(random: np.random.Generator, people: int, shares: tuple[float, ...]) -> dict[str, Metric]:
    """Each interval of one table."""
    one, other = drawn(random, people, shares)
    classes = [str(number) for number in range(len(shares))]
    found = describe(one, classes, len(shares) - 1)
    return {name: found[name] for name in metric_names(len(shares))} | differences(one, other)


def truths(shares: tuple[float, ...], seed: int = 0) -> dict[str, float]:
    """What the intervals are to hold; of two models that are equal in law the difference is 0."""
    told, _ = drawn(np.random.default_rng(seed), POPULATION, shares)
    confusion = counts(told.truth, told.called, len(shares))
    f1, recall = f1_of_each(confusion), recall_of_each(confusion)
    known = {
        "accuracy": told.right.mean(),
        "macro_f1": f1.mean(),
        "weighted_f1": f1 @ confusion.sum(1) / confusion.sum(),
        "uar": recall.mean(),
        "auc": area(told.truth, told.probabilities),
        "brier": squared_errors(told.truth, told.probabilities).mean(),
        "f1": f1[-1],
        "sensitivity": recall[-1],
        "specificity": recall[0],
    }
    named = {name: float(known[name]) for name in metric_names(len(shares))}
    return named | dict.fromkeys(VERDICTS, 0.0)


def coverage(
    people: int, tables: int, shares: tuple[float, ...], truth: Mapping[str, float], seed: int = 1
) -> dict[str, tuple[int, int]]:
    """By interval in how many tables it is printed, and in how many of these it holds the truth."""
    random = np.random.default_rng([seed, people])
    found = {name: [0, 0] for name in truth}
    for _ in range(tables):
        for name, metric in intervals(random, people, shares).items():
            low, high = metric["low"], metric["high"]
            if low is not None and high is not None:
                found[name][0] += 1
                found[name][1] += low <= truth[name] <= high
    return {name: (printed, held) for name, (printed, held) in found.items()}


def blind(people: int, tables: int, shares: tuple[float, ...], seed: int = 2) -> tuple[int, int]:
    """Tables that compare a model that knows nobody with its swapped predictions, and that call it better."""
    random = np.random.default_rng([seed, people])
    compared = better = 0
    for _ in range(tables):
        told, _ = drawn(random, people, shares)
        own = random.choice(len(shares), people, p=shares)[told.subject.astype(int)]
        p = dealt_to_others(Told(own, told.probabilities, told.subject), int(random.integers(2**31)))["p"]
        if p is not None:
            compared, better = compared + 1, better + (p <= 0.05)
    return compared, better


def main() -> None:
    """Print the table in Markdown: per cent of printed intervals; in brackets, of tables that print one."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.class_coverage", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--tables", type=int, default=1000, help="drawn for each number of people")
    asked = parser.parse_args()
    print("| " + " | ".join(["nominal 95 %, people", *map(str, PEOPLE)]) + " |")
    print("|---" * (len(PEOPLE) + 1) + "|")
    for which, shares in SHARES.items():
        truth = truths(shares)
        found = [coverage(people, asked.tables, shares, truth) for people in PEOPLE]
        for name in truth:
            title = TITLES.get(name, name.replace("_", " "))
            _say(f"{title}, {which}", [one[name] for one in found], asked.tables)
        for name in VERDICTS:
            wrong = [(one[name][0], one[name][0] - one[name][1]) for one in found]
            _say(f"equals called better or worse: {name.split('_')[0]}, {which}", wrong, asked.tables)
        swapped = [blind(people, asked.tables // 4, shares) for people in PEOPLE]
        _say(f"a blind model called better than swapped, {which}", swapped, asked.tables // 4)


def _say(name: str, found: list[tuple[int, int]], tables: int) -> None:
    cells = []
    for printed, held in found:
        share = f" ({100 * printed / tables:.0f})" if printed < 0.995 * tables else ""
        cells.append("" if printed < tables / RARE else f"{100 * held / printed:.1f}{share}")
    print("| " + " | ".join([name, *cells]) + " |", flush=True)


if __name__ == "__main__":
    main()
