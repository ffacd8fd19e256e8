"""Many runs by one command: launchers, shipped sweeps, failing jobs, and the table at the end."""

import csv
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from omegaconf import OmegaConf

from stan_lightning.logging.sweep_table import SweepTable

TINY = [
    *(
        "data=folders",
        "model.network.encoder.features=4",
        "model.network.encoder.layers=[1,1,1,1]",
        "data.clip_frames=16",
    ),
    *("data.image_size=32", "data.batch_size=2", "data.num_workers=0", "trainer.max_epochs=1"),
]
Train = Callable[..., tuple[int, str]]
ROOT = Path(__file__).resolve().parents[2]


def test_failing_job_is_told_and_the_others_go_on(
    tmp_path: Path, make_crops: Callable[..., Path], train: Train
) -> None:
    """The job in the middle fails on its input: two results, one reason, one table, exit code 1."""
    folder = tmp_path / "sweep"
    root = f"data.root={make_crops()}"
    code, said = train("-m", *TINY, root, "model.network.encoder.k=1,3,2", f"hydra.sweep.dir={folder}")
    assert code == 1
    assert "error: features=4 is not divisible by k=3" in said
    assert "1 of 3 jobs did not finish" in said
    assert "Traceback" not in said
    assert [path.stat().st_mode & 0o777 for path in (folder, folder / "0", folder / "1")] == [0o700] * 3
    table = pd.read_csv(folder / "sweep.csv")
    assert table["model.network.encoder.k"].tolist() == [1, 3, 2]
    assert table.status.tolist() == ["finished", "failed", "finished"]
    assert table.reason[1].startswith("features=4 is not divisible by k=3")
    for job in (0, 2):
        epochs = pd.read_csv(folder / str(job) / "metrics.csv")
        assert table.value[job] == pytest.approx(epochs["val/mae"].min())
        assert (
            OmegaConf.load(folder / str(job) / "config.yaml").model.network.encoder.k
            == table["model.network.encoder.k"][job]
        )


def test_ablation_is_the_papers(tmp_path: Path, make_crops: Callable[..., Path], train: Train) -> None:
    """Six jobs: the four attentions with two groups, and the fused one with one and four."""
    folder = tmp_path / "sweep"
    code, said = train("sweep=ablation", *TINY, f"data.root={make_crops()}", f"hydra.sweep.dir={folder}")
    assert code == 0, said
    configs = [OmegaConf.load(folder / str(job) / "config.yaml").model for job in range(6)]
    assert [(model.network.encoder.attention, model.network.encoder.k) for model in configs] == [
        *(("ta", 2), ("sa", 2), ("sta", 2), ("sta_af", 2), ("sta_af", 1), ("sta_af", 4)),
    ]
    table = pd.read_csv(folder / "sweep.csv")
    assert table.status.tolist() == ["finished"] * 6
    assert said.count("attention:sta_af,k:4") >= 1 and f"{table.value.min():.2f}" in said


@pytest.mark.slow
def test_seeds_by_joblib(tmp_path: Path, make_crops: Callable[..., Path], train: Train) -> None:
    """Five seeds in parallel give five different results, and their mean and deviation."""
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    folder = tmp_path / "sweep"
    root = f"data.root={make_crops()}"
    code, said = train("sweep=seeds", "hydra/launcher=joblib", *TINY, root, f"hydra.sweep.dir={folder}")
    assert code == 0, said
    table = pd.read_csv(folder / "sweep.csv")
    assert table.seed.tolist() == [0, 1, 2, 3, 4]
    assert table.value.nunique() == 5
    assert f"mean {table.value.mean():.2f}, sd {table.value.std():.2f} over 5 jobs" in said
    told = dict(re.findall(r"^(next|then): (.+)$", said, re.MULTILINE))
    for command in (told["next"], told["then"]):
        ended = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stderr
    assert "5 runs" in ended.stdout


@pytest.mark.slow
def test_submitit_local(tmp_path: Path, make_crops: Callable[..., Path], train: Train) -> None:
    """The launcher of clusters, on this machine: each job a process of its own, a failing one among them."""
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    folder = tmp_path / "sweep"
    arguments = [*TINY, f"data.root={make_crops()}", f"hydra.sweep.dir={folder}"]
    code, said = train("-m", "hydra/launcher=submitit_local", *arguments, "model.network.encoder.k=3,1")
    assert code == 1, said
    assert pd.read_csv(folder / "sweep.csv").status.tolist() == ["failed", "finished"]


@pytest.mark.slow
def test_optuna_searches_on_development(
    tmp_path: Path, make_crops: Callable[..., Path], train: Train
) -> None:
    """Trials differ, one fails and the others go on, the best one is the lowest development MAE."""
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
    folder = tmp_path / "sweep"
    arguments = [*TINY, f"data.root={make_crops()}", f"hydra.sweep.dir={folder}", "hydra.sweeper.n_trials=4"]
    arguments.remove("model.network.encoder.features=4")
    code, _ = train("sweep=optuna", *arguments, "model.network.encoder.features=choice(2,3)", "seed=1")
    table = pd.read_csv(folder / "sweep.csv")
    assert len(table) == 4 and {
        "model.optimizer.lr",
        "model.network.dropout",
        "model.network.encoder.norm",
    } <= set(table.columns)
    assert (table.status == "finished").eq(table["model.network.encoder.features"] == 2).all()
    assert set(table["model.network.encoder.features"]) == {2, 3}, "the draw holds one of each"
    assert code == 1
    found = OmegaConf.load(folder / "optimization_results.yaml")
    assert found.best_value == pytest.approx(table.value.min())


@pytest.mark.slow
def test_a_search_whose_trials_all_fail_ends_in_its_table(tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
    folder = tmp_path / "sweep"
    nothing = [f"data.root={tmp_path / 'nothing'}", f"hydra.sweep.dir={folder}", "hydra.sweeper.n_trials=2"]
    ended = subprocess.run(
        [sys.executable, "-m", "stan_lightning.train", "sweep=optuna", *nothing],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1 and "Traceback" not in ended.stdout + ended.stderr
    assert "2 of 2 jobs did not finish" in ended.stderr
    assert pd.read_csv(folder / "sweep.csv").reason.str.contains("no crops at").all()


def test_notes_of_others_hand_on_no_formulas(tmp_path: Path) -> None:
    """Neither in the cells of sweep.csv nor in its header."""
    for number, value in enumerate(("=1+1", "2")):
        note = {"job": number, "overrides": [f"@SUM(A1)={value}"], "status": "finished", "reason": "-x()"}
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "job.json").write_text(json.dumps(note))
    SweepTable().on_multirun_end(OmegaConf.create({"hydra": {"sweep": {"dir": str(tmp_path)}}}))
    rows = list(csv.reader((tmp_path / "sweep.csv").read_text().splitlines()))
    assert "'@SUM(A1)" in rows[0] and "'=1+1" in rows[1] and "'-x()" in rows[1]
    assert not any(cell[:1] in ("=", "@", "-", "+") for row in rows for cell in row)
