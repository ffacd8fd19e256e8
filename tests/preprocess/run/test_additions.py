"""What is added to crops that are there: a run measures behaviour, from pictures alone and once."""

import csv
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory, film_face, write_video) -> Path:
    """Two drawn people, and a film of nobody."""
    folder = tmp_path_factory.mktemp("videos")
    lines = ["video,subject,label,partition"]
    for seed in (0, 1):
        write_video(folder / f"v{seed}.mp4", film_face(18, seed=seed))
        lines.append(f"v{seed}.mp4,s{seed},{seed},train")
    write_video(folder / "nobody.mp4", [picture * 0 for picture in film_face(6)])
    (folder / "manifest.csv").write_text("\n".join([*lines, "nobody.mp4,s2,2,test"]))
    return folder


def start(folder: Path, videos: Path, *overrides: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "preprocess", "corpus=manifest", f"corpus.root={videos}", "output=out"]
    return subprocess.Popen(
        [*command, "workers=1", *overrides],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def preprocess(folder: Path, videos: Path, *overrides: str) -> str:
    process = start(folder, videos, *overrides)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 3, said  # of nobody there are no crops
    return said


def files(folder: Path, pattern: str) -> dict[str, tuple[bytes, int]]:
    found = sorted((folder / "out").glob(pattern))
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in found}


def contents(folder: Path, pattern: str) -> dict[str, bytes]:
    return {name: data for name, (data, _) in files(folder, pattern).items()}


def test_crops_gain_a_signal_without_their_videos_and_keep_it(tmp_path: Path, videos: Path) -> None:
    here = tmp_path / "videos"
    here.mkdir()
    for path in videos.iterdir():
        (here / path.name).write_bytes(path.read_bytes())
    assert "behaviour" not in preprocess(tmp_path, here, "behaviour=false")
    assert not (tmp_path / "out" / "signals").exists()
    zips = files(tmp_path, "*.zip")
    for path in here.glob("v*.mp4"):
        path.write_bytes(b"not a film any more")
    assert "behaviour measured of 2 recordings, crops untouched" in preprocess(tmp_path, here)
    assert files(tmp_path, "*.zip") == zips
    signals = files(tmp_path, "signals/behaviour/*")
    assert list(signals) == ["signal.json", "v0.csv", "v1.csv"]
    assert len(list(csv.DictReader(signals["v0.csv"][0].decode().splitlines()))) == 6
    assert "behaviour measured" not in preprocess(tmp_path, here)
    assert "behaviour measured" not in preprocess(tmp_path, here, "behaviour=false")
    assert files(tmp_path, "signals/behaviour/*") == signals


@pytest.mark.slow
def test_crops_made_anew_get_a_new_signal_and_never_keep_the_old(tmp_path: Path, videos: Path) -> None:
    preprocess(tmp_path, videos)
    first = contents(tmp_path, "signals/behaviour/*")
    preprocess(tmp_path, videos, "overwrite=true", "frame_stride=6", "behaviour=false")
    assert list(contents(tmp_path, "signals/behaviour/*")) == ["signal.json"]
    preprocess(tmp_path, videos, "frame_stride=6")
    assert len(contents(tmp_path, "signals/behaviour/*")["v1.csv"].splitlines()) == 4
    preprocess(tmp_path, videos, "overwrite=true")
    assert contents(tmp_path, "signals/behaviour/*") == first
    (tmp_path / "out" / "v0.zip").write_bytes(b"damaged")
    (tmp_path / "out" / "signals" / "behaviour" / "v0.csv").write_bytes(b"of other crops")
    assert "behaviour measured of 1 recordings" in preprocess(tmp_path, videos)
    assert contents(tmp_path, "signals/behaviour/*") == first


def test_whole_pictures_and_signals_of_others_are_left_alone(tmp_path: Path, videos: Path) -> None:
    process = start(tmp_path, videos, "align=none")
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0 and "behaviour" not in said
    assert not (tmp_path / "out" / "signals").exists()
    other = tmp_path / "other" / "signals" / "behaviour" / "v0.csv"
    other.parent.mkdir(parents=True)
    other.write_text("timestamp,AU12_r\n")
    process = start(tmp_path, videos, "output=other")
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 2 and "did not make" in said and said.count("error: ") == 1
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["signals"]  # before anything is done
    assert other.read_text() == "timestamp,AU12_r\n"


@pytest.mark.slow
def test_kills_while_behaviour_is_measured_leave_no_trace(tmp_path: Path, film_face, write_video) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    lines = ["video,subject,partition"]
    for number in range(12):
        write_video(folder / f"v{number}.mp4", film_face(90, seed=number % 3))
        lines.append(f"v{number}.mp4,{number},train")
    (folder / "manifest.csv").write_text("\n".join(lines))
    stride = "frame_stride=1"
    start(tmp_path, folder, stride, "behaviour=false").communicate()
    zips = files(tmp_path, "*.zip")
    begin = time.monotonic()
    start(tmp_path, folder, stride).communicate()
    duration_s = time.monotonic() - begin
    whole = contents(tmp_path, "signals/behaviour/*")
    assert len(whole) == 13
    draw, between = random.Random(0), set()
    for _ in range(12):
        for path in (tmp_path / "out" / "signals" / "behaviour").iterdir():
            path.unlink()
        process = start(tmp_path, folder, stride)
        time.sleep(draw.uniform(0.4, 0.95) * duration_s)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        time.sleep(0.3)  # its worker ends with it
        left = contents(tmp_path, "signals/behaviour/[!.]*")  # a hidden part is no signal, and goes next time
        between.add(len(left))
        assert left == {name: whole[name] for name in left}
        start(tmp_path, folder, stride).communicate()
        assert contents(tmp_path, "signals/behaviour/*") == whole
        assert not list((tmp_path / "out" / "signals" / "behaviour").glob(".*"))
    assert files(tmp_path, "*.zip") == zips
    assert len(between) > 1  # some were killed in the midst of it
