"""Who speaks when: turns of a recording, as transcripts and diarisation tools write them.

A CSV has columns `start_s`, `end_s` and `speaker` (others are left out), in seconds on the recording's clock:
0 is the film's first picture, or the sound's first sample where there are no pictures. An RTTM, told by its
suffix ``.rttm``, has lines ``SPEAKER <file> <channel> <start> <duration> <NA> <NA> <speaker> ...``.
Source: NIST, The 2009 Rich Transcription Evaluation Plan, appendix A.
"""

import csv
import hashlib
import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from preprocess.corpora.csv_rows import read_rows, read_text
from stan_boundary.errors import InputError
from stan_boundary.names import printable, shortened

PARTICIPANT, INTERVIEWER, OTHER = SPEAKERS = ("participant", "interviewer", "other")
COLUMNS = ("start_s", "end_s", "speaker")
_INTERVIEWERS = (INTERVIEWER, "ellie")  # the second is DAIC-WOZ's
_LATEST_S = 7 * 86_400.0
_MOST_NAMED = 8
_RTTM_FIELDS = 8  # up to the speaker


class Turn(NamedTuple):
    """One stretch in which somebody speaks, in seconds; stretches of several speakers may overlap."""

    start_s: float
    end_s: float
    speaker: str


def read_turns(path: Path, participant: str = "") -> tuple[Turn, ...]:
    """Read a file of turns.

    Args:
        path: A CSV, or an RTTM by its suffix.
        participant: What the participant is called in it; empty: a speaker named participant in any case.

    Returns:
        Turns in the order of their times; speakers are among `SPEAKERS`. A speaker who is called interviewer,
        or the only one beside the participant, is the interviewer. Turns of no length are left out.

    Raises:
        InputError: The file is missing or empty, has a bad row, or no such participant; one line.
    """
    if not path.is_file():
        raise InputError(
            f"{path} is not there: turns are paths, absolute or relative to the manifest's folder"
        )
    found = _rttm(path) if path.suffix.lower() == ".rttm" else _csv(path)
    if not found:
        raise InputError(
            f"{path} holds no turns: give it one row a turn, or leave the recording's cell empty"
        )
    roles = _roles(path, [turn.speaker for turn in found], participant)
    return tuple(
        sorted(turn._replace(speaker=roles[turn.speaker]) for turn in found if turn.end_s > turn.start_s)
    )


def as_csv(turns: Sequence[Turn]) -> bytes:
    """Turns as they are kept beside a recording's sound."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((f"{turn.start_s:.6f}", f"{turn.end_s:.6f}", turn.speaker) for turn in turns)
    return text.getvalue().encode()


def fingerprint(turns: Sequence[Turn] | None) -> str:
    """What tells these turns from others; empty where there are none."""
    return "" if turns is None else hashlib.sha256(as_csv(turns)).hexdigest()


def spoken_s(turns: Sequence[Turn] | None, speaker: str) -> float | None:
    """Seconds in which a speaker has a turn, each counted once; None where nobody knows the turns."""
    if turns is None:
        return None
    total, last = 0.0, 0.0
    for start_s, end_s in sorted((one.start_s, one.end_s) for one in turns if one.speaker == speaker):
        total += max(0.0, end_s - max(start_s, last))
        last = max(last, end_s)
    return round(total, 3)


def _csv(path: Path) -> list[Turn]:
    names, rows = read_rows(path)
    if not names:
        raise InputError(f"{path} is empty: its first line names the columns {', '.join(COLUMNS)}")
    if any(names.count(name) != 1 for name in COLUMNS):
        found = shortened(printable(", ".join(filter(None, names))))
        raise InputError(f"{path} line 1: needs one column each of {', '.join(COLUMNS)} (found {found})")
    turns = []
    for row in rows:
        where = f"{path} line {row['line']}"
        start_s, end_s = (_seconds(name, row[name], where) for name in ("start_s", "end_s"))
        if end_s < start_s:
            raise InputError(f"{where}: end_s {end_s:g} comes before start_s {start_s:g}: mend the row")
        turns.append(Turn(start_s, end_s, _speaker(row["speaker"], where)))
    return turns


def _rttm(path: Path) -> list[Turn]:
    turns, files = [], set()
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        where, cells = f"{path} line {number}", line.split()
        if not cells or cells[0].startswith(";;") or (cells[0] != "SPEAKER" and cells[0] in _OTHER_LINES):
            continue
        if cells[0] != "SPEAKER" or len(cells) < _RTTM_FIELDS:
            said = shortened(printable(line), 40)
            raise InputError(
                f"{where}: {said!r} is no line of an RTTM: SPEAKER <file> <channel> <start> <duration> "
                "<NA> <NA> <speaker>"
            )
        start_s, length_s = _seconds("start", cells[3], where), _seconds("duration", cells[4], where)
        files.add(cells[1])
        turns.append(Turn(start_s, start_s + length_s, _speaker(cells[7], where)))
    if len(files) > 1:
        one, other, *_ = sorted(files)
        raise InputError(
            f"{path} holds turns of {len(files)} recordings ({shortened(printable(one), 40)}, "
            f"{shortened(printable(other), 40)}...): give each recording a file of its own"
        )
    return turns


_OTHER_LINES = frozenset(
    "SEGMENT NOSCORE NO_RT_METADATA LEXEME NON-LEX NON-SPEECH FILLER EDIT IP SU CB A/P SPKR-INFO".split()
)


def _seconds(name: str, text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(
            f"{where}: {name} {shortened(printable(text), 40)!r} is no number of seconds: mend the row"
        )
    if value < 0:
        raise InputError(
            f"{where}: {name} {value:g} is negative: times count from the recording's first moment"
        )
    if value > _LATEST_S:
        raise InputError(f"{where}: {name} {value:g} is more than a week: write seconds")
    return value


def _speaker(text: str, where: str) -> str:
    if not text:
        raise InputError(f"{where}: speaker is empty: name who speaks")
    return text


def _roles(path: Path, speakers: Iterable[str], participant: str) -> dict[str, str]:
    """What each speaker is in the conversation."""
    names = sorted(set(speakers))
    wanted = participant or PARTICIPANT
    alike = [one for one in names if one.lower() == wanted.lower()]
    own = [one for one in alike if one == wanted] or alike
    if not own:
        found = ", ".join(shortened(printable(one), 40) for one in names[:_MOST_NAMED])
        more = ", ..." if len(names) > _MOST_NAMED else ""
        raise InputError(
            f"{path}: no speaker is called {shortened(printable(wanted), 40)} (found {found}{more}): name "
            "the participant in the manifest's column participant"
        )
    others = [one for one in names if one not in own]
    asking = others if len(others) == 1 else [one for one in others if one.lower() in _INTERVIEWERS]
    return {one: PARTICIPANT if one in own else INTERVIEWER if one in asking else OTHER for one in names}
