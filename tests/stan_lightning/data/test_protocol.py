import numpy as np
import pandas as pd
import pytest

from stan_boundary.errors import InputError
from stan_lightning.data.protocol import of_fewer_people, overlap, split


def corpus() -> pd.DataFrame:
    """Two tasks a session; subjects 0-9 stand in two partitions or more."""
    random = np.random.default_rng(0)
    rows = [
        dict(subject=str(subject), session=f"{subject}_{number}", partition=partition, task=task)
        | dict(label=float(random.integers(0, 45)))
        for number, partition in enumerate(("train", "dev", "test"))
        for subject in {"train": range(0, 20), "dev": range(5, 25), "test": range(8, 30)}[partition]
        for task in ("Freeform", "Northwind")
    ]
    return pd.DataFrame(rows)


def subjects(part: pd.DataFrame) -> set[str]:
    return set(part.subject)


def test_official_is_the_column_and_its_overlap_is_counted() -> None:
    parts = split(corpus(), "official")
    assert [len(parts[name]) for name in ("train", "dev", "test")] == [40, 40, 44]
    assert overlap(parts) == {"train+dev": 15, "train+test": 12, "dev+test": 17, "train+dev+test": 12}


def test_subject_disjoint_keeps_the_test_set_whole_and_shares_nobody() -> None:
    table = corpus()
    parts = split(table, "subject_disjoint")
    assert parts["test"].equals(table[table.partition == "test"])
    assert set(overlap(parts).values()) == {0}
    assert subjects(parts["train"]) == {str(i) for i in range(5)}
    assert subjects(parts["dev"]) == {"5", "6", "7"}


@pytest.mark.parametrize("n_folds", [3, 5])
def test_folds_test_everybody_once_and_share_nobody(n_folds: int) -> None:
    table = corpus()
    folds = [split(table, "group_kfold", fold, n_folds, seed=1) for fold in range(n_folds)]
    tested = pd.concat([parts["test"] for parts in folds])
    assert sorted(tested.index) == sorted(table.index)
    for parts in folds:
        assert set(overlap(parts).values()) == {0}
        assert sum(len(part) for part in parts.values()) == len(table)
    sizes = [parts["test"].subject.nunique() for parts in folds]
    assert max(sizes) - min(sizes) <= 1


def test_folds_repeat_with_their_seed_and_leave_unlabelled_recordings_out() -> None:
    table = corpus()
    table.loc[0, "label"] = np.nan
    first, again, other = (split(table, "group_kfold", 0, 5, seed)["test"].index for seed in (1, 1, 2))
    assert first.equals(again) and not first.equals(other)
    assert 0 not in pd.concat(split(table, "group_kfold", 0, 5, 1).values()).index


def test_without_a_partition_column_people_are_drawn() -> None:
    table = corpus().assign(partition="")
    parts = split(table, "official", seed=3)
    assert set(overlap(parts).values()) == {0}
    assert all(len(part) for part in parts.values())


def test_what_cannot_be_split_says_why() -> None:
    with pytest.raises(InputError, match="official, subject_disjoint, group_kfold"):
        split(corpus(), "loso")
    with pytest.raises(InputError, match=r"data.fold=5 of data.n_folds=5"):
        split(corpus(), "group_kfold", 5, 5)
    with pytest.raises(InputError, match="partition valid is none of"):
        split(corpus().assign(partition="valid"), "official")


def test_fewer_people_are_whole_people_and_stand_among_more() -> None:
    train = split(corpus(), "official")["train"]
    train.loc[train.subject == "3", "label"] = float("nan")
    drawn = {n: subjects(of_fewer_people(train, n, seed=1)) for n in (1, 7, 19)}
    assert [len(one) for one in drawn.values()] == [1, 7, 19] and "3" not in drawn[19]
    assert drawn[1] < drawn[7] < drawn[19]
    few = of_fewer_people(train, 7, seed=1)
    assert few.equals(train[train.subject.isin(drawn[7])])
    assert subjects(of_fewer_people(train, 7, seed=2)) != drawn[7]
    with pytest.raises(InputError, match=r"data\.train_people=20, but the training partition has 19 people"):
        of_fewer_people(train, 20, seed=1)
