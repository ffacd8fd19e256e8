"""Statistics of signals are those of numpy, whatever is missing and however long a batch is padded."""

import warnings

import numpy as np
import pytest
import torch

from stan_boundary.errors import InputError
from stan_lightning.network import Probe, Statistics


def signal(seed: int = 0, moments: int = 50, columns: int = 4) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(moments, columns)).cumsum(0)
    values[rng.uniform(size=values.shape) < 0.2] = np.nan
    values[10:20] = np.nan
    values[:, 3] = np.nan
    return torch.from_numpy(values).float()[None]


def expected(values: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantiles = np.nanpercentile(values, [10, 50, 90], axis=0)
        change = np.nanmean(np.abs(np.diff(values, axis=0)), axis=0)
        return np.concatenate([np.nanmean(values, 0), np.nanstd(values, 0), *quantiles, change])


def test_they_are_numpy_s() -> None:
    x = signal()
    found = Statistics("pulse", 4).pooled(x)[0].numpy()
    assert found.shape == (24,)
    np.testing.assert_allclose(found, expected(x[0].double().numpy()), rtol=1e-5, atol=1e-5)
    assert np.isnan(found[3::4]).all() and np.isfinite(np.delete(found, range(3, 24, 4))).all()


def test_padding_and_company_change_nothing() -> None:
    short, long = signal(1, 30), signal(2, 80)
    padded = torch.cat([short, torch.full((1, 50, 4), torch.nan)], 1)
    together = Statistics("pulse", 4).pooled(torch.cat([padded, long]))
    for row, alone in zip(together, (short, long), strict=True):
        torch.testing.assert_close(row, Statistics("pulse", 4).pooled(alone)[0], equal_nan=True)


def test_what_is_missing_counts_as_its_training_mean() -> None:
    probe = Probe({"pulse": Statistics("pulse", 4), "gaze": Statistics("gaze", 2)}, reader=None)
    weight = torch.randn(1, 36, generator=torch.Generator().manual_seed(0))
    probe.take(torch.full((36,), 2.0), torch.full((36,), 0.5), weight, torch.tensor([0.25]))
    nothing = {"pulse": torch.full((1, 9, 4), torch.nan), "gaze": torch.full((1, 9, 2), torch.nan)}
    assert probe.score(nothing, {}).item() == 0.25
    given = nothing | {"pulse": signal()}
    standard = (probe.features(given) - 2) * 0.5
    by_hand = (standard.nan_to_num(0) * weight).sum() + 0.25
    assert probe.score(given, {}).item() == pytest.approx(by_hand.item(), rel=1e-5)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="reads one signal or more"):
        Probe({}, reader=None)
    with pytest.raises(InputError, match="folds=1"):
        Probe({"pulse": Statistics("pulse", 4)}, reader=None, folds=1)
    with pytest.raises(InputError, match="columns is 0"):
        Statistics("pulse", 0)
