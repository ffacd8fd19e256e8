"""Next commands begin with the interpreter that was typed."""

import sys

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
