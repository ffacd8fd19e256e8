"""From the points of a face mesh to the numbers that it gives alone; see `columns`."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
Values = npt.NDArray[np.float64]
Pairs = Sequence[tuple[int, int]]

# Points of MediaPipe's mesh by their numbers in its canonical model; right and left are the person's.
RIGHT_EYE, LEFT_EYE = (33, 133), (263, 362)  # outer and inner corner
RIGHT_LIDS = ((160, 144), (159, 145), (158, 153))  # upper and lower, at three places
LEFT_LIDS = ((387, 373), (386, 374), (385, 380))
RIGHT_BROW_INNER, RIGHT_BROW_OUTER = (107, 66, 55, 65), (70, 63, 46, 53)  # upper and lower edge
LEFT_BROW_INNER, LEFT_BROW_OUTER = (336, 296, 285, 295), (300, 293, 276, 283)
BROW_ENDS = (55, 285)
NOSE = (1, 4, 5, 195)  # its tip and the ridge above
NOSE_BASE, CHIN = 2, 152
CORNERS = (61, 291)  # of the mouth, right and left
LIPS = ((13, 14), (82, 87), (312, 317))  # inner edges at three places
LIPS_OUTSIDE = (0, 17)
OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)


def measure(points: Points) -> dict[str, Values]:
    """Measure faces.

    Args:
        points: Meshes, (T, 468, 3): x to the right, y down, z into the picture, in one unit that may be any;
            NaN where there is no face.

    Returns:
        `columns.FROM_MESH`, each (T,), NaN where the mesh is.
    """
    yaw, pitch = head_pose(points)
    face = in_own_frame(points)
    right_eye, left_eye = _opening(points, RIGHT_LIDS, RIGHT_EYE), _opening(points, LEFT_LIDS, LEFT_EYE)
    height = -face[..., 1]
    brows = [
        height[:, part].mean(1)
        for part in (RIGHT_BROW_INNER, LEFT_BROW_INNER, RIGHT_BROW_OUTER, LEFT_BROW_OUTER)
    ]
    corners = height[:, CORNERS] - height[:, LIPS[0]].mean(1, keepdims=True)
    return {
        "head_yaw": yaw,
        "head_pitch": pitch,
        "eye_open_right": right_eye,
        "eye_open_left": left_eye,
        "eye_asymmetry": left_eye - right_eye,
        "brow_inner_right": brows[0],
        "brow_inner_left": brows[1],
        "brow_outer_right": brows[2],
        "brow_outer_left": brows[3],
        "brow_asymmetry": (brows[1] + brows[3] - brows[0] - brows[2]) / 2,
        "brow_gap": _apart(face, [BROW_ENDS]),
        "mouth_width": _apart(face, [CORNERS]),
        "mouth_open": _apart(face, LIPS),
        "lips_height": _apart(face, [LIPS_OUTSIDE]),
        "mouth_corner_right": corners[:, 0],
        "mouth_corner_left": corners[:, 1],
        "mouth_asymmetry": corners[:, 1] - corners[:, 0],
        "chin_distance": _apart(face, [(NOSE_BASE, CHIN)]),
    }


def head_pose(points: Points) -> tuple[Values, Values]:
    """Yaw and pitch in degrees, (T,) each: first bowed about the line of the eyes, then turned.

    They are the direction of one axis, from the middle of the face's oval to the nose, after the line of the
    eyes was made level. Tried beside it on drawn people and on detections of real ones: a rigid fit of 30
    points (follows yaw as well and pitch less), and the axes eyes to mouth and forehead to nose (a smile
    bends them).
    """
    across = points[:, LEFT_EYE[0], :2] - points[:, RIGHT_EYE[0], :2]
    roll = np.arctan2(across[:, 1], across[:, 0])
    axis = points[:, NOSE].mean(1) - points[:, OVAL].mean(1)
    right = np.cos(roll) * axis[:, 0] + np.sin(roll) * axis[:, 1]
    down = np.cos(roll) * axis[:, 1] - np.sin(roll) * axis[:, 0]
    yaw = np.degrees(np.arctan2(right, -axis[:, 2]))
    return yaw, np.degrees(np.arctan2(down, np.hypot(right, axis[:, 2])))


def in_own_frame(points: Points) -> Points:
    """The points in the frame of their face (see `columns`), (T, 468, 3): left, down, inwards."""
    right, left = points[:, RIGHT_EYE].mean(1), points[:, LEFT_EYE].mean(1)
    middle = (right + left) / 2
    across = _unit(points[:, LEFT_EYE[0]] - points[:, RIGHT_EYE[0]])
    down = points[:, NOSE_BASE] - middle
    down = _unit(down - (down * across).sum(1, keepdims=True) * across)
    axes = np.stack([across, down, np.cross(across, down)], axis=2)
    distance = np.linalg.norm(left - right, axis=1)
    framed: Points = (points - middle[:, None]) @ axes / distance[:, None, None]
    return framed


def _unit(vectors: Points) -> Points:
    found: Points = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return found


def _apart(points: Points, pairs: Pairs) -> Values:
    """Mean distance of some pairs of points."""
    one, other = np.array(pairs).T
    found: Values = np.linalg.norm(points[:, one] - points[:, other], axis=2).mean(1)
    return found


def _opening(points: Points, lids: Pairs, corners: tuple[int, int]) -> Values:
    return _apart(points, lids) / _apart(points, [corners])
