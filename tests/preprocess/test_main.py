import csv
import hashlib
import itertools
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from preprocess.__main__ import main

ROOT = Path(__file__).resolve().parents[2]


def start(*overrides: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "preprocess", *overrides],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Ctrl-C reaches it even where the tests themselves run in the background, which ignores it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def preprocess(*overrides: str, cwd: Path) -> tuple[int, str, str]:
    process = start(*overrides, cwd=cwd)
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def tree(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def quoted(key: str, path: Path) -> str:
    return f'{key}="{path}"'


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory, film_face, write_video) -> Path:
    """Three people, one broken file, and names that shells and Hydra dislike."""
    folder = tmp_path_factory.mktemp("corpus") / "vidéos [1], a=b"
    folder.mkdir()
    lines = ["video,subject,label,partition"]
    for seed, name in enumerate(("première.mp4", "a=b, [2].mp4", "long.mp4")):
        write_video(folder / name, film_face(60 if name == "long.mp4" else 12, seed=seed))
        lines.append(f'"{name}",s{seed},{seed * 10},{("train", "dev", "test")[seed]}')
    (folder / "broken.mp4").write_bytes(b"no video at all")
    lines.append("broken.mp4,s0,0,test")
    (folder / "manifest.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder


def test_a_corpus_with_a_broken_video_is_read_and_resumed(corpus: Path, tmp_path: Path) -> None:
    overrides = (
        "corpus=manifest",
        quoted("corpus.root", corpus),
        "output=out",
        "workers=2",
        "contact_sheets=true",
    )
    code, out, err = preprocess(*overrides, cwd=tmp_path)
    assert (code, err) == (3, "")
    assert out.rstrip().endswith("-m stan_lightning.train data=manifest data.root=out")
    with (tmp_path / "out" / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["recording"]: row for row in csv.DictReader(file)}
    assert {name: row["status"] for name, row in rows.items()} == {
        "a=b, [2]": "ok", "broken": "failed", "long": "ok", "première": "ok",
    }  # fmt: skip
    assert rows["long"]["n_source_frames"] == "60" and rows["long"]["n_frames"] == "20"
    assert "1 of 3 subjects stand in more than one partition (train+test 1)" in out
    assert len(list((tmp_path / "out" / "contact_sheets").iterdir())) == 3
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.zip")}
    first = tree(tmp_path / "out")
    code, out, _ = preprocess(*overrides, cwd=tmp_path)
    assert code == 3 and "4 of 4 recordings are finished and skipped" in out
    assert tree(tmp_path / "out") == first
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]  # Hydra leaves nothing about


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["corpus=avec2014"], "corpus.root is not set"),
        (["corpus=manifest", "corpus.root=nowhere"], "nowhere does not exist"),
        (["corpus=avec2013", "corpus.root=."], "is empty"),
        (["corpus=manifest", "corpus.root=.", "executor=dask"], "executor.address is not set"),
        (["corpus=manifest", "corpus.root=.", "frame_stride=two"], "frame_stride=two: must be int"),
    ],
)
def test_what_cannot_be_used_ends_in_one_line(
    tmp_path: Path,
    overrides: list[str],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """In this process, which loads the libraries once for all of them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["preprocess", *overrides])
    with pytest.raises(SystemExit) as end:
        main()
    err = capfd.readouterr().err
    assert end.value.code not in (0, 3, None)
    assert err.startswith("error: ") and words in err and err.count("\n") == 1


def test_a_process_ends_in_one_line_too(tmp_path: Path) -> None:
    code, _, err = preprocess("corpus=manifest", "corpus.root=nowhere", cwd=tmp_path)
    assert code == 2 and err.startswith("error: ") and err.count("\n") == 1


def test_ctrl_c_stops_soon_and_says_how_to_go_on(corpus: Path, tmp_path: Path) -> None:
    overrides = ("corpus=manifest", quoted("corpus.root", corpus), "output=out", "workers=1")
    process = start(*overrides, cwd=tmp_path)
    assert process.stdout is not None
    for line in process.stdout:
        if "subjects stand in" in line:
            break
    time.sleep(0.2)  # while the worker starts: nothing can be finished yet
    asked = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert time.monotonic() - asked < 5
    assert process.returncode == 130
    assert "the same command goes on from there" in err and "Traceback" not in err
    assert preprocess(*overrides, cwd=tmp_path)[0] == 3


@pytest.mark.slow
def test_kills_at_any_moment_leave_no_trace(corpus: Path, tmp_path: Path) -> None:
    overrides = ("corpus=manifest", quoted("corpus.root", corpus), "workers=2")
    begin = time.monotonic()
    preprocess(*overrides, "output=undisturbed", cwd=tmp_path)
    duration_s = time.monotonic() - begin
    draw = random.Random(0)
    for number, whom in zip(range(20), itertools.cycle(("parent", "worker", "both")), strict=False):
        process = start(*overrides, f"output=out{number}", cwd=tmp_path)
        time.sleep(draw.uniform(0.3, 0.9) * duration_s)
        workers = _children(process.pid)
        if whom != "parent" and workers:
            os.kill(draw.choice(workers), signal.SIGKILL)
        if whom != "worker":
            process.kill()
        process.communicate(timeout=120)
        preprocess(*overrides, f"output=out{number}", cwd=tmp_path)
        assert tree(tmp_path / f"out{number}") == tree(tmp_path / "undisturbed")


def _children(pid: int) -> list[int]:
    """Workers of a pool; multiprocessing's own helper process is none."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        text = " ".join((thread / "children").read_text() for thread in threads)
        return [
            child
            for child in map(int, text.split())
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
        ]
    except OSError:
        return []


@pytest.mark.slow
def test_the_parents_memory_does_not_grow_with_the_corpus(tmp_path: Path) -> None:
    overrides = ("corpus=synthetic", "corpus.seconds=[0.2,0.2]", "frame_stride=1", "align=none", "output=out")
    process = start(*overrides, cwd=tmp_path)
    held: dict[int, int] = {}  # MB of the parent, by the number of finished recordings
    while process.poll() is None:
        finished = len(list((tmp_path / "out").glob("*.zip")))
        status = Path(f"/proc/{process.pid}/status").read_text()
        if "VmRSS" in status:
            held[finished] = int(status.split("VmRSS:")[1].split()[0]) // 1024
        time.sleep(0.05)
    assert process.returncode == 0 and max(held) >= 295
    early = max(mb for finished, mb in held.items() if 10 <= finished < 50)
    late = max(mb for finished, mb in held.items() if 250 <= finished < 300)
    assert late - early < 15
