"""A signal's file at any moments, against what is worked out by hand, and files that are none."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from stan_boundary.errors import InputError
from stan_lightning.data.signal_file import open_signal, resampled


def write(path: Path, *lines: str) -> str:
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def read(path: str, moments: list[float], columns: list[str], how: str = "linear") -> list[list[float]]:
    return open_signal(path).read(np.array(moments), True, columns, how).tolist()


NAN = float("nan")


def test_linear_lies_between_and_nearest_takes_one(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "time_s,up,down", "0,0,8", "1,2,4", "2,4,0")
    assert read(path, [0, 0.25, 1, 1.5, 2], ["up", "down"]) == [[0, 8], [0.5, 7], [2, 4], [3, 2], [4, 0]]
    found = read(path, [0.4, 0.6, 1.5, 2], ["down", "up"], "nearest")
    assert found == [[8, 0], [4, 2], [4, 2], [0, 4]]


def test_gaps_and_what_lies_beyond_both_ends_are_missing(tmp_path: Path) -> None:
    """At 10 Hz: two samples in a row may be missing, three are a gap, whether of rows or of cells."""
    times = [0.1, 0.2, 0.3, 0.6, 0.7, 0.8, 1.2, 1.3]  # 0.4 and 0.5 are bridged, 0.9 to 1.1 are not
    rows = [f"{t},{10 * t:g}," + ("" if 0.25 < t < 0.75 else f"{t:g}") for t in times]
    path = write(tmp_path / "a.csv", "time_s,a,b", *rows)
    moments = [0.0, 0.1, 0.45, 0.65, 0.8, 0.9, 1.1, 1.2, 1.3, 1.4]
    a, b = np.array(read(path, moments, ["a", "b"])).T
    assert a == pytest.approx([NAN, 1, 4.5, 6.5, 8, NAN, NAN, 12, 13, NAN], nan_ok=True, abs=1e-5)
    assert b == pytest.approx([NAN, 0.1, NAN, NAN, 0.8, NAN, NAN, 1.2, 1.3, NAN], nan_ok=True, abs=1e-5)


def test_a_slice_of_a_long_file_is_as_the_whole(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    times = np.cumsum(random.uniform(0.02, 0.06, 2000))
    values = random.normal(size=(2000, 3)).astype(np.float32)
    values[random.random((2000, 3)) < 0.2] = np.nan
    values[500:600] = np.nan
    np.savez(tmp_path / "a.npz", time_s=times, values=values)
    reach = 3.5 * float(np.median(np.diff(times)))
    for how in ("linear", "nearest"):
        for start in (-1.0, 10.0, 19.0, 70.0):
            moments = start + np.arange(64) * 0.1
            found = open_signal(str(tmp_path / "a.npz")).read(moments, True, ["0", "1", "2"], how)
            assert np.array_equal(found, resampled(times, values, moments, reach, how), equal_nan=True)
            for column in range(3):  # by hand: the number before and the number after
                known = ~np.isnan(values[:, column])
                t, v = times[known], values[known, column]
                for moment, got in zip(moments, found[:, column], strict=True):
                    right = int(np.searchsorted(t, moment))
                    if right in (0, len(t)) or t[right] - t[right - 1] > reach:
                        assert np.isnan(got) or np.abs(t - moment).min() <= 1e-3
                    elif how == "linear":
                        assert got == pytest.approx(np.interp(moment, t, v), abs=1e-5)
                    else:
                        assert got == v[np.abs(t - moment).argmin()]


def test_printed_times_are_rounded(tmp_path: Path) -> None:
    """OpenFace prints three decimals: frame 2 of 30 a second is 0.067, and so is an end."""
    rows = [f"{frame + 1},{frame / 30:.3f},{frame}" for frame in (0, 1, 2, 5)]
    path = write(tmp_path / "a.csv", "frame,timestamp,a", *rows)
    found = read(path, [0, 1 / 30, 2 / 30, 3 / 30, 5 / 30], ["a"])
    assert np.ravel(found) == pytest.approx([0, 1, 2, 3, 5], abs=0.02)
    lone = write(tmp_path / "b.csv", "time_s,a", "0.033,7")
    assert read(lone, [1 / 30, 1.0], ["a"])[0] == [7.0] and np.isnan(read(lone, [1.0], ["a"])).all()


def test_openface_says_where_it_did_not_succeed_and_blanks_are_stripped(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv",
        "frame, face_id, timestamp, confidence, success, AU12_r, AU12_c",
        "1, 0, 0.000, 0.98, 1, 0.50, 1.00",
        "2, 0, 0.033, 0.02, 0, 3.00, 0.00",
        "3, 0, 0.067, 0.98, 1, -nan(ind), 0.00",
        "4, 0, 0.100, 0.98, 1, inf, 0.00",
    )
    signal = open_signal(path)
    assert signal.columns == ["AU12_r", "AU12_c"] and signal.frames.tolist() == [1, 2, 3, 4]
    assert np.array_equal(
        signal.values, np.float32([[0.5, 1], [NAN, NAN], [NAN, 0], [NAN, 0]]), equal_nan=True
    )


def test_named_columns_are_read_alone(tmp_path: Path) -> None:
    lines = ["frame, timestamp, success, AU01_r, AU12_r, note", "1, 0.0, 1, 1, 5, calm", "2, 0.1, 0, 2, 6, "]
    signal = open_signal(write(tmp_path / "a.csv", *lines), ("AU12_r", "AU99_r"))
    assert signal.columns == ["AU12_r"] and signal.frames.tolist() == [1, 2] and not signal.unreadable
    assert np.array_equal(signal.values, np.float32([[5], [NAN]]), equal_nan=True)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["0,1,2", "1,2,3,4"], "row 3: has 4 cells, more than its header, which has 3"),
        (
            ["0,0,1,5", "0,1,2,5"],
            "row 2: has 4 cells, more than its header, which has 3; numbers",
        ),
    ],
)
def test_rows_longer_than_the_header_are_said_whatever_is_read(
    tmp_path: Path, rows: list[str], said: str
) -> None:
    with pytest.raises(InputError, match=rf"a\.csv: {said}"):
        open_signal(write(tmp_path / "a.csv", "time_s,a,b", *rows), ("a",))


def test_frames_stand_for_times_where_crops_have_none(tmp_path: Path) -> None:
    both = open_signal(write(tmp_path / "a.csv", "frame,time_s,a", "1,0,10", "4,0.1,40"))
    assert both.read(np.array([1.0, 2.0, 5.0]), False, ["a"], "linear").ravel() == pytest.approx(
        [10, 20, NAN], nan_ok=True
    )
    timed = open_signal(write(tmp_path / "b.csv", "time_s,a", "0,1", "1,2"))
    with pytest.raises(InputError, match=r"b\.csv: these crops have no times, .* column `frame`"):
        timed.read(np.array([1.0]), False, ["a"], "linear")


def test_a_column_that_is_not_there_is_missing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "time_s,a", "0,1", "1,2")
    assert np.array_equal(read(path, [0, 1], ["b", "a"]), [[NAN, 1], [NAN, 2]], equal_nan=True)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["time_s,a", "0,1", "1,smile"], None),  # told where the column is asked for
        (["time_s,a", "0,1", "", "two,1"], r"row 4: time_s is 'two', which is no number"),
        (["time_s,a", "0,1", ",2"], "row 3: has no time_s"),
        (["time_s,a", "0,1", "2,1", "1,1"], r"row 4: time_s 1 does not come after 2; sort the rows"),
        (["timestamp,a", "0,1", "0,1"], r"row 3: timestamp 0 does not come after 0; .*one face"),
        (["a,b", "0,1"], "has no column time_s, timestamp or frame"),
        (["time_s|a", "0|1"], "has no column time_s, timestamp or frame"),
        (["time_s,a", "0,0,1,5", "0,1,2,5"], "row 2: has 4 cells, more than its header, which has 2"),
        (["time_s,a", "0,1", "1,2,3,4"], "row 3: has 4 cells, more than its header"),
        (["time_s,a"], "holds no row"),
        ([], "not a CSV table"),
        (["time_s,a,a ", "0,1,2"], "column a is there twice"),
        (["time_s,a,success", "0,1,yes"], "row 2: success is 'yes'"),
    ],
)
def test_a_csv_that_is_no_signal_is_said_in_one_line(
    tmp_path: Path, lines: list[str], said: str | None
) -> None:
    path = write(tmp_path / "a.csv", *lines)
    if said is None:
        (why,) = open_signal(path).unreadable.values()
        assert "a.csv: row 3: a is 'smile', which is no number" in why
        return
    with pytest.raises(InputError, match=f"a.csv: {said}") as error:
        open_signal(path)
    assert "\n" not in str(error.value)


def damaged(path: Path) -> None:
    np.savez(path, time_s=np.arange(100.0), values=np.zeros((100, 2)))
    path.write_bytes(path.read_bytes()[:1500])


def test_an_npz_of_crops_without_times_is_read_by_frame(tmp_path: Path) -> None:
    values = np.arange(6, dtype=np.float32).reshape(3, 2)
    np.savez(tmp_path / "a.npz", frame=np.array([3, 6, 9]), values=values)
    signal = open_signal(str(tmp_path / "a.npz"))
    assert signal.times is None
    found = signal.read(np.array([6.0, 9.0, 30.0]), False, ["0", "1"], "nearest")
    np.testing.assert_array_equal(found, [[2, 3], [4, 5], [np.nan, np.nan]])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (damaged, "no npz of a signal"),
        (lambda path: path.write_bytes(b"none"), "no npz of a signal"),
        (lambda path: path.write_bytes(pickle.dumps([1, 2])), "no npz of a signal"),
        (
            lambda path: np.savez(path, time_s=np.arange(2.0), values=np.array([[1], [None]], object)),
            "no npz of a signal .*values is object, no numbers",
        ),
        (lambda path: np.savez(path, time_s=np.arange(2.0)), "no npz of a signal .*values"),
        (
            lambda path: np.savez(path, time_s=np.arange(3.0), values=np.ones((2, 2))),
            r"no npz .*time_s is \[3\]",
        ),
        (
            lambda path: np.savez(path, time_s=np.arange(2.0), values=np.array([["a"], ["b"]])),
            "no npz .*no numbers",
        ),
        (lambda path: np.savez(path, time_s=[1.0, 0.0], values=np.ones((2, 2))), "row 2: time_s 0 does not"),
    ],
)
def test_an_npz_that_is_no_signal_is_said_in_one_line(tmp_path: Path, make, said: str) -> None:
    make(tmp_path / "a.npz")
    with pytest.raises(InputError, match=f"a.npz: {said}") as error:
        open_signal(str(tmp_path / "a.npz"))
    assert "\n" not in str(error.value)


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "time_s,a", "0,1")
    assert open_signal(path) is open_signal(path)
    write(tmp_path / "a.csv", "time_s,a", "0,1", "1,2")
    assert len(open_signal(path).values) == 2
    with pytest.raises(InputError, match=r"b\.csv: cannot be opened"):
        open_signal(str(tmp_path / "b.csv"))
