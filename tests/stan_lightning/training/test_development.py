"""Development in 16 bits chooses, and float32 has the last word."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import torch

from stan_lightning import evaluate
from stan_lightning.runs import summary
from stan_lightning.training import development

TINY = [
    *(
        "data=folders",
        "model.network.encoder.features=2",
        "model.network.encoder.layers=[1,1,1,1]",
        "data.clip_frames=16",
    ),
    *("data.image_size=32", "data.batch_size=2", "data.num_workers=0", "trainer.max_epochs=3"),
]


@pytest.mark.parametrize(
    ("setting", "precision", "device", "expected"),
    [
        *(("auto", "16-mixed", "cuda", True), ("auto", "bf16-mixed", "cuda", True)),
        *(("auto", "bf16-mixed", "cpu", False), (32, "16-mixed", "cuda", False)),
        *(
            ("auto", "32-true", "cuda", False),
            ("auto", "64-true", "cpu", False),
            ("32", "bf16-true", "cpu", True),
        ),
    ],
)
def test_who_scores_in_sixteen_bits(setting: Any, precision: str, device: str, expected: bool) -> None:
    strategy = SimpleNamespace(root_device=torch.device(device))
    trainer: Any = SimpleNamespace(precision=precision, strategy=strategy)
    assert development.in_sixteen_bits(setting, trainer) is expected


AVERAGE = "+trainer.callbacks.average={_target_: lightning.pytorch.callbacks.EMAWeightAveraging, decay: 0.5}"


@pytest.mark.usefixtures("without_onednn")
@pytest.mark.parametrize(
    "more", [[], pytest.param([AVERAGE, "model.optimizer.lr=0.1"], marks=pytest.mark.slow)]
)
def test_the_chosen_checkpoint_is_scored_in_float32_at_the_end(
    more: list[str],
    tmp_path: Path,
    make_crops: Callable[..., Path],
    train: Callable[..., tuple[int, str]],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """A CPU made to score in 16 bits as a GPU would: what chose stands beside what evaluation says."""
    for place in (development, summary):
        monkeypatch.setattr(place, "in_sixteen_bits", lambda setting, trainer: True)
    run = tmp_path / "run"
    arguments = [
        *TINY,
        f"data.root={make_crops(n_frames=12)}",
        f"hydra.run.dir={run}",
        "trainer.max_epochs=2",
    ]
    arguments += ["data.clip_frames=8", "data.image_size=16", "model.network.encoder.norm=group"]
    code, said = train(*arguments, *more, "trainer.precision=bf16-mixed", "data.eval_batch_size=3")
    assert code == 0, said
    found = json.loads((run / "summary.json").read_text())
    table = pd.read_csv(run / "metrics.csv")
    assert len(table) == 2 and found["value_in_sixteen_bits"] == pytest.approx(table["val/mae"].min())
    assert found["value"] != found["value_in_sixteen_bits"]
    assert "development is scored in 16 bits" in said and "the same in 16 bits, which chose the epoch" in said
    assert f"{found['value']:.2f}" in said and f"{found['value_in_sixteen_bits']:.2f}" in said
    checkpoint = f"checkpoint={run / 'checkpoints' / 'best.ckpt'}"
    monkeypatch.setattr(sys, "argv", ["evaluate", checkpoint, "partition=dev"])
    evaluate.main()
    numbers = json.loads((run / "evaluation" / "dev" / "metrics.json").read_text())
    assert numbers["video"]["mae"]["value"] == pytest.approx(found["value"], abs=1e-3)


def test_a_run_in_float32_says_one_value(
    tmp_path: Path, make_crops: Callable[..., Path], train: Callable[..., tuple[int, str]]
) -> None:
    run = tmp_path / "run"
    code, said = train(*TINY, f"data.root={make_crops()}", f"hydra.run.dir={run}")
    assert code == 0 and "16 bits" not in said
    assert "value_in_sixteen_bits" not in json.loads((run / "summary.json").read_text())
