"""How well the behaviour signal reads faces whose behaviour is known: drawn people.

    python -m benchmarks.behaviour [--people 8] [--seconds 2]

Each number is compared with what was drawn, about each person's own mean (no camera knows a face's own zero):

- alone: it moves and everything else rests;
- together: everything moves at once, each in its own time;
- living: as the people of `corpus=synthetic` live, whose heads bow by hardly a pixel.

Three views go to the face mesh: the crop, the crop within a rim of its border's pixels (what is used), and a
1.2-sided view cut out of the video.
"""

import argparse
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np
import numpy.typing as npt

# Run as a script, this file's own folder comes first.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from preprocess.archive.recording_zip import FRAME_NAME, read_track
from preprocess.archive.settings import Settings
from preprocess.behaviour.geometry import measure
from preprocess.behaviour.mesh import VIEW_SIZE, VIEW_WIDENING, load_mesh
from preprocess.corpora.recording import Recording
from preprocess.faces.alignment import cut, place_by_eyes, place_centre
from preprocess.faces.decode import Video
from preprocess.faces.detector import Picture
from preprocess.faces.model_file import find_mesh
from preprocess.run.tasks import crop_recording
from preprocess.synthetic.behaviour import Motion, act
from preprocess.synthetic.face import Studio
from preprocess.synthetic.look import draw_look

FPS = 30
WIDTH, HEIGHT = 320, 240
VIDEO_WIDENING = 1.2
VIEWS = ("crop", "crop with rim", "video")
Values = npt.NDArray[np.float64]


class Number(NamedTuple):
    """A number of the signal, what was drawn of it, and the part of `Motion` that moves it."""

    part: str
    columns: tuple[str, ...]
    drawn: Callable[[Motion], Values]


NUMBERS = {
    "eye openness": Number("lids", ("eye_open_right", "eye_open_left"), lambda motion: motion.lids),
    # A smile parts the lips, too: see `features._mouth`.
    "mouth opening": Number(
        "mouth", ("mouth_open",), lambda motion: 0.5 * motion.mouth + 0.45 * np.maximum(motion.smile - 0.1, 0)
    ),
    "head yaw": Number("yaw", ("head_yaw",), lambda motion: motion.yaw),
    "head pitch": Number("pitch", ("head_pitch",), lambda motion: motion.pitch),
    "mouth corners": Number(
        "smile", ("mouth_corner_right", "mouth_corner_left"), lambda motion: motion.smile
    ),
    "brow height": Number(
        "frown",
        ("brow_inner_right", "brow_inner_left", "brow_outer_right", "brow_outer_left"),
        lambda motion: -motion.frown,
    ),
}
_RANGES = {  # of what moves; angles in radians
    "smile": (-0.8, 0.8),
    "brow": (-0.3, 1.0),
    "frown": (-0.2, 0.8),
    "lids": (0.0, 1.05),
    "gaze_x": (-0.4, 0.4),
    "gaze_y": (-0.2, 0.6),
    "mouth": (0.0, 0.8),
    "yaw": (-0.3, 0.3),
    "pitch": (-0.15, 0.4),
    "roll": (-0.1, 0.1),
    "x": (-0.2, 0.2),
    "y": (-0.2, 0.2),
    "zoom": (0.97, 1.03),
}
_REST = {"frown": 0.2, "lids": 0.9, "pitch": 0.05, "zoom": 1.0}


def main() -> None:
    """Draw, read, compare, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--people", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each film")
    options = parser.parse_args()
    found = compare(options.people, round(options.seconds * FPS))
    print(f"{'number':14} {'how it moves':12} " + " ".join(f"{view:>14}" for view in VIEWS))
    for (name, how), by_view in found.items():
        print(f"{name:14} {how:12} " + " ".join(f"{by_view[view]:14.2f}" for view in VIEWS))


def compare(people: int, n_frames: int) -> dict[tuple[str, str], dict[str, float]]:
    """Correlations by number and how it moves, then by view."""
    pairs: dict[tuple[str, str], dict[str, list[tuple[Values, Values]]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for person in range(people):
            for how, motion, names in _films(person, n_frames):
                seen, numbers = _read(Path(folder), person, motion, n_frames)
                for name in names:
                    drawn = NUMBERS[name].drawn(motion)[numbers]
                    for view, values in seen.items():
                        mean = np.mean([values[column] for column in NUMBERS[name].columns], axis=0)
                        kept = pairs.setdefault((name, how), {one: [] for one in VIEWS})
                        kept[view].append((mean, drawn))
    order = [(name, how) for name in NUMBERS for how in ("alone", "together", "living")]
    return {key: {view: _correlation(pairs[key][view]) for view in VIEWS} for key in order}


def _films(person: int, n_frames: int) -> list[tuple[str, Motion, list[str]]]:
    """How it moves, the motion and which numbers are read of it."""
    random = np.random.default_rng([1, person])
    together = Motion(**{part: _wander(*limits, n_frames, random) for part, limits in _RANGES.items()})
    rest = Motion(**{part: np.full(n_frames, _REST.get(part, 0.0)) for part in _RANGES})
    score, task = person * 44 // 8 % 45, ("Freeform", "Northwind")[person % 2]
    living = act(score, task, "behaviour", n_frames, FPS, random)
    films = [("together", together, list(NUMBERS)), ("living", living, list(NUMBERS))]
    for name, number in NUMBERS.items():
        moved = {number.part: getattr(together, number.part)}
        films.append(("alone", replace(rest, **moved), [name]))
    return films


def _wander(low: float, high: float, n_frames: int, random: np.random.Generator) -> Values:
    """A smooth way all over a range, each part of it equally often."""
    kernel = np.hanning(25)
    noise = np.convolve(random.normal(size=n_frames + 24), kernel, mode="valid")
    ranks = noise.argsort().argsort()
    wandered: Values = low + (high - low) * (ranks + 0.5) / n_frames
    return wandered


def _read(
    folder: Path, person: int, motion: Motion, n_frames: int
) -> tuple[dict[str, dict[str, Values]], list[int]]:
    """What is measured, by view and column, and the numbers of the frames."""
    video = folder / "film.mp4"
    _film(video, person, motion, n_frames)
    settings = Settings(1, "frames", 112, "eyes", 1.0, 95, None)
    recording = Recording("film", "", "", "", "", None, "", video.name, video)
    crop_recording(recording, settings, folder, lambda count: None)
    rows = {int(row["frame"]): row for row in read_track(folder / "film.zip")}
    mesh = load_mesh(find_mesh(None))
    points: dict[str, list[npt.NDArray[np.float64]]] = {view: [] for view in VIEWS}
    with zipfile.ZipFile(folder / "film.zip") as archive, Video(video) as opened:
        for frame in opened.frames(1, "frames", lambda count: None):
            if frame.number not in rows:
                continue
            crop = _decoded(archive.read(FRAME_NAME.format(frame.number)))
            row = rows[frame.number]
            eyes = [complex(float(row[f"{side}_eye_x"]), float(row[f"{side}_eye_y"])) for side in _SIDES]
            whole = place_centre(crop)
            views = (
                cut(crop, whole, VIEW_SIZE),
                cut(crop, whole.widened(VIEW_WIDENING), VIEW_SIZE),
                cut(frame.picture, place_by_eyes(tuple(eyes)).widened(VIDEO_WIDENING), VIEW_SIZE),
            )
            for name, view in zip(VIEWS, views, strict=True):
                points[name].append(mesh.look(view)[0].astype(np.float64))
    return {view: measure(np.stack(found)) for view, found in points.items()}, sorted(rows)


_SIDES = ("right", "left")  # in the order of a face's points


def _film(path: Path, person: int, motion: Motion, n_frames: int) -> None:
    random = np.random.default_rng([2, person])
    studio = Studio(draw_look(random), WIDTH, HEIGHT, random)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "crf": "20"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for index in range(n_frames):
            picture = np.ascontiguousarray(studio.film(motion, index)[..., ::-1])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))


def _decoded(jpeg: bytes) -> Picture:
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB), np.uint8)


def _correlation(pairs: list[tuple[Values, Values]]) -> float:
    """Of all people's frames, each about the person's own mean."""
    read, drawn = (np.concatenate([one[part] - one[part].mean() for one in pairs]) for part in (0, 1))
    return float(np.corrcoef(read, drawn)[0, 1])


if __name__ == "__main__":
    main()
