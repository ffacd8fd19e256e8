import importlib.util

import numpy as np
import pytest

from preprocess.behaviour.mesh import N_POINTS, FaceMesh, check_library, load_mesh
from preprocess.faces.alignment import cut, place_by_eyes
from preprocess.faces.detector import load_detector
from preprocess.faces.model_file import find_mesh, find_models
from stan_boundary.errors import InputError


def test_a_drawn_face_is_found_where_it_is_and_a_wall_is_none(film_face) -> None:
    mesh, (picture,) = load_mesh(find_mesh(None)), film_face(1)
    (face,) = load_detector(find_models(None).short_range, 0.5).find(picture)
    crop = cut(picture, place_by_eyes(face.points), 112)
    points = mesh.find(crop)
    assert points is not None and points.shape == (N_POINTS, 3)
    # In the view of 192 px, the crop's 1 side is 1 / 1.25 of it, about its middle.
    for corners, place in (((33, 133), 0.34 + 0.40j), ((362, 263), 0.66 + 0.40j)):
        x, y, _ = points[list(corners)].mean(0) / 192
        assert abs(complex(x, y) - ((place - 0.5 - 0.5j) / 1.25 + 0.5 + 0.5j)) < 0.02
    random = np.random.default_rng(0)
    for nothing in (np.zeros((112, 112, 3), np.uint8), random.integers(0, 255, (112, 112, 3), np.uint8)):
        assert mesh.find(nothing) is None


def test_a_crop_of_another_size_is_seen_alike(film_face) -> None:
    mesh, (picture,) = load_mesh(find_mesh(None)), film_face(1, 640, 480)
    (face,) = load_detector(find_models(None).short_range, 0.5).find(picture)
    small, large = (mesh.find(cut(picture, place_by_eyes(face.points), size)) for size in (112, 250))
    assert small is not None and large is not None
    assert np.abs(small - large)[:, :2].mean() < 1.0


def test_what_is_no_mesh_is_named_in_one_line(tmp_path) -> None:
    (tmp_path / "bad.tflite").write_bytes(b"no model")
    for path in (tmp_path / "bad.tflite", find_models(None).short_range):
        with pytest.raises(InputError, match=path.name) as error:
            FaceMesh(path)
        assert "\n" not in str(error.value)


def test_without_litert_one_line_says_how_to_go_on(monkeypatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install ai-edge-litert.*behaviour=false") as error:
        check_library()
    assert "\n" not in str(error.value)
