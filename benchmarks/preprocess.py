"""Speed of preprocessing beside its floor and beside the predecessor's way of doing it.

    python benchmarks/preprocess.py [--clip video] [--seconds 40] [--workers 2] [--rounds 5]

The clip is scaled and padded to 640x480 at 30 frames a second and repeated to the length asked for; without
one a synthetic recording is drawn. Three ways go over one copy a worker, in the same warm processes, in turn
round by round; what is compared are medians of rounds:

- floor: decode, one near-face detection on every third frame, crop, encode, and nothing else;
- project: `preprocess.run.tasks.crop_recording` as a run calls it, zip and track on disk;
- with sound: the same with the recording's sound (AAC) beside its crops;
- predecessor: every frame to a JPEG file, every third read back, far-face detection, crop, written.

Then: what it takes to add the sound to crops that are there, as a share of the recordings' length, and to
measure behaviour on them, a kept frame; and the most memory that a worker takes on a recording of 20 minutes
with 48 kHz stereo.
"""

import argparse
import itertools
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing.pool import Pool
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np

# Run as a script, this file's own folder comes first and this file would be found as `preprocess`.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from preprocess.archive.settings import Settings
from preprocess.corpora.recording import Recording
from preprocess.faces.alignment import cut, cut_box, place_by_eyes
from preprocess.faces.decode import Video
from preprocess.faces.detector import Picture, load_detector
from preprocess.faces.model_file import find_models
from preprocess.run.tasks import crop_recording, hear_recording, measure_recording
from preprocess.synthetic.behaviour import act
from preprocess.synthetic.face import Studio
from preprocess.synthetic.look import draw_look

STRIDE, SIZE, QUALITY = 3, 112, 95
WIDTH, HEIGHT, FPS = 640, 480, 30
SETTINGS = Settings(STRIDE, "frames", SIZE, "eyes", 1.0, QUALITY, None)


def floor(video: Path) -> int:
    """The least that aligned crops can cost; gives the source frames."""
    detector = load_detector(find_models(None).short_range, 0.5)
    with Video(video) as opened:
        for frame in opened.frames(STRIDE, "frames", lambda count: None):
            faces = detector.find(frame.picture)
            if faces:
                _encode(cut(frame.picture, place_by_eyes(faces[0].points), SIZE))
        return opened.n_frames


def project(video: Path) -> int:
    """What this project does with a recording; gives the source frames."""
    with tempfile.TemporaryDirectory() as folder:
        row = crop_recording(_recording(video), SETTINGS, Path(folder), lambda count: None)
    if row["status"] != "ok":
        raise RuntimeError(f"{video}: {row['reason']}")
    return int(str(row["n_source_frames"]))


def with_sound(video: Path) -> int:
    """As `project`, with the sound; gives the source frames."""
    with tempfile.TemporaryDirectory() as folder:
        row = crop_recording(_recording(video), SETTINGS, Path(folder), lambda count: None, sound=True)
    if row["status"] != "ok" or not row["sound_s"]:
        raise RuntimeError(f"{video}: {row['reason']}")
    return int(str(row["n_source_frames"]))


def predecessor(video: Path) -> int:
    """The predecessor's way, on today's MediaPipe; gives the source frames."""
    detector = load_detector(find_models(None).full_range, 0.5)
    with tempfile.TemporaryDirectory() as folder:
        capture = cv2.VideoCapture(str(video))
        count = 0
        while True:
            more, read = capture.read()
            if not more:
                break
            cv2.imwrite(f"{folder}/{count:04d}.jpg", read)
            count += 1
        for number in range(0, count, STRIDE):
            read = np.asarray(cv2.imread(f"{folder}/{number:04d}.jpg"), np.uint8)
            picture = np.asarray(cv2.cvtColor(read, cv2.COLOR_BGR2RGB), np.uint8)
            faces = detector.find(picture)
            if faces:
                crop = cut_box(picture, faces[0].box, SIZE)
                cv2.imwrite(f"{folder}/crop_{number:04d}.jpg", cv2.cvtColor(crop, cv2.COLOR_RGB2BGR))
    return count


class Speed(NamedTuple):
    """Source frames of all workers a second that passed, and a second of CPU that one of them used."""

    clock: float
    cpu: float


WAYS: tuple[Callable[[Path], int], ...] = (floor, project, with_sound, predecessor)


def main() -> None:
    """Make the video, time the ways, print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--clip", type=Path, help="a real video with a face to repeat")
    parser.add_argument("--seconds", type=float, default=40.0, help="length of each video")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        videos = [Path(folder) / f"video{index}.mp4" for index in range(options.workers)]
        pictures = _pictures(options.clip)
        for video in videos:
            _write(video, itertools.islice(itertools.cycle(pictures), int(options.seconds * FPS)))
        with multiprocessing.get_context("spawn").Pool(options.workers) as pool:
            for way in WAYS:
                _run(pool, way, videos)  # models, caches and file pages warm
            rounds = [_round(pool, videos, turn) for turn in range(options.rounds)]
    _print_table(rounds)
    _print_topping_up(pictures, options.rounds)
    _print_memory(pictures)


def _round(pool: Pool, videos: list[Path], turn: int) -> dict[str, Speed]:
    """The speed of each way, run one after the other, each round from another one on."""
    order = [WAYS[(turn + index) % len(WAYS)] for index in range(len(WAYS))]
    return {way.__name__: _run(pool, way, videos) for way in order}


def _run(pool: Pool, way: Callable[[Path], int], videos: list[Path]) -> Speed:
    start = time.perf_counter()
    done = pool.starmap(_timed, [(way, video) for video in videos], chunksize=1)
    seconds = time.perf_counter() - start
    frames = sum(count for count, _ in done)
    return Speed(frames / seconds, frames / sum(cpu_s for _, cpu_s in done))


def _timed(way: Callable[[Path], int], video: Path) -> tuple[int, float]:
    start = time.process_time()
    return way(video), time.process_time() - start


def _print_table(rounds: list[dict[str, Speed]]) -> None:
    print(f"{'way':12} {'':12} {'frames/s':>9} {'of floor':>9} {'x predecessor':>14}")
    for clock, name in enumerate(("by the clock", "by the CPU")):
        speeds = {way.__name__: statistics.median(one[way.__name__][clock] for one in rounds) for way in WAYS}
        for way, speed in speeds.items():
            ratios = f"{speed / speeds['floor']:9.2f} {speed / speeds['predecessor']:14.2f}"
            print(f"{way:12} {name:12} {speed:9.0f} {ratios}")
    dearer = statistics.median(one["project"].cpu / one["with_sound"].cpu for one in rounds)
    print(f"sound beside the crops: {dearer:.3f} times the CPU time of crops alone")
    print(f"medians of {len(rounds)} rounds; by the CPU other programs at work disturb less")


def _print_topping_up(pictures: list[Picture], rounds: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder / "minute.mp4", itertools.islice(itertools.cycle(pictures), 60 * FPS))
        recording = _recording(folder / "minute.mp4")
        row = crop_recording(recording, SETTINGS, folder, lambda count: None)
        took = {}
        for task in (hear_recording, measure_recording):
            seconds = []
            for _ in range(rounds):
                start = time.process_time()
                task(recording, folder, lambda count: None)
                seconds.append(time.process_time() - start)
            took[task] = statistics.median(seconds)
    sound, behaviour = took.values()
    print(
        f"adding the sound to a recording of a minute: {sound:.2f} s of CPU, {sound / 60:.2%} of its length"
    )
    a_crop = behaviour / int(str(row["n_frames"]))
    print(f"measuring behaviour on its crops: {behaviour:.2f} s of CPU, {1000 * a_crop:.2f} ms a kept frame")


def _print_memory(pictures: list[Picture]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / "long.mp4"
        _write(video, itertools.islice(itertools.cycle(pictures), 20 * 60 * 10), fps=10)
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            peak = pool.apply(_peak, (video,))
    print(f"most memory of a worker on 20 minutes with 48 kHz stereo: {peak:.0f} MB")


def _peak(video: Path) -> float:
    with_sound(video)
    # Not getrusage: what it calls the most a process took begins with the size of the one that started it.
    status = Path("/proc/self/status").read_text()
    return float(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6


def _recording(video: Path) -> Recording:
    return Recording(video.stem, "", "", "", "", None, "", video.name, video)


def _pictures(clip: Path | None) -> list[Picture]:
    """Frames of 640x480: the clip's, scaled to fit and padded, or ten seconds of a drawn person."""
    if clip is None:
        random = np.random.default_rng(0)
        studio = Studio(draw_look(random), WIDTH, HEIGHT, random)
        motion = act(10, "Freeform", "behaviour", 10 * FPS, FPS, random)
        return [np.ascontiguousarray(studio.film(motion, index)[..., ::-1]) for index in range(10 * FPS)]
    with Video(clip) as video:
        return [_padded(frame.picture) for frame in video.frames(1, "frames", lambda count: None)]


def _padded(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    scale = min(WIDTH / width, HEIGHT / height)
    size = (min(round(width * scale), WIDTH), min(round(height * scale), HEIGHT))
    inner = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    top, left = (HEIGHT - size[1]) // 2, (WIDTH - size[0]) // 2
    padding = (top, HEIGHT - size[1] - top, left, WIDTH - size[0] - left)
    return np.asarray(cv2.copyMakeBorder(inner, *padding, cv2.BORDER_REPLICATE), np.uint8)


def _write(path: Path, pictures: Iterator[Picture], fps: int = FPS) -> None:
    """A film with noise of 48 kHz stereo as AAC."""
    random = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        sound = container.add_stream("aac", rate=48_000)
        sound.layout = "stereo"
        for number, picture in enumerate(pictures):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            noise = random.normal(0, 0.1, (2, 48_000 // fps)).astype(np.float32)
            samples = av.AudioFrame.from_ndarray(noise, format="fltp", layout="stereo")
            samples.sample_rate, samples.pts = 48_000, number * (48_000 // fps)
            container.mux(sound.encode(samples))
        container.mux(stream.encode(None))
        container.mux(sound.encode(None))


def _encode(crop: Picture) -> bytes:
    options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    return cv2.imencode(".jpg", cv2.cvtColor(crop, cv2.COLOR_RGB2BGR), options)[1].tobytes()


if __name__ == "__main__":
    main()
