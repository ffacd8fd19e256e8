"""A package that is missing, does not load or is too old is named, with the line that mends it."""

import importlib.metadata
from pathlib import Path

import pytest

from stan_lightning.machine import libraries
from stan_lightning.machine.fact import BAD


def test_what_does_not_load_is_told_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error, and an end of the process, in a process of its own."""
    for name, text in (
        ("broken_one", "raise ImportError('libav.so.7: cannot open shared object file')"),
        ("killer", "import os; os.abort()"),
        ("fine", ""),
    ):
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = libraries.loading(["fine", "broken_one", "nowhere"])
    assert found == {
        "broken_one": "libav.so.7: cannot open shared object file",
        "nowhere": "No module named 'nowhere'",
    }
    assert libraries.loading(["fine", "killer"]) == {"killer": "it ends the process (signal 6)"}
    assert libraries.loading([]) == {}


def test_what_is_missing_or_too_old_is_installed_by_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.metadata.version

    def version(name: str) -> str:
        if name == "av":
            raise importlib.metadata.PackageNotFoundError(name)
        return "1.9" if name == "numpy" else real(name)

    monkeypatch.setattr(libraries, "version", version)
    monkeypatch.setattr(libraries, "loading", lambda modules: dict.fromkeys({"cv2"} & {*modules}, "no libGL"))
    bad = [fact for fact in libraries.facts() if fact.mark == BAD]
    assert [fact.said for fact in bad] == [
        "not installed: av",
        "numpy 1.9, where >=2 is asked for",
        "opencv-python is installed and does not load: no libGL",
    ]
    assert bad[0].mend.endswith(" -m pip install 'av>=17'")
    assert bad[1].mend.endswith(" -m pip install --upgrade 'numpy>=2'")
    assert bad[2].mend.endswith(" -m pip install --force-reinstall opencv-python")


def test_libraries_of_the_system_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "SYSTEM", {"libnowhere.so.9": "libnowhere9"})
    monkeypatch.setattr(libraries, "loading", lambda modules: {})
    last = list(libraries.facts())[-1]
    assert last.mark == BAD and "libnowhere.so.9" in last.said and last.mend == "apt-get install libnowhere9"


def test_names_are_a_wheel_s_or_a_checkout_s(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(libraries, "requires", lambda _: ["huggingface-hub>=1.0", "ai_edge_litert", "PyYAML"])
    monkeypatch.setattr(libraries, "loading", lambda modules: asked.extend(modules) or {})
    assert not [fact for fact in libraries.facts() if fact.mark == BAD]
    assert {"huggingface_hub", "ai_edge_litert", "yaml"} <= set(asked)
