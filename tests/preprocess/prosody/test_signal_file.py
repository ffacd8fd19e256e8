"""The prosody signal's description."""

import json
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from preprocess.prosody import signal_file
from preprocess.prosody.columns import COLUMNS
from stan_boundary.errors import InputError


def test_without_its_libraries_the_way_out_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(signal_file, "version", missing)
    with pytest.raises(InputError, match=r"prosody needs swift-f0: pip install 'stan-lightning\[audio\]'"):
        signal_file.prepare_signals(tmp_path)
    assert not list(tmp_path.iterdir())


def test_signals_of_another_version_of_the_networks_are_measured_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal_file, "version", lambda name: "1.0")
    assert not signal_file.prepare_signals(tmp_path)
    folder = signal_file.signal_of(tmp_path).folder
    said = json.loads((folder / "signal.json").read_text())
    assert said["columns"] == COLUMNS and said["models"] == {"swift-f0": "1.0", "silero-vad": "1.0"}
    (folder / "a.csv").write_text("time_s\n0\n")
    assert not signal_file.prepare_signals(tmp_path) and (folder / "a.csv").exists()
    monkeypatch.setattr(signal_file, "version", lambda name: "1.1")
    assert signal_file.prepare_signals(tmp_path) and not (folder / "a.csv").exists()
