from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from preprocess.corpora.avec import read_avec2014
from preprocess.errors import InputError
from preprocess.faces.decode import Video
from preprocess.synthetic.behaviour import act
from preprocess.synthetic.cast import cast
from preprocess.synthetic.corpus import draw_corpus, read_synthetic

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
        (dict(scores="mood"), "behaviour, identity, temporal"),
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
