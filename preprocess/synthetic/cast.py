"""Who is filmed in the synthetic corpus: subjects, their sessions, partitions and scores."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stan_boundary.errors import InputError

PARTITIONS = ("train", "dev", "test")
SHARED = {
    "train_dev": ("train", "dev"),
    "train_test": ("train", "test"),
    "dev_test": ("dev", "test"),
    "all_three": PARTITIONS,
}
SCORES = ("behaviour", "identity", "temporal", "voice", "both")
_FIRST_SUBJECT = 203  # AVEC's own numbers begin here
_MOST_SESSIONS = 3  # of one subject, as in AVEC
_FAMILIARITY = 0.6  # correlation of one subject's scores, where behaviour carries them
# Quantiles of the score: AVEC2014's training bands (26, 8, 7 and 9 of 50 sessions below 14, 20, 29 and
# above), mean 15, sd 12 to 13, largest 44.
_QUANTILES = (0.0, 0.30, 0.52, 0.68, 0.82, 1.0)
_SCORES_AT = (0.0, 5.0, 14.0, 20.0, 29.0, 45.0)


@dataclass(frozen=True)
class Session:
    """One visit of one subject, filmed in two tasks.

    `face` and `voice` are what face and voice show where they carry the score: the score itself, but in
    `both` two numbers of its range that have nothing to do with each other, and half of its variance each.
    """

    subject: str
    session: str
    partition: str
    score: int
    face: int
    voice: int


def cast(
    subjects: int, sessions: Mapping[str, int], shared_subjects: Mapping[str, int], scores: str, seed: int
) -> list[Session]:
    """Draw the cast, a pure function of its arguments.

    Args:
        subjects: Different people.
        sessions: Sessions of each of the partitions train, dev and test.
        shared_subjects: How many subjects stand in more than one partition, by `SHARED`'s keys: each
            counts those in just these partitions. AVEC2014 has 21, 5, 7 and 5, which are its 26 in train
            and dev, 10 in train and test, 12 in dev and test, and 38 in all.
        scores: One of `SCORES`: `identity` gives a subject one score for all sessions; the others one to
            each session, of which only `behaviour` makes those of one subject alike. In `voice` the sound
            alone carries it, in `both` face and voice half of it each.
        seed: Of the random generator.

    Raises:
        InputError: The numbers fit no cast, each subject having one to three sessions.
    """
    _check(subjects, sessions, shared_subjects, scores)
    random = np.random.default_rng([seed, 0])
    visits = _visits(subjects, sessions, shared_subjects, random)
    if scores == "identity":
        by_subject = _spread(random.normal(size=subjects))
        drawn = np.array([by_subject[person] for person, _ in visits])
    else:
        weight = _FAMILIARITY if scores == "behaviour" else 0.0
        trait = random.normal(size=subjects)
        own = random.normal(size=len(visits))
        latent = np.array(
            [
                weight**0.5 * trait[who] + (1 - weight) ** 0.5 * e
                for (who, _), e in zip(visits, own, strict=True)
            ]
        )
        drawn = _by_partition(latent, [partition for _, partition in visits])
    shown = [drawn, drawn]
    if scores == "both":
        parts = [random.normal(size=len(visits)) for _ in range(2)]
        places = [partition for _, partition in visits]
        shown = [_by_partition(part, places) for part in parts]
        drawn = _by_partition(parts[0] + parts[1], places)
    numbers = dict.fromkeys(range(subjects), 0)
    found = []
    for index in random.permutation(len(visits)):  # so that session 1 may lie in any partition
        person, partition = visits[index]
        numbers[person] += 1
        subject = str(_FIRST_SUBJECT + person)
        points = (int(track[index]) for track in (drawn, *shown))
        found.append(Session(subject, f"{subject}_{numbers[person]}", partition, *points))
    return sorted(found, key=lambda one: (int(one.subject), one.session))


def _check(subjects: int, sessions: Mapping[str, int], shared: Mapping[str, int], scores: str) -> None:
    if scores not in SCORES:
        raise InputError(f"corpus.scores={scores}: take one of {', '.join(SCORES)}")
    if set(sessions) - set(PARTITIONS) or min(sessions.values(), default=0) < 0 or not sum(sessions.values()):
        raise InputError(
            f"corpus.sessions={dict(sessions)}: give the numbers of train, dev and test, not all zero"
        )
    if set(shared) - set(SHARED) or min(shared.values(), default=0) < 0:
        raise InputError(f"corpus.shared_subjects={dict(shared)}: give counts for {', '.join(SHARED)}")
    if not sum(shared.values()) <= subjects:
        raise InputError(
            f"corpus.subjects={subjects} is less than the {sum(shared.values())} shared subjects"
        )


def _visits(
    subjects: int, sessions: Mapping[str, int], shared: Mapping[str, int], random: np.random.Generator
) -> list[tuple[int, str]]:
    """(person, partition) of every session: the shared subjects, the others evenly, then second visits."""
    places: list[tuple[str, ...]] = [SHARED[key] for key in SHARED for _ in range(shared.get(key, 0))]
    wanted = {partition: sessions.get(partition, 0) for partition in PARTITIONS}
    filled = {partition: sum(partition in place for place in places) for partition in PARTITIONS}
    while len(places) < subjects:
        partition = max(
            PARTITIONS, key=lambda one: (wanted[one] > filled[one], wanted[one] / (filled[one] + 1))
        )
        filled[partition] += 1
        places.append((partition,))
    order = random.permutation(subjects)  # a subject's number says nothing of its partitions
    held = {int(order[index]): list(place) for index, place in enumerate(places)}
    members = {p: sorted(person for person in held if p in held[person]) for p in PARTITIONS}
    for partition in PARTITIONS:
        for _ in range(wanted[partition] - filled[partition]):
            free = [one for one in members[partition] if len(held[one]) < _MOST_SESSIONS]
            if free:
                fewest = min(len(held[one]) for one in free)
                held[int(random.choice([one for one in free if len(held[one]) == fewest]))].append(partition)
    visits = [(person, partition) for person in sorted(held) for partition in held[person]]
    counts = {partition: sum(place == partition for _, place in visits) for partition in PARTITIONS}
    if counts != wanted:
        raise InputError(
            f"corpus.subjects={subjects} with 1 to {_MOST_SESSIONS} sessions each cannot fill "
            f"corpus.sessions {wanted} with corpus.shared_subjects {dict(shared)}: change one of the three"
        )
    return visits


def _by_partition(latent: np.ndarray, partitions: list[str]) -> np.ndarray:
    """Scores spread over each partition alike, in the order of `latent`."""
    drawn = np.zeros(len(latent), dtype=int)
    for partition in PARTITIONS:
        inside = np.array([one == partition for one in partitions])
        if inside.any():
            drawn[inside] = _spread(latent[inside])
    return drawn


def _spread(latent: np.ndarray) -> np.ndarray:
    """Scores at evenly spaced quantiles, so that small partitions have the whole range too."""
    ranks = np.argsort(np.argsort(latent, kind="stable"), kind="stable")
    return np.floor(np.interp((ranks + 0.5) / len(latent), _QUANTILES, _SCORES_AT)).astype(int)
