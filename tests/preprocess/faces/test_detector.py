import subprocess
import sys

import numpy as np
import pytest

from preprocess.faces.detector import LEFT_EYE, MOUTH, NOSE, RIGHT_EYE, load_detector
from preprocess.faces.model_file import find_models
from stan_boundary.errors import InputError


@pytest.fixture(scope="module")
def models():
    return find_models(None)


@pytest.mark.parametrize("which", ["short_range", "full_range"])
def test_a_drawn_face_is_found_with_its_points_in_pixels(models, film_face, which):
    picture = film_face(1, 320, 240, seed=3)[0]
    faces = load_detector(getattr(models, which), 0.5).find(picture)
    assert len(faces) == 1
    points = faces[0].points
    x, y, width, height = faces[0].box
    assert points[RIGHT_EYE].real < points[NOSE].real < points[LEFT_EYE].real  # the person's right
    assert points[RIGHT_EYE].imag < points[NOSE].imag < points[MOUTH].imag
    assert all(x <= p.real <= x + width and y <= p.imag <= y + height for p in points[:4])
    assert 0.5 <= faces[0].score <= 1


def test_it_is_stateless(models, film_face):
    detector = load_detector(models.short_range, 0.5)
    one, other = film_face(1, seed=1)[0], film_face(1, seed=2)[0]
    first = detector.find(one)
    detector.find(other)
    assert detector.find(one) == first


def test_nothing_where_nothing_is(models):
    assert load_detector(models.full_range, 0.5).find(np.zeros((100, 100, 3), np.uint8)) == []


def test_a_file_that_is_no_model_is_named_in_one_line(tmp_path):
    (tmp_path / "model.tflite").write_bytes(b"no model")
    with pytest.raises(InputError, match=r"model\.tflite") as error:
        load_detector(tmp_path / "model.tflite", 0.5)
    assert "\n" not in str(error.value)


def test_loading_and_ending_print_nothing(models):
    code = (
        "import numpy, pathlib\nfrom preprocess.faces.detector import load_detector\n"
        f"load_detector(pathlib.Path({str(models.short_range)!r}), 0.5).find(numpy.zeros((9, 9, 3), 'u1'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
