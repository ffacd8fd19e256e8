"""What can be said of a recording's crops and sound without knowing what they should show."""

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from preprocess.archive.flac import RATE, decode
from preprocess.archive.record import check_row, film_s, grid_s, has_grid
from preprocess.archive.recording_zip import FRAME_NAME, ROW, SOUND, record_of, track_of
from preprocess.archive.settings import taken_settings
from stan_boundary.opening import open_zip, read_member
from stan_boundary.picture import MOST_BYTES, check_picture, is_picture

Picture = npt.NDArray[np.uint8]

_MEASURED_FRAMES = 32
_STRIP_FRAMES = 8
_STRIP_SIDE = 72  # pixels
_STRIP_JPEG_QUALITY = 75
_WAVEFORM_BINS = 240
_FULL_SCALE = 32_767
_LONGER, _LONGER_S = 1.5, 60.0  # sound may be so many times, and so many seconds, longer than its track
_LONGEST_S = 6 * 3600.0 + 60  # preprocessing hears no longer film


@dataclass(frozen=True)
class Loudness:
    """What can be said of a recording's sound.

    Attributes:
        waveform: Highest magnitude in each of 240 equal stretches, as shares of the highest of all; empty
            without sound.
        clipped: Share of samples at full scale.
        remark: That there is none, and why, or that it is shorter than half of the film; else empty.
    """

    waveform: Sequence[float]
    clipped: float
    remark: str


@dataclass(frozen=True)
class Quality:
    """Measurements of one recording.

    Attributes:
        row: Its manifest row.
        n_interpolated: Kept frames without a detection of their own.
        n_gaps: Stretches without crops that the stride asked for, at the ends too.
        longest_gap_s: In seconds.
        sharpness: Variance of the Laplacian of the grey crop, mean of up to 32 crops spread evenly; NaN
            without crops. It compares recordings of one crop size.
        brightness: Mean grey level, 0 to 255, of the same crops.
        strip: JPEG of eight crops side by side, spread evenly over the recording; empty without crops.
        sound: None where nobody listened.
    """

    row: Mapping[str, object]
    n_interpolated: int
    n_gaps: int
    longest_gap_s: float
    sharpness: float
    brightness: float
    strip: bytes
    sound: Loudness | None = None

    @property
    def badness(self) -> tuple[object, ...]:
        """Sorts the worst first: failed, then few detections, then long gaps."""
        failed = self.row["status"] == "failed"
        rate = self.row["detection_rate"]
        return (
            not failed,
            1.0 if rate is None else float(str(rate)),
            -self.longest_gap_s,
            self.row["recording"],
        )


def measure(path: Path) -> Quality:
    """Read a recording's zip back.

    Raises:
        InputError: `path` is no recording's zip, or damaged.
    """
    with open_zip(path) as archive:
        content = record_of(archive, path)
        row = check_row(content["row"], f"{path}: {ROW}")
        if has_grid(row):
            heard = _loudness(archive, content, grid_s(row)) if "sound" in content else None
            return replace(unmeasured(row), sound=heard)
        track = track_of(archive, path)
        if not track:
            return unmeasured(row)
        frames = [int(line["frame"]) for line in track]
        crops = read_crops(archive, spread(frames, _MEASURED_FRAMES))
        strip = read_crops(archive, spread(frames, _STRIP_FRAMES))
        sound = _loudness(archive, content, film_s(track)) if "sound" in content else None
    settings = taken_settings(content["settings"], f"{path}: {ROW}")
    gaps = _gaps_s(track, row, settings)
    greys = [cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY) for crop in crops.values()]
    return Quality(
        row=row,
        n_interpolated=sum(line["interpolated"] == "1" for line in track),
        n_gaps=len(gaps),
        longest_gap_s=max(gaps, default=0.0),
        sharpness=float(np.mean([cv2.Laplacian(grey, cv2.CV_64F).var() for grey in greys] or [np.nan])),
        brightness=float(np.mean([grey.mean() for grey in greys] or [np.nan])),
        strip=_strip(list(strip.values())),
        sound=sound,
    )


def unmeasured(row: Mapping[str, object]) -> Quality:
    """Of a recording without crops, or of one whose zip cannot be used."""
    return Quality(row, 0, 0, 0.0, float("nan"), float("nan"), b"")


def _loudness(archive: zipfile.ZipFile, content: Mapping[str, Any], film_s: float) -> Loudness:
    row, heard = content["row"], content["sound"]
    if SOUND not in archive.NameToInfo:
        return Loudness((), 0.0, heard["damage"] or heard["note"])
    with archive.open(SOUND) as member:
        samples = decode(member, min(_LONGER * film_s + _LONGER_S, _LONGEST_S))
    parts = [part for part in np.array_split(samples, _WAVEFORM_BINS) if len(part)]
    peaks = [max(int(part.max()), -int(part.min())) for part in parts]
    length_s = len(samples) / RATE
    heard_s = row.get("sound_s") or 0.0
    short = f"only {heard_s:.1f} s of {length_s:.1f} s" if heard_s < length_s / 2 else ""
    highest = max(peaks, default=0)
    return Loudness(
        waveform=[peak / highest for peak in peaks] if highest else (),
        clipped=_at_full_scale(parts) / len(samples) if highest else 0.0,
        remark=short,
    )


def _at_full_scale(parts: Sequence[npt.NDArray[np.int16]]) -> int:
    return sum(int(((part >= _FULL_SCALE) | (part <= -_FULL_SCALE)).sum()) for part in parts)


def spread(items: Sequence[int], count: int) -> list[int]:
    """At most `count` of the items, evenly spread, first and last among them."""
    if len(items) <= count:
        return list(items)
    return [items[round(index * (len(items) - 1) / (count - 1))] for index in range(count)]


def read_crops(archive: zipfile.ZipFile, frames: Sequence[int]) -> dict[int, Picture]:
    """BGR crops by source frame; one that is no picture is left out.

    Raises:
        InputError: One is missing or damaged, or too large to be a crop.
    """
    crops = {}
    for frame in frames:
        name = FRAME_NAME.format(frame)
        crop = decoded(read_member(archive, name, MOST_BYTES), f"{archive.filename}: {name}")
        if crop is not None:
            crops[frame] = crop
    return crops


def decoded(data: bytes, where: str, flags: int = cv2.IMREAD_COLOR) -> Picture | None:
    """A crop's pixels; None where it is no picture.

    Raises:
        InputError: Its header says that it is too large to be a crop.
    """
    if not is_picture(data):
        return None
    check_picture(data, where)
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        return None
    return None if pixels is None else np.asarray(pixels, np.uint8)


def _gaps_s(
    track: Sequence[Mapping[str, str]], row: Mapping[str, object], settings: Mapping[str, object]
) -> list[float]:
    """Lengths in seconds of the stretches between kept frames that are longer than the stride."""
    fps = float(str(row["fps"] or "nan"))
    stride = int(str(row["frame_stride"]))
    by_time = settings.get("sampling") == "time"
    numbers = [int(line["frame"]) for line in track]
    times = [float(line["time_s"]) for line in track]
    gaps = []
    for before, after, start_s, end_s in zip(numbers, numbers[1:], times, times[1:], strict=False):
        # By the clock the stride skips source frames at will, so there only the clock tells a gap.
        if (end_s - start_s) * fps > 1.5 * stride if by_time else after - before > stride:
            gaps.append(end_s - start_s - stride / fps)
    ends = (numbers[0], int(str(row["n_source_frames"])) - 1 - numbers[-1])
    return gaps + [frames / fps for frames in ends if frames >= stride]


def _strip(crops: Sequence[Picture]) -> bytes:
    if not crops:
        return b""
    side = (_STRIP_SIDE, _STRIP_SIDE)
    small = [cv2.resize(crop, side, interpolation=cv2.INTER_AREA) for crop in crops]
    quality = [cv2.IMWRITE_JPEG_QUALITY, _STRIP_JPEG_QUALITY]
    return bytes(cv2.imencode(".jpg", np.hstack(small), quality)[1].tobytes())
