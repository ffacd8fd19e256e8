"""One recording from video to a zip of crops."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2

from preprocess.alignment import cut, cut_box, place_by_eyes, place_centre
from preprocess.archive import TRACK_COLUMNS, ArchiveWriter
from preprocess.decode import Frame, UnreadableVideoError, Video
from preprocess.detector import Face, load_detector
from preprocess.model_file import find_models
from preprocess.recording import Recording
from preprocess.settings import Settings


def crop_recording(
    recording: Recording, settings: Settings, output: Path, progress: Callable[[int], None]
) -> dict[str, object]:
    """Decode, detect, align and write `<output>/<recording>.zip`, whole or not at all.

    A pure function of its inputs: the same video and settings give the same bytes.

    Args:
        recording: The video and what is known of it.
        settings: How to sample and align it.
        output: Folder of the zip.
        progress: Told how many source frames were decoded since it was last called.

    Returns:
        The row of `manifest.csv`. A video that cannot be used is no error: its row says `failed` and why,
        and its zip holds that row alone.

    Raises:
        InputError: The detector's models cannot be had or loaded.
        OSError: The zip cannot be written.
    """
    with ArchiveWriter(output / f"{recording.recording}.zip") as archive:
        row = _crop(recording, settings, archive, progress)
        archive.add_row(row, settings.as_dict())
    return row


def _crop(recording, settings, archive, progress):
    row = {
        "recording": recording.recording,
        "subject": recording.subject,
        "session": recording.session,
        "task": recording.task,
        "partition": recording.partition,
        "label": recording.label,
        "group": recording.group,
        "video": recording.video,
        "fps": "",
        "n_source_frames": 0,
        "frame_stride": settings.frame_stride,
        "n_frames": 0,
        "detection_rate": 0.0,
        "status": "failed",
        "reason": "",
    }
    try:
        video = Video(recording.path)
    except UnreadableVideoError as error:
        return {**row, "reason": str(error)}
    detector = None
    if settings.align != "none":
        models = find_models(settings.model_path)
        detector = load_detector(models.full_range if settings.align == "box" else models.short_range, 0.5)
    track = []
    asked = 0
    for frame in video.frames(settings.frame_stride, settings.sampling, progress):
        asked += 1
        if detector is None:
            crop = cut(frame.picture, place_centre(frame.picture), settings.crop_size)
            track.append({"frame": frame.number, "time_s": frame.time_s, "interpolated": 0})
        else:
            faces = detector.find(frame.picture)
            if not faces:
                continue
            face = faces[0]
            if settings.align == "box":
                crop = cut_box(frame.picture, face.box, settings.crop_size)
            else:
                crop = cut(frame.picture, place_by_eyes(face.points), settings.crop_size)
            values = [frame.number, frame.time_s, face.score, *face.box, *face.points.ravel(), 0]
            track.append(dict(zip(TRACK_COLUMNS, values)))
        ok, jpeg = cv2.imencode(".jpg", crop[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, settings.jpeg_quality])
        archive.add_frame(frame.number, jpeg.tobytes())
    row.update(
        fps=round(video.fps, 3),
        n_source_frames=video.n_frames,
        n_frames=len(track),
        detection_rate=round(len(track) / max(asked, 1), 4),
    )
    if not track:
        return {**row, "reason": "no face found" if asked else "no frame could be decoded"}
    archive.add_track(track)
    return {**row, "status": "partial" if video.damage else "ok", "reason": video.damage}
