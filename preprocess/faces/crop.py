"""One video to crops."""

from collections.abc import Callable, Iterator

import cv2

from preprocess.archive.recording_zip import TRACK_COLUMNS, ArchiveWriter
from preprocess.archive.settings import Settings
from preprocess.corpora.recording import Recording
from preprocess.faces.alignment import cut, cut_box, place_centre
from preprocess.faces.decode import Frame, Video
from preprocess.faces.detector import Picture, load_detector
from preprocess.faces.model_file import find_models
from preprocess.faces.search import FaceFinder
from preprocess.faces.sequence import Crop, Sequence
from preprocess.faces.track import Tracker
from preprocess.media.streams import films, told

BOX_MIN_SCORE = 0.5  # the predecessor's
_COORDINATES = TRACK_COLUMNS[3:-1]  # box and points, in the order of `Face`


def crop_video(
    video: Video, settings: Settings, archive: ArchiveWriter, progress: Callable[[int], None]
) -> dict[str, object]:
    """Decode, detect and align; write all crops and the track.

    Memory does not grow with the video but for its track (some hundred bytes a crop).

    Args:
        video: Opened.
        settings: How to sample and align it.
        archive: Where the crops go.
        progress: Told how many source frames were decoded since it was last called.

    Returns:
        The part of the manifest row that the video decides. One that cannot be used is no error: its
        status is `failed`, and the reason says why.

    Raises:
        InputError: The detector's models cannot be had or loaded.
        OSError: The zip cannot be written.
    """
    rows: list[dict[str, object]] = []
    n_asked = 0

    def asked() -> Iterator[Frame]:
        nonlocal n_asked
        for frame in video.frames(settings.frame_stride, settings.sampling, progress):
            n_asked += 1
            yield frame

    for crop in _CROPPERS[settings.align](asked(), settings):
        archive.add_frame(crop.number, crop.jpeg)
        rows.append(_track_row(crop))
    if rows:
        archive.add_track(rows)
    n_seen = sum(row["interpolated"] == 0 for row in rows)
    if rows:
        status, reason = ("partial", video.damage) if video.damage else ("ok", "")
    else:
        status, reason = "failed", "no face found" if n_asked else "no frame could be decoded"
        reason = f"{reason} ({video.damage})" if video.damage else reason
    return {
        "fps": round(video.fps, 3),
        "n_source_frames": video.n_frames,
        "n_frames": len(rows),
        "detection_rate": round(n_seen / n_asked, 4) if n_asked else 0.0,
        "status": status,
        "reason": reason,
    }


def crop_film(
    recording: Recording, settings: Settings, archive: ArchiveWriter, progress: Callable[[int], None]
) -> tuple[dict[str, object], Video]:
    """Crop the film of a file, or where it shows no face the next one in it; see `crop_video`.

    Returns:
        The part of the row, with a `note` where there is something to say, and the film, closed.

    Raises:
        UnreadableVideoError: The file cannot be used.
        InputError, OSError: See `crop_video`.
    """
    path, wanted = recording.path, recording.video_stream
    assert path is not None
    first = Video(path, wanted, recording.fps)
    candidates = films(first.survey, wanted)
    row: dict[str, object] = {}
    for place, film in enumerate(candidates):
        video = first if place == 0 else Video(path, film.index, recording.fps, first.survey)
        with video:
            found = crop_video(video, settings, archive, progress)
        if place == 0:
            row = found
        if found["n_frames"]:
            why = "no face in the others that come before it" if place else ""
            choice = told("video", film, [one for one in video.survey.films if not one.is_cover], why)
            notes = "; ".join(filter(None, [*video.notes, choice]))
            return found | ({"note": notes} if notes else {}), video
    others = ", ".join(str(film.index) for film in candidates[1:])
    if others:
        row["reason"] = f"{row['reason']}, nor in the file's other video streams ({others})"
    notes = "; ".join(first.notes)
    return row | ({"note": notes} if notes else {}), first


def _crop_by_eyes(frames: Iterator[Frame], settings: Settings) -> Iterator[Crop]:
    tracker = Tracker(FaceFinder(find_models(settings.model_path)), settings.max_gap_s)
    sequence = Sequence(settings.crop_size, settings.max_gap_s, lambda crop: _encode(crop, settings))
    for frame in frames:
        yield from sequence.add(frame, tracker.follow(frame.picture, frame.time_s))
    yield from sequence.end(tracker.counts_at_end)


def _crop_by_box(frames: Iterator[Frame], settings: Settings) -> Iterator[Crop]:
    """The predecessor's way. Differs: where it finds no face it has no crop, not the picture's centre."""
    detector = load_detector(find_models(settings.model_path).full_range, BOX_MIN_SCORE)
    for frame in frames:
        faces = detector.find(frame.picture)
        if faces:
            jpeg = _encode(cut_box(frame.picture, faces[0].box, settings.crop_size), settings)
            yield Crop(frame.number, frame.time_s, faces[0], False, jpeg)


def _crop_centre(frames: Iterator[Frame], settings: Settings) -> Iterator[Crop]:
    for frame in frames:
        crop = cut(frame.picture, place_centre(frame.picture), settings.crop_size)
        yield Crop(frame.number, frame.time_s, None, False, _encode(crop, settings))


_CROPPERS = {"eyes": _crop_by_eyes, "box": _crop_by_box, "none": _crop_centre}


def _encode(crop: Picture, settings: Settings) -> bytes:
    options = [cv2.IMWRITE_JPEG_QUALITY, settings.jpeg_quality]
    done, jpeg = cv2.imencode(".jpg", cv2.cvtColor(crop, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise RuntimeError("OpenCV could not encode a crop as JPEG")
    return jpeg.tobytes()


def _track_row(crop: Crop) -> dict[str, object]:
    """Values of a row of `track.csv`; what is unknown is left out."""
    row: dict[str, object] = {"frame": crop.number, "time_s": f"{crop.time_s:.6f}"}
    row["interpolated"] = int(crop.interpolated)
    if crop.face is None:
        return row
    if not crop.interpolated:
        row["score"] = f"{crop.face.score:.4f}"
    coordinates = [*crop.face.box, *(part for point in crop.face.points for part in (point.real, point.imag))]
    row.update(zip(_COORDINATES, [f"{value:.2f}" for value in coordinates], strict=True))
    return row
