"""One evaluation of told classes as a page."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from stan_lightning.classification.findings import findings
from stan_lightning.classification.metrics import FEWEST_A_SIDE, metric_names
from stan_lightning.classification.terminal import ROWS, TITLES, baseline_rows, not_fitted, rules
from stan_lightning.data.notices import SYNTHETIC
from stan_lightning.evaluation import run_files
from stan_lightning.evaluation.results import Evaluation
from stan_lightning.evaluation.verdict import shown
from stan_lightning.pages import class_figures, figures
from stan_lightning.pages.page import Picture, Section, Table, render
from stan_lightning.pages.pseudonyms import NAMED, NUMBERED, unnamed
from stan_lightning.pages.report_page import audit, notes_on_recordings, provenance

STRONGEST = 5
INTERVALS = (
    "[95 % interval over people], none below 10 people, and none of what depends on a class that fewer than "
    f"{FEWEST_A_SIDE} people have, or lack."
)


def page(found: Evaluation, run: Path | None, names: bool = False) -> str:
    """The report of one evaluation.

    Args:
        found: Its tables and numbers.
        run: Folder of the training run, for the training curve and configuration; None where there is none.
        names: Show recordings' names, where they are numbered otherwise.
    """
    found = found if names else unnamed(found)
    numbers = found.metrics
    title = f"Evaluation on {numbers['partition']}, protocol {numbers['protocol']}"
    sections = [
        *_pictures(numbers),
        _against_baselines(numbers),
        *_simple(numbers),
        _classes(numbers),
        *_breakdowns(numbers),
        *audit(numbers),
        *_training(run),
        provenance(numbers),
    ]
    told = [*notes(numbers), NAMED if names else NUMBERED]
    return render(title, findings(numbers), told, sections)


def notes(numbers: Mapping[str, Any]) -> list[str]:
    """What a reader must know before the numbers."""
    said = [SYNTHETIC] if numbers.get("synthetic") else []
    said += [f"{line[0].upper()}{line[1:]}." for line in rules(numbers)]
    seen = numbers["seen"]
    if seen is None:
        said.append("The training set is unknown: no baselines, no division into seen and unseen subjects.")
    elif seen["n"]:
        said.append(
            f"{seen['n']} of {numbers['video']['n']} recordings show people whom the training data holds: "
            "these numbers measure the class and memory of people together. Read them beside the new "
            "people's and the identity baseline's."
        )
    return said + notes_on_recordings(numbers)


def metric_table(rows: Iterable[tuple[str, Mapping[str, Any]]], n_classes: int) -> Table:
    """One row for each named set of metrics, with people beside n."""
    names = metric_names(n_classes)
    cells = [
        [name, str(row["n"]), str(row["people"]), *(shown(row[one]) for one in names)] for name, row in rows
    ]
    return Table(["", "n", "people", *(TITLES[name] for name in names)], cells)


def _pictures(numbers: Mapping[str, Any]) -> list[Section]:
    if not numbers["video"]["n"]:
        return []
    rows = [("model", numbers["video"]["accuracy"])]
    rows += [(ROWS[name], row["accuracy"]) for name, row in baseline_rows(numbers) if row]
    counts = class_figures.confusion(numbers["video"]["confusion"], numbers["classes"])
    drawn = [
        Picture("Confusion matrix: recordings, and shares of each labelled class", counts),
        Picture(
            "Reliability: share labelled so among recordings told so likely, in tenths; circles grow with "
            "their number",
            class_figures.reliability(numbers["calibration"]),
        ),
        Picture("Accuracy with 95 % interval over people", figures.errors(rows, "accuracy")),
    ]
    return [Section("Pictures", pictures=drawn)]


def _against_baselines(numbers: Mapping[str, Any]) -> Section:
    """The model beside what can be said without it."""
    n_classes = len(numbers["classes"])
    known = [(ROWS[name], row) for name, row in baseline_rows(numbers) if row]
    levels = [("model", numbers["video"]), ("model, sessions", numbers["session"])]
    table = metric_table([*levels, *known], n_classes)
    added = [["", ""], ["", ""]]
    added += [[shown(row["accuracy_difference"]), shown(row["brier_difference"])] for _, row in known]
    cells = [[*row[:3], *more, *row[3:]] for row, more in zip(table.rows, added, strict=True)]
    columns = [*table.columns[:3], "accuracy of model - this", "Brier of model - this", *table.columns[3:]]
    cells += [
        [ROWS[name], "", "", "not fitted", *[""] * (len(columns) - 4)]
        for name, row in baseline_rows(numbers)
        if not row
    ]
    text = f"Recording level, but for the second row. {INTERVALS} Differences are paired by person."
    reasons = "".join(f" {one[0].upper()}{one[1:]}." for one in not_fitted(numbers))
    return Section("Model and baselines", text + reasons, Table(columns, cells))


def _simple(numbers: Mapping[str, Any]) -> list[Section]:
    """What the logistic baselines lean on."""
    rows = []
    for name, row in numbers["logistic"].items():
        if "reason" in row:
            continue
        weights = [f"{what} {weight:+.2f}" for what, weight in list(row["weights"].items())[:STRONGEST]]
        counts = f"{row['n']} of {row['n_subjects']} subjects"
        found = "nothing found" if row["nothing"] else ", ".join(weights)
        rows.append([ROWS[name], f"{row['strength']:.2g}", counts, str(row["n_without"]), found])
    if not rows:
        return []
    text = (
        "Logistic regression whose penalty does best over folds of the subjects that were trained on, fitted "
        "on their recordings, standardised. Nuisance: the recording's length, light, picture and sound, "
        "without the person. Behaviour, prosody: statistics of each column of that signal. Weight: log-odds "
        "that one standard deviation adds."
    )
    columns = [
        "",
        "inverse penalty",
        "fitted on",
        "without features",
        f"largest weights, at most {STRONGEST}",
    ]
    return [Section("What the simple baselines lean on", text, Table(columns, rows))]


def _classes(numbers: Mapping[str, Any]) -> Section:
    """Each class on its own, and what its recordings are called."""
    video, classes = numbers["video"], numbers["classes"]
    rows = []
    for name, counts in zip(classes, video["confusion"], strict=True):
        own = video["by_class"][name]
        head = [name, str(own["n"]), str(own["people"]), shown(own["recall"]), shown(own["f1"])]
        rows.append([*head, *map(str, counts)])
    columns = ["labelled", "n", "people", "recall", "F1", *(f"called {name}" for name in classes)]
    return Section("Classes", f"Recording level. {INTERVALS}", Table(columns, rows))


def _breakdowns(numbers: Mapping[str, Any]) -> list[Section]:
    """People by what training knew of them, tasks and groups, at recording level."""
    names = {"seen": "trained on", "selected": "selected on", "new": "new"}
    people = [(name, numbers[key]) for key, name in names.items() if numbers[key]]
    if people and numbers["new"]["baselines"]:
        people.append(("new: majority", numbers["new"]["baselines"]["majority"]))
    parts = {"People trained on, selected on and new": people}
    parts |= {"Tasks": list(numbers["by_task"].items()), "Groups": list(numbers["by_group"].items())}
    return [
        Section(title, f"Recording level. {INTERVALS}", metric_table(rows, len(numbers["classes"])))
        for title, rows in parts.items()
        if rows
    ]


def _training(run: Path | None) -> list[Section]:
    """The training curve and configuration, where they lie beside the checkpoint."""
    found = []
    if run is not None:
        epochs = run_files.curves(run)
        if epochs is not None:
            curve = class_figures.training_curve(epochs)
            found.append(
                Section(
                    "Training", pictures=[Picture("Development metrics and training loss by epoch", curve)]
                )
            )
        if listing := run_files.listing(run):
            found.append(Section("Training's configuration", listing=listing, folded="config.yaml"))
    return found
