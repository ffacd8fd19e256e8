"""Metrics and baselines as tables of a page."""

from collections.abc import Iterable, Mapping
from typing import Any

from stan_lightning.evaluation.statistics import F1
from stan_lightning.evaluation.verdict import ROWS, baseline_rows, not_fitted, shown
from stan_lightning.pages.page import Section, Table

TITLES = {
    "mae": "MAE",
    "rmse": "RMSE",
    "pearson": "Pearson",
    "ccc": "CCC",
    "r2": "R2",
    "sd_ratio": "sd ratio",
    "accuracy_bands": "accuracy, bands",
}
IN_A_BAND = {"bias": "bias", "bias_expected": "bias of a calibrated prediction"}
STRONGEST = 5
INTERVALS = (
    "[95 % interval over people], none below the number of people that it holds for; MAE and RMSE in points."
)


def metric_table(rows: Iterable[tuple[str, Mapping[str, Any]]]) -> Table:
    """One row for each named set of metrics, one column a metric."""
    named = list(rows)
    cutoffs = dict.fromkeys(key for _, row in named for key in row if key.startswith(F1))
    titles = TITLES | {key: f"F1 at {key.removeprefix(F1)}" for key in cutoffs} | IN_A_BAND
    columns = [name for name in titles if any(name in row for _, row in named)]
    cells = [
        [name, str(row["n"]), str(row["people"]), *(shown(row[column]) for column in columns)]
        for name, row in named
    ]
    return Table(["", "n", "people", *(titles[column] for column in columns)], cells)


def against_baselines(numbers: Mapping[str, Any]) -> Section:
    """The model beside what can be said without it."""
    found = [(name, row) for name, row in baseline_rows(numbers) if row]
    rows = [(ROWS["model"], numbers["video"]), *((ROWS[name], row) for name, row in found)]
    table = metric_table(rows)
    differences = ["", *(shown(row["mae_difference"]) for _, row in rows[1:])]
    cells = [
        [*row[:4], difference, *row[4:]] for row, difference in zip(table.rows, differences, strict=True)
    ]
    cells += [
        [ROWS[name], "", "", "not fitted", *[""] * (len(table.columns) - 3)]
        for name, row in baseline_rows(numbers)
        if not row
    ]
    columns = [*table.columns[:4], "MAE of model - this", *table.columns[4:]]
    text = f"Video level. {INTERVALS} The difference is paired by person."
    reasons = "".join(f" {one[0].upper()}{one[1:]}." for one in not_fitted(numbers))
    return Section("Model and baselines", text + reasons, Table(columns, cells))


def ridges(numbers: Mapping[str, Any]) -> list[Section]:
    """What the simple baselines lean on."""
    fitted = {name: row for name, row in (numbers.get("ridges") or {}).items() if "reason" not in row}
    if not fitted:
        return []
    rows = []
    for name, row in fitted.items():
        signed = "+.1f" if row["model"] == "ridge" else ".1f"
        weights = [f"{what} {weight:{signed}}" for what, weight in list(row["weights"].items())[:STRONGEST]]
        counts = f"{row['n']} of {row['n_subjects']} subjects"
        model = row["model"] + (f", penalty {row['penalty']:.3g}" if row["penalty"] else "")
        found = "nothing found" if row["nothing"] else ", ".join(weights)
        rows.append([ROWS[name], model, counts, str(row["n_without"]), found])
    text = (
        "A ridge, support vectors or extra trees, whichever does best over folds of the subjects that were "
        "trained on, fitted on their recordings, standardised. Nuisance: the recording's length, light, "
        "picture and sound, without the person. Behaviour, prosody: mean, deviation, quantiles and speed of "
        "each column of that signal. Weight: of a ridge the points that one standard deviation adds, "
        "else the points that its error grows by when the feature is shuffled."
    )
    columns = ["", "model", "fitted on", "without features", f"largest weights, at most {STRONGEST}"]
    return [Section("What the simple baselines lean on", text, Table(columns, rows))]
