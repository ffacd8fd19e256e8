"""The tutorial notebook runs from a clean kernel, and what is kept of it names no folder of a machine."""

import re
import shutil
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "docs" / "tutorial.ipynb"


def test_what_is_kept_is_small_and_whole() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert NOTEBOOK.stat().st_size < 200_000
    outputs = [one for cell in notebook.cells for one in cell.get("outputs", [])]
    assert not [one for one in outputs if one["output_type"] == "error" or one.get("name") == "stderr"]
    kinds = {kind for one in outputs for kind in one.get("data", {})}
    assert {"image/jpeg", "image/png", "text/html"} <= kinds
    texts = "".join(one.get("text", "") for one in outputs)
    assert "outputs/notebook" not in texts and not re.search(
        r"(?<![\w.<])/(home|work|tmp|root|Users)\b", texts
    )
    assert "next: stan-lightning predict checkpoint=runs/face/checkpoints/best.ckpt" in texts


@pytest.mark.slow
def test_it_runs_from_a_clean_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(NOTEBOOK.parent)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    from run_notebook import run

    (tmp_path / "docs").mkdir()
    notebook = run(Path(shutil.copy(NOTEBOOK, tmp_path / "docs")))
    kept = nbformat.read(NOTEBOOK, as_version=4)
    for now, before in zip(notebook.cells, kept.cells, strict=True):
        assert now["source"] == before["source"]
        kinds = [[one["output_type"] for one in cell.get("outputs", [])] for cell in (now, before)]
        assert kinds[0] == kinds[1], now["source"]
    made = tmp_path / "outputs" / "notebook"
    for name in (
        "comparison/report.html",
        "predictions/predictions.html",
        "runs/face/evaluation/test/gallery/index.html",
    ):
        assert (made / name).is_file()
    del sys.modules["run_notebook"]
