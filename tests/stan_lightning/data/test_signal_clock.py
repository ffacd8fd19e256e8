"""Rows and films that agree or not: other units, constant rates on films of variable rate, counting."""

import json
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import av
import cv2
import numpy as np
import pandas as pd
import pytest

from stan_boundary.errors import InputError
from stan_lightning.data.crops import open_crops
from stan_lightning.data.signals import Signals, gather

FILM = np.arange(100) / 24
UNEVEN = np.concatenate([np.arange(60) / 24, 60 / 24 + np.arange(21) / 8])
Rows = Callable[[int, float], str]


def write_crops(root: Path, name: str, times: Sequence[float], kept: Sequence[int], **row: object) -> None:
    jpeg = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    known = {"n_source_frames": len(times), "fps": (len(times) - 1) / times[-1], "status": "ok"}
    with zipfile.ZipFile(root / f"{name}.zip", "w") as archive:
        for frame in kept:
            archive.writestr(f"{frame:06d}.jpg", jpeg)
        lines = "".join(f"{frame},{times[frame]:.6f}\n" for frame in kept)
        archive.writestr("track.csv", f"frame,time_s\n{lines}")
        archive.writestr("recording.json", json.dumps({"row": known | row, "settings": {}}))


def open_signals(root: Path, folder: Path, names: Sequence[str]) -> Signals:
    paths = [str(root / f"{name}.zip") for name in names]
    table = {"recording": names, "video": [f"{name}.mp4" for name in names], "crops": paths}
    return gather(pd.DataFrame(table).assign(crops_root=str(root)), "mood", str(folder))


def values(signals: Signals, root: Path, name: str, column: str) -> np.ndarray:
    crops = open_crops(str(root / f"{name}.zip"))
    found = signals.members[name].read(crops, range(len(crops.frames))).numpy()
    return found[:, signals.columns.index(column)]


def read(
    root: Path,
    head: str,
    row: Rows,
    times: Sequence[float] = FILM,
    kept: Sequence[int] = (),
    described: str = "",
    **facts: object,
) -> np.ndarray:
    """Column `x` at the crops of a film with these rows."""
    root = Path(tempfile.mkdtemp(dir=root))  # crops are opened once a path
    write_crops(root, "a", times, kept or range(len(times)), **facts)
    (root / "theirs").mkdir()
    if described:
        (root / "theirs" / "signal.json").write_text(described)
    lines = "".join(f"{row(k, t)}\n" for k, t in enumerate(times))
    (root / "theirs" / "a.csv").write_text(f"{head}\n{lines}")
    return values(open_signals(root, root / "theirs", ["a"]), root, "a", "x")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (lambda k, t: f"{1000 * t:.1f},{k}", "end late by more than 5% of it .they look like milliseconds"),
        (lambda k, t: f"{1e6 * t:.0f},{k}", "end late .*they look like microseconds"),
        (lambda k, t: f"{t / 60:.5f},{k}", "end early .*they look like minutes"),
        (lambda k, t: f"{1.7e9 + t:.3f},{k}", "lie outside .*they look like seconds since 1970"),
        (lambda k, t: f"{1.7e12 + 1000 * t:.0f},{k}", "lie outside .*fractions of seconds since 1970"),
        (lambda k, t: f"{0.9 * t:.4f},{k}", "end early by more than 5% of it; times are seconds"),
        (lambda k, t: f"{1.1 * t:.4f},{k}", "end late by more than 5% of it"),
        (lambda k, t: f"{1 + t:.4f},{k}", "begin late by more than 5% of it"),
        (lambda k, t: f"{t - 1:.4f},{k}", "begin before it by more than 5% of it"),
    ],
)
def test_times_that_do_not_fit_are_refused_or_read_by_frame(
    tmp_path: Path, row: Rows, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match=rf"theirs/a\.csv: its rows, .*{said}") as error:
        read(tmp_path, "time_s,x", row)
    assert "\n" not in str(error.value)
    found = read(tmp_path, "frame,time_s,x", lambda k, t: f"{k},{row(k, t)}")
    assert found.tolist() == list(range(100))
    assert "signal mood: 1 of 1 files are read by `frame`, as their times are not the films'" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("head", "row"),
    [
        ("time_s,x", lambda k, t: f"{t:.3f},{24 * t}"),
        ("time_s,x", lambda k, t: f"{1.001 * t:.3f},{24 * t}"),  # a clock that is off by a thousandth
        ("frame, timestamp, success, x", lambda k, t: f"{k + 1}, {t:.3f}, 1, {k}"),  # OpenFace
        ("frame,time_s,x", lambda k, t: f"{k},{t:.4f},{k}"),
    ],
)
@pytest.mark.parametrize("fps", [23.976, 25.0, 29.97])
def test_rounded_times_are_no_other_times(
    tmp_path: Path, head: str, row: Rows, fps: float, capsys: pytest.CaptureFixture[str]
) -> None:
    times = np.arange(150) / fps
    found = read(tmp_path, head, row, times)
    right = 24 * times if head == "time_s,x" else np.arange(150)
    assert np.nanmax(np.abs(found - right)) < 0.2 and np.isnan(found).sum() <= 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("first", "clock"),
    [
        (1, lambda k: k * 0.06),  # OpenFace: the frame's number over a constant rate
        (0, lambda k: k * 0.06),
        (1, lambda k: k / 30),  # the container's rate, so that the file ends early
        (1, lambda k: (k + 1) * 0.06),  # from 1 / rate on
    ],
)
def test_a_constant_rate_on_a_film_of_variable_rate_is_read_by_frame(
    tmp_path: Path, first: int, clock: Callable[[int], float], capsys: pytest.CaptureFixture[str]
) -> None:
    found = read(
        tmp_path,
        "frame, timestamp, x",
        lambda k, _: f"{k + first}, {clock(k):.3f}, {k}",
        UNEVEN,
        kept=range(0, 81, 3),
    )
    assert found.tolist() == list(range(0, 81, 3))
    said = capsys.readouterr().out
    assert "read by `frame`" in said and (first == 1) == ("number frames from 1" in said)


def test_times_from_one_frame_on_are_the_film_s_last_frame_s(tmp_path: Path) -> None:
    """Frames 1 to 100 of 100, at 1/24 to 100/24 s: number 1 is the film's first."""
    found = read(tmp_path, "frame,timestamp,x", lambda k, t: f"{k + 1},{t + 1 / 24:.3f},{k}")
    assert found.tolist() == list(range(100))


def test_frames_of_a_copy_at_another_rate_are_not_the_film_s(tmp_path: Path) -> None:
    write_crops(tmp_path, "a", FILM, range(100))
    (tmp_path / "theirs").mkdir()
    rows = "".join(f"{k + 1},{k / 30:.4f},{k / 30}\n" for k in range(125))
    (tmp_path / "theirs" / "a.csv").write_text(f"frame,timestamp,x\n{rows}")
    found = values(open_signals(tmp_path, tmp_path / "theirs", ["a"]), tmp_path, "a", "x")
    assert found == pytest.approx(FILM, abs=1e-3)


def test_frames_alone_must_be_the_film_s_and_may_be_counted_from_1(tmp_path: Path, capsys) -> None:
    assert read(tmp_path, "frame;x", lambda k, _: f"{k};{k}").tolist() == list(range(100))
    assert capsys.readouterr().out == ""
    assert read(tmp_path, "frame;x", lambda k, _: f"{k + 1};{k}").tolist() == list(range(100))
    assert "number frames from 1" in capsys.readouterr().out
    with pytest.raises(InputError, match=r"rows, 0 to 198 frames, do not fit the film.*they end late"):
        read(tmp_path, "frame,x", lambda k, _: f"{2 * k},{k}")
    with pytest.raises(InputError, match="they end early"):
        read(tmp_path, "frame,x", lambda k, _: f"{k / 2},{k}")


def test_a_measurement_that_ends_early_is_taken_where_its_clock_is_sure(tmp_path: Path) -> None:
    def row(k: int, t: float) -> str:
        return f"{k},{t:.4f},{k}" if k < 50 else ""

    found = read(tmp_path, "frame,time_s,x", row)
    assert found[:50] == pytest.approx(range(50), abs=0.01) and np.isnan(found[50:]).all()
    with pytest.raises(InputError, match="put a row of empty cells at the film's end"):
        read(tmp_path, "time_s,x", lambda k, t: row(k, t).partition(",")[2])
    found = read(tmp_path, "time_s,x", lambda k, t: f"{t:.4f},{k if k < 50 else ''}")
    assert np.isnan(found[50:]).all() and not np.isnan(found[:50]).any()


def test_crops_that_end_early_tell_how_long_the_film_is(tmp_path: Path) -> None:
    rows = "time_s,x", lambda k, t: f"{t:.4f},{24 * t}"
    assert not np.isnan(read(tmp_path, *rows, kept=range(10, 40))).any()
    assert not np.isnan(read(tmp_path, *rows, UNEVEN, kept=range(10, 40))).any()
    assert read(tmp_path, *rows, kept=[5], fps=None) == pytest.approx([5], abs=0.01)
    partly = read(tmp_path, *rows, kept=range(10, 40), n_source_frames=41, status="partial")
    assert not np.isnan(partly).any()


def test_what_this_program_measured_is_never_refused(tmp_path: Path) -> None:
    ours = '{"made_by": "stan-lightning 1.0"}'
    found = read(tmp_path, "time_s,x", lambda k, t: f"{t / 4:.4f},{k}", described=ours)
    assert found[0] == 0 and np.isnan(found[-1])


# --- the same after public reports -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def filmed(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Crops with the clocks of two real films, of even and of variable rate."""
    root = tmp_path_factory.mktemp("filmed")
    for name in ("phone_vfr.mp4", "phone_turned.webm"):
        with av.open(str(shared / "media" / "reports" / name)) as film:
            times = sorted(float(frame.time) for frame in film.decode(video=0))
        write_crops(root, Path(name).stem, np.array(times) - times[0], range(0, len(times), 3))
    return root


@pytest.mark.parametrize("kind", ["vfr", "silent", "jefa"])
def test_files_after_public_reports(filmed: Path, shared: Path, kind: str) -> None:
    names = ["phone_vfr", "phone_turned"]
    folder = shared / "media" / "reports" / "tracks" / kind
    signals = open_signals(filmed, folder, names)
    for name in names:
        frames = open_crops(str(filmed / f"{name}.zip")).frames
        if kind == "vfr":
            assert values(signals, filmed, name, "AU01_r").tolist() == (frames + 1.0).tolist()
        elif kind == "silent":  # `sample` is the frame's number counted from 0
            assert signals.columns == ("sample", "AU12")
            assert values(signals, filmed, name, "sample") == pytest.approx(frames, abs=0.02)
        else:
            rows = pd.read_csv(folder / f"{name}.csv", sep=";").set_index("frame")
            assert values(signals, filmed, name, "EAR2D6_l") == pytest.approx(
                rows.EAR2D6_l[frames].to_numpy()
            )


def test_success_0_throughout_is_a_recording_without_the_signal(tmp_path: Path, capsys) -> None:
    for name in ("a", "b"):
        write_crops(tmp_path, name, FILM, range(100))
    (tmp_path / "theirs").mkdir()
    for name, success in (("a", 1), ("b", 0)):
        rows = "".join(f"{k + 1}, {t:.3f}, {success}, 0.5\n" for k, t in enumerate(FILM))
        (tmp_path / "theirs" / f"{name}.csv").write_text(f"frame, timestamp, success, x\n{rows}")
    signals = open_signals(tmp_path, tmp_path / "theirs", ["a", "b"])
    assert signals.members["a"].path and not signals.members["b"].path
    said = capsys.readouterr().out
    assert "1 of 2 recordings have a file of mood without any number" in said and "theirs/b.csv" in said
    (tmp_path / "theirs" / "a.csv").write_text((tmp_path / "theirs" / "b.csv").read_text())
    with pytest.raises(InputError, match="signal mood: no file holds a number of what is read"):
        open_signals(tmp_path, tmp_path / "theirs", ["a", "b"])
