"""MediaPipe's face detector (BlazeFace) as a function from a picture to faces in its pixels."""

import contextlib
import functools
import os
import sys
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from mediapipe.tasks.python import BaseOptions, vision
from mediapipe.tasks.python.vision.core.image import Image, ImageFormat

from stan_boundary.errors import InputError

Picture = npt.NDArray[np.uint8]

RIGHT_EYE, LEFT_EYE, NOSE, MOUTH, RIGHT_EAR, LEFT_EAR = range(6)  # the person's sides, not the viewer's


@dataclass(frozen=True)
class Face:
    """A detection.

    Coordinates are continuous pixels: a picture of W pixels spans 0 to W, the centre of its first is 0.5.

    Attributes:
        score: Confidence, 0 to 1.
        box: x, y, width, height.
        points: Right eye, left eye, nose tip, mouth centre, right and left ear, each as x + iy: to turn,
            scale and shift is then one multiplication and one addition.
    """

    score: float
    box: tuple[float, float, float, float]
    points: tuple[complex, ...]


class Detector:
    """One model, loaded once; stateless between pictures."""

    def __init__(self, model: Path, min_score: float) -> None:
        """Load `model`; faces below `min_score` are never reported.

        Raises:
            InputError: The file is no face detector, or a system library is missing.
        """
        options = vision.FaceDetectorOptions(
            base_options=BaseOptions(model_asset_buffer=model.read_bytes()),
            min_detection_confidence=min_score,
        )
        try:
            with _silent_stderr():
                self._detector = vision.FaceDetector.create_from_options(options)
                weakref.finalize(self, _close, self._detector)
                for size in (64, 128, 192, 333):  # its first runs print, too
                    self.find(np.zeros((size, size, 3), np.uint8))
        except OSError as error:
            raise InputError(
                f"MediaPipe cannot start ({error}): apt-get install libgl1 libegl1 libgles2"
            ) from error
        except (RuntimeError, ValueError) as error:
            first = str(error).partition("\n")[0]
            raise InputError(f"{model}: no face detection model that MediaPipe can load ({first})") from error

    def find(self, picture: Picture) -> list[Face]:
        """Faces in an RGB picture of shape (H, W, 3), in MediaPipe's order (by score)."""
        height, width = picture.shape[:2]
        image = Image(ImageFormat.SRGB, np.ascontiguousarray(picture))
        faces = []
        for found in self._detector.detect(image).detections:
            box = found.bounding_box
            faces.append(
                Face(
                    float(found.categories[0].score),
                    (box.origin_x, box.origin_y, box.width, box.height),
                    tuple(complex(point.x * width, point.y * height) for point in found.keypoints),
                )
            )
        return faces


@functools.lru_cache(maxsize=4)
def load_detector(model: Path, min_score: float) -> Detector:
    """The detector of `model`, kept for the life of the process: loading takes longer than a short video."""
    return Detector(model, min_score)


def _close(detector: vision.FaceDetector) -> None:
    try:
        detector.close()
    except RuntimeError:
        # At the interpreter's end the thread that closes it is gone: forgotten, its destructor is quiet.
        detector._handle = None


@contextlib.contextmanager
def _silent_stderr() -> Iterator[None]:
    # The model's runtime writes dozens of lines straight to file descriptor 2 while it loads, and no
    # logging setting of it reaches them all.
    sys.stderr.flush()
    kept = os.dup(2)
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(sink)
