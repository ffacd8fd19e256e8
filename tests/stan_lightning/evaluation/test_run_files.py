"""A report reads the run's own files, and shows keys that this project knows."""

from pathlib import Path

import pytest

from stan_boundary.errors import InputError
from stan_lightning.evaluation import run_files

SECRET = "machine example.org login me password 12345"


def make(run: Path) -> Path:
    evaluation = run / "evaluation" / "test"
    evaluation.mkdir(parents=True)
    (run / "checkpoints").mkdir()
    (run / "config.yaml").write_text(
        "seed: 3\ntrust: []\npassword: 12345\ndata: {root: crops, signals: {openface: null}}\n"
        "model: {network: {k: 2, encoders: {openface: {width: 8}}}}\n"
        "trainer: {token: 12345, callbacks: {best: {monitor: val/mae}}}\n"
    )
    return evaluation


def test_the_run_s_own_configuration_by_known_keys(tmp_path: Path) -> None:
    run = run_files.run_of(make(tmp_path / "run"))
    assert run == tmp_path / "run"
    found = run_files.run_settings(run)
    assert found["seed"] == "3" and found["model.network.k"] == "2"
    assert found["model.network.encoders.openface.width"] == "8"
    assert found["trainer.callbacks.best.monitor"] == "val/mae" and "data.signals.openface" in found
    listing = run_files.listing(run)
    assert "k: 2" in listing and "monitor: val/mae" in listing
    assert "12345" not in listing + str(found) and "password" not in listing
    other = (run / "config.yaml").read_text().replace("token: 12345", "token: 54321")
    (run / "config.yaml").write_text(other)
    assert run_files.run_settings(run) != found  # what is not shown keeps runs apart all the same


def test_neither_links_nor_folders_above(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("seed: 1\npassword: 12345\n")
    (tmp_path / "netrc").write_text(SECRET)
    evaluation = tmp_path / "a" / "b" / "test"
    evaluation.mkdir(parents=True)
    assert run_files.run_of(evaluation) is None
    evaluation = make(tmp_path / "run")
    for name in ("config.yaml", "metrics.csv"):
        (tmp_path / "run" / name).unlink(missing_ok=True)
        (tmp_path / "run" / name).symlink_to(tmp_path / "netrc")
    assert run_files.run_of(evaluation) is None
    assert run_files.listing(tmp_path / "run") == "" and run_files.curves(tmp_path / "run") is None


@pytest.mark.parametrize("text", ["epoch,val/mae\nx,y\n", "epoch\n" + "9" * 400 + "x\n", '"'])
def test_curves_that_are_no_table_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "metrics.csv").write_text(text)
    with pytest.raises(InputError, match=r"metrics\.csv"):
        run_files.curves(tmp_path)


def test_curves_hold_numbers_that_can_be_drawn(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text("epoch,val/mae,evil\n0,1e308,x\n1,2.5,x\n")
    found = run_files.curves(tmp_path)
    assert found is not None and list(found) == ["epoch", "val/mae"]
    assert found["val/mae"].isna().tolist() == [True, False]
