import pytest

from preprocess.behaviour.listing import read_listing
from stan_boundary.errors import InputError
from stan_lightning.data.manifest import read_manifest


@pytest.fixture
def images(tmp_path):
    """`images(folder, *names)`: empty files that are called so."""

    def make(folder, *names):
        (tmp_path / folder).mkdir(parents=True)
        for name in names:
            (tmp_path / folder / name).touch()

    return make


def listing(folder, *lines):
    (folder / "manifest.csv").write_text("\n".join(lines))
    return read_listing(folder)


def test_recordings_are_called_as_training_calls_them(tmp_path, images) -> None:
    for folder in ("a/v1", "b/v1", "b/v2", "c"):
        images(folder, "1.jpg", "2.jpg")
    lines = ["video,subject,recording", "a/v1,1,", "b/v1,2,", "b/v2,3,", "c,4,own name"]
    found = listing(tmp_path, *lines)
    assert (found.root, found.ours) == (tmp_path, False)
    assert [one.recording for one in found.listed] == ["a__v1", "b__v1", "v2", "own name"]
    assert [one.recording for one in found.listed] == read_manifest(tmp_path).recording.tolist()


def test_images_are_in_the_order_of_their_numbers(tmp_path, images) -> None:
    images("v", "frame_det_00_000010.bmp", "frame_det_00_000009.bmp", "notes.txt", "0100.PNG")
    (one,) = listing(tmp_path, "video,subject", "v,1").listed
    assert [frame for frame, _ in one.images] == [9, 10, 100] and one.n_crops == 3


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["subject", "1"], "no column video"),
        (["video,subject"], "lists no crops"),
        (["video,subject", "gone,1"], "gone: no such folder"),
        (["video,subject", "empty,1"], "empty: no numbered images"),
        (["video,subject", "twice,1"], "twice: frame 1 is there twice"),
        (["video,subject,recording", "v,1,a", "w,1,a"], "recording a is listed twice"),
        (["recording,video,status,n_frames", "a,a.mp4,ok,3"], "a.zip: not there"),
    ],
)
def test_a_list_that_cannot_be_used_is_one_line(lines, words, tmp_path, images) -> None:
    images("empty", "notes.txt")
    images("twice", "1.jpg", "01.jpg")
    images("v", "1.jpg")
    images("w", "1.jpg")
    with pytest.raises(InputError, match=words) as error:
        listing(tmp_path, *lines)
    assert "\n" not in str(error.value)


def test_no_manifest_is_one_line(tmp_path) -> None:
    with pytest.raises(InputError, match=r"manifest\.csv"):
        read_listing(tmp_path)
