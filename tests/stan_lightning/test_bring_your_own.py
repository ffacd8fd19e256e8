"""The page on bringing one's own does what it says: its code and its commands are run as they stand there."""

import ast
import importlib
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
import torch

import stan_lightning.evaluate
import stan_lightning.predict

PAGE = (Path(__file__).parents[2] / "docs" / "bring_your_own.md").read_text()
CODE = "\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
COMMANDS = "\n".join(re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)).replace("\\\n", " ")
TINY = [
    "data=folders",
    "data.clip_frames=16",
    "data.image_size=32",
    "data.batch_size=2",
    "data.num_workers=0",
]
Train = Callable[..., tuple[int, str]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder where the command runs, with the page's module in it."""
    (tmp_path / "mine.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield tmp_path
    sys.modules.pop("mine", None)


def command(module: str) -> list[str]:
    """What the page types after the name of a module."""
    (line,) = re.findall(rf"python -m stan_lightning\.{module} (.*mine.*)", COMMANDS)
    return shlex.split(line)


def run(monkeypatch: pytest.MonkeyPatch, module: object, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["command", *arguments])
    try:
        module.main()  # type: ignore[attr-defined]
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def python(*arguments: str) -> "subprocess.Popen[str]":
    """`python -m stan_lightning.<arguments>`, typed where the test stands."""
    found = [sys.executable, "-m", f"stan_lightning.{arguments[0]}", *arguments[1:]]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    return subprocess.Popen(found, env=environment, stdout=pipe, stderr=subprocess.STDOUT, text=True)


def ended(*arguments: str) -> str:
    """What the command said; it has to end well."""
    process = python(*arguments)
    said, _ = process.communicate()
    print(f"$ {shlex.join(['python', '-m', f'stan_lightning.{arguments[0]}', *arguments[1:]])}\n{said}")
    assert process.returncode == 0 and "Traceback" not in said, said
    return said


@pytest.mark.slow
def test_one_file_outside_the_checkout_goes_the_whole_road(
    tmp_path: Path,
    make_crops: Callable[..., Path],
    assert_same_run: Callable[[Path, Path], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two rates and OneCycle by the step, SIGKILL, evaluation, pictures, a sweep, its report, and ONNX."""
    onnxruntime = pytest.importorskip("onnxruntime", reason="pip install 'stan-lightning[onnx]'")
    monkeypatch.chdir(tmp_path)
    blocks = [one for one in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "SignDescent" not in one]
    Path("mine.py").write_text("\n".join(blocks).replace("\n\n\n", "\n\n"))
    assert len(Path("mine.py").read_text().splitlines()) <= 60
    (line,) = re.findall(r"python -m stan_lightning\.train (.*mine.*)", COMMANDS)
    asked = [word for word in shlex.split(line) if not word.startswith("model.optimizer")]
    asked += [*TINY, f"data.root={make_crops()}", "model.optimizer._target_=torch.optim.AdamW"]
    asked += [
        "+model.optimizer.params={_target_: stan_lightning.training.parameter_groups.EncoderApart, lr: 1e-4}"
    ]
    asked += ["model/scheduler=one_cycle", "model.scheduler.max_lr=[1e-3,1e-4]", "trainer.max_epochs=12"]
    ended("train", *asked, "hydra.run.dir=whole")
    process = python("train", *asked, "hydra.run.dir=killed")
    table = Path("killed/metrics.csv")
    while (not table.exists() or len(table.read_text().splitlines()) < 4) and process.poll() is None:
        time.sleep(0.005)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "the run was over too early"
    ended("train", "resume=killed", "trust=[mine]")
    assert_same_run(Path("whole"), Path("killed"))
    last = torch.load("killed/checkpoints/last.ckpt", weights_only=True)
    rates = [group["max_lr"] for group in last["optimizer_states"][0]["param_groups"]]
    assert rates == [1e-3, 1e-4] and last["lr_schedulers"][0]["total_steps"] == last["global_step"]

    best, cpu = "checkpoint=killed/checkpoints/best.ckpt", "trainer.accelerator=cpu"
    ended("evaluate", best, "trust=[mine]", cpu, "output=evaluation")
    ended("predict", best, "video=crops", "trust=[mine]", cpu, "output=predictions")
    assert {one.suffix for one in Path("predictions").iterdir()} >= {".html", ".csv", ".png"}
    ended("train", "-m", *asked, "model.network.encoder.width=4,8", "hydra.sweep.dir=widths")
    for job in ("0", "1"):
        ended("evaluate", f"checkpoint=widths/{job}/checkpoints/best.ckpt", "trust=[mine]", cpu)
    ended("report", "widths/0", "widths/1")
    assert Path("widths/report/report.html").is_file()

    from stan_lightning.evaluation.trained import open_checkpoint
    from stan_lightning.network.export import save_onnx

    monkeypatch.syspath_prepend(tmp_path)
    network = open_checkpoint("killed/checkpoints/best.ckpt", trust=["mine"]).module.network
    save_onnx(network, "network.onnx", frames=16, size=32)
    clips = torch.randn(3, 3, 16, 32, 32)
    session = onnxruntime.InferenceSession("network.onnx", providers=["CPUExecutionProvider"])
    (scores,) = session.run(None, {"clips": clips.numpy()})
    torch.testing.assert_close(
        torch.from_numpy(scores), network.score({"face": clips}, {}).detach(), rtol=0, atol=1e-5
    )
    sys.modules.pop("mine", None)


def test_each_is_under_twenty_lines() -> None:
    made = [node for node in ast.parse(CODE).body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    assert {node.name for node in made} > {"Small", "Concordance", "SignDescent", "Dim", "LogConcordance"}
    assert max(node.end_lineno - node.lineno + 1 for node in made if node.end_lineno) < 20


def test_what_is_one_s_own_trains_resumes_evaluates_and_predicts(
    folder: Path,
    make_crops: Callable[..., Path],
    train: Train,
    assert_same_run: Callable[[Path, Path], None],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    root = make_crops()
    asked = [*command("train"), *TINY, f"data.root={root}"]
    code, said = train(*asked, "trainer.max_epochs=4", "hydra.run.dir=whole")
    assert code == 0, said
    code, said = train(*asked, "trainer.max_epochs=2", "hydra.run.dir=parts")
    assert code == 0, said
    code, said = train("resume=parts", "trainer.max_epochs=4", "trust=[mine]")
    assert code == 0, said
    assert_same_run(folder / "whole", folder / "parts")
    curves = pd.read_csv(folder / "whole" / "metrics.csv")
    assert curves["val/ccc"].notna().all() and "val/mae" in curves
    best = torch.load(folder / "whole" / "checkpoints" / "best.ckpt", weights_only=True)
    assert best["epoch"] == curves["val/ccc"].idxmax()
    assert best["hyper_parameters"]["network"]["encoder"] == {"_target_": "mine.Small", "width": 8}

    def typed(module: str) -> list[str]:
        return [one.replace("<run>", "whole").replace("<video>", str(root)) for one in command(module)]

    refused = [one for one in typed("evaluate") if not one.startswith("trust")]
    assert run(monkeypatch, stan_lightning.evaluate, *refused) == 2
    assert "add trust=[mine]" in capfd.readouterr().err
    cpu = ["trainer.accelerator=cpu", "+trainer.enable_progress_bar=false"]
    more = ["output=evaluation", *cpu]
    assert run(monkeypatch, stan_lightning.evaluate, *typed("evaluate"), *more) == 0
    assert len(pd.read_csv(folder / "evaluation" / "predictions.csv")) == 3
    assert run(monkeypatch, stan_lightning.predict, *typed("predict"), "output=predictions", *cpu) == 0
    assert len(pd.read_csv(folder / "predictions" / "predictions.csv")) == 11


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["model.network.encoder={_target_: mine.Smal}"], "mine has no Smal; did you mean Small?"),
        (["model.network.encoder={_target_: yours.Small}"], "there is no module yours; own modules lie in"),
        (["model.network.encoder={_target_: mine.Small, widht: 8}"], "takes no widht; did you mean width?"),
        (["model.network.encoder={target: mine.Small}"], "is model.network.encoder.target meant?"),
        (["model.network.encoder={_target_: torch.nn.Flatten}"], "says no `width`"),
        (
            [
                "model.network.encoder={_target_: stan_lightning.network.Wrapped, "
                "module: {_target_: mine.Small, width: 8}, width: 9}"
            ],
            "gives (2, 8, 4, 8, 8), and the encoder's width is 9",
        ),
        (
            [
                "model.network.encoder={_target_: mine.Small}",
                "+trainer.callbacks.mine={_target_: mine.LogConcordanc}",
            ],
            "trainer.callbacks.mine._target_=mine.LogConcordanc: mine has no LogConcordanc; did you mean",
        ),
    ],
)
def test_what_cannot_be_composed_is_one_line_with_the_nearest_names(
    arguments: list[str], words: str, folder: Path, make_crops: Callable[..., Path], train: Train
) -> None:
    code, said = train("model=own", *arguments, *TINY, f"data.root={make_crops()}", "hydra.run.dir=run")
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    assert code == 2 and len(errors) == 1 and words in errors[0] and "Traceback" not in said, said
