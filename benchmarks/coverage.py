"""How often the printed 95 % intervals hold the truth, and how often a verdict is said of equals.

    python -m benchmarks.coverage [--tables 4000]

Tables are drawn with scores skewed like the BDI-II's, 1 to 3 sessions of 2 videos a person, and a model whose
errors are alike within a person. The truth is that of 300,000 people. Each table goes through the functions
that an evaluation calls. An interval that is not printed, because people are too few, is not counted; in a
severity band only the people in it count.
"""

import argparse
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stan_lightning.data.scale import scale_of
from stan_lightning.evaluation.calibration import calibration, line
from stan_lightning.evaluation.dealt import dealt_to_others
from stan_lightning.evaluation.intervals import RATE, Metric
from stan_lightning.evaluation.memory import memory_weight, weights
from stan_lightning.evaluation.screening import SCALES as RATES
from stan_lightning.evaluation.screening import rates, screening
from stan_lightning.evaluation.statistics import (
    bias_by_band,
    describe,
    mae_difference,
    mean_with_interval,
    rmse_difference,
)
from stan_lightning.evaluation.units import sessions
from stan_lightning.evaluation.within_person import agreement_of, change, pairs, reliability

BDI = scale_of(None, (0, 63))
PEOPLE = (6, 10, 20, 40, 80)
POPULATION = 300_000
RARE = 10
"""Of what fewer than one table in so many prints, too little is seen."""
VERDICTS = ("MAE less another's", "RMSE less another's")
Floats = NDArray[np.float64]


def drawn(random: np.random.Generator, people: int) -> tuple[NDArray[np.int64], Floats, Floats, Floats]:
    """Subject, label, and what two models that are equal in law say: (N,) each, one entry a video."""
    severity = random.gamma(1.1, 12.5, people)
    sessions = np.repeat(np.arange(people), random.integers(1, 4, people))
    score = np.clip(np.round(severity[sessions] + random.normal(0, 4, len(sessions))), 0, 63)
    subject, label = np.repeat(sessions, 2), np.repeat(score, 2)

    def model() -> Floats:
        person, session = random.normal(0, 5, people), random.normal(0, 2, len(sessions))
        error = person[subject] + np.repeat(session, 2) + random.normal(0, 2, len(label))
        said: Floats = np.clip(9 + 0.4 * label + error, 0, 63)
        return said

    return subject, label, model(), model()


def recognised(random: np.random.Generator, subject: NDArray[np.int64]) -> Floats:
    """Whether each sample's person was recognised: some are more easily than others."""
    easy = random.beta(1.4, 1.4, int(subject.max()) + 1)
    found: Floats = (random.random(len(subject)) < easy[subject]).astype(float)
    return found


def table(random: np.random.Generator, people: int) -> pd.DataFrame:
    """Videos of one model as an evaluation has them, with what each person scored in training (`identity`).

    `remembering` is what a model says that follows the look-up as well as the label.
    """
    subject, label, said, _ = drawn(random, people)
    first = label[np.unique(subject, return_index=True)[1]]
    known = np.clip(first + random.normal(0, 6, people), 0, 63)[subject]
    person = random.normal(0, 4, people)[subject]
    return pd.DataFrame(
        {
            "subject": subject.astype(str),
            "session": np.repeat(np.arange(len(label) // 2), 2).astype(str),
            "task": np.tile(["a", "b"], len(label) // 2),
            "label": label,
            "prediction": said,
            "identity": known,
            "remembering": 4 + 0.3 * label + 0.5 * known + person + random.normal(0, 2, len(label)),
        }
    )


def validity_intervals(random: np.random.Generator, people: int) -> dict[str, Metric]:
    """Each interval of the page's section on validity."""
    videos = table(random, people)
    by_session = sessions(videos)
    found: dict[str, Any] = {}
    for name, metric in calibration(videos).items():
        found[f"calibration {name.replace('_', ' ')}"] = metric
    for cutoff, row in screening(by_session, BDI.cutoffs).items():
        found |= {f"{name.replace('_', ' ')} at {cutoff}": row[name] for name in RATES}
    changed, agreed = change(by_session), reliability(videos)
    found |= {f"change within a person, {name}": changed[name] for name in ("slope", "agreement")}
    if agreed is not None:
        found |= {"ICC(A,1)": agreed["icc"], "standard error of measurement": agreed["sem"]}
    weights_found = memory_weight(videos.assign(prediction=videos["remembering"]))
    return found | {f"weight of {name}": weights_found[name] for name in ("severity", "memory")}


def validity_truths(seed: int) -> dict[str, float]:
    """What those are to hold; agreement is that of some of the people, since pairs take long."""
    videos = table(np.random.default_rng(seed), POPULATION)
    label, said = videos["label"].to_numpy(), videos["prediction"].to_numpy()
    by_session = sessions(videos)
    truth = {f"calibration {name.replace('_', ' ')}": value for name, value in line(label, said).items()}
    for cutoff in BDI.cutoffs:
        found = rates(by_session["label"].to_numpy(), by_session["prediction"].to_numpy(), cutoff)
        truth |= {f"{name.replace('_', ' ')} at {cutoff:g}": value for name, value in found.items()}
    own = by_session.groupby("subject")
    moved, followed = (
        (by_session[name] - own[name].transform("mean")).to_numpy() for name in ("label", "prediction")
    )
    truth["change within a person, slope"] = float(moved @ followed / (moved @ moved))
    some = by_session[by_session["subject"].astype(int) < POPULATION // 10]
    truth["change within a person, agreement"] = float(pairs(some)[1].mean())
    scores = videos.pivot(index=["subject", "session"], columns="task", values="prediction").to_numpy()
    agreed = agreement_of(scores)
    truth |= {"ICC(A,1)": agreed["icc"], "standard error of measurement": agreed["sem"]}
    remembered = weights(label, videos["remembering"].to_numpy(), videos["identity"].to_numpy())
    return truth | {f"weight of {name}": value for name, value in remembered.items()}


def intervals(random: np.random.Generator, people: int) -> dict[str, Metric]:
    """Each interval of one table."""
    subject, label, one, other = drawn(random, people)
    metrics = describe(label, one, subject, BDI)
    found = {name: metric for name, metric in metrics.items() if isinstance(metric, dict)}
    found |= {f"bias, {name}": metric for name, metric in bias_by_band(label, one, subject, BDI).items()}
    found[VERDICTS[0]] = mae_difference(label, one, other, subject)
    found[VERDICTS[1]] = rmse_difference(label, one, other, subject)
    found["recognition"] = mean_with_interval(recognised(random, subject), subject, RATE)
    return found


def coverage(
    people: int,
    tables: int,
    truth: Mapping[str, float],
    seed: int,
    measure: Callable[[np.random.Generator, int], dict[str, Metric]] = intervals,
) -> dict[str, tuple[int, int]]:
    """By interval in how many tables it is printed, and in how many of these it holds the truth."""
    random = np.random.default_rng([seed, people])
    counts = {name: [0, 0] for name in truth}
    for _ in range(tables):
        for name, metric in measure(random, people).items():
            low, high = metric["low"], metric["high"]
            if low is not None and high is not None:
                counts[name][0] += 1
                counts[name][1] += low <= truth[name] <= high
    return {name: (printed, held) for name, (printed, held) in counts.items()}


def deals(people: int, tables: int, seed: int) -> tuple[int, int]:
    """How often predictions that know nobody are told from those of others; tables that say so, or not."""
    random = np.random.default_rng([seed, people])
    told, said = 0, 0
    for _ in range(tables):
        subject, label, _, _ = drawn(random, people)
        person = random.normal(14, 5, people)
        blind = np.clip(person[subject] + random.normal(0, 2, len(label)), 0, 63)
        p = dealt_to_others(label, blind, subject, seed=int(random.integers(2**31)), deals=999)["p"]
        if p is not None:
            said, told = said + 1, told + (p <= 0.05)
    return said, told


def truths(seed: int) -> dict[str, float]:
    """What the intervals are to hold; of two models that are equal in law the difference is 0."""
    found = intervals(np.random.default_rng(seed), POPULATION)
    known = {name: metric["value"] for name, metric in found.items() if metric["value"] is not None}
    return known | dict.fromkeys(VERDICTS, 0.0)


def main() -> None:
    """Print the table in Markdown: per cent of printed intervals; in brackets, of tables that print one."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description=__doc__.split("\n")[0])
    parser.add_argument("--tables", type=int, default=4000, help="drawn for each number of people")
    asked = parser.parse_args()
    truth = truths(seed=0)
    found = [coverage(people, asked.tables, truth, seed=1) for people in PEOPLE]
    further = validity_truths(seed=0)
    more = [coverage(people, asked.tables, further, seed=3, measure=validity_intervals) for people in PEOPLE]
    print("| " + " | ".join(["nominal 95 %, people", *map(str, PEOPLE)]) + " |")
    print("|---" * (len(PEOPLE) + 1) + "|")
    for name in truth:
        cells = [_cell(*counts[name], asked.tables) for counts in found]
        print("| " + " | ".join([name, *cells]) + " |")
    for name in further:
        cells = [_cell(*counts[name], asked.tables) for counts in more]
        print("| " + " | ".join([name, *cells]) + " |")
    for name in VERDICTS:
        wrong = [(counts[name][0], counts[name][0] - counts[name][1]) for counts in found]
        cells = [_cell(*pair, asked.tables) for pair in wrong]
        print("| " + " | ".join([f"equals called better or worse: {name}", *cells]) + " |")
    cells = [_cell(*deals(people, asked.tables, seed=2), asked.tables) for people in PEOPLE]
    print("| " + " | ".join(["a blind model called better than dealt to others", *cells]) + " |")


def _cell(printed: int, held: int, tables: int) -> str:
    if printed < tables / RARE:
        return ""
    share = f" ({100 * printed / tables:.0f})" if printed < 0.995 * tables else ""
    return f"{100 * held / printed:.1f}{share}"


if __name__ == "__main__":
    main()
