"""Runs side by side: folds pooled, seeds averaged, what is missing named."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stan_lightning.data.scale import scale_of
from stan_lightning.evaluation import received, results
from stan_lightning.evaluation.baselines import TrainingSessions
from stan_lightning.evaluation.tables import baseline_table, metrics, predictions_table
from stan_lightning.report import main

RANGE = [0.0, 63.0]
RIDGE_ROWS = ("shortcut: nuisance", "shortcut: behaviour")


def write_run(
    run: Path,
    people,
    seed=0,
    fold=None,
    config="model:\n  k: 2\n",
    shift=0.0,
    training=((0, 5.0),),
    ridges=None,
):
    """A run folder with an evaluation in it; `people` are numbers, two videos each."""
    rng = np.random.default_rng(seed)
    names = [f"p{person}_{video}" for person in people for video in range(2)]
    recordings = pd.DataFrame({"recording": names, "subject": [name.split("_")[0] for name in names]})
    recordings = recordings.assign(session="1", task="F", partition="test", group="")
    recordings["label"] = [float(person * 7 % 45) for person in people for _ in range(2)]
    outputs = recordings.label / 63 + shift + rng.normal(0, 0.02, len(names))
    windows = pd.DataFrame({"recording": names, "window": 0, "first_frame": 0, "last_frame": 9})
    windows = windows.assign(start_s=0.0, end_s=1.0, output=outputs)
    sessions = TrainingSessions.from_rows([(f"p{person}", "1", label) for person, label in training])
    predictions = predictions_table(windows, recordings, RANGE, sessions)
    said = None if ridges is None else pd.DataFrame({"recording": names, **ridges})
    baselines = baseline_table(predictions, sessions, said)
    numbers = {"protocol": "official" if fold is None else "group_kfold", "partition": "test"}
    numbers |= {"checkpoint": str(run / "checkpoints" / "best.ckpt"), "seed": seed, "n_train_subjects": 1}
    numbers |= metrics(predictions, windows, baselines, scale_of(None, RANGE))
    numbers |= {
        "n_expected": len(names) + 1,
        "n_missing": 1,
        "missing": [{"recording": "gone", "reason": "x"}],
    }
    numbers |= {"n_unlabelled": 0, "fold": fold or 0, "n_folds": 3, "score_range": RANGE}
    numbers |= {"intervals": received.INTERVALS, "versions": {}, "overlap": {}}
    results.write(results.Evaluation(numbers, predictions, windows, baselines), run / "evaluation" / "test")
    (run / "config.yaml").write_text(f"seed: {seed}\ndata:\n  fold: {fold or 0}\n{config}")
    (run / "checkpoints").mkdir()
    (run / "checkpoints" / "best.ckpt").write_bytes(b"")


def test_folds_are_pooled_recording_by_recording_each_with_its_own_baseline(tmp_path, capsys):
    medians = (5.0, 20.0, 40.0)
    for fold, median in enumerate(medians):
        people = range(fold * 3, fold * 3 + 3)
        write_run(tmp_path / str(fold), people, fold=fold, shift=0.1 * fold, training=((99, median),))
    main([str(tmp_path)])
    found = results.read(tmp_path / "report")
    single = [results.read(tmp_path / str(fold) / "evaluation" / "test") for fold in range(3)]
    assert (found.metrics["video"]["n"], found.metrics["subject"]["n"]) == (18, 9)
    error = pd.concat([(one.predictions.prediction - one.predictions.label).abs() for one in single])
    assert found.metrics["video"]["mae"]["value"] == pytest.approx(error.mean())
    said = pd.concat(
        [(one.predictions.label - median).abs() for one, median in zip(single, medians, strict=True)]
    )
    assert found.metrics["baselines"]["train_median"]["mae"]["value"] == pytest.approx(said.mean())
    assert [row["fold"] for row in found.metrics["folds"]] == [0, 1, 2]
    assert [row["video"] for row in found.metrics["folds"]] == [one.metrics["video"] for one in single]
    assert (found.metrics["n_expected"], found.metrics["n_missing"]) == (21, 3)
    assert "<h2>Folds</h2>" in (tmp_path / "report" / "report.html").read_text()
    assert "training median" in capsys.readouterr().out
    main([str(tmp_path)])  # its own report is no further fold
    assert results.read(tmp_path / "report").metrics == found.metrics


def test_a_missing_fold_is_said(tmp_path):
    write_run(tmp_path / "0", range(3), fold=0)
    write_run(tmp_path / "2", range(3, 6), fold=2)
    main([str(tmp_path)])
    assert "Only 2 of 3 folds are here." in (tmp_path / "report" / "report.html").read_text()


def test_folds_that_share_a_recording_are_refused(tmp_path, capsys):
    write_run(tmp_path / "0", range(3), fold=0)
    write_run(tmp_path / "1", range(2, 5), fold=1)
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path)])
    assert ended.value.code == 2
    assert "error: recording p2_0 is tested in two of" in capsys.readouterr().err


def test_runs_that_differ_by_seed_alone_get_mean_and_deviation(tmp_path, capsys):
    for seed in range(3):
        write_run(tmp_path / f"s{seed}", range(12), seed=seed, shift=0.05 * seed)
    write_run(tmp_path / "other", range(12), seed=7, config="model:\n  k: 4\n")
    main([str(tmp_path), "--output", str(tmp_path / "out")])
    html = (tmp_path / "out" / "report.html").read_text()
    values = [
        json.loads((tmp_path / f"s{seed}" / "evaluation" / "test" / "metrics.json").read_text())["video"][
            "mae"
        ]["value"]
        for seed in range(3)
    ]
    assert f"{np.mean(values):.2f}, sd {np.std(values, ddof=1):.2f}" in html
    assert html.count("model.k") == 1 and "4 runs side by side" in html
    said = capsys.readouterr().out
    assert "3 seeds of" in said and f"sd {np.std(values, ddof=1):.2f}" in " ".join(said.split())
    runs = [results.read(tmp_path / f"s{seed}" / "evaluation" / "test").predictions for seed in range(3)]
    error = np.mean([run.prediction for run in runs], axis=0) - runs[0].label
    against = (
        f"+ better than the mean of its runs (MAE {np.abs(error).mean():.1f} against {np.mean(values):.1f}"
    )
    assert against in said
    assert html.count("1 of 25 recordings have no prediction") == 1  # said once for all runs
    assert html.count("ensemble of 3 seeds") >= 4 and f"<td>{np.abs(error).mean():.2f}<span>" in html
    assert f"{np.abs(error).mean() - np.mean(values):z.2f}" in html


def test_any_two_are_compared_and_ridges_are_among_them(tmp_path, capsys):
    ridges = {"nuisance": 20.0, "behaviour": 10.0}
    for number, name in enumerate(("face", "audio", "fusion")):
        config = f"model:\n  name: {name}\n"
        write_run(tmp_path / name, range(12), number, config=config, shift=0.1 * number, ridges=ridges)
    main([str(tmp_path / name) for name in ("face", "audio", "fusion")] + ["--output", str(tmp_path / "out")])
    said = capsys.readouterr().out
    html = (tmp_path / "out" / "report.html").read_text()
    section = html.split("<h2>Any two compared</h2>")[1].split("</section>")[0]
    rows = [f"{n} {name}" for n, name in enumerate(("face", "audio", "fusion", *RIDGE_ROWS), 1)]
    assert all(f'<th scope="row">{row}</th>' in section for row in rows)
    assert section.count("<span>[") == 5 * 4 and "less 5" in section
    found = [results.read(tmp_path / name / "evaluation" / "test") for name in ("face", "audio")]
    maes = [one.metrics["video"]["mae"]["value"] for one in found]
    assert f"<td>{maes[0] - maes[1]:.2f}*<span>[" in section
    assert f"{maes[0] - maes[1]:.1f}*" in said and "5 shortcut:" in said and "ensemble" not in html
    assert "face:\n  + better than predicting" in said and "the recording's length, light and sound" in said
    assert "of 3 runs are better than predicting the training median (Holm's correction)" in said


def test_evaluations_of_before_are_read_without_the_ridges(tmp_path, capsys):
    for name in ("a", "b"):
        write_run(tmp_path / name, range(6), config=f"model:\n  name: {name}\n")
        folder = tmp_path / name / "evaluation" / "test"
        numbers = json.loads((folder / "metrics.json").read_text())
        for ridge in ("nuisance", "behaviour"):
            del numbers["baselines"][ridge]
        (folder / "metrics.json").write_text(json.dumps(numbers))
        table = pd.read_csv(folder / "baselines.csv").drop(columns=["nuisance", "behaviour"])
        table.to_csv(folder / "baselines.csv", index=False)
    main([str(tmp_path), "--output", str(tmp_path / "out")])
    assert "shortcut" not in capsys.readouterr().out
    assert "unknown" in (tmp_path / "out" / "report.html").read_text()
    main([str(tmp_path / "a"), "--output", str(tmp_path / "one")])
    assert "training median" in capsys.readouterr().out


def test_an_evaluation_whose_intervals_were_others_is_refused_in_a_line(tmp_path, capsys):
    write_run(tmp_path / "a", range(6))
    file = tmp_path / "a" / "evaluation" / "test" / "metrics.json"
    numbers = json.loads(file.read_text())
    del numbers["intervals"]
    file.write_text(json.dumps(numbers | {"bootstrap": {"resamples": 2000, "seed": 0}}))
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path)])
    error = capsys.readouterr().err
    assert ended.value.code == 2 and error.count("\n") == 1
    assert (
        str(file.parent) in error
        and "stan_lightning.evaluate checkpoint=" in error
        and "partition=test" in error
    )


@pytest.mark.parametrize("case", ["unevaluated", "nowhere", "empty"])
def test_what_cannot_be_compared_is_named_with_the_way_out(tmp_path, capsys, case):
    asked = tmp_path / "runs"
    if case != "nowhere":
        asked.mkdir()
    if case == "unevaluated":
        write_run(asked / "done", range(4))
        (asked / "new" / "checkpoints").mkdir(parents=True)
        (asked / "new" / "checkpoints" / "best.ckpt").write_bytes(b"")
    with pytest.raises(SystemExit) as ended:
        main([str(asked)])
    error = capsys.readouterr().err
    assert ended.value.code == 2 and error.count("\n") == 1
    named = {"unevaluated": str(asked / "new"), "nowhere": str(asked), "empty": str(asked)}[case]
    assert named in error and ("stan_lightning.evaluate" in error or case == "nowhere")


def test_texts_of_others_do_not_steer_the_terminal(tmp_path, capsys):
    """Nor are they taken for markup."""
    write_run(tmp_path / "a", range(8), ridges={name: [1.0] * 16 for name in ("nuisance", "behaviour")})
    file = tmp_path / "a" / "evaluation" / "test" / "metrics.json"
    numbers = json.loads(file.read_text())
    numbers["baselines"]["behaviour"] = None
    numbers["ridges"] = {"behaviour": {"reason": "\x1b]0;mine\x07[/red]\x9b2J"}}
    file.write_text(json.dumps(numbers))
    main([str(tmp_path / "a"), "--output", str(tmp_path / "page")])
    said = capsys.readouterr().out
    assert "not fitted" in said and "[/red]" in said and not {"\x1b", "\x9b", "\x07"} & set(said)
