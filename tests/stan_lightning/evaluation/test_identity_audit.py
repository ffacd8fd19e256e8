"""Recognition across sessions, against scikit-learn and on features of known content."""

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import NearestCentroid

from stan_lightning.evaluation.identity_audit import audit


def people(n=20, sessions=2, videos=2):
    subject = np.repeat([f"s{i}" for i in range(n)], sessions * videos)
    session = np.tile(np.repeat([str(i) for i in range(sessions)], videos), n)
    return pd.Series(subject), pd.Series(session)


def test_features_of_faces_recognise_and_features_of_nothing_do_not():
    rng = np.random.default_rng(0)
    subject, session = people()
    face = pd.get_dummies(subject).to_numpy(float) + rng.normal(0, 0.05, (80, 20))
    found = audit(face, subject, session)
    assert found["accuracy"]["value"] == 1.0
    assert (found["chance"], found["n_candidates"], found["n_sessions"], found["n_subjects"]) == (
        0.05,
        20,
        40,
        20,
    )
    nothing = [audit(rng.normal(size=(80, 20)), subject, session)["accuracy"]["value"] for _ in range(20)]
    # each session's own videos are held out with it, so that nothing leaks from one to the other
    assert np.mean(nothing) < 0.12


def test_accuracy_equals_leaving_one_session_out_by_scikit_learn():
    rng = np.random.default_rng(1)
    subject, session = people(8, sessions=3, videos=1)
    features = pd.get_dummies(subject).to_numpy(float) + rng.normal(0, 0.8, (24, 8))
    scaled = (features - features.mean(0)) / features.std(0)
    hits = []
    for row in range(24):
        rest = np.arange(24) != row
        model = NearestCentroid().fit(scaled[rest], subject[rest])
        hits.append(model.predict(scaled[[row]])[0] == subject[row])
    found = audit(features, subject, session)
    assert found["accuracy"]["value"] == pytest.approx(np.mean(hits))
    assert 0.1 < np.mean(hits) < 0.95


def test_people_of_one_session_are_candidates_and_no_probes():
    subject, session = pd.Series(["a", "a", "b"]), pd.Series(["1", "2", "1"])
    found = audit(np.array([[0.0], [0.1], [5.0]]), subject, session)
    assert (found["n_sessions"], found["n_candidates"], found["accuracy"]["value"]) == (2, 2, 1.0)
    assert audit(np.ones((2, 1)), subject[1:], session[1:]) is None
