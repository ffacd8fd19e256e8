"""Calibration, screening, change, reliability and memory as a section of a report."""

from collections.abc import Iterator, Mapping
from typing import Any

from stan_lightning.evaluation.verdict import shown
from stan_lightning.pages.metric_tables import INTERVALS
from stan_lightning.pages.page import Section, Table

TEXT = (
    "Calibration: the regression of labels on predictions (slope 1 and intercept 0 are right). Screening: "
    "sessions at or above a cut-off of the scale. Change: do predictions follow a person's own changes? A "
    "memory of faces gives a slope of 0. Reliability: the tasks of one session; agreement alone shows no "
    "validity. "
    "Interval: the share of new people's labels within the interval that development gives a new person. "
    "Memory: on people whom training has seen, what their label then (memory) and their label now (severity) "
    "add to a prediction. Group: points above everybody else at the same label. "
)


def validity_section(numbers: Mapping[str, Any]) -> list[Section]:
    """The section; none for evaluations that lack it."""
    found = numbers.get("validity")
    if not found or not numbers["video"]["n"]:
        return []
    rows = [
        [f"{what}: {name}", people, shown(metric)] for what, name, people, metric in _rows(found, numbers)
    ]
    return [Section("Validity", TEXT + INTERVALS, Table(["", "people", "estimate"], rows))]


def _rows(
    found: Mapping[str, Any], numbers: Mapping[str, Any]
) -> Iterator[tuple[str, str, str, Mapping[str, float | None]]]:
    people = str(numbers["video"]["people"])
    names = {"slope": "slope", "intercept": "intercept, points", "mean_error": "mean error, points"}
    for key, name in names.items():
        yield "calibration", name, people, found["calibration"][key]
    names = {"auc": "AUC", "sensitivity": "sensitivity", "specificity": "specificity"}
    for cutoff, row in (found["screening"] or {}).items():
        above = f"{row['people_above']} of {people}"
        for key, name in (names | {"uar": "UAR (balanced accuracy)", "macro_f1": "macro-F1"}).items():
            yield f"screening at {cutoff}", name, above, row[key]
    change = found["change"]
    yield "change", "slope within a person", str(change["people"]), change["slope"]
    yield "change", "same direction, of sessions 5 points apart", str(change["people"]), change["agreement"]
    if found["reliability"]:
        row = found["reliability"]
        names = {"icc": "ICC(A,1)", "sem": "standard error of measurement, points"}
        for key, name in (names | {"detectable": "smallest detectable change, points"}).items():
            yield "reliability", name, str(row["people"]), row[key]
    if found["memory"]:
        row = found["memory"]
        for key in ("severity", "memory"):
            yield "trained on", f"weight of {key}", str(row["people"]), row[key]
    yield from _new_person(numbers.get("new_person"))
    for group, metric in found["group_gaps"].items():
        yield "group", f"{group}, points at the same label", people, metric


def _new_person(
    found: Mapping[str, Any] | None,
) -> Iterator[tuple[str, str, str, Mapping[str, float | None]]]:
    if found is None or found["held"] is None:
        return
    what = f"interval of ± {found['half_width']:.1f} points for {found['nominal']:.0%} of new people"
    yield what, "held", str(found["held"]["people"]), found["held"]["share"]
    for name, part in (found["by_band"] or {}).items():
        if part["n"]:
            yield what, f"held, {name}", str(part["people"]), part["share"]
