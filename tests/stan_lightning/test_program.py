"""The program `stan-lightning`: what there is, said at once, and each command as `python -m` runs it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from stan_boundary.typed import COMMANDS
from stan_lightning.__main__ import quick_help

SCRIPT = "import sys\nfrom stan_lightning.__main__ import main\nsys.exit(main())\n"
"""As pip writes a console script."""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    script = tmp_path / "bin" / "stan-lightning"
    script.parent.mkdir()
    script.write_text(f"#!{sys.executable}\n{SCRIPT}")
    script.chmod(0o755)
    return script


def run(program: Path, *arguments: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    path = {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        ["stan-lightning", *arguments],
        cwd=cwd or program.parent,
        env=os.environ | path,
        capture_output=True,
        text=True,
    )


HELP = """
import sys
from stan_lightning.__main__ import main
for name in sys.argv[1:]:
    sys.argv = ["stan-lightning", name, "--help"]
    print("help of", name)
    try:
        main()
    except SystemExit as end:
        assert not end.code, name
    slow = {"torch", "lightning", "mediapipe", "pandas", "cv2"} & sys.modules.keys()
    assert not slow, f"help of {name} loads {slow}"
"""


def test_it_lists_its_commands_and_helps_with_each_at_once(program: Path) -> None:
    """At once: no library that takes seconds to load is loaded."""
    done = run(program, "--help")
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert all(f"\n  {name} " in done.stdout for name in COMMANDS)
    (program.parent / "helps").write_text(f"#!{sys.executable}\n{HELP}")
    (program.parent / "helps").rename(program)
    program.chmod(0o755)
    done = run(program, *COMMANDS)
    assert done.returncode == 0 and not done.stderr, done.stderr
    said = re.split("^help of (.+)\n", done.stdout, flags=re.MULTILINE)[1:]
    assert said[::2] == list(COMMANDS)
    for name, words in zip(said[::2], said[1::2], strict=True):
        assert f"stan-lightning {name} " in words, words


def test_help_read_from_the_source_is_the_commands_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "orig_argv", [sys.executable])
    own = subprocess.run(
        [sys.executable, "-m", "preprocess", "--help"], capture_output=True, text=True, check=True
    )
    assert quick_help("preprocess", "preprocess").strip() == own.stdout.strip()
    assert quick_help("stan_lightning.report", "report") == ""  # which knows its own


def test_what_is_no_command_is_said_in_one_line(program: Path) -> None:
    done = run(program, "trian", "a=b")
    said = "error: there is no command trian; did you mean train? (stan-lightning --help lists all)\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)
    nothing = run(program)
    assert nothing.returncode == 2 and nothing.stderr.endswith("error: name a command\n")


def test_a_command_is_run_as_python_m_runs_it(program: Path, tmp_path: Path) -> None:
    """It names itself so, finds modules of one's own where it runs, and ends with the same exit code."""
    done = run(program, "preprocess")
    assert done.returncode == 2 and "`stan-lightning preprocess corpus=avec2014" in done.stderr
    (tmp_path / "mine.py").write_text("print('mine was imported')\nclass Small: ...\n")
    given = ["data=synthetic", f"data.root={tmp_path}", "model=own", f"hydra.run.dir={tmp_path / 'run'}"]
    given += ["model.network.encoder={_target_: mine.Small}"]
    (tmp_path / "manifest.csv").write_text("recording,label\n")
    done = run(program, "train", *given, cwd=tmp_path)
    assert done.returncode == 2 and "mine was imported" in done.stdout, done.stderr
    assert done.stderr.count("\n") == 1
