import numpy as np
import pytest

from preprocess.behaviour import geometry as g
from preprocess.behaviour.columns import FROM_MESH

ROUND = np.linspace(0, 2 * np.pi, len(g.OVAL), endpoint=False)


def face() -> g.Points:
    """A hand-made mesh, (1, 468, 3), symmetric about x = 0; its eyes are 60 apart."""
    points = np.random.default_rng(0).normal(size=(468, 3))
    points[list(g.OVAL)] = np.stack([70 * np.sin(ROUND), -80 * np.cos(ROUND), 0 * ROUND], 1)
    points[list(g.NOSE)] = (0, 0, -40)
    for side, eye, lids in ((-1, g.RIGHT_EYE, g.RIGHT_LIDS), (1, g.LEFT_EYE, g.LEFT_LIDS)):
        points[list(eye)] = [(side * 42, -20, 0), (side * 18, -20, 0)]
        for place, (upper, lower) in enumerate(lids):
            points[upper], points[lower] = (
                (side * (24 + 6 * place), -23, 0),
                (side * (24 + 6 * place), -17, 0),
            )
    for side, inner, outer in (
        (-1, g.RIGHT_BROW_INNER, g.RIGHT_BROW_OUTER),
        (1, g.LEFT_BROW_INNER, g.LEFT_BROW_OUTER),
    ):
        points[list(inner)], points[list(outer)] = (side * 15, -38, 0), (side * 40, -35, 0)
    points[g.NOSE_BASE] = (0, 20, 0)  # the chin is the oval's lowest point
    points[list(g.CORNERS)] = [(-24, 27, 0), (24, 27, 0)]
    for upper, lower in g.LIPS:
        points[upper], points[lower] = (0, 29, 0), (0, 31, 0)
    points[list(g.LIPS_OUTSIDE)] = [(0, 24, 0), (0, 38, 0)]
    return points[None]


def turned(points: g.Points, yaw: float, pitch: float, roll: float) -> g.Points:
    """First bowed, then turned to the person's left, then tilted towards the left shoulder; degrees."""
    a, b, c = np.radians([yaw, pitch, roll])
    bow = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    turn = np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
    tilt = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return points @ (tilt @ turn @ bow).T


def one(points: g.Points) -> dict[str, float]:
    return {name: float(value[0]) for name, value in g.measure(points).items()}


def test_the_numbers_of_a_hand_made_face() -> None:
    found = one(face())
    assert list(found) == list(FROM_MESH)
    assert found == pytest.approx(
        {
            "head_yaw": 0,
            "head_pitch": 0,
            "eye_open_right": 6 / 24,
            "eye_open_left": 6 / 24,
            "eye_asymmetry": 0,
            "brow_inner_right": 18 / 60,
            "brow_inner_left": 18 / 60,
            "brow_outer_right": 15 / 60,
            "brow_outer_left": 15 / 60,
            "brow_asymmetry": 0,
            "brow_gap": 30 / 60,
            "mouth_width": 48 / 60,
            "mouth_open": 2 / 60,
            "lips_height": 14 / 60,
            "mouth_corner_right": 3 / 60,
            "mouth_corner_left": 3 / 60,
            "mouth_asymmetry": 0,
            "chin_distance": 1,
        },
        abs=1e-9,
    )


@pytest.mark.parametrize("angles", [(20, 0, 0), (0, 15, 0), (0, 0, 30), (-25, 10, -12), (35, -20, 8)])
def test_a_turned_face_gives_its_angles_back_and_changes_no_length(angles: tuple[int, int, int]) -> None:
    still, found = one(face()), one(turned(face(), *angles))
    assert (found.pop("head_yaw"), found.pop("head_pitch")) == pytest.approx(angles[:2])
    assert found == pytest.approx({name: still[name] for name in found})


def test_a_face_nearer_and_elsewhere_is_the_same() -> None:
    posed = turned(face(), 10, 5, 3)
    assert one(posed * 3.7 + (40, -300, 12)) == pytest.approx(one(posed))


def test_a_mirrored_face_swaps_its_sides() -> None:
    points = face()
    points[0, [upper for upper, _ in g.LEFT_LIDS], 1] -= 4
    points[0, list(g.RIGHT_BROW_INNER), 1] -= 5
    points[0, g.CORNERS[0], 1] -= 6
    points = turned(points, 12, 0, 0)
    swapped = points.copy()
    for right, left in [
        (g.RIGHT_EYE, g.LEFT_EYE),
        (np.ravel(g.RIGHT_LIDS), np.ravel(g.LEFT_LIDS)),
        (g.RIGHT_BROW_INNER, g.LEFT_BROW_INNER),
        (g.RIGHT_BROW_OUTER, g.LEFT_BROW_OUTER),
        (g.CORNERS[:1], g.CORNERS[1:]),
    ]:
        swapped[:, list(left)], swapped[:, list(right)] = points[:, list(right)], points[:, list(left)]
    found, other = one(points), one(swapped * (-1, 1, 1))
    for name in ("eye_open", "brow_inner", "brow_outer", "mouth_corner"):
        assert found[f"{name}_right"] == pytest.approx(other[f"{name}_left"])
        assert found[f"{name}_left"] == pytest.approx(other[f"{name}_right"])
    for name in ("head_yaw", "eye_asymmetry", "brow_asymmetry", "mouth_asymmetry"):
        assert abs(found[name]) > 0.01 and found[name] == pytest.approx(-other[name])


MOVES = {  # points, how they move, the number and by how much
    "right lids": ([upper for upper, _ in g.RIGHT_LIDS], (0, -6, 0), "eye_open_right", 6 / 24),
    "left lids": ([upper for upper, _ in g.LEFT_LIDS], (0, 6, 0), "eye_open_left", -6 / 24),
    "inner brow": (g.RIGHT_BROW_INNER, (0, -12, 0), "brow_inner_right", 12 / 60),
    "outer brow": (g.LEFT_BROW_OUTER, (0, 6, 0), "brow_outer_left", -6 / 60),
    "corner": (g.CORNERS[1:], (0, -9, 0), "mouth_corner_left", 9 / 60),
    "chin": ([g.CHIN], (0, 12, 0), "chin_distance", 12 / 60),
    "lower lip": ([lower for _, lower in g.LIPS], (0, 6, 0), "mouth_open", 6 / 60),
}


@pytest.mark.parametrize("move", MOVES)
def test_each_movement_shows_in_its_number(move: str) -> None:
    which, by, name, change = MOVES[move]
    points = face()
    points[0, list(which)] += by
    moved, still = one(points), one(face())
    assert moved[name] - still[name] == pytest.approx(change)


def test_no_face_is_no_number() -> None:
    points = np.concatenate([face(), np.full((1, 468, 3), np.nan)])
    for value in g.measure(points).values():
        assert np.isfinite(value[0]) and np.isnan(value[1])
