"""What the numbers of an evaluation say, a line a comparison, in words that claim no more than they show."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stan_lightning.evaluation.baselines import RIDGES
from stan_lightning.evaluation.intervals import FEWEST_PEOPLE, LEVEL, student
from stan_lightning.evaluation.verdict import NAMES, shown

BETTER, WORSE, OPEN, NOTE = "better", "worse", "open", "note"
MARKS = {BETTER: "+", WORSE: "-", OPEN: "?", NOTE: " "}
"""For a terminal."""
POWER = 0.8
CHOSEN = {
    "train": "fitted on these recordings: no estimate of the error on new ones",
    "dev": "this partition selected the epoch: its numbers are optimistic",
}


@dataclass(frozen=True)
class Finding:
    """One comparison in words, with `mark`: shown to be better or worse, open, or a note."""

    mark: str
    text: str

    def __str__(self) -> str:
        """With its mark, for a terminal."""
        return f"{MARKS[self.mark]} {self.text}"


def findings(metrics: Mapping[str, Any]) -> list[Finding]:
    """All that an evaluation shows, its main comparison first."""
    video = metrics["video"]
    if not video["n"]:
        return [Finding(NOTE, "no labels: the error of these predictions is unknown")]
    told = [_dealt(metrics)] if metrics.get("dealt") else []
    notes = _notes(metrics)
    if metrics["baselines"] is None:
        mae = video["mae"]["value"]
        unknown = f"MAE {mae:.1f}, and the training set is unknown: there is no baseline to compare with"
        return [Finding(NOTE, unknown), *told, *notes]
    found = [*_constants(video, metrics["baselines"]), *_new_people(metrics), *_looked_up(metrics)]
    found += [*_simple(metrics), *told]
    if together := metrics.get("ensemble"):
        runs = {**together, "mae": {"value": together["mean_mae"]}}
        found.insert(0, _recipe(metrics))
        found.append(_against("mae", "the mean of its runs", video, runs))
    elif not metrics.get("folds"):
        found.append(Finding(NOTE, "one training: the variance between trainings is unknown"))
    return [*found, *notes]


def _notes(metrics: Mapping[str, Any]) -> list[Finding]:
    """What a reader must know of the recordings and of what was said of them."""
    said = [CHOSEN[metrics["partition"]]] if metrics["partition"] in CHOSEN else []
    if above := metrics["n_above_range"]:
        highest = metrics["score_range"][1]
        said.append(
            f"{above} predictions lie above {highest:g}, the highest score; they are left as they are"
        )
    if sessions := metrics["n_sessions_of_two_labels"]:
        said.append(f"{sessions} sessions hold videos of different labels: their label is the mean")
    return [Finding(NOTE, text) for text in said]


def _constants(part: Mapping[str, Any], baselines: Mapping[str, Any], whom: str = "") -> list[Finding]:
    """Against the best constant guess for each error: the median's for MAE, the mean's for RMSE."""
    median, mean = baselines["train_median"], baselines["train_mean"]
    return [
        _against("mae", NAMES["train_median"], part, median, whom),
        _against("rmse", NAMES["train_mean"], part, mean, whom),
    ]


def _new_people(metrics: Mapping[str, Any]) -> list[Finding]:
    """Those whom neither training nor selection knew, where others are among them."""
    new, video = metrics.get("new"), metrics["video"]
    if not new or new["n"] == video["n"]:
        return []
    if not new["n"]:
        return [Finding(NOTE, "all subjects were trained or selected on: the error on new people is unknown")]
    return _constants(new, new["baselines"], f"for the {new['people']} new people ")


def _looked_up(metrics: Mapping[str, Any]) -> list[Finding]:
    if not metrics["seen"]["n"]:
        return [Finding(NOTE, "no subject here was trained on: there is no identity look-up")]
    return [_against("mae", NAMES["identity"], metrics["video"], metrics["baselines"]["identity"])]


def _simple(metrics: Mapping[str, Any]) -> list[Finding]:
    """Whether the model predicts more than the shortcut baselines, and whether these predict anything."""
    found = []
    for name in RIDGES:
        if (row := metrics["baselines"].get(name)) is None:
            continue
        if metrics.get("ridges", {}).get(name, {}).get("nothing"):
            found.append(Finding(NOTE, f"{NAMES[name]}: no feature found that predicts the score"))
            continue
        mine = _against("mae", f"{NAMES[name]} alone", metrics["video"], row)
        theirs = row["median_difference"]["high"]
        if theirs is not None and theirs < 0:
            tells = "which predict the score better than the median"
            more = ": the network shows no information beyond them" if mine.mark in (OPEN, WORSE) else ""
            mine = Finding(mine.mark, f"{mine.text}, {tells}{more}")
        found.append(mine)
    return found


def _dealt(metrics: Mapping[str, Any]) -> Finding:
    dealt, video = metrics["dealt"], metrics["video"]
    if dealt["mae"] is None:
        return Finding(OPEN, "one person: predictions cannot be swapped between people")
    numbers = f"MAE {video['mae']['value']:.1f} against {dealt['mae']:.1f}"
    name = "its own predictions swapped between people"
    if dealt["p"] is None:
        return Finding(OPEN, f"{_few(video)} to compare with {name} ({numbers})")
    numbers += f", p {'below 0.001' if dealt['p'] < 0.001 else format(dealt['p'], '.3f')}"
    if dealt["p"] <= 1 - LEVEL:
        return Finding(BETTER, f"better than {name} ({numbers})")
    return Finding(OPEN, f"not shown to distinguish people: {name} do about as well ({numbers})")


def _recipe(metrics: Mapping[str, Any]) -> Finding:
    """The expected error of another training of the same recipe, on other people."""
    mae, difference = (metrics["over_runs"][name] for name in ("mae", "median_difference"))
    whom = f"a training of this recipe, over {mae['runs']} runs and {mae['people']} people, is"
    median = metrics["baselines"]["train_median"]["mae"]["value"]
    numbers = f"MAE {shown(mae, 1)} against {median:.1f}, difference {shown(difference, 1)}"
    if difference["low"] is None:
        return Finding(OPEN, f"{whom} not compared with {NAMES['train_median']}: {_few(metrics['video'])}")
    numbers += f"; {100 * mae['run_share']:.0f} % of the variance is between runs"
    mark = BETTER if difference["high"] < 0 else WORSE if difference["low"] > 0 else OPEN
    said = "not shown to be better" if mark == OPEN else mark
    return Finding(mark, f"{whom} {said} than {NAMES['train_median']} ({numbers})")


def _few(part: Mapping[str, Any]) -> str:
    people = part["people"]
    return f"too few people ({people}; {FEWEST_PEOPLE} are needed)"


def _against(
    what: str, name: str, part: Mapping[str, Any], other: Mapping[str, Any], whom: str = ""
) -> Finding:
    """One error of the model against another's, by their paired difference."""
    difference = other[f"{what}_difference"]
    numbers = f"{what.upper()} {part[what]['value']:.1f} against {other[what]['value']:.1f}"
    low, high = difference["low"], difference["high"]
    if low is None or high is None:
        return Finding(OPEN, f"{whom}{_few(part)} to compare with {name} ({numbers})")
    if high < 0 or low > 0:
        mark = BETTER if high < 0 else WORSE
        return Finding(mark, f"{whom}{mark} than {name} ({numbers}, difference {shown(difference, 1)})")
    between = f"from {-low:z.1f} better to {high:z.1f} worse"
    seen = _power(high - low, part["people"])
    return Finding(OPEN, f"{whom}not shown to be better than {name} ({numbers}; {between}{seen})")


def _power(width: float, people: int) -> str:
    """The difference that the comparison detects with 80 % power, and how many people 1 point needs."""
    if not width:
        return ""
    sure, often = (student(share, people - 1) for share in ((1 + LEVEL) / 2, POWER))
    least = width / 2 * (1 + often / sure)
    needed = float(f"{max(people * least**2, FEWEST_PEOPLE):.2g}")
    return f"; 80 % power for {least:.1f} points, for 1 point with about {needed:.0f} people"
