"""Drawn faces and real video files for the tests of decoding, detection and cropping."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from preprocess.corpora.recording import Recording
from preprocess.synthetic.behaviour import act
from preprocess.synthetic.face import Studio
from preprocess.synthetic.look import draw_look

Picture = np.ndarray
FilmFace = Callable[..., list[Picture]]
WriteVideo = Callable[..., Path]
Command = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def film_face() -> FilmFace:
    """`film_face(n, width, height, seed)`: n RGB pictures (H, W, 3) of a drawn person who lives."""

    def film(n: int, width: int = 320, height: int = 240, seed: int = 0) -> list[Picture]:
        random = np.random.default_rng(seed)
        studio = Studio(draw_look(random), width, height, random)
        motion = act(10, "Freeform", "behaviour", n, 25, random)
        return [np.ascontiguousarray(studio.film(motion, index)[..., ::-1]) for index in range(n)]

    return film


@pytest.fixture(scope="session")
def write_video() -> WriteVideo:
    """`write_video(path, pictures, ...)`: RGB pictures to a video file; times in 1/1000 s if given."""

    def write(
        path: Path,
        pictures: Sequence[Picture],
        codec: str = "libx264",
        pix_fmt: str = "yuv420p",
        times_ms: Sequence[int] | None = None,
        container: str | None = None,
        options: dict[str, str] | None = None,
        sound_s: float = 0.0,
    ) -> Path:
        muxing = {"movflags": "faststart"} if path.suffix.lower() == ".mp4" else {}
        with av.open(str(path), "w", format=container, options=muxing) as file:
            stream = None
            if len(pictures):
                stream = file.add_stream(codec, rate=25 if times_ms is None else 1000, options=options or {})
                stream.height, stream.width = pictures[0].shape[:2]
                stream.pix_fmt = pix_fmt
                if times_ms is not None:
                    stream.codec_context.time_base = Fraction(1, 1000)
            sound = file.add_stream("aac", rate=16000) if sound_s else None
            for index, picture in enumerate(pictures):
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                if times_ms is not None:
                    frame.pts, frame.time_base = times_ms[index], Fraction(1, 1000)
                file.mux(stream.encode(frame))
            if stream is not None:
                file.mux(stream.encode(None))
            if sound is not None:
                silence = np.zeros((1, int(16000 * sound_s)), np.float32)
                samples = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
                samples.sample_rate = 16000
                file.mux(sound.encode(samples))
                file.mux(sound.encode(None))
        if codec == "libsvtav1":  # as root it gives the process real-time priority, over all other tests
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        return path

    return write


@pytest.fixture(scope="session")
def recording_of() -> Callable[[Path], Recording]:
    """`recording_of(path)`: the recording of a video that no corpus knows."""
    return lambda path: Recording(path.stem, "1", "1_1", "", "train", 7.0, "", path.name, path)


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """`command(module, *arguments)` in `tmp_path`: exit code, stdout, stderr."""

    def run(module: str, *arguments: str) -> tuple[int, str, str]:
        ended = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=300,
        )
        return ended.returncode, ended.stdout, ended.stderr

    return run
