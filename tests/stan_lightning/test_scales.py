"""A run on another scale than the BDI-II's: its checkpoint, tables and pages follow it."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from hydra import compose, initialize_config_dir

from stan_boundary.configs import CONF
from stan_lightning.evaluate import evaluate
from stan_lightning.evaluation.results import read
from stan_lightning.evaluation.trained import open_checkpoint

TINY = [
    *("data=folders", "model.network.encoder.features=4", "model.network.encoder.layers=[1,1,1,1]"),
    *("data.clip_frames=16", "data.image_size=32", "data.batch_size=2", "data.num_workers=0"),
    *("trainer.max_epochs=1", "trainer.accelerator=cpu"),
]


def test_a_run_on_the_phq_8_is_told_by_its_bands_and_cut_off(
    tmp_path: Path, make_crops: Callable[..., Path], train: Callable[..., tuple[int, str]]
) -> None:
    root, run = make_crops(), tmp_path / "run"
    asked = [*TINY, f"data.root={root}", f"hydra.run.dir={run}", "data.scale=phq8"]
    code, said = train(*asked)
    assert code == 2 and "is no score in 0..24" in said and "data.scale" in said
    labels = pd.read_csv(root / "manifest.csv").assign(label=lambda table: table["label"] // 3)
    labels.to_csv(root / "manifest.csv", index=False)
    code, said = train(*asked)
    assert code == 0, said
    trained = open_checkpoint(run / "checkpoints" / "best.ckpt")
    assert trained.scale.name == "PHQ-8" and trained.record["score_range"] == [0, 24]
    with initialize_config_dir(CONF, version_base="1.3"):
        overrides = [f"checkpoint={run / 'checkpoints' / 'best.ckpt'}", "trainer.accelerator=cpu"]
        evaluate(compose("evaluate", overrides), overrides)
    written = run / "evaluation" / "test"
    numbers = json.loads((written / "metrics.json").read_text())
    assert "f1_10" in numbers["video"] and "f1_14" not in numbers["video"]
    assert list(numbers["by_band"]) == ["none", "mild", "moderate", "moderately severe", "severe"]
    assert list(numbers["validity"]["screening"]) == ["10"] and numbers["scale"]["name"] == "PHQ-8"
    assert read(written).metrics == numbers
    report = (written / "report.html").read_text()
    assert "moderately severe" in report and "F1 at 10" in report and "F1 at 14" not in report
