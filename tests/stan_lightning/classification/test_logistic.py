"""The shortcut models of classes: chosen by folds of people, silent about noise."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from stan_lightning.classification.logistic import fitted


def drawn(told: float, n_classes: int = 2, people: int = 40) -> tuple[pd.DataFrame, pd.DataFrame]:
    random = np.random.default_rng(3)
    label = np.repeat(np.arange(people) % n_classes, 2)
    known = pd.DataFrame(
        {"subject": np.repeat(np.arange(people), 2).astype(str), "label": label.astype(float)}
    )
    rows = random.normal(size=(2 * people, 4))
    rows[:, 1] += told * label
    return pd.DataFrame(rows, columns=list("abcd")), known


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_feature_that_tells_the_class_is_found(n_classes: int) -> None:
    features, known = drawn(3.0, n_classes)
    told, facts = fitted(features[20:], known[20:], features[:20], n_classes)
    assert told is not None and told.sum(1) == pytest.approx(1)
    assert (told.argmax(1) == known["label"][:20]).mean() > 0.7
    assert not facts["nothing"] and next(iter(facts["weights"])) == "b"
    assert (facts["n"], facts["n_subjects"], facts["n_folds"]) == (60, 30, 5)


def test_it_is_scikit_learn_s_fit_on_standardised_features() -> None:
    features, known = drawn(2.0)
    told, facts = fitted(features, known, features, 2)
    standard = (features - features.mean()) / features.std(ddof=0)
    model = LogisticRegression(C=facts["strength"], max_iter=2000).fit(standard.to_numpy(), known["label"])
    assert told == pytest.approx(model.predict_proba(standard.to_numpy()), abs=1e-6)
    assert facts["weights"]["b"] == pytest.approx(model.coef_[0][1], abs=1e-6)


def test_in_noise_nothing_is_found_and_the_prevalence_is_told() -> None:
    features, known = drawn(0.0)
    told, facts = fitted(features, known, features, 2)
    assert facts["nothing"] and told == pytest.approx(0.5, abs=0.01)


def test_a_class_that_one_fold_lacks_does_no_harm() -> None:
    features, known = drawn(2.0)
    known["label"] = np.where(known["subject"] == "3", 2.0, known["label"])
    told, _ = fitted(features, known, features, 3)
    assert told is not None and told.shape == (80, 3)


def test_what_cannot_be_fitted_says_why() -> None:
    features, known = drawn(1.0)
    assert "too few" in fitted(features[:4], known[:4], features, 2)[1]["reason"]
    one = known.assign(label=0.0)
    assert fitted(features, one, features, 2) == (
        None,
        {"reason": "all recordings that were trained on have one class"},
    )
