"""Metrics of classes against scikit-learn and loops."""

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import t as student
from sklearn import metrics as reference

from stan_lightning.classification.metrics import Told, dealt_to_others, describe, differences

NAMES = {2: ["control", "depressed"], 3: ["mild", "none", "severe"]}


def drawn(seed: int, n_classes: int, people: int = 24) -> Told:
    """One to three recordings a person, whose class is told somewhat; some probabilities tie."""
    random = np.random.default_rng(seed)
    own = random.permutation(np.arange(people) % n_classes)
    subject = np.repeat(np.arange(people), random.integers(1, 4, people))
    said = random.normal(0, 1, (len(subject), n_classes)) + 1.2 * np.eye(n_classes)[own[subject]]
    chance = np.round(np.exp(said) / np.exp(said).sum(1, keepdims=True), 1) + 0.01
    return Told(own[subject], chance / chance.sum(1, keepdims=True), subject.astype(str))


def independent(told: Told, n_classes: int, positive: int) -> dict[str, float]:
    called = told.probabilities.argmax(1)
    found = {
        "accuracy": reference.accuracy_score(told.truth, called),
        "macro_f1": reference.f1_score(told.truth, called, average="macro"),
        "weighted_f1": reference.f1_score(told.truth, called, average="weighted"),
        "uar": reference.balanced_accuracy_score(told.truth, called),
        "brier": reference.brier_score_loss(told.truth, told.probabilities),
    }
    if n_classes > 2:
        auc = reference.roc_auc_score(told.truth, told.probabilities, multi_class="ovr", average="macro")
        return found | {"auc": auc}
    right = told.truth == positive
    return found | {
        "auc": reference.roc_auc_score(right, told.probabilities[:, positive]),
        "f1": reference.f1_score(told.truth, called, pos_label=positive),
        "sensitivity": reference.recall_score(told.truth, called, pos_label=positive),
        "specificity": reference.recall_score(told.truth, called, pos_label=1 - positive),
    }


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("n_classes", "positive"), [(2, 0), (2, 1), (3, 2)])
def test_every_metric_equals_scikit_learn_s(seed: int, n_classes: int, positive: int) -> None:
    told = drawn(seed, n_classes)
    found = describe(told, NAMES[n_classes], positive)
    expected = independent(told, n_classes, positive)
    got = {name: one["value"] for name, one in found.items() if isinstance(one, dict) and "value" in one}
    assert got == pytest.approx(expected, rel=1e-12)
    called = told.probabilities.argmax(1)
    assert found["confusion"] == reference.confusion_matrix(told.truth, called).tolist()
    assert (found["n"], found["people"]) == (len(told.truth), 24)
    recall = reference.recall_score(told.truth, called, average=None)
    assert [one["recall"]["value"] for one in found["by_class"].values()] == pytest.approx(recall.tolist())


@pytest.mark.parametrize("name", ["accuracy", "auc", "macro_f1", "sensitivity"])
def test_intervals_leave_out_each_person_in_turn_on_the_logit_scale(name: str) -> None:
    told = drawn(5, 2)
    found = describe(told, NAMES[2], 1)[name]
    people = np.unique(told.subject)
    left = []
    for one in people:
        kept = told.subject != one
        left.append(
            independent(Told(told.truth[kept], told.probabilities[kept], told.subject[kept]), 2, 1)[name]
        )
    values = logit(np.array(left))
    error = np.sqrt((len(people) - 1) / len(people) * ((values - values.mean()) ** 2).sum())
    reach = student.ppf(0.975, len(people) - 1) * error
    assert found["low"] == pytest.approx(expit(logit(found["value"]) - reach))
    assert found["high"] == pytest.approx(expit(logit(found["value"]) + reach))


def test_few_people_have_no_interval() -> None:
    nine = drawn(0, 2, people=9)
    assert describe(nine, NAMES[2], 1)["accuracy"]["low"] is None
    told = drawn(0, 2)
    rare = np.isin(told.subject, np.unique(told.subject[told.truth == 1])[:4]) & (told.truth == 1)
    kept = rare | (told.truth == 0)
    told = Told(told.truth[kept], told.probabilities[kept], told.subject[kept])
    found = describe(told, NAMES[2], 1)
    assert found["people"] > 10 and found["accuracy"]["low"] is not None
    for name in ("auc", "sensitivity", "specificity", "uar", "f1", "macro_f1"):
        assert found[name]["value"] is not None and found[name]["low"] is None, name
    assert found["by_class"]["depressed"]["people"] == 4


def test_of_one_class_alone_there_is_no_area_and_no_specificity() -> None:
    told = drawn(1, 2)
    kept = told.truth == 1
    found = describe(Told(told.truth[kept], told.probabilities[kept], told.subject[kept]), NAMES[2], 1)
    assert found["auc"]["value"] is None and found["specificity"]["value"] is None
    assert found["sensitivity"]["value"] == found["accuracy"]["value"]


def test_nothing_labelled_has_no_metrics() -> None:
    nobody = Told(np.zeros(0, int), np.zeros((0, 3)), np.zeros(0, str))
    found = describe(nobody, NAMES[3], 2)
    assert found["n"] == 0 and found["macro_f1"] == {"value": None, "low": None, "high": None}


def test_differences_are_paired_by_person() -> None:
    one, other = drawn(0, 3), drawn(0, 3)
    other = Told(other.truth, np.roll(other.probabilities, 1, axis=1), other.subject)
    found = differences(one, other)
    right = (one.called == one.truth).astype(float) - (other.called == other.truth)
    assert found["accuracy_difference"]["value"] == pytest.approx(right.mean())
    assert found["brier_difference"]["value"] == pytest.approx(
        reference.brier_score_loss(one.truth, one.probabilities)
        - reference.brier_score_loss(other.truth, other.probabilities)
    )
    same = differences(one, one)["accuracy_difference"]
    assert (same["value"], same["low"], same["high"]) == (0, 0, 0)


def test_predictions_swapped_between_people_tell_less() -> None:
    told = drawn(0, 3)
    found = dealt_to_others(told)
    people = np.unique(told.subject)
    errors, n = 0.0, 0
    for one in people:
        for other in people[people != one]:
            given = told.probabilities[told.subject == other]
            for label in told.truth[told.subject == one]:
                errors += ((given - np.eye(3)[label]) ** 2).sum(1).mean()
                n += 1
    assert found["brier"] == pytest.approx(errors / n)
    assert found["p"] is not None and found["p"] < 0.01
    random = np.random.default_rng(1).permutation(len(people))
    noise = Told(
        random[np.unique(told.subject, return_inverse=True)[1]] % 3, told.probabilities, told.subject
    )
    p = dealt_to_others(noise)["p"]
    assert p is not None and p > 0.05
    assert dealt_to_others(drawn(0, 2, people=9))["p"] is None


@pytest.mark.slow
def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    """A small version of `benchmarks/class_coverage.py`: 2 standard errors of 300 tables are 2.5 %."""
    simulation = pytest.importorskip("benchmarks.class_coverage")
    for shares in simulation.SHARES.values():
        truth = simulation.truths(shares)
        for people in (10, 20):
            for name, (printed, held) in simulation.coverage(people, 300, shares, truth, seed=3).items():
                if printed > 150:
                    assert held / printed >= 0.905, (shares, people, name)
