"""AVEC2014 and AVEC2013 as users receive them: several layouts, one naming of files.

Files are known by their names, partitions by the folders above them, whatever their case. So all layouts
that were handed out over the years are read by the same few rules: videos lie below a folder named after
their partition, label files anywhere below the root, one a session.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from preprocess.corpora.corpus import (
    PARTITION_NAMES,
    PARTITIONS,
    SOUND_SUFFIXES,
    VIDEO_SUFFIXES,
    Corpus,
    files_below,
    relative_to_root,
)
from preprocess.corpora.labels import read_label_file
from preprocess.corpora.recording import Recording
from stan_boundary.errors import InputError

_TASKS = {"freeform": "Freeform", "northwind": "Northwind"}
_VIDEO_2014 = re.compile(
    r"(?P<subject>\d+)_(?P<sitting>\d+)_(?P<task>freeform|northwind)_video", re.IGNORECASE
)
_SOUND_2014 = re.compile(
    r"(?P<subject>\d+)_(?P<sitting>\d+)_(?P<task>freeform|northwind)_audio", re.IGNORECASE
)
_SOUND_2013 = re.compile(r"(?P<subject>\d+)_(?P<sitting>\d+)_cut_audio", re.IGNORECASE)
_VIDEO_2013 = re.compile(r"(?P<subject>\d+)_(?P<sitting>\d+)_cut_combined", re.IGNORECASE)
_LABEL = re.compile(r"(?P<subject>\d+)_(?P<sitting>\d+)(?:_cut)?_depression", re.IGNORECASE)


@dataclass(frozen=True)
class _Video:
    subject: str
    session: str
    task: str
    partition: str
    path: Path

    @property
    def name(self) -> str:
        return _name(self.session, self.task)


@dataclass(frozen=True)
class _Label:
    score: float
    partition: str | None
    path: Path


def read_avec2014(root: str, score_range: Sequence[float]) -> Corpus:
    """Find the videos and labels of AVEC2014 in any of its layouts.

    Args:
        root: The corpus' folder, or one above it.
        score_range: Lowest and highest valid score.

    Raises:
        InputError: No such videos, a recording twice, a bad label; one line.
    """
    return _read("AVEC2014", Path(root), _VIDEO_2014, _SOUND_2014, score_range)


def read_avec2013(root: str, score_range: Sequence[float]) -> Corpus:
    """Find the videos and labels of AVEC2013; arguments and errors as for `read_avec2014`."""
    return _read("AVEC2013", Path(root), _VIDEO_2013, _SOUND_2013, score_range)


def _read(
    name: str,
    root: Path,
    pattern: re.Pattern[str],
    sound_pattern: re.Pattern[str],
    score_range: Sequence[float],
) -> Corpus:
    files = list(files_below(root))
    videos, strangers = _find_videos(name, root, files, pattern)
    labels, notes = _find_labels(root, files, score_range)
    sounds = _find_sounds(files, sound_pattern)
    recordings = []
    for video in videos:
        label, sound = labels.get(video.session), sounds.get(video.name)
        recordings.append(
            Recording(
                recording=video.name,
                subject=video.subject,
                session=video.session,
                task=video.task,
                partition=video.partition,
                label=label.score if label else None,
                group="",
                video=relative_to_root(video.path, root),
                path=video.path.absolute(),
                sound=relative_to_root(sound, root) if sound else "",
                sound_path=sound.absolute() if sound else None,
            )
        )
    recordings.sort(key=lambda recording: recording.recording)
    notes += _notes(videos, labels, strangers, root)
    return Corpus(name, root, tuple(recordings), tuple(notes))


def _find_videos(
    name: str, root: Path, files: list[Path], pattern: re.Pattern[str]
) -> tuple[list[_Video], list[Path]]:
    videos: dict[str, _Video] = {}
    strangers = []
    for path in files:
        if path.suffix.lower() not in VIDEO_SUFFIXES:
            continue
        match = pattern.fullmatch(path.stem)
        if match is None:
            strangers.append(path)
            continue
        partition = _partition(path, root)
        if partition is None:
            raise InputError(
                f"{path} lies in no folder named after a partition (Training, Development, Testing or train, "
                "dev, test): set corpus.root to the folder above those"
            )
        session, task = _session_and_task(match)
        video = _Video(match["subject"], session, task, partition, path)
        if other := videos.get(video.name):
            raise InputError(f"recording {video.name} twice: {other.path} and {path}: remove one")
        videos[video.name] = video
    if not videos:
        raise InputError(_nothing_found(name, root, pattern, files, strangers))
    _check_sessions(list(videos.values()))
    return list(videos.values()), strangers


def _find_sounds(files: list[Path], pattern: re.Pattern[str]) -> dict[str, Path]:
    """Sound files beside the videos, by the name of their recording."""
    sounds: dict[str, Path] = {}
    for path in files:
        match = pattern.fullmatch(path.stem)
        if match is None or path.suffix.lower() not in SOUND_SUFFIXES:
            continue
        name = _name(*_session_and_task(match))
        if other := sounds.get(name):
            raise InputError(f"the sound of recording {name} twice: {other} and {path}: remove one")
        sounds[name] = path
    return sounds


def _session_and_task(match: re.Match[str]) -> tuple[str, str]:
    task = _TASKS[match["task"].lower()] if "task" in match.groupdict() else ""
    return f"{match['subject']}_{match['sitting']}", task


def _name(session: str, task: str) -> str:
    return f"{session}_{task}" if task else session


def _check_sessions(videos: list[_Video]) -> None:
    first: dict[str, _Video] = {}
    for video in videos:
        other = first.setdefault(video.session, video)
        if other.partition != video.partition:
            raise InputError(
                f"session {video.session} stands in {other.partition} ({other.path}) and in "
                f"{video.partition} ({video.path}): move one, no session belongs to two partitions"
            )


def _nothing_found(
    name: str, root: Path, pattern: re.Pattern[str], files: list[Path], strangers: list[Path]
) -> str:
    if not files:
        return f"{root} is empty: set corpus.root to the folder of {name}"
    other = ("avec2013", _VIDEO_2013) if pattern is _VIDEO_2014 else ("avec2014", _VIDEO_2014)
    if any(other[1].fullmatch(path.stem) for path in strangers):
        return f"{root} holds no videos of {name} but some of {other[0].upper()}: use corpus={other[0]}"
    shape = "203_1_Freeform_video.mp4" if pattern is _VIDEO_2014 else "203_1_cut_combined.mp4"
    return (
        f"{root} holds no videos named like {shape} ({len(strangers)} other videos): set corpus.root to the "
        f"folder of {name}, or describe other videos in a CSV and use corpus=manifest"
    )


def _find_labels(
    root: Path, files: list[Path], score_range: Sequence[float]
) -> tuple[dict[str, _Label], list[str]]:
    labels: dict[str, _Label] = {}
    notes = []
    for path in files:
        match = _LABEL.fullmatch(path.stem)
        if match is None or path.suffix.lower() != ".csv":
            continue
        session = f"{match['subject']}_{match['sitting']}"
        label = _Label(read_label_file(path, score_range), _partition(path, root), path)
        other = labels.setdefault(session, label)
        if other.score != label.score:
            raise InputError(
                f"session {session} has two labels: {other.score:g} in {other.path} and {label.score:g} in "
                f"{path}: remove the wrong one"
            )
        if other.path != path:
            notes.append(f"session {session} has two label files that agree ({other.path}, {path})")
    return labels, notes


def _notes(videos: list[_Video], labels: dict[str, _Label], strangers: list[Path], root: Path) -> list[str]:
    partition_of = {video.session: video.partition for video in videos}
    notes = []
    for session, label in sorted(labels.items()):
        own = partition_of.get(session)
        if own and label.partition and label.partition != own:
            notes.append(
                f"{relative_to_root(label.path, root)} lies in {label.partition}, the video of session "
                f"{session} in {own}: matched by session all the same"
            )
    sessions = Counter(partition_of.values())
    unlabelled = defaultdict(list)
    for session, partition in sorted(partition_of.items()):
        if session not in labels:
            unlabelled[partition].append(session)
    for partition in PARTITIONS:
        if missing := unlabelled[partition]:
            few = f": {', '.join(missing)}" if len(missing) <= 5 else ""
            notes.append(
                f"{len(missing)} of {sessions[partition]} sessions in {partition} have no label{few}"
            )
        if not sessions[partition]:
            notes.append(f"partition {partition} is empty")
    if spare := sorted(set(labels) - set(partition_of)):
        notes.append(f"{len(spare)} label files belong to no video (such as {spare[0]})")
    if strangers:
        first = relative_to_root(strangers[0], root)
        notes.append(f"{len(strangers)} videos of other names are left out (such as {first})")
    return notes


def _partition(path: Path, root: Path) -> str | None:
    """Partition that the nearest folder names, below the root and also as `Training_DepressionLabels`."""
    for folder in reversed(path.relative_to(root).parts[:-1]):
        word = folder.lower().removesuffix("depressionlabels").rstrip("_ -")
        if word in PARTITION_NAMES:
            return PARTITION_NAMES[word]
    return None
