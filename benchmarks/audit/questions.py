"""The audit's questions: one difference in MAE each, what it should be where the truth is known, and why."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.audit.decisions import Claim
from benchmarks.audit.films import Replicate
from benchmarks.audit.trainings import Trained

BELOW, ABOVE, NO_GAIN = Claim("below"), Claim("above"), Claim("no gain")


@dataclass(frozen=True)
class Question:
    """One row of the audit's table.

    Attributes:
        labels: What carries the score; one of `films.LABELS`.
        protocol: Of the trainings.
        networks: Those that it needs.
        of: What is compared with `to`; both name an error below.
        to: What it is compared with.
        claim: What the difference should be.
    """

    labels: str
    protocol: str
    networks: tuple[str, ...]
    of: str
    to: str
    claim: Claim

    def trainings(self, number: int) -> list[Trained]:
        """What must be trained for one replicate."""
        replicate = Replicate(number, self.labels)
        return [Trained(replicate, self.protocol, network, number) for network in self.networks]

    def errors(self, folder: Path, number: int) -> tuple[float, float]:
        """MAE in points of both that are compared, in one replicate."""
        known: dict[str, float] = {}
        for one in self.trainings(number):
            errors = one.numbers(folder)["mae"]
            known |= errors | {one.network: errors["network"]}
        return known[self.of], known[self.to]


def _asked(labels: str, protocol: str, of: str, to: str, claim: Claim, *networks: str) -> Question:
    return Question(labels, protocol, networks or (of,), of, to, claim)


_NEW, _RECURRING = "subject_disjoint", "official"
QUESTIONS = (
    _asked("identity", _RECURRING, "face", "median", BELOW),
    _asked("identity", _NEW, "face", "median", NO_GAIN),
    _asked("identity", _NEW, "fusion", "median", NO_GAIN),
    _asked("face", _RECURRING, "face", "median", BELOW),
    _asked("face", _NEW, "face", "median", BELOW),
    _asked("voice", _NEW, "audio", "median", BELOW),
    _asked("voice", _NEW, "fusion", "median", BELOW),
    _asked("voice", _NEW, "another person's audio", "fusion", ABOVE, "fusion"),
    _asked("both", _NEW, "fusion", "face", BELOW, "fusion", "face"),
    _asked("both", _NEW, "fusion", "audio", BELOW, "fusion", "audio"),
    _asked("temporal", _NEW, "temporal", "median", BELOW),
    _asked("temporal", _NEW, "shuffled frames", "temporal", ABOVE, "temporal"),
)
