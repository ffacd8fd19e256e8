"""Times rise from picture to picture, whatever the container's clock does; what is doubtful is a fault."""

from array import array

import numpy as np
import pytest

from preprocess.media import clock
from preprocess.media.clock import film_clock
from preprocess.media.survey import NO_STAMP, StreamFacts, Survey

TICK_S = 0.001
STEP = 40  # 25 frames a second in ticks


def stream(pts, dts=None, is_film=True, reorders=False, index=0, keys=None, tick_s=TICK_S):
    facts = StreamFacts(index, is_film, True, False, True, reorders, 100, tick_s, 25.0)
    facts.pts, facts.dts = array("q", pts), array("q", pts if dts is None else dts)
    facts.lengths = array("q", [STEP] * len(facts.pts))
    facts.keys = bytearray([1] * len(facts.pts) if keys is None else keys)
    facts.unshown = bytearray(len(facts.pts))
    return facts


def clock_of(film, *sounds, kind="matroska,webm", is_raw=False, fps=None):
    return film_clock(Survey(kind, is_raw, (film, *sounds)), film, fps)


def run(n, start=0):
    return list(range(start, start + n * STEP, STEP))


def assert_even(clock, n):
    times = clock.times_s - clock.times_s[0]
    assert times == pytest.approx(np.arange(n) / 25, abs=1e-9)


@pytest.mark.parametrize("start", [0, -400, 7, 90_000])
def test_stamps_that_rise_hold_as_they_are(start):
    clock = clock_of(stream(run(50, start)))
    assert clock.times_s is None and not clock.notes and not clock.faults
    assert (clock.first_s, clock.end_s) == pytest.approx((start / 1000, start / 1000 + 2))


def test_pictures_that_are_coded_out_of_order_hold_as_they_are():
    pts = [0, 120, 40, 80, 240, 160, 200]
    assert clock_of(stream(pts, run(7, -80), reorders=True)).times_s is None


@pytest.mark.parametrize("starts", [(0, 0), (0, 0, 0), (500, 20, 0), (3000, 0, 1000)])
def test_recordings_joined_go_on_and_their_sounds_with_them(starts):
    film = stream([stamp for start in starts for stamp in run(50, start)])
    sound = stream([stamp for start in starts for stamp in run(50, start + 10)], is_film=False, index=1)
    clock = clock_of(film, sound)
    assert_even(clock, 50 * len(starts))
    assert len(starts) == int(clock.notes[0].split()[0]) and not clock.faults and clock.joined
    shifts = dict(clock.shifts[1])
    for part, start in enumerate(starts[1:], 1):
        later_s = clock.times_s[50 * part] - start / 1000
        assert shifts[50 * part] == pytest.approx(later_s, abs=1e-9)


def test_a_transport_clock_that_wraps_goes_on():
    wrap, tick_s = 2**33, 1 / 90_000
    stamps = [(wrap - 25 * 3600 + k * 3600) % wrap for k in range(50)]
    clock = clock_of(stream(stamps, tick_s=tick_s))
    assert_even(clock, 50)


def test_one_stamp_that_goes_back_is_no_join():
    stamps = run(50)
    stamps[20] = 400
    clock = clock_of(stream(stamps))
    assert not clock.joined and (np.diff(np.sort(clock.times_s)) > 0).all()


def test_a_stamp_given_twice_fills_the_gap_behind():
    stamps = run(50)
    stamps[21] = stamps[20]
    clock = clock_of(stream(stamps))
    stood = np.r_[np.arange(20), 20, 21, np.arange(22, 50)] / 25
    assert clock.times_s == pytest.approx(stood, abs=1e-9)
    assert "stands still for 2 pictures, first at 0.800 s" in clock.notes[0] and not clock.faults


def test_a_clock_that_stands_still_to_the_end_is_a_fault():
    clock = clock_of(stream([*run(30), *[29 * STEP] * 20]))
    assert_even(clock, 50)
    assert "stands still for 21 pictures" in clock.faults[0]


def test_a_jump_where_the_sound_goes_on_is_the_films_fault():
    sound = stream(run(50), is_film=False, index=1)
    clock = clock_of(stream([*run(25), *run(25, 100_000)]), sound)
    assert_even(clock, 50)
    assert "jumps by 99.0 s at 0.960 s" in clock.faults[0]


def test_a_jump_and_then_one_stamp_for_all_is_counted_on():
    sound = stream(run(50), is_film=False, index=1)
    clock = clock_of(stream([*run(25), 102_500, *[104_208] * 24]), sound)
    assert_even(clock, 50)
    assert len(clock.faults) == 1


def test_a_jump_of_film_and_sound_is_left_and_said():
    stamps = [*run(25), *run(25, 100_000)]
    clock = clock_of(stream(stamps), stream(stamps, is_film=False, index=1))
    assert clock.times_s is None and "jumps by 99.0 s" in clock.faults[0]
    assert clock.end_s == pytest.approx(101.0)


@pytest.mark.parametrize(("kind", "delay", "first_s"), [("avi", 40, 0.0), ("matroska,webm", 0, 0.0)])
def test_stamps_in_decoding_order_go_to_the_pictures_in_turn(kind, delay, first_s):
    dts = run(50)
    clock = clock_of(stream([stamp + delay for stamp in dts], dts, reorders=True), kind=kind)
    assert clock.in_turn and clock.first_s == first_s
    assert_even(clock, 50)
    assert clock.time_s(52) == pytest.approx(52 / 25)


def test_a_film_without_times_is_counted_at_a_rate_that_is_said():
    film = stream([NO_STAMP] * 50)
    clock = clock_of(film, kind="h264", is_raw=True)
    assert_even(clock, 50)
    assert "25 frames a second was taken (corpus.fps" in clock.notes[0]
    stated = clock_of(film, kind="h264", is_raw=True, fps=30)
    assert stated.times_s[30] == 1.0 and "30 frames a second as corpus.fps states" in stated.notes[0]


def test_of_many_places_a_few_are_named():
    clock = clock_of(stream(range(0, 500 * 11_000, 11_000)))
    assert len(clock.faults) <= 12 and "in 489 places more" in clock.faults[10]
    joined = clock_of(stream([*run(20)] * 300))
    assert len(joined.notes[0]) < 300 and "289 times more" in joined.notes[0]


@pytest.mark.parametrize("length", [3, 4095, 4096, 4097, 4098, 9000])
def test_restarts_are_found_wherever_they_lie(length: int) -> None:
    times = np.tile(np.arange(length) / 25, 5)
    starts = clock._restarts(times, np.ones(len(times), np.uint8), 25.0)
    assert starts == ([0] if length == 3 else [length * part for part in range(5)])
