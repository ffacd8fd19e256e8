import os
import shutil
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from preprocess.corpora.avec import read_avec2014
from preprocess.faces.decode import Video
from preprocess.sound.decode import read_sound
from preprocess.synthetic.behaviour import act, lips_of_a_voice, voice_mood
from preprocess.synthetic.cast import cast
from preprocess.synthetic.corpus import TASKS, draw_corpus, read_synthetic
from preprocess.synthetic.voice import draw_voice, speak
from stan_boundary.errors import InputError

FULL = dict(
    subjects=83,
    sessions=dict(train=50, dev=50, test=50),
    shared_subjects=dict(train_dev=21, train_test=5, dev_test=7, all_three=5),
)
SMALL = dict(
    subjects=4,
    sessions=dict(train=2, dev=1, test=2),
    shared_subjects=dict(train_test=1),
    seconds=[0.5, 0.8],
    fps=30,
    size=[320, 240],
)


def test_the_full_cast_has_avecs_numbers_and_overlap() -> None:
    sessions = cast(**FULL, scores="behaviour", seed=0)
    held = {p: {s.subject for s in sessions if s.partition == p} for p in ("train", "dev", "test")}
    assert len(sessions) == len({s.session for s in sessions}) == 150
    assert len(set.union(*held.values())) == 83
    assert len(held["train"] & held["test"]) == 10
    assert len(held["train"] & held["dev"]) == 26
    assert len(held["dev"] & held["test"]) == 12
    assert len(set.intersection(*held.values())) == 5
    scores = [s.score for s in sessions if s.partition == "train"]
    assert 13 < np.mean(scores) < 17 and 10 < np.std(scores) < 14 and max(scores) <= 44


def test_identity_scores_are_constant_over_a_person_and_others_are_not() -> None:
    def spreads(scores: str) -> list[int]:
        sessions = cast(**FULL, scores=scores, seed=1)
        by_subject = {s.subject: {o.score for o in sessions if o.subject == s.subject} for s in sessions}
        return [max(found) - min(found) for found in by_subject.values()]

    assert max(spreads("identity")) == 0
    assert max(spreads("behaviour")) > 5


def test_behaviour_shows_the_score_and_identity_does_not() -> None:
    def mean_smile(score: int, scores: str) -> float:
        return float(
            np.mean(
                [act(score, "Freeform", scores, 90, 30, np.random.default_rng(i)).smile for i in range(8)]
            )
        )

    assert mean_smile(0, "behaviour") - mean_smile(44, "behaviour") > 0.8
    assert mean_smile(0, "identity") == mean_smile(44, "identity")


def test_temporal_scores_leave_each_frames_distribution_alone() -> None:
    def lids(score: int) -> np.ndarray:
        return act(score, "Freeform", "temporal", 600, 30, np.random.default_rng(3)).lids

    low, high = lids(0), lids(44)
    assert np.array_equal(np.sort(low), np.sort(high))
    changes = [int(np.abs(np.diff(track)).sum()) for track in (low, high)]
    assert changes[0] > 3 * changes[1]


def files(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_drawing_is_a_function_of_the_seed_whatever_the_workers(tmp_path: Path) -> None:
    for name, workers, seed in (("a", 1, 5), ("b", 2, 5), ("c", 2, 6)):
        draw_corpus(tmp_path / name, **SMALL, scores="behaviour", seed=seed, workers=workers)
    first, again, other = (files(tmp_path / name) for name in "abc")
    assert first == again
    drawn, others = ({f for n, f in found.items() if n.endswith(".mp4")} for found in (first, other))
    assert len(drawn) == len(others) == 10 and not drawn & others


def test_what_is_drawn_is_a_corpus_of_real_videos_with_labels(tmp_path: Path) -> None:
    corpus = read_synthetic(
        str(tmp_path), **SMALL, scores="behaviour", score_range=[0, 63], seed=0, workers=2
    )
    assert corpus.synthetic and "never clinical value" in corpus.notes[0]
    assert Counter(r.partition for r in corpus.recordings) == {"train": 4, "dev": 2, "test": 4}
    assert all(isinstance(r.label, float) for r in corpus.recordings)
    with Video(corpus.recordings[0].path) as video:
        pictures = [frame.picture for frame in video.frames(1, "frames", lambda n: None)]
        assert video.fps == 30 and pictures[0].shape == (240, 320, 3)
    kept = corpus.recordings[0].path
    before = kept.stat().st_mtime_ns
    (corpus.recordings[1].path).unlink()
    again = read_synthetic(str(tmp_path), **SMALL, scores="behaviour", score_range=[0, 63], seed=0, workers=2)
    assert again == corpus and kept.stat().st_mtime_ns == before
    assert len(read_avec2014(str(tmp_path), [0, 63]).recordings) == 10


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (dict(scores="mood"), "behaviour, identity, temporal, voice, both"),
        (dict(subjects=1), "corpus.subjects=1"),
        (dict(sessions=dict(train=40)), "cannot fill corpus.sessions"),
        (dict(seconds=[3]), "corpus.seconds"),
        (dict(size=[321, 240]), "corpus.size"),
        (dict(fps=0), "corpus.fps"),
    ],
)
def test_numbers_that_make_no_corpus_are_refused_before_anything_is_written(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    root = tmp_path / "corpus"
    with pytest.raises(InputError, match=said):
        draw_corpus(root, **({**SMALL, "scores": "behaviour"} | change), seed=0, workers=1)  # type: ignore[arg-type]
    assert not root.exists()


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    tiny = SMALL | dict(subjects=1, sessions=dict(train=1), shared_subjects={}, seconds=[0.1, 0.1])
    draw_corpus(tmp_path / "a", **tiny, scores="behaviour", seed=0, workers=1)
    with pytest.raises(InputError, match="other settings"):
        draw_corpus(tmp_path / "a", **tiny, scores="behaviour", seed=1, workers=1)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="holds other files"):
        draw_corpus(tmp_path / "b", **tiny, scores="behaviour", seed=0, workers=1)


# --- voices -------------------------------------------------------------------------------------------


def spoken(
    score: int, scores: str, subject: int, session: int, seconds: float = 6.0
) -> tuple[Any, np.ndarray]:
    """Motion and sound of one video, drawn as the corpus does."""
    random = np.random.default_rng([subject, session])
    motion = act(score, "Freeform", scores, round(30 * seconds), 30, random)
    lips = lips_of_a_voice(motion, "Freeform", scores, 30, random)
    voice = draw_voice(np.random.default_rng(subject))
    return motion, speak(voice, voice_mood(score, scores), lips, 30, random)


def heard(sound: np.ndarray) -> np.ndarray:
    """Simple statistics of sound, whatever its gain: how much its bands move, and stand apart."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, 400)[::160] * np.hanning(400)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    edges = np.unique(np.geomspace(2, 190, 25).astype(int))
    bands = np.log(np.stack([power[:, a:b].sum(1) for a, b in pairwise(edges)], 1) + 1e-8)
    loud = bands[bands.sum(1) > np.median(bands.sum(1))]
    return np.concatenate([np.abs(np.diff(loud, axis=0)).mean(0), loud.std(0), [bands.std()]])


def seen(motion: Any) -> np.ndarray:
    """Means and deviations of all that a face does."""
    tracks = [np.asarray(track) for track in vars(motion).values()]
    return np.array([f(track) for track in tracks for f in (np.mean, np.std)])


def error_of_ridge(features: np.ndarray, scores: np.ndarray, groups: np.ndarray) -> float:
    """MAE of a ridge regression, tested on people whom it was not fitted on, as a share of the median's."""
    errors, baseline = [], []
    for fold in range(5):
        test = groups % 5 == fold
        mean, sd = features[~test].mean(0), features[~test].std(0) + 1e-9
        x, y = (features[~test] - mean) / sd, scores[~test]
        weights = np.linalg.solve(x.T @ x + 30 * np.eye(x.shape[1]), x.T @ (y - y.mean()))
        errors += list(np.abs((features[test] - mean) / sd @ weights + y.mean() - scores[test]))
        baseline += list(np.abs(np.median(y) - scores[test]))
    return float(np.mean(errors) / np.mean(baseline))


@pytest.mark.parametrize(
    ("scores", "by_sound", "by_face"),
    [
        ("voice", True, False),
        pytest.param("behaviour", True, True, marks=pytest.mark.slow),
        pytest.param("identity", False, False, marks=pytest.mark.slow),
    ],
)
def test_the_score_is_where_it_should_be_and_nowhere_else(scores: str, by_sound: bool, by_face: bool) -> None:
    visits = cast(100, dict(train=150), {}, scores, 0)
    drawn = [spoken(visit.score, scores, int(visit.subject), number) for number, visit in enumerate(visits)]
    points = np.array([visit.score for visit in visits], float)
    people = np.array([int(visit.subject) for visit in visits])
    sound = error_of_ridge(np.stack([heard(one) for _, one in drawn]), points, people)
    face = error_of_ridge(np.stack([seen(one) for one, _ in drawn]), points, people)
    assert (sound < 0.75) is by_sound and (sound > 0.9) is not by_sound, sound
    assert (face < 0.75) is by_face and (face > 0.9) is not by_face, face


def test_both_show_half_of_the_score_each() -> None:
    visits = cast(200, dict(train=300), {}, "both", 0)
    score, face, voice = np.array([(one.score, one.face, one.voice) for one in visits], float).T
    for part in (face, voice):
        assert 0.4 < np.corrcoef(score, part)[0, 1] ** 2 < 0.6
        assert part.std() == pytest.approx(score.std(), rel=0.05)
    assert abs(np.corrcoef(face, voice)[0, 1]) < 0.15
    assert all(one.score == one.face == one.voice for one in cast(10, dict(train=15), {}, "behaviour", 0))


@pytest.mark.parametrize("scores", ["behaviour", "voice", "both", "identity"])
def test_lips_and_sound_agree(tmp_path: Path, scores: str) -> None:
    """From the written file: the mouth that was drawn against the sound that is decoded."""
    numbers = SMALL | dict(subjects=2, sessions=dict(train=3), shared_subjects={}, seconds=[6, 6])
    corpus = read_synthetic(str(tmp_path), **numbers, scores=scores, score_range=[0, 63], seed=3, workers=2)
    visits = {one.session: one for one in cast(2, dict(train=3), {}, scores, 3)}
    for recording in corpus.recordings:
        visit = visits[recording.session]
        random = np.random.default_rng(
            [3, 2, *map(int, recording.session.split("_")), TASKS.index(recording.task)]
        )
        mouth = act(visit.face, recording.task, scores, 180, 30, random).mouth
        sound = read_sound(recording.path, 0.0, 6.0).samples / 32768
        level = np.sqrt((sound[: 180 * 533].reshape(180, 533) ** 2).mean(1))
        assert np.corrcoef(mouth, level)[0, 1] > 0.7


def test_a_voice_in_temporal_videos_does_not_follow_the_spells() -> None:
    motion, sound = spoken(40, "temporal", 1, 1)
    level = np.sqrt((sound[: 180 * 533].reshape(180, 533) ** 2).mean(1))
    assert abs(np.corrcoef(motion.mouth, level)[0, 1]) < 0.4
    assert voice_mood(0, "temporal") == voice_mood(44, "temporal") == voice_mood(44, "identity")


def test_nothing_is_drawn_through_a_link(tmp_path: Path) -> None:
    """A received corpus of the same settings may lead elsewhere, or hold a pipe."""
    tiny = SMALL | dict(subjects=1, sessions=dict(train=1), shared_subjects={}, seconds=[0.1, 0.1])
    root, elsewhere = tmp_path / "a", tmp_path / "elsewhere"
    draw_corpus(root, **tiny, scores="behaviour", seed=0, workers=1)
    elsewhere.mkdir()
    film = next(root.rglob("*.mp4"))
    film.unlink()
    (elsewhere / "precious").write_text("mine")
    film.with_name(f".{film.name}.part").symlink_to(elsewhere / "precious")
    draw_corpus(root, **tiny, scores="behaviour", seed=0, workers=1)
    assert film.is_file() and (elsewhere / "precious").read_text() == "mine"
    shutil.rmtree(root / "AVEC2014" / "train" / "Freeform")
    (root / "AVEC2014" / "train" / "Freeform").symlink_to(elsewhere)
    with pytest.raises(InputError, match="is a link"):
        draw_corpus(root, **tiny, scores="behaviour", seed=0, workers=1)
    assert [path.name for path in elsewhere.iterdir()] == ["precious"]
    (root / "synthetic.json").unlink()
    os.mkfifo(root / "synthetic.json")
    with pytest.raises(InputError, match="pipe"):
        draw_corpus(root, **tiny, scores="behaviour", seed=0, workers=1)
