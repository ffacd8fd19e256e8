"""Several runs side by side, and the difference between any two."""

from collections.abc import Sequence
from statistics import fmean, stdev
from typing import Any

from stan_lightning.evaluation import verdict
from stan_lightning.evaluation.comparison import Contender, better_than_the_median, contenders, matrix
from stan_lightning.evaluation.findings import NOTE, Finding, findings
from stan_lightning.evaluation.runs import Run, by_seed, differing, repeated_seeds
from stan_lightning.pages import figures, report_page
from stan_lightning.pages.metric_tables import INTERVALS, TITLES, metric_table
from stan_lightning.pages.page import Picture, Section, Table, render
from stan_lightning.pages.pseudonyms import unnamed


def page(runs: Sequence[Run], together: Sequence[Run]) -> str:
    """The page that sets runs side by side.

    Args:
        runs: At least two.
        together: The same, then the ensembles of those that differ by seed alone.
    """
    named = [(run.name, run.evaluation.metrics) for run in together]
    everybody = contenders(together)
    table = metric_table((one.name, one.video) for one in everybody)
    own = {run.name for run in together}
    rows = [(f"model: {one.name}" if one.name in own else one.name, one.video["mae"]) for one in everybody]
    baselines = [(name, numbers["baselines"]) for name, numbers in named if numbers["baselines"]]
    medians = [(name, row["train_median"]["mae"]) for name, row in baselines]
    if all(metric == medians[0][1] for _, metric in medians):
        rows += [("training median", metric) for _, metric in medians[:1]]
    else:
        rows += [(f"{name}: training median", metric) for name, metric in medians]
    picture = Picture("MAE at video level with 95 % interval over people", figures.errors(rows))
    said = "\n".join("\n  ".join([f"{name}:", *map(str, findings(numbers))]) for name, numbers in named)
    against = "MAE of the model less the baseline's, paired."
    sections = [
        Section("MAE of each", pictures=[picture]),
        Section("Runs", f"Video level. {INTERVALS}", table),
        _any_two(everybody),
        Section("Against the baselines", against, _differences(named)),
        Section("In words", listing=said),
        *_seen(named),
        *_seeds(runs, together[len(runs) :]),
        _settings(runs),
    ]
    headline = Finding(NOTE, better_than_the_median(runs))
    notes = [*_notes(runs), *repeated_seeds(runs)]
    return render(f"{len(runs)} runs side by side", [headline], notes, sections)


def _notes(runs: Sequence[Run]) -> list[str]:
    """What must be known of each run, once for all of which it is said."""
    said: dict[str, list[str]] = {}
    for run in runs:
        for note in report_page.notes(unnamed(run.evaluation).metrics):
            said.setdefault(note, []).append(run.name)
    return [
        note if len(names) == len(runs) else f"{', '.join(names)}: {note}" for note, names in said.items()
    ]


def _any_two(everybody: Sequence[Contender]) -> Section:
    cells = matrix(everybody, intervals=True)
    rows = [[f"{number} {one.name}", *cells[number - 1]] for number, one in enumerate(everybody, start=1)]
    text = (
        "MAE of the row less MAE of the column, on the recordings that both scored, paired by person. "
        "Below 0 the row is better; *: other than 0 after Holm's correction for all pairs."
    )
    columns = ["", *(f"less {number}" for number in range(1, len(everybody) + 1))]
    return Section("Any two compared", text, Table(columns, rows))


def _differences(named: Sequence[tuple[str, Any]]) -> Table:
    cells = []
    for name, numbers in named:
        compared = numbers["baselines"] or {}
        found = [compared.get(key) for key in verdict.NAMES]
        cells.append([name, *(verdict.shown(row["mae_difference"]) if row else "unknown" for row in found)])
    return Table(["", *(verdict.ROWS[key] for key in verdict.NAMES)], cells)


def _seen(named: Sequence[tuple[str, Any]]) -> list[Section]:
    rows = [
        (f"{name}, {part}", row) for name, numbers in named for part, row in report_page.exposures(numbers)
    ]
    title = "People trained on, selected on and new"
    return [Section(title, "", metric_table(rows))] if rows else []


def _seeds(runs: Sequence[Run], ensembles: Sequence[Run]) -> list[Section]:
    """Mean and standard deviation over runs that differ by seed alone, and their ensemble."""
    rows = []
    for group, ensemble in zip(by_seed(runs), ensembles, strict=True):
        videos = [run.evaluation.metrics["video"] for run in group]
        rows.append([", ".join(run.name for run in group), *(spread(videos, name) for name in TITLES), ""])
        numbers = ensemble.evaluation.metrics
        own = [verdict.shown(numbers["video"][name]) if name in numbers["video"] else "" for name in TITLES]
        rows.append([ensemble.name, *own, verdict.shown(numbers["ensemble"]["mae_difference"])])
    if not rows:
        return []
    text = (
        "Mean and standard deviation of the runs; and their ensemble, the mean of their predictions of each "
        "recording, with its own interval."
    )
    columns = ["", *TITLES.values(), "ensemble's MAE - mean of the runs'"]
    return [Section("Over seeds", text, Table(columns, rows))]


def spread(videos: Sequence[Any], name: str) -> str:
    """Mean and standard deviation of a metric over runs."""
    values = [video[name]["value"] for video in videos if name in video]
    known = [value for value in values if value is not None]
    return (
        f"{fmean(known):.2f}, sd {stdev(known):.2f}" if values and len(known) == len(values) else "undefined"
    )


def _settings(runs: Sequence[Run]) -> Section:
    names = differing(runs)
    rows = [
        [run.name, str(run.evaluation.metrics["seed"]), *(run.settings.get(name, "") for name in names)]
        for run in runs
    ]
    return Section("What differs", table=Table(["", "seed", *names], rows))
