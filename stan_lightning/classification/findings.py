"""What the numbers of told classes say, a line a comparison, in words that claim no more than they show.

Against the majority the accuracy is compared: where classes are shared out as in training, whoever tells
nothing cannot beat it. Macro-F1 would not do: a constant has nearly the lowest, and calls at random have
more. Against whatever gives probabilities the Brier score is, which rewards no distortion of them.
"""

from collections.abc import Mapping
from typing import Any

from stan_lightning.classification.baselines import LOGISTIC
from stan_lightning.evaluation.findings import BETTER, CHOSEN, NOTE, OPEN, POWER, WORSE, Finding
from stan_lightning.evaluation.intervals import FEWEST_PEOPLE, LEVEL, student
from stan_lightning.evaluation.verdict import NAMES as SHORTCUTS
from stan_lightning.evaluation.verdict import shown

NAMES = SHORTCUTS | {
    "majority": "always calling the commonest training class",
    "prevalence": "giving everybody the training frequencies",
}
TITLES = {"accuracy": "accuracy", "brier": "Brier score"}
HIGHER_IS_BETTER = ("accuracy",)


def findings(metrics: Mapping[str, Any]) -> list[Finding]:
    """All that an evaluation shows, its main comparison first."""
    video = metrics["video"]
    if not video["n"]:
        return [Finding(NOTE, "no labels: how well these classes are told is unknown")]
    said = [CHOSEN[metrics["partition"]]] if metrics["partition"] in CHOSEN else []
    if sessions := metrics["n_sessions_of_two_labels"]:
        said.append(
            f"{sessions} sessions hold recordings of different classes: they count by recording alone"
        )
    if lacking := [name for name, one in video["by_class"].items() if not one["n"]]:
        said.append(f"no recording here is labelled {', '.join(lacking)}: means are over the other classes")
    notes = [Finding(NOTE, text) for text in said]
    if metrics["baselines"] is None:
        unknown = f"accuracy {video['accuracy']['value']:.2f}, and the training set is unknown: there is no "
        return [Finding(NOTE, f"{unknown}baseline to compare with"), _dealt(metrics), *notes]
    found = [*_constants(video, metrics["baselines"]), *_new_people(metrics)]
    if metrics["seen"]["n"]:
        found.append(_against("accuracy", NAMES["identity"], video, metrics["baselines"]["identity"]))
    else:
        found.append(Finding(NOTE, "no subject here was trained on: there is no identity look-up"))
    found += [*_simple(metrics), _dealt(metrics)]
    found.append(Finding(NOTE, "one training: the variance between trainings is unknown"))
    return [*found, *notes]


def _constants(part: Mapping[str, Any], baselines: Mapping[str, Any], whom: str = "") -> list[Finding]:
    return [
        _against("accuracy", NAMES["majority"], part, baselines["majority"], whom),
        _against("brier", NAMES["prevalence"], part, baselines["prevalence"], whom),
    ]


def _new_people(metrics: Mapping[str, Any]) -> list[Finding]:
    """Those whom neither training nor selection knew, where others are among them."""
    new, video = metrics["new"], metrics["video"]
    if new["n"] == video["n"]:
        return []
    if not new["n"]:
        return [Finding(NOTE, "all subjects were trained or selected on: nothing is known of new people")]
    return _constants(new, new["baselines"], f"for the {new['people']} new people ")


def _simple(metrics: Mapping[str, Any]) -> list[Finding]:
    """Whether the model tells more than the shortcut baselines, and whether these tell anything."""
    found = []
    for name in LOGISTIC:
        if (row := metrics["baselines"].get(name)) is None:
            continue
        if metrics["logistic"].get(name, {}).get("nothing"):
            found.append(Finding(NOTE, f"{NAMES[name]}: no feature found that predicts the class"))
            continue
        shares = (f"{part['accuracy']['value']:.2f}" for part in (metrics["video"], row))
        beside = f"; accuracy {' against '.join(shares)}"
        mine = _against("brier", f"{NAMES[name]} alone", metrics["video"], row, beside=beside)
        right = _against("accuracy", "", metrics["video"], row).mark
        theirs = row["prevalence_difference"]["high"]
        if theirs is not None and theirs < 0:
            tells = "which predict the class better than the training frequencies"
            beyond = BETTER in (mine.mark, right)
            more = "" if beyond else ": the network shows no information beyond them"
            mine = Finding(mine.mark, f"{mine.text}, {tells}{more}")
        found.append(mine)
    return found


def _dealt(metrics: Mapping[str, Any]) -> Finding:
    """Whether the model distinguishes people at all."""
    dealt, video = metrics["dealt"], metrics["video"]
    if dealt["brier"] is None:
        return Finding(OPEN, "one person: predictions cannot be swapped between people")
    numbers = f"Brier score {video['brier']['value']:.2f} against {dealt['brier']:.2f}"
    name = "its own predictions swapped between people"
    if dealt["p"] is None:
        few = f"too few people ({video['people']}; {FEWEST_PEOPLE} are needed)"
        return Finding(OPEN, f"{few} to compare with {name} ({numbers})")
    numbers += f", p {'below 0.001' if dealt['p'] < 0.001 else format(dealt['p'], '.3f')}"
    if dealt["p"] <= 1 - LEVEL:
        return Finding(BETTER, f"better than {name} ({numbers})")
    return Finding(OPEN, f"not shown to distinguish people: {name} do about as well ({numbers})")


def _against(
    what: str, name: str, part: Mapping[str, Any], other: Mapping[str, Any], whom: str = "", beside: str = ""
) -> Finding:
    """One metric of the model against another's, by their difference paired by person.

    Args:
        what: The metric.
        name: Of the other.
        part: The model's metrics.
        other: The other's, with the difference.
        whom: Of whom, in words.
        beside: What is said beside the metric.
    """
    difference = other[f"{what}_difference"]
    numbers = f"{TITLES[what]} {part[what]['value']:.2f} against {other[what]['value']:.2f}{beside}"
    low, high = difference["low"], difference["high"]
    if low is None or high is None:
        few = f"too few people ({part['people']}; {FEWEST_PEOPLE} are needed)"
        return Finding(OPEN, f"{whom}{few} to compare with {name} ({numbers})")
    gain = (low, high) if what in HIGHER_IS_BETTER else (-high, -low)
    if gain[0] > 0 or gain[1] < 0:
        mark = BETTER if gain[0] > 0 else WORSE
        return Finding(mark, f"{whom}{mark} than {name} ({numbers}, difference {shown(difference)})")
    between = f"from {gain[1]:z.2f} better to {-gain[0]:z.2f} worse"
    seen = _power(high - low, part["people"])
    return Finding(OPEN, f"{whom}not shown to be better than {name} ({numbers}; {between}{seen})")


def _power(width: float, people: int) -> str:
    """The difference that the comparison detects with 80 % power."""
    if not width:
        return ""
    sure, often = (student(share, people - 1) for share in ((1 + LEVEL) / 2, POWER))
    return f"; 80 % power for {width / 2 * (1 + often / sure):.2f}"
