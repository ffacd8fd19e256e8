"""What must not be handed on is found wherever it stands in a folder, and the project's own words are not."""

import struct
from pathlib import Path

import pytest

from stan_boundary.errors import InputError
from stan_lightning.sharing.corpus import Corpus
from stan_lightning.sharing.scan import scan, words

LABELS = (10.0, 3.0, 45.0, 7.0, 7.0, 22.0)
CORPUS = Corpus(
    "",
    frozenset(("203", "203_1_Freeform", "Anna K.", "mo", "müller", "face")),
    LABELS,
    frozenset(("/home/anna", "/data/depression study")),
)
HEADER = b'{"network.head.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a folder holds whose words happen to be near those of a corpus."""
    (tmp_path / "config.json").write_text('{"modalities": ["face"], "size": 203, "mode": "model"}')
    (tmp_path / "README.md").write_text("# A card\n203 recordings, 10, 3 and 45 points; mothers\n")
    (tmp_path / "model.safetensors").write_bytes(len(HEADER).to_bytes(8, "little") + HEADER + bytes(4000))
    return tmp_path


def test_a_folder_with_nothing_in_it_passes(folder: Path) -> None:
    scan(folder, CORPUS, ["face"])


@pytest.mark.parametrize(
    ("name", "added", "said"),
    [
        ("config.json", b'{"x": "203"}', "the name 203"),
        ("config.json", b'{"x": "203_1_Freeform"}', "the name 203_1_Freeform"),
        ("README.md", "of Müller and müller".encode(), "the name müller"),
        ("README.md", b"told by Anna K.", "the name Anna K."),
        ("README.md", b'of "mo"', "the name mo"),
        ("README.md", b"from /home/anna/crops", "the path /home/anna"),
        ("README.md", b"10, 3, 45, 7", "labels of training sessions"),
        ("config.json", b"[3.0,\n 45.0,\n 7.0,\n 7.0]", "labels of training sessions"),
        ("README.md", b"![me](data:image/png;base64,xx)", "a picture in a text"),
        ("model.safetensors", b"203_1_Freeform", "the name 203_1_Freeform"),
        ("model.safetensors", b"/data/depression study/x", "the path /data/depression study"),
        ("model.safetensors", struct.pack("<4f", *LABELS[1:5]), "labels of training sessions"),
        ("model.safetensors", struct.pack("<4d", *LABELS[:4]), "labels of training sessions"),
        ("model.safetensors", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "a JPEG"),
        ("model.onnx", b"\x0a\x0e203_1_Freeform", "the name 203_1_Freeform"),
        ("model.onnx", b"\x89PNG\r\n\x1a\n", "a PNG"),
    ],
)
def test_what_must_not_be_there_is_named(folder: Path, name: str, added: bytes, said: str) -> None:
    with (folder / name).open("ab") as file:
        file.write(added)
    with pytest.raises(InputError) as error:
        scan(folder, CORPUS, ["face"])
    assert str(error.value).startswith(f"{name} would hold {said}, which")


def test_a_name_in_the_header_of_the_weights(folder: Path) -> None:
    header = HEADER.replace(b"head", b"mo").replace(b'"dtype"', b'"mo":1,"dtype"')
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(InputError, match="the name mo"):
        scan(folder, CORPUS, ["face"])


def test_files_that_do_not_belong_there(folder: Path) -> None:
    (folder / "notes.txt").write_text("x")
    with pytest.raises(InputError, match=r"notes\.txt is no file of a model folder"):
        scan(folder, CORPUS)
    (folder / "notes.txt").unlink()
    (folder / "model.onnx").symlink_to("/etc/hostname")
    with pytest.raises(InputError, match=r"model\.onnx is no file"):
        scan(folder, CORPUS)


def test_the_projects_own_words() -> None:
    config = {"network": {"_target_": "stan_lightning.network.Single", "layers": [{"width": "x"}]}}
    assert {"network", "Single", "width", "layers"} <= set(words(config)) and "x" not in set(words(config))
