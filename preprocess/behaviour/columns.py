"""The numbers of the behaviour signal: names, units and definitions.

Sides are the person's own. The frame of the face: across from the outer corner of the right eye to that of
the left one, down from the middle between the eyes to the base of the nose; its unit, 1 eye distance, lies
between the middles of the eyes. Lengths in it stay when the head turns, tilts or comes nearer.

=========================  ============  ===============================================================
from the face mesh alone
head_yaw                   deg           the axis from the middle of the face's oval to the nose, turned
                                         to the person's left
head_pitch                 deg           that axis bowed; a face's own zero is unknown, those who look
                                         straight have about -10 to 3
eye_open_right, _left      eye width     gap between the lids, mean of three places, over the eye's width
eye_asymmetry              eye width     left less right
brow_inner_right, _left    eye distance  height of the brow's inner third over the middle between the eyes
brow_outer_right, _left    eye distance  the same of its outer third
brow_asymmetry             eye distance  left less right, mean of inner and outer
brow_gap                   eye distance  between the inner ends of the brows
mouth_width                eye distance  between the corners
mouth_open                 eye distance  gap between the lips, mean of three places
lips_height                eye distance  from the upper lip's upper edge to the lower lip's lower one
mouth_corner_right, _left  eye distance  height of the corner over the middle between the lips: a smile's
                                         is positive
mouth_asymmetry            eye distance  left less right
chin_distance              eye distance  from the base of the nose to the chin, which the jaw lowers

from `track.csv`, where the face was detected and not interpolated
head_roll                  deg           tilt of the line of the eyes in the picture, to the left shoulder
head_x, head_y             eye distance  the middle between the eyes, to the right in the picture or down
                                         of its median in the recording, in the median distance there
head_scale                 1             distance of the eyes in the picture over its median: 1 is usual,
                                         more is nearer

speeds: what changed since the kept frame before, without sign, over the seconds between them; none at the
first frame, behind a gap or beside a missing value
head_yaw_speed             deg/s
head_pitch_speed           deg/s
head_roll_speed            deg/s
head_speed                 eye dist./s   of head_x and head_y together
head_scale_speed           1/s
eye_open_speed             eye width/s   of the mean of both eyes
brow_speed                 eye dist./s   of the mean height of both brows
mouth_width_speed          eye dist./s
mouth_open_speed           eye dist./s
mouth_corner_speed         eye dist./s   of the mean height of both corners
=========================  ============  ===============================================================
"""

_EYES, _WIDTH = "eye distance", "eye width"

FROM_MESH = {
    "head_yaw": "deg",
    "head_pitch": "deg",
    "eye_open_right": _WIDTH,
    "eye_open_left": _WIDTH,
    "eye_asymmetry": _WIDTH,
    "brow_inner_right": _EYES,
    "brow_inner_left": _EYES,
    "brow_outer_right": _EYES,
    "brow_outer_left": _EYES,
    "brow_asymmetry": _EYES,
    "brow_gap": _EYES,
    "mouth_width": _EYES,
    "mouth_open": _EYES,
    "lips_height": _EYES,
    "mouth_corner_right": _EYES,
    "mouth_corner_left": _EYES,
    "mouth_asymmetry": _EYES,
    "chin_distance": _EYES,
}
"""Columns with their units, in the order of the file."""

FROM_TRACK = {"head_roll": "deg", "head_x": _EYES, "head_y": _EYES, "head_scale": "1"}

SPEEDS: dict[str, tuple[str, list[tuple[str, ...]]]] = {
    "head_yaw_speed": ("deg/s", [("head_yaw",)]),
    "head_pitch_speed": ("deg/s", [("head_pitch",)]),
    "head_roll_speed": ("deg/s", [("head_roll",)]),
    "head_speed": (f"{_EYES}/s", [("head_x",), ("head_y",)]),
    "head_scale_speed": ("1/s", [("head_scale",)]),
    "eye_open_speed": (f"{_WIDTH}/s", [("eye_open_right", "eye_open_left")]),
    "brow_speed": (
        f"{_EYES}/s",
        [("brow_inner_right", "brow_inner_left", "brow_outer_right", "brow_outer_left")],
    ),
    "mouth_width_speed": (f"{_EYES}/s", [("mouth_width",)]),
    "mouth_open_speed": (f"{_EYES}/s", [("mouth_open",)]),
    "mouth_corner_speed": (f"{_EYES}/s", [("mouth_corner_right", "mouth_corner_left")]),
}
"""Unit of each speed, and of what it is the speed: parts, each the mean of some columns."""

ALL = {**FROM_MESH, **FROM_TRACK, **{name: unit for name, (unit, _) in SPEEDS.items()}}
