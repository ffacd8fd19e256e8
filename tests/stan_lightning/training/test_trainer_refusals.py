"""Every row of docs/trainer.md: what is supported comes to training, what is refused ends before it.

Five supported rows are trained here, the others with the slow tests.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import lightning as L
import pandas as pd
import pytest
import torch

from stan_boundary.errors import InputError
from stan_lightning.training.trainer_refusals import SCORING, TRAINING, refuse_trainer_settings

TABLE = (Path(__file__).parents[3] / "docs" / "trainer.md").read_text()
ROWS = re.findall(r"^\| `([^`]+)` \| (supported|refused) \|", TABLE, re.MULTILINE)
SUPPORTED = [row for row, verdict in ROWS if verdict == "supported"]
REFUSED = [row for row, verdict in ROWS if verdict == "refused" and not row.startswith("evaluate")]
OF_EVALUATION = [row.split(" ", 1)[1] for row, _ in ROWS if row.startswith("evaluate")]
KEEP_A_STATE = [row for row in SUPPORTED if "callbacks" in row or "accumulate" in row]
SMOKE = ("fast_dev_run", "accumulate_grad_batches", "EMAWeightAveraging", "MeanFromEpoch", "EarlyStopping")
TRAINED = [
    row if any(word in row for word in SMOKE) else pytest.param(row, marks=pytest.mark.slow)
    for row in SUPPORTED
]
TINY = [
    *(
        "data=folders",
        "model.network.encoder.features=2",
        "model.network.encoder.layers=[1,1,1,1]",
        "data.clip_frames=16",
    ),
    *("data.image_size=32", "data.batch_size=2", "data.num_workers=0"),
]
Train = Callable[..., tuple[int, str]]


def overrides(row: str) -> list[str]:
    """Words of a row; values in braces hold spaces."""
    return re.findall(r"\S+=\{(?:[^{}]|\{[^{}]*\})*\}|\S+", row)


@pytest.mark.parametrize("row", SUPPORTED)
def test_supported_comes_to_training(
    row: str, tmp_path: Path, make_crops: Callable[..., Path], train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a trainer that Lightning made of it; nothing before that refuses it."""
    reached = []

    def fit(trainer: L.Trainer, *_: object, **__: object) -> None:
        reached.append(trainer)
        raise InputError("here training begins")

    monkeypatch.setattr(L.Trainer, "fit", fit)
    run = tmp_path / "run"
    root = f"data.root={make_crops(n_frames=16)}"
    code, said = train(*TINY, root, f"hydra.run.dir={run}", "trainer.max_epochs=2", *overrides(row))
    assert code == 2 and said.strip().splitlines()[-1] == "error: here training begins", said
    assert len(reached) == 1


@pytest.mark.parametrize("row", TRAINED)
def test_supported(row: str, tmp_path: Path, make_crops: Callable[..., Path], train: Train) -> None:
    run = tmp_path / "run"
    root = f"data.root={make_crops()}"
    code, said = train(*TINY, root, f"hydra.run.dir={run}", "trainer.max_epochs=2", *overrides(row))
    assert code == 0 and "Traceback" not in said, said
    if "fast_dev_run" in row:
        assert "nothing was written" in said and not run.exists()
        return
    table = pd.read_csv(run / "metrics.csv")
    assert table.epoch.tolist() == [0, 1] and table["train/loss"].notna().all()
    assert table["val/mae"].notna().tolist() == ["check_val" not in row, True]
    assert (run / "checkpoints" / "best.ckpt").is_file()
    if row in KEEP_A_STATE:
        whole = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
        half = tmp_path / "half"
        code, said = train(*TINY, root, f"hydra.run.dir={half}", "trainer.max_epochs=1", *overrides(row))
        assert code == 0, said
        code, said = train(f"resume={half}", "trainer.max_epochs=2")
        assert code == 0, said
        gone_on = torch.load(half / "checkpoints" / "last.ckpt", weights_only=True)
        for state in {"state_dict", "current_model_state", "averaging_state"} & whole.keys():
            assert all(torch.equal(whole[state][name], gone_on[state][name]) for name in whole[state])
        assert (half / "metrics.csv").read_bytes() == (run / "metrics.csv").read_bytes()


@pytest.mark.parametrize("row", REFUSED)
def test_refused_before_anything_is_trained(
    row: str, tmp_path: Path, make_crops: Callable[..., Path], train: Train
) -> None:
    run = tmp_path / "run"
    root = f"data.root={make_crops()}"
    code, said = train(*TINY, root, f"hydra.run.dir={run}", "trainer.max_epochs=2", *overrides(row))
    assert code == 2 and "Traceback" not in said, said
    assert said.strip().splitlines()[-1].startswith("error: ")
    assert not (run / "checkpoints").exists() and not (run / "metrics.csv").exists()


@pytest.mark.parametrize("row", OF_EVALUATION)
def test_an_evaluation_is_whole_or_refused(
    row: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from stan_lightning.evaluate import main

    monkeypatch.setattr(sys, "argv", ["evaluate", "checkpoint=x", row])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2 and "an evaluation is whole" in capfd.readouterr().err


def test_the_table_names_every_setting_that_is_refused() -> None:
    assert set(TRAINING) <= set(re.findall(r"trainer\.(\w+)", " ".join(REFUSED)))
    assert set(SCORING) <= set(re.findall(r"trainer\.(\w+)", " ".join(OF_EVALUATION)))


def test_one_batch_is_not_all_batches() -> None:
    refuse_trainer_settings({"limit_val_batches": 1.0, "max_epochs": 2}, TRAINING)
    with pytest.raises(InputError, match=r"trainer\.limit_val_batches=1:"):
        refuse_trainer_settings({"limit_val_batches": 1}, TRAINING)
