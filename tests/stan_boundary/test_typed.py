"""Next commands begin with the program or interpreter that was typed."""

import sys
from pathlib import Path

import pytest

from stan_boundary.typed import typed, typed_python


@pytest.mark.parametrize(
    ("first", "said"),
    [
        (".venv/bin/python", ".venv/bin/python"),
        ("python3.12", "python3.12"),
        ("/my tools/python", "'/my tools/python'"),
    ],
)
def test_the_interpreter_is_as_it_was_typed(monkeypatch: pytest.MonkeyPatch, first: str, said: str) -> None:
    monkeypatch.setattr(sys, "orig_argv", [first, "-m", "stan_lightning.train"])
    assert typed_python() == said
    assert typed("python -m preprocess a=b") == f"{said} -m preprocess a=b"
    assert typed("make preprocess AVEC2014=<folder>") == "make preprocess AVEC2014=<folder>"


def test_so_is_the_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A shell finds it by PATH, or told where it lies; what is no command of it goes by the interpreter."""
    program = tmp_path / "stan-lightning"
    program.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    for given, said in (
        (str(program), "stan-lightning"),
        ("my venv/stan-lightning", "'my venv/stan-lightning'"),
    ):
        monkeypatch.setattr(sys, "orig_argv", ["/bin/python3", given, "train"])
        assert typed("python -m stan_lightning.evaluate a=b") == f"{said} evaluate a=b"
        assert typed("python -m preprocess") == f"{said} preprocess"
        assert typed("python -m preprocess.behaviour a=b") == "/bin/python3 -m preprocess.behaviour a=b"
        assert typed("make demo") == "make demo"
