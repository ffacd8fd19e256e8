"""The check for machines with a GPU, on a CPU against itself, so that it cannot rot."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

ROOT = Path(__file__).resolve().parents[1]
BROKEN = """
import sys
import benchmarks.gpu.inputs as inputs
whole = inputs.float_bicubic
inputs.float_bicubic = lambda frames, size: whole(frames, size).roll(1, -1)
from benchmarks.gpu_check import main
sys.exit(main(sys.argv[1:]))
"""


def check(*arguments: object, program: tuple[str, ...] = ("-m", "benchmarks.gpu_check")) -> Any:
    return subprocess.run(
        [sys.executable, *program, *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=1800,
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_it_says_so_in_a_line() -> None:
    done = check()
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"error: no GPU here, .*\n", done.stderr)


def test_a_broken_comparison_is_seen_and_the_rest_is_still_compared(tmp_path: Path) -> None:
    options = ("--device", "cpu", "--parts", "inputs", "--output", tmp_path)
    done = check(*options, program=("-c", BROKEN))
    assert done.returncode == 1, done.stdout + done.stderr
    found = json.loads((tmp_path / "gpu_check.json").read_text())
    wrong = {row["what"] for row in found["comparisons"] if not row["ok"]}
    assert wrong and all(what.startswith("resize") for what in wrong) and not found["ok"]
    assert any(row["what"].startswith("log-mel") and row["ok"] for row in found["comparisons"])
    assert "NOT OK" in (tmp_path / "gpu_check.md").read_text()


@pytest.mark.slow
def test_every_part_on_a_cpu(tmp_path: Path) -> None:
    done = check("--device", "cpu", "--quick", "--output", tmp_path)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    found = json.loads((tmp_path / "gpu_check.json").read_text())
    parts = ["inputs", "networks", "demo", "feeding", "times, eager", "times, compiled"]
    assert found["ok"] and list(found["seconds"]) == parts and not found["failures"]
    names = {row["what"] for row in found["comparisons"]}
    assert {"sta_af: gradients in 64 bits", "short audio: scores in 16 bits"} <= names
    assert {"demo: killed in training", "demo: epochs after going on"} <= names
    times = found["tables"]["Times of a step and memory"]
    assert {row["network"] for row in times} == {"package", "package, recompute", "plain"}
    assert all(isinstance(row["training, ms"], float) for row in times if row["how"].startswith("eager"))
    assert {row["validation in"] for row in found["tables"]["An epoch of AVEC2014, and 200 of them"]} == {
        "16 bits",
        "32 bits",
    }


def test_commands_of_the_pages_are_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks.gpu_check import parse

    text = "\n".join(page.read_text() for page in (ROOT / "docs").glob("*.md"))
    lines = re.findall(r"python -m benchmarks\.gpu_check([^`\n]*)", text)
    assert len(lines) >= 2
    for line in lines:
        parse(shlex.split(line))


def test_the_page_for_colab_holds_what_the_readme_s_test_composes() -> None:
    page = (ROOT / "docs" / "colab.md").read_text()
    blocks = "".join(re.findall(r"```bash\n(.*?)```", page, re.DOTALL))
    for command in ("stan_lightning.train", "stan_lightning.evaluate", "benchmarks.gpu_check"):
        assert f"python -m {command}" in blocks
    checked = subprocess.run(["bash", "-n"], input=re.sub(r"<[^>]*>", "x", blocks), text=True)
    assert checked.returncode == 0
