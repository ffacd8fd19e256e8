"""A probe is fitted as scikit-learn does it, chooses by training people alone, finds nothing in noise."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.svm import SVR

from stan_boundary.configs import CONF
from stan_boundary.errors import InputError
from stan_lightning.data.datamodule import CropDataModule
from stan_lightning.evaluation.trained import open_checkpoint
from stan_lightning.network import Probe, Statistics
from stan_lightning.training.reader import fit

PEOPLE = [str(n) for n in range(1, 25)]
MOMENTS = 12
Train = Callable[..., tuple[int, str]]
PROBE = ["model=probe", "~model.network.encoders.behaviour", "data=manifest", "data.clip_frames=null"]
PROBE += ["+model/encoder@model.network.encoders.pulse=statistics", "data.num_workers=0"]


def write(root: Path, columns: int, told: float, classes: bool = False) -> pd.DataFrame:
    """Signals of noise, of which the first column's mean tells the label to so much."""
    folder = root / "signals" / "pulse"
    folder.mkdir(parents=True, exist_ok=True)
    table = pd.read_csv(root / "manifest.csv", dtype=str)
    rng = np.random.default_rng(0)
    for row in table.to_dict("records"):
        values = rng.normal(size=(MOMENTS, columns))
        values[:, 0] += told * float(row["label"])
        frame = pd.DataFrame(values, columns=[f"c{n}" for n in range(columns)])
        frame.assign(time_s=0.1 * np.arange(MOMENTS)).to_csv(folder / f"{row['recording']}.csv", index=False)
    if classes:
        table["label"] = np.where(table["label"].astype(float) > 29, "high", "low")
        table.to_csv(root / "manifest.csv", index=False)
    return table


@pytest.fixture
def crops(make_crops: Callable[..., Path]) -> Path:
    return make_crops(subjects={"train": PEOPLE[:16], "dev": PEOPLE[16:20], "test": PEOPLE[20:]}, n_frames=12)


def opened(root: Path, *overrides: str) -> CropDataModule:
    with initialize_config_dir(CONF, version_base="1.3"):
        config = compose("train", [*PROBE, f"data.root={root}", *overrides])
    data: CropDataModule = instantiate(config.data, modalities=["pulse"], _convert_="all")
    data.setup("fit")
    return data


def probe(data: CropDataModule, reader: Any, **settings: Any) -> Probe:
    outputs = len(data.classes) if data.classes else 1
    columns = len(data.columns["pulse"])
    return Probe({"pulse": Statistics("pulse", columns)}, reader, num_classes=outputs, **settings)


def rows(network: Probe, data: CropDataModule, partition: str) -> tuple[np.ndarray, np.ndarray]:
    """Features and points of a partition's recordings, read one by one."""
    features, scores = [], []
    for source in data.sources(data.tables[partition]):
        inputs = {"pulse": source.measured("pulse", range(source.n_frames))[None]}
        features.append(network.features(inputs)[0].double().numpy())
        scores.append(network.score(inputs, {})[0].detach().double().numpy())
    return np.stack(features), np.stack(scores)


def test_it_says_what_scikit_learn_says(crops: Path) -> None:
    write(crops, 5, 0.1)
    data = opened(crops)
    network = probe(data, Ridge(), grid={"alpha": [100.0, 1.0]})
    said = fit(network, data, torch.device("cpu"))
    features, scores = rows(network, data, "train")
    table = data.tables["train"]
    labels, people = table["label"].to_numpy(float), table["subject"].to_numpy()
    standard = (features - features.mean(0)) / features.std(0)
    errors = {}
    for alpha in (100.0, 1.0):
        told = cross_val_predict(Ridge(alpha=alpha), standard, labels, groups=people, cv=GroupKFold(5))
        shift = np.median(labels - told)
        errors[alpha] = np.abs(labels - told - shift).mean(), shift
    alpha = min(errors, key=lambda one: errors[one][0])
    assert alpha == 1 and errors[1.0][0] < 0.5 * errors[100.0][0]
    expected = Ridge(alpha=alpha).fit(standard, labels).predict(standard) + errors[alpha][1]
    np.testing.assert_allclose(63 * scores[:, 0], expected, atol=1e-3)
    assert said == (
        f"16 recordings of 16 people, 30 features: Ridge (alpha {alpha:g}), MAE {errors[alpha][0]:.2f} over "
        "5 folds by subject"
    )


def test_noise_of_500_columns_stays_at_the_median(crops: Path) -> None:
    write(crops, 500, 0.0)
    data = opened(crops)
    network = probe(data, Ridge(), grid={"alpha": [1e6, 1e3, 1.0]})
    fit(network, data, torch.device("cpu"))
    _, scores = rows(network, data, "test")
    median = float(data.tables["train"]["label"].median())
    assert np.abs(63 * scores - median).max() < 3


def test_development_decides_nothing(crops: Path) -> None:
    table = write(crops, 5, 0.1)
    first = probe(data := opened(crops), Ridge(), grid={"alpha": [100.0, 1.0]})
    fit(first, data, torch.device("cpu"))
    table.loc[table["partition"] == "dev", "label"] = "63"
    table.to_csv(crops / "manifest.csv", index=False)
    second = probe(data := opened(crops), Ridge(), grid={"alpha": [100.0, 1.0]})
    fit(second, data, torch.device("cpu"))
    assert torch.equal(first.head.weight, second.head.weight) and torch.equal(
        first.head.bias, second.head.bias
    )


def test_classes_are_told_by_a_logistic_regression(crops: Path) -> None:
    write(crops, 3, 0.1, classes=True)
    data = opened(crops, "data.score_range=null")
    network = probe(data, LogisticRegression(), grid={"C": [1.0]})
    assert "LogisticRegression (C 1), accuracy " in fit(network, data, torch.device("cpu"))
    features, logits = rows(network, data, "test")
    known, _ = rows(network, data, "train")
    standard = LogisticRegression().fit((known - known.mean(0)) / known.std(0), data.tables["train"]["label"])
    expected = standard.predict_proba((features - known.mean(0)) / known.std(0))
    odds = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(odds, expected, atol=1e-4)
    assert data.classes == list(standard.classes_)


@pytest.mark.parametrize(
    ("reader", "grid", "said"),
    [
        (SVR(), {}, "SVR is not linear: take one that has coef_"),
        (LogisticRegression(), {}, "LogisticRegression: a regression of scikit-learn is needed"),
        (torch.nn.MSELoss(), {}, "MSELoss, a module of torch: an estimator of scikit-learn"),
        ("ridge", {}, "str: a regression of scikit-learn is needed"),
        (Lasso(), {"penalty": [1]}, "model.network.grid: Invalid parameter 'penalty'"),
    ],
)
def test_a_reader_that_does_not_fit_is_one_line(
    crops: Path, reader: Any, grid: dict[str, Any], said: str
) -> None:
    write(crops, 2, 0.1)
    data = opened(crops)
    with pytest.raises(InputError, match=said) as error:
        fit(probe(data, reader, grid=grid), data, torch.device("cpu"))
    assert "\n" not in str(error.value)


def test_a_run_of_it_is_a_run(crops: Path, train: Train, tmp_path: Path) -> None:
    """One epoch, the same to the bit whatever the optimiser, resumed as finished; errors are one line."""
    write(crops, 5, 0.1)
    steps = {"a": [], "b": ["model.optimizer._target_=torch.optim.Adam", "model.optimizer.lr=0.1"]}
    for name, more in steps.items():  # which change nothing
        code, said = train(*PROBE, f"data.root={crops}", f"hydra.run.dir={tmp_path / name}", *more)
        assert code == 0, said
        assert "16 recordings of 16 people, 30 features: Ridge" in said and "epoch 0 of 1" in said
    first, second = (open_checkpoint(tmp_path / name / "checkpoints" / "best.ckpt") for name in ("a", "b"))
    states = first.module.state_dict(), second.module.state_dict()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert first.module.network.head.weight.abs().max() > 0
    code, said = train(f"resume={tmp_path / 'a'}")
    assert code == 0 and "best of 1 epochs" in said
    code, said = train(*PROBE, f"data.root={crops}", "model.network.reader._target_=os.system")
    assert code == 2 and "os.system" in said
    code, said = train(*PROBE, f"data.root={crops}", "data.train_people=5", f"hydra.run.dir={tmp_path / 'd'}")
    assert code == 0 and "5 recordings of 5 people" in said, said
    assert len(open_checkpoint(tmp_path / "d" / "checkpoints" / "best.ckpt").sessions.subjects) == 5
    few = pd.read_csv(crops / "manifest.csv", dtype=str)
    few.loc[few["subject"].isin(PEOPLE[2:16]), "label"] = ""
    few.to_csv(crops / "manifest.csv", index=False)
    code, said = train(*PROBE, f"data.root={crops}", f"hydra.run.dir={tmp_path / 'c'}")
    assert code == 2 and "2 labelled training subjects are too few for folds by subject" in said
