"""Evaluations of several runs: found on disk, told apart, folds pooled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from stan_boundary.errors import InputError
from stan_boundary.names import printable
from stan_boundary.opening import read_json, read_regular
from stan_boundary.received_folder import check_inside
from stan_boundary.typed import typed
from stan_lightning.data.scale import scale_of
from stan_lightning.evaluation import results
from stan_lightning.evaluation.baselines import OPTIONAL, RIDGES
from stan_lightning.evaluation.received import MOST_JSON
from stan_lightning.evaluation.run_files import run_of, run_settings
from stan_lightning.evaluation.tables import metrics

SIGNIFICANT_NOT = ("seed", "data.fold", "resume", "trust")
"""Settings that do not make a run another experiment."""


@dataclass(frozen=True)
class Run:
    """One evaluated run, or several folds pooled into one.

    Attributes:
        name: What it is called: its folder, from what was asked for.
        folder: Folder of the training run, or of the evaluation where that is all there is.
        evaluation: Tables and numbers.
        settings: Training's configuration, flat, less what `SIGNIFICANT_NOT` names.
    """

    name: str
    folder: Path
    evaluation: results.Evaluation
    settings: Mapping[str, str]


def find_runs(folders: Sequence[Path], partition: str, refused: list[str]) -> list[Run]:
    """All evaluations of a partition under the folders.

    Args:
        folders: Those that were asked for.
        partition: Whose evaluations are read.
        refused: Gets a line for each evaluation that cannot be used.

    Raises:
        InputError: Where a folder is missing, or a run in it has not been evaluated.
    """
    runs: dict[Path, Run] = {}
    for asked in folders:
        if not asked.is_dir():
            raise InputError(f"no folder at {asked}: give folders of runs, of a multirun or of evaluations")
        found = []
        for file in _below(asked, "metrics.json"):
            try:
                if not _is_of(check_inside(file, asked), partition):
                    continue
                found.append(file.parent)
                if file.parent.resolve() not in runs:
                    runs[file.parent.resolve()] = _open(file.parent, asked)
            except InputError as error:
                found.append(file.parent)
                refused.append(str(error))
        lacking = [path.parents[1] for path in _below(asked, "checkpoints/best.ckpt")]
        lacking = [run for run in lacking if not any(run in folder.parents for folder in found)]
        if lacking or not found:
            run = lacking[0] if lacking else asked
            best = run / "checkpoints" / "best.ckpt"
            command = f"python -m stan_lightning.evaluate checkpoint={best} partition={partition}"
            raise InputError(
                f"{run} holds no evaluation of partition {partition}: `{typed(command)}` makes it"
            )
    return list(runs.values())


def _below(folder: Path, name: str) -> list[Path]:
    try:
        return sorted(folder.rglob(name))
    except RecursionError:
        raise InputError(f"{folder} is nested too deeply to look for runs in") from None


def _is_of(file: Path, partition: str) -> bool:
    """Whether this is an evaluation of its own, not a pool of folds, and of the partition."""
    try:
        numbers = read_json(read_regular(file, MOST_JSON), str(file), MOST_JSON)
    except InputError as error:
        raise InputError(f"{error}; run the evaluation again") from None
    return isinstance(numbers, dict) and numbers.get("partition") == partition and "folds" not in numbers


def _open(folder: Path, asked: Path) -> Run:
    home = run_of(folder)
    settings = {"run": str(folder)} if home is None else run_settings(home)
    home = home or folder
    name = home.resolve().name
    if home != asked and asked in home.parents:
        name = f"{asked.resolve().name}/{home.relative_to(asked)}"
    kept = {key: value for key, value in settings.items() if key not in SIGNIFICANT_NOT}
    return Run(printable(name), home, results.read(folder), kept)


def pool_folds(runs: Sequence[Run]) -> list[Run]:
    """Replace the folds of one cross-validation by their pool; other runs stay as they are.

    Folds belong together that have the same settings and the same seed.
    """
    groups: dict[Any, list[Run]] = {}
    for number, run in enumerate(runs):
        numbers = run.evaluation.metrics
        folded = numbers["protocol"] == "group_kfold"
        key = (tuple(sorted(run.settings.items())), numbers["seed"]) if folded else number
        groups.setdefault(key, []).append(run)
    return [
        _pool(group) if group[0].evaluation.metrics["protocol"] == "group_kfold" else group[0]
        for group in groups.values()
    ]


def _pool(folds: Sequence[Run]) -> Run:
    """One evaluation of all folds' recordings, each predicted by the network that had not seen its subject.

    Baselines are pooled too: each recording's comes from its own fold's training data.
    """
    folds = sorted(folds, key=lambda run: run.evaluation.metrics["fold"])
    evaluations = [run.evaluation for run in folds]
    predictions = pd.concat([found.predictions for found in evaluations], ignore_index=True)
    twice = predictions["recording"][predictions["recording"].duplicated()]
    if len(twice):
        raise InputError(
            f"recording {twice.iloc[0]} is tested in two of {', '.join(run.name for run in folds)}"
        )
    windows = pd.concat([found.windows for found in evaluations], ignore_index=True)
    tables = [found.baselines for found in evaluations if found.baselines is not None]
    baselines = pd.concat(tables, ignore_index=True) if len(tables) == len(folds) else None
    first = evaluations[0].metrics
    numbers: dict[str, Any] = {name: first[name] for name in ("protocol", "partition")}
    numbers["checkpoint"] = None
    numbers |= {"seed": first["seed"], "n_train_subjects": None}
    numbers |= metrics(predictions, windows, baselines, scale_of(first.get("scale"), first["score_range"]))
    for name in ("n_expected", "n_missing", "n_unlabelled"):
        numbers[name] = sum(found.metrics[name] for found in evaluations)
    numbers["missing"] = [row for found in evaluations for row in found.metrics["missing"]]
    numbers["ridges"] = _lacking_ridges(folds)
    kept = ("fold", "checkpoint", "n_train_subjects", "video", "baselines", "n_expected", "n_missing")
    numbers["folds"] = [{name: found.metrics[name] for name in kept} for found in evaluations]
    numbers |= {name: first[name] for name in ("n_folds", "score_range", "intervals", "versions")}
    numbers["scale"] = first.get("scale")
    pooled = results.Evaluation(numbers, predictions, windows, baselines)
    name = "pooled folds" if len(folds) == 1 else f"pooled {folds[0].name} .. {folds[-1].name}"
    return replace(folds[0], name=name, evaluation=pooled)


def _lacking_ridges(folds: Sequence[Run]) -> dict[str, Any]:
    """By name of a ridge that is not in every fold the reason of the first that lacks it."""
    before = {"reason": "evaluated before there was one; run the evaluation again"}
    found: dict[str, Any] = {}
    for name in RIDGES:
        known = any(name in run.evaluation.metrics.get("ridges", {}) for run in folds)
        for run in folds if known or name not in OPTIONAL else ():
            said = run.evaluation.metrics.get("ridges", {}).get(name, before)
            if "reason" in said and name not in found:
                found[name] = {"reason": f"{run.name}: {said['reason']}"}
    return found


def differing(runs: Sequence[Run]) -> list[str]:
    """Settings in which the runs are not all alike."""
    names = sorted({name for run in runs for name in run.settings})
    return [name for name in names if len({run.settings.get(name) for run in runs}) > 1]


def by_seed(runs: Sequence[Run]) -> list[list[Run]]:
    """Groups of two or more runs that differ by seed alone; of a seed that is there twice the first."""
    groups = [[same[0] for same in group.values()] for group in _seeds(runs)]
    return [group for group in groups if len(group) > 1]


def repeated_seeds(runs: Sequence[Run]) -> list[str]:
    """One line for each run that another with the same settings and the same seed stands for."""
    return [
        f"{run.name} has the settings and the seed of {same[0].name}: over seeds it is left out"
        for group in _seeds(runs)
        if len(group) > 1
        for same in group.values()
        for run in same[1:]
    ]


def _seeds(runs: Sequence[Run]) -> list[dict[Any, list[Run]]]:
    """Runs of the same settings, by seed."""
    groups: dict[Any, dict[Any, list[Run]]] = {}
    for run in runs:
        numbers = run.evaluation.metrics
        key = (tuple(sorted(run.settings.items())), numbers["protocol"], numbers.get("fold"))
        groups.setdefault(key, {}).setdefault(numbers["seed"], []).append(run)
    return list(groups.values())
