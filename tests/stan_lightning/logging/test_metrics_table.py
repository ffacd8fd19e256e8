"""metrics.csv over several starts of one run."""

from pathlib import Path

import pytest

from stan_boundary.errors import InputError
from stan_lightning.logging.metrics_table import MetricsTable


def log(table: MetricsTable, *epochs: int) -> None:
    """An epoch's values arrive in two parts, as Lightning hands them over."""
    for epoch in epochs:
        table.log_metrics({"epoch": epoch, "val/mae": epoch / 3, "time/clips_per_s": 1.0}, step=5 * epoch + 4)
        table.log_metrics({"epoch": epoch, "train/loss": epoch / 7}, step=5 * epoch + 4)
        table.save()


def test_interrupted_table_is_that_of_one_start(tmp_path: Path) -> None:
    """Rows after the checkpoint are run again; values keep all their digits; timings are left out."""
    whole, broken = tmp_path / "whole.csv", tmp_path / "broken.csv"
    log(MetricsTable(str(whole)), 0, 1, 2, 3)
    log(MetricsTable(str(broken)), 0, 1, 2)
    again = MetricsTable(str(broken))
    again.keep_before(2)
    log(again, 2, 3)
    assert broken.read_bytes() == whole.read_bytes()
    header, *rows = whole.read_text().splitlines()
    assert header == "epoch,step,train/loss,val/mae"
    assert len(rows) == 4 and rows[1].split(",") == ["1", "9", repr(1 / 7), repr(1 / 3)]
    assert [file.name for file in sorted(tmp_path.iterdir())] == ["broken.csv", "whole.csv"]


def test_a_start_that_logs_nothing_loses_nothing(tmp_path: Path) -> None:
    """A run killed again before its first epoch ends leaves the table as it was."""
    file = tmp_path / "metrics.csv"
    log(MetricsTable(str(file)), 0, 1, 2)
    before = file.read_bytes()
    again = MetricsTable(str(file))
    again.keep_before(2)
    again.save()
    third = MetricsTable(str(file))
    third.keep_before(2)
    log(third, 2)
    assert file.read_bytes() == before


@pytest.mark.parametrize("table", ["epoch,step,val/mae\n0,4,=cmd|x\n", "epoch,step,=1+1\n0,4,2\n"])
def test_a_received_table_hands_on_no_formulas(tmp_path: Path, table: str) -> None:
    (tmp_path / "metrics.csv").write_text(table)
    with pytest.raises(InputError, match=r"metrics\.csv is no table of epochs: remove it"):
        MetricsTable(str(tmp_path / "metrics.csv")).keep_before(1)
