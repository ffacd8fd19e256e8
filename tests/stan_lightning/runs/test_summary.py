"""What training says of who is left to train on."""

import pandas as pd

from stan_lightning.runs.summary import people_left


def table(*sessions: str) -> pd.DataFrame:
    """Two recordings of each session, ``<subject>_<number>``."""
    rows = [one for one in sessions for _ in range(2)]
    return pd.DataFrame({"subject": [one.partition("_")[0] for one in rows], "session": rows})


def test_few_people_left_are_told_with_what_folds_would_have() -> None:
    few = {
        "train": table("1_1", "1_2"),
        "dev": table("2_1", "3_1"),
        "test": table(*(f"{n}_1" for n in range(4, 11))),
    }
    said = people_left(few, 5)
    assert "leaves 1 people with 2 sessions" in said and "about 6 in each fold" in said
    many = {"train": table(*(f"{n}_1" for n in range(8))), "dev": table("8_1"), "test": table("9_1")}
    assert people_left(many, 5) == "subject_disjoint: 8 people with 8 sessions to train on"
