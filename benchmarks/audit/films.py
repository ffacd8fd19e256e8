"""What the audit's networks see: two pools of drawn films, and the labels and partitions dealt over them.

In the first pool a session's face shows one number and its voice another, which have nothing to do with each
other. So the films stay and only the labels differ: the number of the face, that of the voice, both, or one
that is dealt to each person at random, with a little chance for each session, and shows in nothing but who it
is. In the second pool every frame's distribution is the same for all scores; order and duration carry them.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.audit.commands import crops
from preprocess.synthetic.cast import cast
from stan_boundary.writing import write_whole

PEOPLE, SESSIONS = 72, 3  # of a pool, and of each person
DRAWN = 50  # of them, for a replicate
TESTED = 24  # people, two sessions each; the third is training's
DEVELOPMENT = 2  # people; nothing is selected on them, but training asks for some
SEED = 0  # of the pools
CHANGE = 4.0
"""Points by which an `identity` score differs between a person's sessions, as a standard deviation."""
LABELS = ("identity", "face", "voice", "both", "temporal")
_CAST = dict(subjects=PEOPLE, sessions={"train": PEOPLE * SESSIONS}, shared_subjects={}, seed=SEED)
_SIZE = [
    f"corpus.subjects={PEOPLE}",
    f"corpus.sessions={{train: {PEOPLE * SESSIONS}, dev: 0, test: 0}}",
    "corpus.fps=10",
    "behaviour=false",
    f"seed={SEED}",
]
_POOLS = {
    "both": ["corpus.scores=both", "corpus.seconds=[3.2, 3.2]", "frame_stride=1", *_SIZE],
    # 16 crops: in 3.2 s the fastest spells alternate eight times and the slowest once.
    "temporal": ["corpus.scores=temporal", "corpus.seconds=[6.4, 6.4]", "frame_stride=2", *_SIZE],
}


@dataclass(frozen=True)
class Replicate:
    """One dealing of labels and partitions, which every network of the same number is trained on.

    Attributes:
        number: From 0.
        labels: One of `LABELS`: what carries the score.
    """

    number: int
    labels: str

    @property
    def pool(self) -> str:
        """Of which films."""
        return "temporal" if self.labels == "temporal" else "both"


def pool(folder: Path, name: str) -> Path:
    """The crops of a pool, made where they are not there yet."""
    return crops(_films(folder, name), *_POOLS[name])


def listing(folder: Path, replicate: Replicate) -> Path:
    """Where a replicate's manifest lies: beside the crops of its pool."""
    return _films(folder, replicate.pool) / f"{replicate.labels}_{replicate.number}.csv"


def manifest(folder: Path, replicate: Replicate) -> Path:
    """Write a replicate's manifest beside the pool's crops; gives the file.

    Of `DRAWN` people, two sessions of each of `TESTED` are the test partition, all of `DEVELOPMENT` others'
    development, and the rest training: so everybody who is tested is also trained on, unless the protocol
    drops them.
    """
    root = pool(folder, replicate.pool)
    table = pd.read_csv(root / "manifest.csv", dtype=str, keep_default_na=False)
    random = np.random.default_rng([replicate.number, 7])
    people = random.permutation(np.unique(table["subject"]))[:DRAWN]
    table = table[table["subject"].isin(people)]
    trained = {f"{person}_{random.integers(SESSIONS) + 1}" for person in people[:TESTED]}
    selected = people[TESTED : TESTED + DEVELOPMENT]
    table = table.assign(partition="train")
    table.loc[table["subject"].isin(selected), "partition"] = "dev"
    tested = table["subject"].isin(people[:TESTED]) & ~table["session"].isin(trained)
    table.loc[tested, "partition"] = "test"
    table["label"] = _labels(table, replicate, random).astype(str)
    file = listing(folder, replicate)
    write_whole(file, table.to_csv(index=False).encode())
    return file


def _films(folder: Path, pool: str) -> Path:
    return folder / f"films_{pool}"


def _labels(table: pd.DataFrame, replicate: Replicate, random: np.random.Generator) -> pd.Series:
    drawn = {one.session: one for one in cast(scores=replicate.pool, **_CAST)}  # type: ignore[arg-type]
    if replicate.labels == "identity":
        scores = sorted({one.subject: one.score for one in drawn.values()}.values())
        chance = dict(zip(sorted(drawn), random.normal(0, CHANGE, len(drawn)), strict=True))
        person = table["subject"].map(_dealt(scores, table, random))
        return (person + table["session"].map(chance)).round().clip(0, 63).astype(int)
    part = {"face": "face", "voice": "voice"}.get(replicate.labels, "score")
    return table["session"].map({session: getattr(one, part) for session, one in drawn.items()})


def _dealt(scores: list[int], table: pd.DataFrame, random: np.random.Generator) -> dict[str, int]:
    """A score for each person, spread over the tested and over the others alike.

    Dealt to all at once, chance alone gives the tested another level, by which a constant beats the median.
    """
    tested = set(table["subject"][table["partition"] == "test"])
    dealt = {}
    for group in (sorted(tested), sorted(set(table["subject"]) - tested)):
        places = np.linspace(0, len(scores) - 1, len(group)).round().astype(int)
        dealt |= dict(zip(random.permutation(group), (scores[place] for place in places), strict=True))
    return dealt
