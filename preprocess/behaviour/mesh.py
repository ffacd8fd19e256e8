"""MediaPipe's face mesh as a function from a crop to the points of the face in it."""

import functools
import importlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from preprocess.faces.alignment import cut, place_centre
from preprocess.faces.detector import Picture
from stan_boundary.errors import InputError

Mesh = npt.NDArray[np.float32]

VIEW_SIZE = 192  # pixels, the model's own
# Side of the model's view in sides of the crop, whose border's pixels are repeated. On the crop alone, which
# ends at the chin, lips are read wrongly; with this rim all is read as well as on a view of the video of 1.2
# sides (benchmarks/behaviour.py), and so no video is needed.
VIEW_WIDENING = 1.25
N_POINTS = 468
LIBRARY = "ai_edge_litert"
# Logit of the model's presence above which there is a face (probability 0.5). Faces of real films come to 3
# and more, walls, landscapes and noise to -7 and less.
LEAST_PRESENCE = 0.0


class FaceMesh:
    """The model, loaded once, on one thread: recordings are the unit of parallel work."""

    def __init__(self, model: Path) -> None:
        """Load `model`.

        Raises:
            InputError: The file is no face mesh, or LiteRT is not there or cannot start.
        """
        check_library()
        try:
            interpreter = importlib.import_module(f"{LIBRARY}.interpreter").Interpreter
        except (ImportError, OSError) as error:
            raise InputError(f"LiteRT cannot start ({error}): mend it, or behaviour=false") from error
        try:
            self._model: Any = interpreter(model_path=str(model), num_threads=1)
            self._model.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            first = str(error).partition("\n")[0]
            raise InputError(f"{model}: no face mesh that LiteRT can load ({first})") from error
        takes = [(one["index"], one["shape"].tolist()) for one in self._model.get_input_details()]
        gives = [(one["index"], int(one["shape"].prod())) for one in self._model.get_output_details()]
        shapes = [shape for _, shape in takes], [size for _, size in gives]
        if shapes != ([[1, VIEW_SIZE, VIEW_SIZE, 3]], [3 * N_POINTS, 1]):
            raise InputError(f"{model}: not MediaPipe's face mesh of {N_POINTS} points")
        self._input, (self._points, self._presence) = takes[0][0], (index for index, _ in gives)

    def find(self, crop: Picture) -> Mesh | None:
        """The points of the face in a crop, None where the model sees none.

        Args:
            crop: RGB, (H, W, 3); of one that is not square, its middle.

        Returns:
            (468, 3) in pixels of the model's view: x to the right, y down, z into the picture.
        """
        view = cut(crop, place_centre(crop).widened(VIEW_WIDENING), VIEW_SIZE)
        mesh, presence = self.look(view)
        return mesh if presence > LEAST_PRESENCE else None

    def look(self, view: Picture) -> tuple[Mesh, float]:
        """The points, as `find`, and the logit of a face being there; a view is RGB, (192, 192, 3)."""
        self._model.set_tensor(self._input, view[None].astype(np.float32) / 255)
        self._model.invoke()
        mesh: Mesh = self._model.get_tensor(self._points).reshape(N_POINTS, 3)
        return mesh, self._model.get_tensor(self._presence).item()


@functools.lru_cache(maxsize=1)
def load_mesh(model: Path) -> FaceMesh:
    """The mesh of `model`, kept for the life of the process."""
    return FaceMesh(model)


def check_library() -> None:
    """Say in one line that LiteRT is not there, and what to do.

    Raises:
        InputError: It is not installed.
    """
    if importlib.util.find_spec(LIBRARY) is None:
        raise InputError(
            "behaviour needs LiteRT, which is not here: pip install ai-edge-litert; where there is no wheel "
            "of it for this machine or Python, go on without the signal: behaviour=false"
        )
