"""Who trains, who selects and who is reported: the evaluation protocols.

Source: `official` is the corpora's own division; in AVEC2014 38 of 83 subjects stand in more than one
of its partitions, so it measures severity and memory of faces together. The other two do not.
"""

import numpy as np
import pandas as pd

from stan_boundary.errors import InputError
from stan_lightning.data.manifest import PARTITIONS

PROTOCOLS = ("official", "subject_disjoint", "group_kfold")


def split(
    table: pd.DataFrame, protocol: str, fold: int = 0, n_folds: int = 5, seed: int = 0
) -> dict[str, pd.DataFrame]:
    """Divide recordings into partitions.

    Args:
        table: Recordings with `subject`, `session`, `label` and `partition`.
        protocol: ``official`` (the column; drawn by subject where it is empty), ``subject_disjoint``
            (official less every training or development session of a test subject, and less training
            sessions of a development subject) or ``group_kfold`` (folds by subject over all labelled
            recordings, the next fold being the development partition).
        fold: Which fold is the test partition, for ``group_kfold``.
        n_folds: Number of folds, at least 3.
        seed: Seed of drawn partitions and folds.

    Returns:
        ``train``, ``dev`` and ``test``, each a part of the table in its order.
    """
    if protocol not in PROTOCOLS:
        raise InputError(f"data.protocol={protocol} is none of {', '.join(PROTOCOLS)}")
    if protocol == "group_kfold":
        return _fold(table, fold, n_folds, seed)
    if (table.partition == "").all():
        return _fold(table, 0, 5, seed)
    unknown = set(table.partition) - set(PARTITIONS) - {""}
    if unknown:
        raise InputError(
            f"partition {sorted(unknown)[0]} is none of {', '.join(PARTITIONS)}; mend the manifest"
        )
    parts = {name: table[table.partition == name] for name in PARTITIONS}
    if protocol == "subject_disjoint":
        parts["dev"] = _without(parts["dev"], parts["test"])
        parts["train"] = _without(_without(parts["train"], parts["test"]), parts["dev"])
    return parts


def of_fewer_people(part: pd.DataFrame, people: int, seed: int) -> pd.DataFrame:
    """The recordings of so many of a partition's people; those of fewer are among those of more.

    Args:
        part: Recordings with `subject` and `label`.
        people: How many, of those with a label.
        seed: Fixes who.

    Raises:
        InputError: There are not so many.
    """
    labelled = part[part.label.notna() & (part.label.astype(str) != "")]
    known = np.sort(labelled.subject.unique().astype(str))
    if people > len(known):
        raise InputError(
            f"data.train_people={people}, but the training partition has {len(known)} people with a label"
        )
    chosen = np.random.default_rng(seed).permutation(known)[:people]
    return part[part.subject.astype(str).isin(chosen)]


def _without(part: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    return part[~part.subject.isin(other.subject)]


def _fold(table: pd.DataFrame, fold: int, n_folds: int, seed: int) -> dict[str, pd.DataFrame]:
    """Deal subjects out by label, so that each fold spans the scores; dev is the fold after test."""
    labelled = table[table.label.notna() & (table.label.astype(str) != "")]
    subjects = labelled.groupby("subject").label.first()
    if not 3 <= n_folds <= len(subjects) or not 0 <= fold < n_folds:
        raise InputError(
            f"data.fold={fold} of data.n_folds={n_folds} does not suit {len(subjects)} labelled subjects: "
            "take 3 folds or more, at most one a subject, and count them from 0"
        )
    random = np.random.default_rng(seed)
    order = subjects.sample(frac=1, random_state=random).sort_values(kind="stable").index
    dealt: dict[str, int] = {}
    for start in range(0, len(order), n_folds):
        block = order[start : start + n_folds]
        dealt.update(zip(block, random.permutation(n_folds)[: len(block)].tolist(), strict=True))
    number = labelled.subject.map(dealt)
    dev = (fold + 1) % n_folds
    return {
        "train": labelled[(number != fold) & (number != dev)],
        "dev": labelled[number == dev],
        "test": labelled[number == fold],
    }


def overlap(parts: dict[str, pd.DataFrame]) -> dict[str, int]:
    """How many subjects stand in both of two partitions, e.g. ``{"train+test": 10}``, all three as well."""
    subjects = {name: set(part.subject) for name, part in parts.items()}
    pairs = (("train", "dev"), ("train", "test"), ("dev", "test"))
    shared = {f"{a}+{b}": len(subjects[a] & subjects[b]) for a, b in pairs}
    return shared | {"train+dev+test": len(subjects["train"] & subjects["dev"] & subjects["test"])}
