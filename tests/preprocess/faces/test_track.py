import cmath
import itertools

import numpy as np
import pytest

from preprocess.faces.alignment import place_by_eyes
from preprocess.faces.decode import Frame
from preprocess.faces.detector import Face
from preprocess.faces.search import Sighting
from preprocess.faces.sequence import Sequence
from preprocess.faces.track import BYSTANDER_S, CONFIRM_FRAMES, Tracker

FRAME_S = 0.1
DARK, BRIGHT = np.zeros((48, 64, 3), np.uint8), np.full((48, 64, 3), 200, np.uint8)


def face_at(x, y, side, strong=True):
    """A sighting whose crop of `side` pixels has its middle at (x, y)."""
    right = complex(x, y) + side * (0.34 + 0.40j - 0.5 - 0.5j)
    points = (right, right + 0.32 * side, 0j, 0j, 0j, 0j)
    score = 0.9 if strong else 0.5
    return Sighting(
        Face(score, (x - side / 2, y - side / 2, side, side), points), strong, place_by_eyes(points)
    )


class Stage:
    """Stands in for the detector: who is in the picture is written down frame by frame."""

    def __init__(self, cast, seconded=lambda now: True):
        self.cast = cast
        self.seconds = seconded
        self.now = 0

    def look(self, picture, placement):
        near = [
            s for s in self.cast[self.now] if abs(s.placement.centre - placement.centre) < placement.side / 2
        ]
        return min(near, key=lambda s: abs(s.placement.centre - placement.centre), default=None)

    def search(self, picture, turned, known):
        return [s for s in self.cast[self.now] if s.strong]

    def seconded(self, picture, sighting):
        return self.seconds(self.now)


def play(cast, pictures=None, hold_s=1.0, **stage):
    """Steps of the tracker over a cast given as the list of faces of each frame."""
    stage = Stage(cast, **stage)
    tracker = Tracker(stage, hold_s)
    steps = []
    for stage.now in range(len(cast)):
        picture = pictures[stage.now] if pictures else DARK
        steps.append(tracker.follow(picture, stage.now * FRAME_S))
    return steps, tracker


def crops(cast, max_gap_s=1.0, **more):
    """(frame, interpolated, centre of the crop) of what comes out in the end."""
    steps, tracker = play(cast, hold_s=max_gap_s, **more)
    sequence = Sequence(16, max_gap_s, lambda picture: b"jpeg")
    out = []
    for number, step in enumerate(steps):
        out += sequence.add(Frame(number, number * FRAME_S, DARK), step)
    out += sequence.end(tracker.counts_at_end)
    return [(crop.number, crop.interpolated, place_by_eyes(crop.face.points).centre) for crop in out]


def numbers(out):
    return [number for number, _, _ in out]


def test_what_the_far_face_model_does_not_see_never_counts():
    lettering = [[face_at(30, 20, 12)] for _ in range(40)]
    assert crops(lettering, seconded=lambda now: False) == []
    assert crops(lettering, seconded=lambda now: now % 3 == 1) == []
    late = crops(lettering, seconded=lambda now: now != 10)
    assert numbers(late) == list(range(40))  # a track that counts needs no second opinion


def test_lettering_gives_way_at_once_to_a_face():
    cast = [
        [face_at(30, 20, 12)] if now < 10 else [face_at(30, 20, 12), face_at(40, 30, 14)] for now in range(30)
    ]
    steps, _ = play(cast, seconded=lambda now: now >= 10)
    assert all(step.sighting is None for step in steps[:10])
    assert steps[12].confirmed and steps[12].sighting.placement.side == pytest.approx(14)


def test_a_steady_face_is_one_track_and_every_frame_has_its_crop():
    out = crops([[face_at(30 + k, 24, 20)] for k in range(20)])
    assert numbers(out) == list(range(20))
    assert all(cmath.isclose(centre, 30 + k + 24j, abs_tol=1e-9) for k, _, centre in out)


def test_the_larger_of_two_is_the_subject_and_stays_so_in_any_order():
    small, large = face_at(15, 24, 12), face_at(45, 24, 20)
    for pair in ([small, large], [large, small]):
        assert {centre for _, _, centre in crops([pair] * 70)} == {large.placement.centre}


def test_between_two_alike_the_track_does_not_jump():
    def pair(k):  # each is the larger one every other frame
        return [face_at(16, 24, 20 + k % 2), face_at(48, 24, 21 - k % 2)]

    centres = [centre for _, _, centre in crops([pair(k) for k in range(80)])]
    assert max(abs(one - other) for one, other in itertools.pairwise(centres)) < 1


def test_a_short_absence_is_bridged_on_a_straight_line_and_marked():
    cast = [[face_at(20, 24, 20)]] * 5 + [[]] * 4 + [[face_at(30, 24, 20)]] * 5
    out = crops(cast)
    assert numbers(out) == list(range(14))
    assert [number for number, interpolated, _ in out if interpolated] == [5, 6, 7, 8]
    assert [round(centre.real) for _, _, centre in out[4:10]] == [20, 22, 24, 26, 28, 30]


def test_a_long_absence_has_no_crops():
    cast = [[face_at(20, 24, 20)]] * 5 + [[]] * 30 + [[face_at(20, 24, 20)]] * 5
    out = crops(cast)
    assert numbers(out) == [*range(5), *range(35, 40)]
    assert not any(interpolated for _, interpolated, _ in out)


def test_without_a_gap_to_bridge_one_missed_frame_costs_one_frame():
    cast = [[face_at(20, 24, 20)]] * 5 + [[]] + [[face_at(20, 24, 20)]] * 5
    assert numbers(crops(cast, max_gap_s=0.0)) == [*range(5), *range(6, 11)]


def test_what_shows_too_seldom_to_be_a_face_is_dropped():
    flicker = [[face_at(20, 24, 20)] if k % 25 == 0 else [] for k in range(100)]
    assert crops(flicker) == []


def test_doubtful_sightings_count_between_certain_ones_only():
    sure, doubtful = face_at(20, 24, 20), face_at(20, 24, 20, strong=False)
    assert numbers(crops([[sure]] * 5 + [[doubtful]] * 3 + [[sure]] * 5)) == list(range(13))
    assert numbers(crops([[sure]] * 5 + [[doubtful]] * 30)) == list(range(5))
    assert crops([[doubtful]] * 40) == []


@pytest.mark.parametrize("n", range(1, CONFIRM_FRAMES))
def test_a_recording_too_short_to_confirm_counts(n):
    assert numbers(crops([[face_at(20, 24, 20)]] * n)) == list(range(n))


def test_after_a_cut_the_new_scenes_largest_face_is_followed_at_once():
    cast = [[face_at(15, 24, 20)]] * 10 + [[face_at(50, 24, 18), face_at(12, 12, 9)]] * 10
    out = crops(cast, pictures=[DARK] * 10 + [BRIGHT] * 10)
    assert numbers(out) == list(range(20))
    assert [round(centre.real) for _, _, centre in out] == [15] * 10 + [50] * 10


def test_nothing_is_bridged_across_a_cut():
    cast = [[face_at(20, 24, 20)]] * 10 + [[]] * 3 + [[face_at(22, 24, 20)]] * 10
    out = crops(cast, pictures=[DARK] * 10 + [BRIGHT] * 13)
    assert numbers(out) == [*range(10), *range(13, 23)]


def test_a_bystander_does_not_take_a_short_absence_for_a_chance():
    subject, bystander = face_at(20, 24, 24), face_at(50, 10, 9)
    cast = [[subject, bystander]] * 10 + [[bystander]] * 20 + [[subject, bystander]] * 10
    out = crops(cast)
    assert numbers(out) == [*range(10), *range(30, 40)]
    assert {centre for _, _, centre in out} == {subject.placement.centre}


def test_a_small_face_that_stays_is_the_subject_gone_further_away():
    cast = [[face_at(20, 24, 24)]] * 10 + [[face_at(50, 10, 9)]] * int(2 * BYSTANDER_S / FRAME_S)
    out = crops(cast)
    assert numbers(out)[-1] == len(cast) - 1
    assert out[-1][2] == face_at(50, 10, 9).placement.centre


def test_the_subject_takes_over_from_a_bystander_who_was_first():
    bystander, subject = face_at(50, 10, 9), face_at(20, 24, 24)
    cast = [[bystander]] * 10 + [[bystander, subject]] * 90
    assert crops(cast)[-1][2] == subject.placement.centre


def test_who_only_passes_close_to_the_camera_does_not_take_over():
    subject, passer = face_at(20, 24, 16), face_at(48, 24, 30)
    cast = [[subject, passer] if 25 <= k < 45 else [subject] for k in range(120)]
    assert {centre for _, _, centre in crops(cast)} == {subject.placement.centre}
