"""What every corpus reader hands over, and what can be said of any corpus."""

import os
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

from preprocess.corpora.recording import Recording
from stan_boundary.errors import InputError
from stan_boundary.file_names import as_text, marked, safe_recording_name

PARTITIONS = ("train", "dev", "test")
PARTITION_NAMES = {
    "train": "train",
    "training": "train",
    "dev": "dev",
    "devel": "dev",
    "development": "dev",
    "val": "dev",
    "validation": "dev",
    "test": "test",
    "testing": "test",
}
VIDEO_SUFFIXES = frozenset(
    ".mp4 .m4v .mov .avi .mkv .webm .wmv .mpg .mpeg .mts .m2ts .ts .3gp .flv .ogv .gif".split()
)

SOUND_SUFFIXES = frozenset(".wav .mp3 .flac .m4a .aac .ogg .opus".split())


@dataclass(frozen=True)
class Corpus:
    """The recordings of a corpus and what its user should know of it.

    Attributes:
        name: What to call it, as in `AVEC2014`.
        root: Folder that `Recording.video` is relative to.
        recordings: Sorted by `recording`, which is unique.
        notes: One line each: oddities that do not stop the run.
        synthetic: Drawn, not recorded; everything made from it has to say so.
    """

    name: str
    root: Path
    recordings: tuple[Recording, ...]
    notes: tuple[str, ...] = ()
    synthetic: bool = False


def files_below(root: Path) -> Iterator[Path]:
    """All files below a folder in a fixed order, through links, without hidden ones.

    Raises:
        InputError: `root` is no folder, or cannot be read.
    """
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise InputError(f"{root} {what}: set corpus.root to the folder of the corpus")

    def stop(error: OSError) -> None:
        raise InputError(f"{error.filename} cannot be read ({error.strerror}): mend its permissions")

    seen = set()
    for folder, folders, names in os.walk(root, followlinks=True, onerror=stop):
        real = os.path.realpath(folder)
        if real in seen:  # a link back up the tree
            folders.clear()
            continue
        seen.add(real)
        # macOS leaves `._name` and `__MACOSX` beside what it unpacks, with the names of real videos.
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        yield from (Path(folder, name) for name in sorted(names) if not name.startswith("."))


def relative_to_root(path: Path, root: Path) -> str:
    """POSIX path below the root, or the absolute one where the file lies elsewhere, as valid text."""
    absolute = Path(os.path.abspath(path))
    home = Path(os.path.abspath(root))
    return as_text((absolute.relative_to(home) if absolute.is_relative_to(home) else absolute).as_posix())


def recording_names(videos: Sequence[str]) -> list[str]:
    """Names of recordings for videos that have none of their own.

    Each video is called by its stem. Videos whose stems collide are called by their path below the root with
    `__` for separators, by that path with its suffix where this still collides, and with a hash in the end
    where nothing else tells them apart. Stems that differ in case or in Unicode composition alone collide
    too: the crops may travel to a file system that folds both. All are names as `safe_recording_name` gives
    them.

    Args:
        videos: POSIX paths, each once.
    """
    paths = [Path(video.lstrip("/")) for video in videos]
    ways = [
        [path.stem for path in paths],
        ["__".join(path.with_suffix("").parts) for path in paths],
        ["__".join(path.parts) for path in paths],
    ]
    safe = [[safe_recording_name(name) for name in way] for way in ways]
    safe.append([marked(name, video) for name, video in zip(safe[-1], videos, strict=True)])
    names = safe[0]
    for finer in safe[1:]:
        count = Counter(_folded(name) for name in names)
        names = [
            longer if count[_folded(name)] > 1 else name for name, longer in zip(names, finer, strict=True)
        ]
    return names


def overlap(places: Iterable[tuple[str, str]]) -> dict[tuple[str, ...], list[str]]:
    """Subjects that stand in more than one partition.

    Args:
        places: Subject and partition of each recording; an empty partition does not count.

    Returns:
        For each combination of partitions, such as `("train", "test")`, the subjects that stand in exactly
        those, sorted; combinations without subjects are left out.
    """
    found = defaultdict(set)
    for subject, partition in places:
        if partition:
            found[subject].add(partition)
    shared: dict[tuple[str, ...], list[str]] = {}
    for size in range(2, len(PARTITIONS) + 1):
        for names in combinations(PARTITIONS, size):
            subjects = sorted(subject for subject, own in found.items() if own == set(names))
            if subjects:
                shared[names] = subjects
    return shared


def with_choices(
    corpus: Corpus, video_stream: int | None, audio_stream: int | None, fps: float | None
) -> Corpus:
    """The corpus with these streams and this frame rate for all recordings that have none of their own.

    Raises:
        InputError: A number is out of range.
    """
    for name, value in (("video_stream", video_stream), ("audio_stream", audio_stream)):
        if value is not None and value < 0:
            raise InputError(f"corpus.{name}={value}: give the stream's number in the file, 0 or more")
    if fps is not None and not 0 < fps <= 1000:
        raise InputError(f"corpus.fps={fps}: give frames a second, above 0 and up to 1000")
    chosen = [
        replace(
            one,
            video_stream=video_stream if one.video_stream is None else one.video_stream,
            audio_stream=audio_stream if one.audio_stream is None else one.audio_stream,
            fps=fps,
        )
        for one in corpus.recordings
    ]
    return replace(corpus, recordings=tuple(chosen))


def describe(corpus: Corpus) -> list[str]:
    """Lines that tell a user what was found: counts, overlap of subjects, notes."""
    recordings = corpus.recordings
    subjects = {recording.subject for recording in recordings}
    sessions = {recording.session for recording in recordings}
    kind = " (synthetic: drawn, not recorded)" if corpus.synthetic else ""
    lines = [
        f"{corpus.name}{kind}: {len(recordings)} recordings, {len(sessions)} sessions, "
        f"{len(subjects)} subjects"
    ]
    for partition in (*PARTITIONS, ""):
        own = [recording for recording in recordings if recording.partition == partition]
        if own or partition:
            labelled = sum(recording.label is not None for recording in own)
            people = len({recording.subject for recording in own})
            name = partition or "no partition"
            lines.append(f"  {name}: {len(own)} recordings, {people} subjects, {labelled} with label")
    if shared := overlap((recording.subject, recording.partition) for recording in recordings):
        several = sum(len(people) for people in shared.values())
        parts = ", ".join(f"{'+'.join(names)} {len(people)}" for names, people in shared.items())
        lines.append(f"  {several} of {len(subjects)} subjects stand in more than one partition ({parts})")
    return lines + [f"  note: {note}" for note in corpus.notes]


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
