"""What a multirun ends with: one table over its jobs, and an exit code that tells of failures."""

import json
import shlex
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from hydra.core.utils import JobReturn, JobStatus
from hydra.errors import CompactHydraException
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from stan_boundary.errors import InputError
from stan_boundary.names import csv_cell, printable
from stan_boundary.opening import read_json, read_regular
from stan_boundary.typed import in_quotes, typed
from stan_boundary.writing import write_whole

JOB = "job.json"
SUMMARY = "summary.json"
ALL_REPORTED = {"seed", "data.fold", "data.train_people"}
"""Settings in which runs differ that are looked at together, and not chosen from."""
_OF_A_JOB = ("job", "status", "metric", "mode", "value", "epoch", "train_median", "folder", "reason")
_MOST_BYTES = 1_000_000


class SweepTable(Callback):
    """Notes in each job's folder how the job went, and gathers the notes when all are done.

    A job that fails is noted and told to Hydra's basic sweeper as done with the value NaN: it would else
    end before any later callback (Optuna's sweeper knows failed trials). The exit code of the multirun is
    1 all the same.
    """

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Hydra and the jobs write into the sweep's folder, through links where there are any."""
        folder = Path(config.hydra.sweep.dir)
        present = list(folder.iterdir()) if folder.is_dir() else []
        strange = [path for path in present if path.is_symlink() or not (path.is_file() or path.is_dir())]
        if strange:
            said = "is a link or a pipe: nothing is written through one; name another hydra.sweep.dir"
            print(f"error: {printable(strange[0])} {said}", file=sys.stderr, flush=True)
            sys.exit(2)

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Note that the job runs; where nothing follows, it was killed."""
        if config.hydra.mode is RunMode.MULTIRUN:
            _note(config, status="killed", reason="")

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:
        """Note how the job ended."""
        if config.hydra.mode is not RunMode.MULTIRUN:
            return
        if job_return.status is JobStatus.COMPLETED:
            _note(config, status="finished", reason="")
            return
        error = job_return._return_value
        if not isinstance(error, CompactHydraException):
            traceback.print_exception(error)
        _note(config, status="failed", reason=" ".join(f"{error or type(error).__name__}".split()))
        if "BasicSweeper" in config.hydra.sweeper._target_:
            job_return.return_value = float("nan")
            job_return.status = JobStatus.COMPLETED
        elif _all_trials_failed(config):
            self.on_multirun_end(config)  # Optuna's sweeper would look for the best of none

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Show the table and write it as ``sweep.csv`` into the sweep's folder."""
        folder = Path(config.hydra.sweep.dir)
        jobs = gather(folder)
        if jobs.empty:
            return
        cells = jobs.map(csv_cell).rename(columns=csv_cell)  # notes of others may name any setting
        write_whole(folder / "sweep.csv", cells.to_csv(index=False).encode())
        Console().print(rich_table(jobs, str(folder)))
        print(*(printable(line) for line in (*remarks(jobs), f"table: {folder / 'sweep.csv'}")), sep="\n")
        for word, command in zip(("next", "then"), following(jobs, folder), strict=False):
            print(printable(f"{word}: {typed(command)}"))
        failed = int((jobs.status != "finished").sum())
        if failed:
            print(f"{failed} of {len(jobs)} jobs did not finish", file=sys.stderr)
            sys.exit(1)


def following(jobs: pd.DataFrame, folder: Path) -> list[str]:
    """Commands that evaluate the jobs together; none where they are candidates of a choice.

    Runs that differ by seed, fold or number of people trained on are all reported. Others compete on
    development, and test is for the one that is chosen.
    """
    settings = set(jobs.columns) - {*_OF_A_JOB}
    done = jobs[jobs.status == "finished"]
    best = [Path(place) / "checkpoints" / "best.ckpt" for place in done.folder]
    if len(done) < 2 or not settings or not settings <= ALL_REPORTED or not all(map(Path.is_file, best)):
        return []
    listed = ",".join(in_quotes(str(path)) for path in best)
    return [
        f"python -m stan_lightning.evaluate -m {shlex.quote(f'checkpoint={listed}')}",
        f"python -m stan_lightning.report {shlex.quote(str(folder))}",
    ]


def _all_trials_failed(config: DictConfig) -> bool:
    """Whether this is the last trial of a search in this process, and none before finished."""
    here = "BasicLauncher" in config.hydra.launcher._target_
    last = config.hydra.job.num + 1 == config.hydra.sweeper.get("n_trials")
    return here and last and "finished" not in set(gather(Path(config.hydra.sweep.dir)).status)


def _note(config: DictConfig, status: str, reason: str) -> None:
    folder = Path(config.hydra.runtime.output_dir)
    content = {
        "job": config.hydra.job.num,
        "overrides": list(config.hydra.overrides.task),
        "status": status,
        "reason": reason,
    }
    write_whole(folder / JOB, json.dumps(content).encode())


def gather(folder: Path) -> pd.DataFrame:
    """The jobs of a sweep, one a row, in their order.

    Columns: job, one for each setting that differs between jobs, status, metric, mode (min or max), value,
    epoch, train_median (what the training median scores on the same recordings), folder, reason.
    """
    notes = [(note, file.parent) for file in folder.rglob(JOB) if (note := _noted(file))]
    notes.sort(key=lambda note: int(note[0]["job"]))
    settings = [dict(override.split("=", 1) for override in note["overrides"]) for note, _ in notes]
    differing = [
        key
        for key in dict.fromkeys(key for setting in settings for key in setting)
        if len({setting.get(key) for setting in settings}) > 1
    ]
    rows = []
    for (note, place), setting in zip(notes, settings, strict=True):
        file = place / SUMMARY
        done = _summed(file) if note["status"] == "finished" and file.is_file() else {}
        rows.append(
            {"job": note["job"]}
            | {key: setting.get(key, "") for key in differing}
            | {"status": note["status"]}
            | {key: done.get(key) for key in ("metric", "mode", "value", "epoch", "train_median")}
            | {"folder": str(place), "reason": note["reason"]}
        )
    return pd.DataFrame(rows)


def _noted(file: Path) -> dict[str, Any] | None:
    """A job's note; None, and a line, where it is none: the folder may have been another's."""
    try:
        note = read_json(read_regular(file, _MOST_BYTES), str(file))
        right = type(note["job"]) is int and all(isinstance(note[key], str) for key in ("status", "reason"))
        if right and all(isinstance(one, str) and "=" in one for one in note["overrides"]):
            return note  # type: ignore[no-any-return] # a dictionary, as was checked
        said = "it is no note of a job"
    except (InputError, KeyError, TypeError) as error:
        said = str(error)
    print(printable(f"left out: {file}: {said}"), file=sys.stderr)
    return None


def _summed(file: Path) -> dict[str, Any]:
    try:
        done = read_json(read_regular(file, _MOST_BYTES), str(file))
        right = all(
            type(done.get(key)) in (int, float, type(None)) for key in ("value", "epoch", "train_median")
        )
        return done if right and isinstance(done.get("metric"), (str, type(None))) else {}
    except (InputError, AttributeError) as error:
        print(printable(f"left out: {error}"), file=sys.stderr)
        return {}


def rich_table(jobs: pd.DataFrame, title: str) -> Table:
    """The table as the terminal shows it, with the best value in bold."""
    table = Table(title=escape(printable(title)))
    left_out = ("folder", "metric", "mode", "train_median", "reason")
    shown = [name for name in jobs.columns if name not in left_out]
    for name in shown:
        heading = _metric(jobs) if name == "value" else name.removeprefix("model.")
        table.add_column(escape(printable(heading)), overflow="fold")
    best = jobs.value.max() if "max" in set(jobs["mode"]) else jobs.value.min()
    for _, job in jobs.iterrows():
        done = {} if pd.isna(job.value) else {"value": f"{job.value:.2f}", "epoch": f"{job.epoch:.0f}"}
        cells = {name: _short(job[name]) for name in shown} | done
        table.add_row(
            *(escape(printable(cell)) for cell in cells.values()), style="bold" if job.value == best else None
        )
    return table


def remarks(jobs: pd.DataFrame) -> Iterator[str]:
    """What the table's numbers are worth, and why jobs failed."""
    values = jobs.value.dropna().astype(float)
    if len(values) > 1:
        yield f"{_metric(jobs)}: mean {values.mean():.2f}, sd {values.std():.2f} over {len(values)} jobs"
    for median in jobs.train_median.dropna().unique()[:1]:
        yield f"the training median scores {median:.2f}"
    for _, job in jobs[jobs.status != "finished"].iterrows():
        yield f"job {job.job} {job.status}: {job.reason or job.folder}"


def _metric(jobs: pd.DataFrame) -> str:
    return next(iter(jobs.metric.dropna()), "value")


def _short(value: object) -> str:
    """Settings as they were given, but numbers drawn by a search to three digits."""
    if value is None or value != value:
        return ""
    text = str(value)
    try:
        return f"{float(text):.3g}" if len(text) > 8 else text
    except ValueError:
        return text
