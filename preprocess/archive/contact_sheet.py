"""A picture of a hundred crops of one recording, to look through with the eye."""

from pathlib import Path

import cv2
import numpy as np

from preprocess.archive.quality import Picture, read_crops, spread
from preprocess.archive.recording_zip import track_of
from stan_boundary.opening import open_zip

FOLDER = "contact_sheets"
_CROPS = 100
_COLUMNS = 10
_SIDE = 112  # pixels
_LABEL = 16  # pixels below each crop
_INK = (230, 230, 230)
_INTERPOLATED_INK = (0, 170, 255)  # orange, as BGR
_JPEG_QUALITY = 85


def contact_sheet(path: Path) -> bytes:
    """Draw up to a hundred crops of a recording's zip, evenly spread, with source frame and time.

    Labels of interpolated crops are orange, those of detected ones white.

    Returns:
        A JPEG; empty for a recording without crops.

    Raises:
        InputError: `path` is no recording's zip, or damaged.
    """
    with open_zip(path) as archive:
        track = {int(line["frame"]): line for line in track_of(archive, path)}
        crops = read_crops(archive, spread(list(track), _CROPS))
    if not crops:
        return b""
    rows = -(-len(crops) // _COLUMNS)
    sheet: Picture = np.zeros((rows * (_SIDE + _LABEL), min(len(crops), _COLUMNS) * _SIDE, 3), np.uint8)
    for index, (frame, crop) in enumerate(crops.items()):
        top, left = index // _COLUMNS * (_SIDE + _LABEL), index % _COLUMNS * _SIDE
        size = (_SIDE, _SIDE)
        sheet[top : top + _SIDE, left : left + _SIDE] = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)
        ink = _INTERPOLATED_INK if track[frame]["interpolated"] == "1" else _INK
        label = f"{frame}  {float(track[frame]['time_s']):.1f} s"
        place = (left + 3, top + _SIDE + _LABEL - 4)
        cv2.putText(sheet, label, place, cv2.FONT_HERSHEY_SIMPLEX, 0.38, ink, 1, cv2.LINE_AA)
    return bytes(cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1].tobytes())
