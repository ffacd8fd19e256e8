"""The audit: how labels and partitions are dealt, and what its decisions mean."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.audit.decisions import GAIN, Claim, decide, mean_of_replicates
from benchmarks.audit.films import CHANGE, DEVELOPMENT, PEOPLE, SESSIONS, TESTED, Replicate, manifest
from benchmarks.audit.questions import QUESTIONS
from stan_lightning.data.protocol import split


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pools whose films are drawn already, as far as a replicate looks at them."""
    folder = tmp_path_factory.mktemp("audit")
    for name in ("both", "temporal"):
        pool = folder / f"films_{name}"
        pool.mkdir()
        (pool / "quality.html").touch()
        rows = [
            {
                "recording": f"{person}_{session}_{task}",
                "subject": str(person),
                "session": f"{person}_{session}",
            }
            for person in range(203, 203 + PEOPLE)
            for session in range(1, SESSIONS + 1)
            for task in ("Freeform", "Northwind")
        ]
        pd.DataFrame(rows).assign(partition="train", label="").to_csv(pool / "manifest.csv", index=False)
    return folder


def dealt(folder: Path, labels: str, number: int = 0) -> pd.DataFrame:
    file = manifest(folder, Replicate(number, labels))
    return pd.read_csv(file, dtype={"subject": str})


@pytest.mark.parametrize("labels", ["identity", "face", "voice", "both", "temporal"])
def test_everybody_tested_is_trained_on_unless_the_protocol_drops_them(films: Path, labels: str) -> None:
    table = dealt(films, labels)
    test = table[table["partition"] == "test"]
    assert test["subject"].nunique() == TESTED and len(test) == 4 * TESTED
    assert table["subject"][table["partition"] == "dev"].nunique() == DEVELOPMENT
    official, new = (split(table, protocol) for protocol in ("official", "subject_disjoint"))
    assert set(test["subject"]) <= set(official["train"]["subject"])
    assert not set(test["subject"]) & set(new["train"]["subject"]) and len(new["test"]) == len(test)


def test_identity_scores_are_the_persons_and_of_no_level_of_the_tested(films: Path) -> None:
    for number in range(4):
        table = dealt(films, "identity", number)
        sessions = table.groupby("subject")["label"]
        assert sessions.std().mean() < CHANGE < 10 < sessions.mean().std()
        person = table.groupby("subject").agg({"label": "mean", "partition": set})
        tested = person["partition"].map(lambda parts: "test" in parts)
        assert abs(person["label"][tested].median() - person["label"][~tested].median()) <= 3


def test_face_and_voice_have_nothing_to_do_with_each_other_and_both_with_either(films: Path) -> None:
    face, voice, both = (dealt(films, labels)["label"] for labels in ("face", "voice", "both"))
    assert abs(np.corrcoef(face, voice)[0, 1]) < 0.2
    assert min(np.corrcoef(face, both)[0, 1], np.corrcoef(voice, both)[0, 1]) > 0.5


def test_replicates_differ_and_repeat(films: Path) -> None:
    assert not dealt(films, "identity", 0).equals(dealt(films, "identity", 1))
    assert dealt(films, "identity", 2).equals(dealt(films, "identity", 2))


def test_no_gain_needs_an_interval_that_excludes_one_and_not_a_missing_difference() -> None:
    random = np.random.default_rng(0)
    near, vague = random.normal(0, 0.3, 6), np.array([-6.0, 6.0, -5.0, 5.0, -1.0, 1.0])
    assert decide([(Claim("no gain"), near), (Claim("no gain"), vague)]) == [True, False]
    assert decide([(Claim("no gain"), near + 10)]) == [True]  # worse is no gain
    edge = mean_of_replicates(near - GAIN)
    assert edge["low"] is not None and edge["low"] < -GAIN
    assert decide([(Claim("no gain"), near - GAIN)]) == [False]


def test_a_difference_must_have_its_sign_and_stand_holms_correction() -> None:
    values = np.array([-3.0, -2.0, -2.5, -3.5, -2.8])
    assert decide([(Claim("below"), values), (Claim("above"), values)]) == [True, False]
    weak = np.array([-1.0, -0.1, -0.9, -0.2, -0.8])  # p 0.03 alone
    assert decide([(Claim("below"), weak)]) == [True]
    assert decide([(Claim("below"), weak)] * 5) == [False] * 5


def test_false_decisions_are_as_rare_as_said() -> None:
    random = np.random.default_rng(1)
    claims = [Claim("below")] * 3 + [Claim("no gain")] * 3
    wrong = 0
    for _ in range(150):
        nothing = [random.normal(0, 1, 5) for _ in range(3)]
        at_the_edge = [random.normal(-GAIN, 1, 5) for _ in range(3)]
        wrong += any(decide(list(zip(claims, nothing + at_the_edge, strict=True))))
    assert wrong / 150 < 0.105  # 0.05, and three standard errors of 150 tables


def test_every_question_names_errors_that_its_trainings_have() -> None:
    for asked in QUESTIONS:
        known = {*asked.networks, "median", "shuffled frames", "another person's audio"}
        assert {asked.of, asked.to} <= known
