"""One evaluation as a page."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from stan_lightning.data.notices import SYNTHETIC
from stan_lightning.data.scale import scale_of
from stan_lightning.evaluation import run_files
from stan_lightning.evaluation.findings import findings
from stan_lightning.evaluation.results import Evaluation
from stan_lightning.evaluation.units import UNITS
from stan_lightning.evaluation.verdict import ROWS, baseline_rows, shown
from stan_lightning.pages import figures, gates
from stan_lightning.pages.gallery import FOLDER, PAGE
from stan_lightning.pages.metric_tables import INTERVALS, against_baselines, metric_table, ridges
from stan_lightning.pages.page import Picture, Section, Table, render
from stan_lightning.pages.pseudonyms import NAMED, NUMBERED, unnamed
from stan_lightning.pages.validity_section import validity_section


def page(found: Evaluation, run: Path | None, names: bool = False, gallery: bool = False) -> str:
    """The report of one evaluation.

    Args:
        found: Its tables and numbers.
        run: Folder of the training run, for the training curve and configuration; None where there is none.
        names: Show recordings' names, where they are numbered otherwise.
        gallery: Whether one lies beside it.
    """
    found = found if names else unnamed(found)
    numbers = found.metrics
    title = f"Evaluation on {numbers['partition']}, protocol {numbers['protocol']}"
    sections = [
        *_pictures(found),
        against_baselines(numbers),
        *ridges(numbers),
        _units(numbers),
        *_breakdowns(numbers),
        *validity_section(numbers),
        *_folds(numbers),
    ]
    sections += [
        *_modalities(numbers),
        *_robustness(numbers),
        *audit(numbers),
        _timelines(found),
        *_training(run),
    ]
    told = [*notes(numbers), NAMED if names else NUMBERED]
    link = (
        (f"{FOLDER}/{PAGE}", "Each recording's faces, sound, windows and signals, worst first")
        if gallery
        else None
    )
    return render(title, findings(numbers), told, [*sections, provenance(numbers)], link)


def notes(numbers: Mapping[str, Any]) -> list[str]:
    """What a reader must know before the numbers."""
    said = [SYNTHETIC] if numbers.get("synthetic") else []
    video, seen = numbers["video"], numbers["seen"]
    if seen is None:
        said.append("The training set is unknown: no baselines, no division into seen and unseen subjects.")
    elif seen["n"]:
        said.append(
            f"{seen['n']} of {video['n']} videos show people whom the training data holds: these numbers "
            "measure severity and memory of faces together. Read them beside the new people's and the "
            "identity baseline's."
        )
    return said + notes_on_recordings(numbers)


def notes_on_recordings(numbers: Mapping[str, Any]) -> list[str]:
    """Who stands in several partitions, and what has no prediction or no label."""
    said = []
    shared = {pair: n for pair, n in (numbers.get("overlap") or {}).items() if n}
    if shared:
        pairs = ", ".join(f"{n} in {pair.replace('+', ' and ')}" for pair, n in shared.items())
        said.append(f"The partitions share subjects: {pairs}.")
    folds = numbers.get("folds")
    if folds and len(folds) < numbers["n_folds"]:
        said.append(f"Only {len(folds)} of {numbers['n_folds']} folds are here.")
    if numbers["n_missing"]:
        names = ", ".join(f"{row['recording']} ({row['reason']})" for row in numbers["missing"])
        said.append(
            f"{numbers['n_missing']} of {numbers['n_expected']} recordings have no prediction: {names}."
        )
    if numbers["n_unlabelled"]:
        said.append(f"{numbers['n_unlabelled']} recordings have no label: predicted, not counted.")
    return said


def _pictures(found: Evaluation) -> list[Section]:
    numbers = found.metrics
    if not numbers["video"]["n"]:
        return []
    scale = scale_of(numbers.get("scale"), numbers["score_range"])
    rows = [("model", numbers["video"]["mae"])]
    rows += [(ROWS[name], row["mae"]) for name, row in baseline_rows(numbers) if row]
    parts = [(name, part) for name, part in exposures(numbers) if 0 < part["n"] < numbers["video"]["n"]]
    rows += [
        (f"people {name}" if ":" in name else f"model, people {name}", part["mae"]) for name, part in parts
    ]
    scatter = figures.predicted_against_true(found.predictions, scale)
    drawn = [
        Picture(
            "Predicted against true score; bars: sd over a video's windows; grey: severity bands", scatter
        ),
        Picture("MAE with 95 % interval over people", figures.errors(rows)),
        Picture(
            "Calibration: videos in fifths by prediction", figures.calibration(found.predictions, scale.range)
        ),
    ]
    if "bias_by_band" in numbers["video"]:
        bias = numbers["video"]["bias_by_band"]
        residuals = figures.residuals_by_band(found.predictions, bias, scale)
        drawn.insert(2, Picture("Residuals by severity band; orange: bias with 95 % interval", residuals))
    return [Section("Pictures", pictures=drawn)]


def _units(numbers: Mapping[str, Any]) -> Section:
    text = f"A session is the mean of its videos, a subject the mean of its sessions. {INTERVALS}"
    return Section("Units", text, metric_table((unit, numbers[unit]) for unit in UNITS))


def _breakdowns(numbers: Mapping[str, Any]) -> list[Section]:
    """People by what training knew of them, tasks, bands, groups, at video level."""
    parts = {"People trained on, selected on and new": exposures(numbers)}
    for key, title in (("by_task", "Tasks"), ("by_band", "Severity bands"), ("by_group", "Groups")):
        parts[title] = list((numbers[key] or {}).items())
    return [
        Section(title, f"Video level. {INTERVALS}", metric_table(rows))
        for title, rows in parts.items()
        if rows
    ]


def exposures(numbers: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Rows of those trained on, selected on (by the development partition) and new, with their median."""
    names = {"seen": "trained on", "selected": "selected on", "new": "new"}
    rows = [(name, numbers[key]) for key, name in names.items() if numbers[key]]
    if rows and numbers["new"]["baselines"]:
        rows.append(("new: training median", numbers["new"]["baselines"]["train_median"]))
    return rows


def _folds(numbers: Mapping[str, Any]) -> list[Section]:
    """Each fold of a pool on its own, beside its own training median."""
    rows = []
    for fold in numbers.get("folds") or ():
        rows.append((f"fold {fold['fold']}", fold["video"]))
        if fold["baselines"]:
            rows.append((f"fold {fold['fold']}, training median", fold["baselines"]["train_median"]))
    if not rows:
        return []
    text = f"{len(numbers['folds'])} of {numbers['n_folds']} folds, pooled above. {INTERVALS}"
    return [Section("Folds", text, metric_table(rows))]


def _robustness(numbers: Mapping[str, Any]) -> list[Section]:
    series = numbers.get("robustness")
    if not series:
        return []
    names = {
        "noise": "noise {:g}",
        "blur": "blur {:g}",
        "shuffle": "frames shuffled",
        "sound_noise": "sound: {:g} dB above noise",
        "bandwidth": "sound: as sampled at {:g} kHz",
        "gain": "sound: {:+g} dB",
    }
    rows = [
        (name.format(row["strength"]), row)
        for kind, name in names.items()
        for row in series.get(kind, ())
        if kind != "shuffle" or row["strength"]
    ]
    text = "One corruption a row. " + (
        "Frames after the resize. Noise: sigma in grey levels, clipped. Blur: spatial kernel "
        "in pixels; the released blur works on other axes, so blur is not comparable with the paper. "
        "Shuffled: the frames of each clip in random order; what that costs came from order and duration."
        if "noise" in series
        else ""
    )
    drawn = [Picture("MAE under noise and blur", figures.robustness(series))] if "noise" in series else []
    return [Section("Robustness", text, metric_table(rows), drawn)]


def _modalities(numbers: Mapping[str, Any]) -> list[Section]:
    """What each modality contributes, where there are several."""
    found = numbers.get("modalities")
    if not found:
        return []
    table = metric_table((row["name"], row) for row in found["rows"])
    differences = ["", *(shown(row["mae_difference"]) for row in found["rows"][1:])]
    cells = [
        [*row[:4], difference, *row[4:]] for row, difference in zip(table.rows, differences, strict=True)
    ]
    columns = [*table.columns[:4], "MAE of this - whole", *table.columns[4:]]
    left_out = f" {found['n_without']} recordings without sound are left out." if found["n_without"] else ""
    text = (
        f"Video level. {INTERVALS} Alone: the others are hidden from the same network. Another person's: "
        "read from a recording of somebody else; where that costs nothing, the modality told nothing of "
        f"the score.{left_out}"
    )
    contribution = Section("Contribution of each modality", text, Table(columns, cells))
    return [contribution, gates.section(found["gates"])] if found.get("gates") else [contribution]


def audit(numbers: Mapping[str, Any]) -> list[Section]:
    """How well features tell people apart, where that was asked for."""
    if "identity_audit" not in numbers:
        return []
    audits = numbers["identity_audit"]
    known = {name: one for name, one in audits.items() if one is not None}
    if not known:
        return [Section("Identity audit", "Not to be had: no subject has two sessions in these crops.")]
    text = (
        "Given an encoder's features of a session, whose is it? Sessions of subjects with others of theirs "
        "to compare with, the nearest of all subjects' centroids. Far above chance: the features tell "
        "people apart."
    )
    rows = [
        [
            name,
            str(one["n_sessions"]),
            str(one["n_subjects"]),
            str(one["n_candidates"]),
            shown(one["accuracy"]),
            f"{one['chance']:.3f}",
        ]
        for name, one in known.items()
    ]
    columns = ["encoder", "sessions", "subjects", "candidates", "accuracy", "chance"]
    return [Section("Identity audit", text, Table(columns, rows))]


def _timelines(found: Evaluation) -> Section:
    labels = found.predictions.set_index("recording")["label"]
    scale = scale_of(found.metrics.get("scale"), found.metrics["score_range"])
    drawn = []
    for recording, windows in found.windows.groupby("recording", sort=False):
        label = labels.get(recording)
        known = None if label is None or pd.isna(label) else float(label)
        picture = figures.timeline(windows, scale, known)
        truth = "label unknown" if known is None else f"label {known:g}"
        drawn.append(Picture(f"{recording}: mean of {len(windows)} windows, {truth} (orange)", picture))
    text = "Each line is a window of the video and its score; dashed: their mean."
    return Section("Scores over time", text, pictures=drawn, folded=f"{len(drawn)} recordings")


def _training(run: Path | None) -> list[Section]:
    """The training curve and configuration, where they lie beside the checkpoint."""
    found = []
    if run is not None:
        epochs = run_files.curves(run)
        if epochs is not None:
            picture = Picture("Development error and training loss by epoch", figures.training_curve(epochs))
            found.append(Section("Training", pictures=[picture]))
        if listing := run_files.listing(run):
            found.append(Section("Training's configuration", listing=listing, folded="config.yaml"))
    return found


def provenance(numbers: Mapping[str, Any]) -> Section:
    """Checkpoint, protocol, versions."""
    names = (
        "checkpoint",
        "protocol",
        "fold",
        "n_folds",
        "partition",
        "seed",
        "n_train_subjects",
        "score_range",
    )
    shown = dict(numbers)
    if numbers.get("checkpoint"):  # not the whole path: pages are handed on
        shown["checkpoint"] = "/".join(Path(str(numbers["checkpoint"])).parts[-3:])
    rows = [[name, str(shown[name])] for name in names if shown.get(name) is not None]
    rows.append(["intervals", numbers["intervals"]])
    rows += [[package, version] for package, version in numbers["versions"].items()]
    return Section("Where this comes from", table=Table(["", ""], rows))
