"""Evaluations of others: what cannot be is one line that names the file, and the others are reported."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stan_boundary.errors import InputError
from stan_lightning.data.scale import scale_of
from stan_lightning.evaluation import results
from stan_lightning.evaluation.baselines import TrainingSessions
from stan_lightning.evaluation.received import INTERVALS
from stan_lightning.evaluation.tables import baseline_table, metrics, predictions_table
from stan_lightning.report import main

RANGE = [0.0, 63.0]


def write_run(run: Path, seed: int = 0, config: str = "model:\n  k: 2\n") -> Path:
    rng = np.random.default_rng(seed)
    names = [f"p{person}_{video}" for person in range(8) for video in range(2)]
    recordings = pd.DataFrame({"recording": names, "subject": [name.split("_")[0] for name in names]})
    recordings = recordings.assign(session="1", task="F", partition="test", group="")
    recordings["label"] = [float(person * 7 % 45) for person in range(8) for _ in range(2)]
    windows = pd.DataFrame({"recording": names, "window": 0, "first_frame": 0, "last_frame": 9})
    windows = windows.assign(start_s=0.0, end_s=1.0, output=recordings.label / 63 + rng.normal(0, 0.1, 16))
    sessions = TrainingSessions.from_rows([("p0", "1", 5.0)])
    predictions = predictions_table(windows, recordings, RANGE, sessions)
    baselines = baseline_table(predictions, sessions, None)
    numbers: dict[str, Any] = {"protocol": "official", "partition": "test", "checkpoint": None, "seed": seed}
    numbers |= {"n_train_subjects": 1, **metrics(predictions, windows, baselines, scale_of(None, RANGE))}
    numbers |= {"n_expected": 16, "n_missing": 0, "missing": [], "n_unlabelled": 0, "fold": 0, "n_folds": 3}
    numbers |= {
        "score_range": RANGE,
        "intervals": INTERVALS,
        "versions": {},
        "overlap": {},
    }
    folder = run / "evaluation" / "test"
    results.write(results.Evaluation(numbers, predictions, windows, baselines), folder)
    (run / "config.yaml").write_text(f"seed: {seed}\n{config}")
    (run / "checkpoints").mkdir()
    (run / "checkpoints" / "best.ckpt").write_bytes(b"")
    return folder


def table(name: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        change(pd.read_csv(folder / name)).to_csv(folder / name, index=False)

    return edit


def numbers(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        content = json.loads((folder / "metrics.json").read_text())
        change(content)
        (folder / "metrics.json").write_text(json.dumps(content))

    return edit


def pipe(name: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return edit


def link(name: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        (folder / name).rename(folder.parents[2] / "elsewhere")
        (folder / name).symlink_to(folder.parents[2] / "elsewhere")

    return edit


HARMFUL: dict[str, Callable[[Path], None]] = {
    "number for a metric of bands": numbers(lambda content: content["video"].update(f1_14=-1)),
    "text for JSON": lambda folder: (folder / "metrics.json").write_text("x") and None,
    "deep JSON": lambda folder: (folder / "metrics.json").write_text("[" * 200_000) and None,
    "text for a number": numbers(lambda content: content["video"]["mae"].update(value="x")),
    "1e308": numbers(lambda content: content["video"]["mae"].update(value=1e308, low=-1e308)),
    "infinite": numbers(lambda content: content["video"]["rmse"].update(value=float("inf"))),
    "NaN": numbers(lambda content: content["video"]["rmse"].update(value=float("nan"))),
    "no video": numbers(lambda content: content.pop("video")),
    "no baselines": numbers(lambda content: content["baselines"].pop("train_median")),
    "text for baselines": numbers(lambda content: content.update(baselines="x")),
    "list for a unit": numbers(lambda content: content.update(session=[])),
    "other intervals": numbers(lambda content: content.pop("intervals")),
    "text for p": numbers(lambda content: content["dealt"].update(p="x")),
    "new people": numbers(lambda content: content["new"].update(baselines={"train_median": 1})),
    "range": numbers(lambda content: content.update(score_range=[63, 0])),
    "protocol": numbers(lambda content: content.update(protocol=["x"])),
    "seed": numbers(lambda content: content.update(seed={"a": 1})),
    "missing": numbers(lambda content: content.update(missing=["x"])),
    "robustness": numbers(lambda content: content.update(robustness={"noise": [{}]})),
    "modalities": numbers(lambda content: content.update(modalities={"rows": [1], "n_without": 0})),
    "long text": numbers(lambda content: content.update(versions={"x": "y" * 10**6})),
    "text for a label": table("predictions.csv", lambda found: found.assign(label="x")),
    "1e308 for a score": table("predictions.csv", lambda found: found.assign(prediction=1e308)),
    "no score": table("predictions.csv", lambda found: found.assign(prediction=np.nan)),
    "no column": table("predictions.csv", lambda found: found.drop(columns="label")),
    "no window column": table("windows.csv", lambda found: found.drop(columns="output")),
    "text for an output": table("windows.csv", lambda found: found.assign(output="x")),
    "other recordings": table("windows.csv", lambda found: found.assign(recording="x")),
    "twice": table("predictions.csv", lambda found: pd.concat([found, found])),
    "other baselines": table("baselines.csv", lambda found: found.head(3)),
    "no identity": table("baselines.csv", lambda found: found.drop(columns="identity")),
    "many columns": lambda folder: (
        (folder / "windows.csv").write_text(",".join(map(str, range(10**6)))) and None
    ),
    "bytes": lambda folder: (folder / "predictions.csv").write_bytes(b"\xff\x00" * 1000) and None,
    "empty": lambda folder: (folder / "windows.csv").write_text("") and None,
    "pipe": pipe("predictions.csv"),
    "pipe for JSON": pipe("metrics.json"),
    "pipe for baselines": pipe("baselines.csv"),
    "link": link("predictions.csv"),
    "link for JSON": link("metrics.json"),
    "aliases": lambda folder: (folder.parents[1] / "config.yaml").write_text("a: &a [1]\nb: *a\n") and None,
    "no mapping": lambda folder: (folder.parents[1] / "config.yaml").write_text("- 1\n") and None,
}


def test_bad_evaluations_are_named_and_the_good_ones_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One folder of all of them: two are compared, the others are a line each, exit code 3, no traceback."""
    asked = tmp_path / "runs"
    good = write_run(asked / "good")
    write_run(asked / "a [red]good[/red] \x1b[31m", 1)
    bad = [f"bad_{number}" for number in range(len(HARMFUL))]
    for name, case in zip(bad, HARMFUL, strict=True):
        shutil.copytree(good.parents[1], asked / name)
        HARMFUL[case](asked / name / "evaluation" / "test")
    with pytest.raises(SystemExit) as ended:
        main([str(asked), "--output", str(tmp_path / "out")])
    shown = capsys.readouterr()
    lines = [line for line in shown.err.splitlines() if line]
    unnamed = [case for name, case in zip(bad, HARMFUL, strict=True) if f"/{name}/" not in shown.err]
    assert not unnamed and len(lines) == len(bad) and ended.value.code == 3, shown.err
    assert all(line.startswith("not compared: ") for line in lines)
    assert "\x1b" not in shown.out + shown.err and "[red]" in shown.out
    assert "2 runs side by side" in (tmp_path / "out" / "report.html").read_text()
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700
    main([str(asked / "good"), "--output", str(tmp_path / "alone")])
    with pytest.raises(SystemExit) as ended:
        main([str(asked / "bad_0"), "--output", str(tmp_path / "none")])
    assert ended.value.code == 2 and capsys.readouterr().err.count("\n") == 1


def test_an_output_that_is_a_link_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path / "run")
    (tmp_path / "other").mkdir()
    (tmp_path / "run" / "report").symlink_to(tmp_path / "other")
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path / "run")])
    assert ended.value.code == 2 and "is a link" in capsys.readouterr().err
    assert not any((tmp_path / "other").iterdir())


def test_names_come_back_as_they_were_and_no_cell_is_a_formula(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run")
    found = results.read(folder)
    names = {"p0": "=1+1", "p1": "-5", "p2": "@x", "p3": "NA"}
    changed = found.predictions.assign(subject=found.predictions["subject"].replace(names))
    results.write(results.Evaluation(found.metrics, changed, found.windows, found.baselines), folder)
    assert "'=1+1" in (folder / "predictions.csv").read_text()
    assert list(results.read(folder).predictions["subject"]) == list(changed["subject"])
    (folder / "windows.csv").unlink()
    with pytest.raises(InputError, match=r"windows\.csv"):
        results.read(folder)
