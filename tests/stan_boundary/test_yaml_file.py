"""YAML of others neither grows nor recurses."""

from pathlib import Path

import pytest

from stan_boundary.errors import InputError
from stan_boundary.yaml_file import parse_yaml, read_yaml

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
    for old, new in zip("abcdefghi", "bcdefghij", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "aliases"),
        ("a: " + "[" * 90_000, "too deep"),
        ("a: " + "{a: " * 60_000, "too deep"),
        ("a: [" + "1," * 60_000 + "]", "too many entries"),
        ("a: 1\na: 2\n", "duplicate"),
        ("- 1\n", "no configuration"),
        ("1: 2\n", "text for keys"),
        ("a: !!python/object/apply:os.system ['true']\n", "cannot|could not|is not YAML"),
        ("a: b: c\n", "is not YAML"),
        ("a: \x00\n", "is not YAML"),
    ],
    ids=lambda value: value[:12],
)
def test_what_cannot_be_used_is_named(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as refusal:
        parse_yaml(text, "their.yaml")
    assert str(refusal.value).startswith("their.yaml") and "\n" not in str(refusal.value)


def test_numbers_are_hydra_s_and_references_stay(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("rate: 1e-3\nrange: ${data.range}\nnested: {a: [1, null]}\n")
    assert read_yaml(file) == {"rate": 1e-3, "range": "${data.range}", "nested": {"a": [1, None]}}


def test_large_files_and_other_encodings_are_refused(tmp_path: Path) -> None:
    (tmp_path / "large.yaml").write_text("# " + "x" * 300_000)
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9\n")
    for name in ("large.yaml", "latin.yaml", "none.yaml"):
        with pytest.raises(InputError, match=name):
            read_yaml(tmp_path / name)
