"""The embedded corpus: drawn people in AVEC2014's layout, so that everything runs without a licence.

It proves that the pipeline works. Nothing that is made from it says anything about depression.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
from rich.console import Console

from preprocess.corpora.avec import read_avec2014
from preprocess.corpora.corpus import Corpus
from preprocess.synthetic.behaviour import Motion, act, lips_of_a_voice, voice_mood
from preprocess.synthetic.cast import Session, cast
from preprocess.synthetic.face import Studio
from preprocess.synthetic.look import draw_look
from preprocess.synthetic.voice import RATE, Sound, draw_voice, speak
from preprocess.workers.pool import ProcessPool
from preprocess.workers.progress import FrameProgress
from stan_boundary.errors import InputError
from stan_boundary.opening import MOST_JSON_BYTES, read_json, read_regular
from stan_boundary.writing import private_folder, whole_path, write_whole

TASKS = ("Freeform", "Northwind")
NOTICE = "synthetic: drawn, not recorded; proves the pipeline, never clinical value"
_RECORD = "synthetic.json"
_REPORT_EVERY = 30  # frames


def read_synthetic(
    root: str,
    subjects: int,
    sessions: Mapping[str, int],
    shared_subjects: Mapping[str, int],
    seconds: Sequence[float],
    fps: int,
    size: Sequence[int],
    scores: str,
    score_range: Sequence[float],
    seed: int,
    workers: int | None,
) -> Corpus:
    """Draw what is not drawn yet, then read it as the AVEC2014 that it looks like.

    Args are those of `draw_corpus`, and `score_range` that of `avec.read_avec2014`.
    """
    draw_corpus(
        Path(root),
        subjects=subjects,
        sessions=sessions,
        shared_subjects=shared_subjects,
        seconds=seconds,
        fps=fps,
        size=size,
        scores=scores,
        seed=seed,
        workers=workers,
    )
    corpus = read_avec2014(root, score_range)
    return replace(corpus, name="synthetic", synthetic=True, notes=(NOTICE, *corpus.notes))


def draw_corpus(
    root: Path,
    *,
    subjects: int,
    sessions: Mapping[str, int],
    shared_subjects: Mapping[str, int],
    seconds: Sequence[float],
    fps: int,
    size: Sequence[int],
    scores: str,
    seed: int,
    workers: int | None,
) -> None:
    """Draw videos and labels in AVEC2014's layout B; a pure function of all but `root` and `workers`.

    Each file is whole or absent, so a stopped run goes on where it stood.

    Args:
        root: Folder of the corpus; made where it is not there.
        subjects: Different people.
        sessions: Sessions of train, dev and test.
        shared_subjects: People in more than one partition; see `synthetic_cast.cast`.
        seconds: Shortest and longest video.
        fps: Frames a second.
        size: Width and height of the pictures in pixels, even.
        scores: What carries the score: `behaviour` (face and voice), `voice`, `both` (half of it each),
            `temporal` (order and duration of what the face does alone) or `identity` (nothing but who it is).
        seed: Of everything drawn.
        workers: Processes; null for as many as there are cores.

    Raises:
        InputError: The numbers fit no cast, or `root` holds another corpus.
    """
    settings = dict(subjects=subjects, sessions=dict(sessions), shared_subjects=dict(shared_subjects))
    settings |= dict(seconds=list(seconds), fps=fps, size=list(size), scores=scores, seed=seed)
    _check_pictures(seconds, fps, size)
    visits = cast(subjects, sessions, shared_subjects, scores, seed)
    _claim(root, {"notice": NOTICE, "sound": True, **settings})
    for visit in visits:
        label = root / "AVEC2014" / "label" / "DepressionLabels" / f"{visit.session}_Depression.csv"
        private_folder(label.parent, root)
        write_whole(label, f"{visit.score}\n".encode())
    videos = {_path(root, visit, task): (visit, task) for visit in visits for task in TASKS}
    for folder in {path.parent for path in videos}:
        private_folder(folder, root)
    todo = {path: what for path, what in videos.items() if not path.is_file()}
    if not todo:
        return
    frames = {path: _n_frames(visit, task, seconds, fps, seed) for path, (visit, task) in todo.items()}
    progress = FrameProgress(Console(), {path.name: count for path, count in frames.items()})
    with ProcessPool(workers) as pool, progress.shown():
        futures = {
            pool.submit(
                draw_video,
                path,
                visit,
                task,
                frames[path],
                fps,
                tuple(size),
                scores,
                seed,
                progress=progress.of(path.name),
            ): path
            for path, (visit, task) in todo.items()
        }
        for future in as_completed(futures):
            future.result()
            progress.finish(futures[future].name, frames[futures[future]])


def draw_video(
    path: Path,
    visit: Session,
    task: str,
    n_frames: int,
    fps: int,
    size: tuple[int, int],
    scores: str,
    seed: int,
    progress: Callable[[int], None],
) -> None:
    """Film one subject in one session and task, as H.264 and AAC in mp4, hidden until whole."""
    random = np.random.default_rng([seed, 2, *_numbers(visit), TASKS.index(task)])
    motion = act(visit.face, task, scores, n_frames, fps, random)
    sound = _speak(visit, motion, task, scores, fps, seed)
    look = draw_look(np.random.default_rng([seed, 1, int(visit.subject)]))
    studio = Studio(look, *size, random)
    with whole_path(path) as part, av.open(str(part), "w", format="mp4") as container:
        # x264's macroblock tree (on from preset veryfast) does not give the same bytes each time, not even on
        # one thread: measured, and gone with mbtree=0, with asm=0 and in this preset.
        options = {"preset": "ultrafast", "crf": "20", "threads": "1"}
        stream = container.add_stream("libx264", rate=fps, options=options)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        voice = container.add_stream("aac", rate=RATE, options={"b": "64000", "threads": "1"})
        voice.layout = "mono"
        for index in range(n_frames):
            planes = np.asarray(cv2.cvtColor(studio.film(motion, index), cv2.COLOR_BGR2YUV_I420), np.uint8)
            picture = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            container.mux(stream.encode(picture))
            start, end = (round(edge * RATE / fps) for edge in (index, index + 1))
            samples = av.AudioFrame.from_ndarray(sound[None, start:end], format="flt", layout="mono")
            samples.sample_rate, samples.pts = RATE, start
            container.mux(voice.encode(samples))
            if (index + 1) % _REPORT_EVERY == 0:
                progress(_REPORT_EVERY)
        container.mux(stream.encode())
        container.mux(voice.encode())


def _speak(visit: Session, motion: Motion, task: str, scores: str, fps: int, seed: int) -> Sound:
    """What is heard in a video; draws of its own, so that no picture depends on it."""
    voice = draw_voice(np.random.default_rng([seed, 5, int(visit.subject)]))
    random = np.random.default_rng([seed, 4, *_numbers(visit), TASKS.index(task)])
    lips = lips_of_a_voice(motion, task, scores, fps, random)
    return speak(voice, voice_mood(visit.voice, scores), lips, fps, random)


def _path(root: Path, visit: Session, task: str) -> Path:
    return root / "AVEC2014" / visit.partition / task / f"{visit.session}_{task}_video.mp4"


def _numbers(visit: Session) -> tuple[int, int]:
    subject, number = visit.session.split("_")
    return int(subject), int(number)


def _n_frames(visit: Session, task: str, seconds: Sequence[float], fps: int, seed: int) -> int:
    random = np.random.default_rng([seed, 3, *_numbers(visit), TASKS.index(task)])
    return max(1, round(float(random.uniform(seconds[0], seconds[1])) * fps))


def _check_pictures(seconds: Sequence[float], fps: int, size: Sequence[int]) -> None:
    if len(seconds) != 2 or not 0 < seconds[0] <= seconds[1]:
        raise InputError(f"corpus.seconds={list(seconds)}: give the shortest and the longest video, above 0")
    if fps < 1:
        raise InputError(f"corpus.fps={fps}: give at least 1")
    if len(size) != 2 or min(size) < 64 or any(side % 2 for side in size):
        raise InputError(f"corpus.size={list(size)}: give width and height, even numbers of at least 64")


def _claim(root: Path, record: dict[str, object]) -> None:
    """Mark `root` as holding this corpus; refuse one that holds another."""
    file = root / _RECORD
    private_folder(root)
    if file.exists():
        if read_json(read_regular(file, MOST_JSON_BYTES), str(file)) != record:
            raise InputError(
                f"{root} holds a synthetic corpus of other settings: give another corpus.root, or delete it"
            )
    elif any(root.iterdir()):
        raise InputError(f"{root} holds other files: give an empty corpus.root to draw in")
    write_whole(file, json.dumps(record, indent=1).encode())
