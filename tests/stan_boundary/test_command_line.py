import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from stan_boundary.command_line import (
    check_command_line,
    groups,
    help_text,
    keys,
    with_model_folder,
    with_new_keys,
)

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ["preprocess", "behaviour", "train", "evaluate", "predict", "embed", "share"]
EXAMPLES = ("python -m it checkpoint=a.ckpt video=b.mp4", "python -m it corpus.root=videos")


def check(monkeypatch: pytest.MonkeyPatch, config: str, *arguments: str, optional: str | None = None) -> None:
    monkeypatch.setattr(sys, "argv", ["it", *arguments])
    check_command_line(config, "Does it.", EXAMPLES, optional)


@pytest.mark.parametrize("config", COMMANDS)
def test_every_key_that_is_for_users_has_a_comment(config: str) -> None:
    wiring = re.compile(r"\$\{|^$")  # a value that another key gives, or the head of a mapping
    bare = [
        key
        for key, value, comment in keys(config)
        if not comment and not wiring.search(value) and ".callbacks." not in key
    ]
    assert bare == []


@pytest.mark.parametrize("config", COMMANDS)
def test_help_says_what_it_does_with_examples_groups_and_keys(config: str) -> None:
    said = help_text(config, "Does it.", EXAMPLES)
    assert said.startswith("Does it.\n")
    assert all(example in said for example in EXAMPLES)
    for group, default in groups(config).items():
        assert re.search(rf"^  {group}: {default}( \||$)", said, re.M)
    assert all(len(line) <= 110 for line in said.splitlines())


def test_help_reads_comments_from_the_files() -> None:
    said = help_text("predict", "Does it.", EXAMPLES)
    assert re.search(r"^  views=true +false: scores alone, no pictures of where", said, re.M)
    assert "crops.max_gap_s=null" in said
    assert not re.search(
        r"^  (corpus|sweep|experiment|executor|logger)", said, re.M
    )  # other commands' groups
    inherited = help_text("train", "Does it.", EXAMPLES)
    assert re.search(r"^  trainer.callbacks.best +the checkpoint that is reported", inherited, re.M)


@pytest.mark.parametrize(
    ("config", "arguments", "said"),
    [
        (
            "predict",
            ["checkpoint=a.ckpt"],
            r"video is not set: give video=<...>, as in `\S+ -m it ",
        ),
        ("preprocess", ["corpus=manifest"], r"corpus.root is not set: .* `\S+ -m it corpus.root=videos`"),
        (
            "train",
            ["model.attenton=ta"],
            r"there is no key model.attenton; did you mean model.network.encoder.att",
        ),
        (
            "train",
            ["traner.max_epochs=3"],
            r"there is no key traner.max_epochs; did you mean trainer.max",
        ),
        (
            "train",
            ["~trainer.callbacks.bst"],
            r"there is no key trainer.callbacks.bst; did you mean .*best",
        ),
        ("train", ["-m", "model.kk=1,2"], r"there is no key model.kk"),
        (
            "train",
            ["data=folder"],
            r"In 'train': Could not find 'data/folder' Available options in",
        ),
        ("train", ["sweeep=seeds"], r"there is no key sweeep; did you mean sweep\?"),
        ("train", ["model.k=[1"], r"`model\.k=\[1` cannot be read: no viable"),
    ],
)
def test_what_is_mistyped_is_said_in_one_line(
    config: str,
    arguments: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        check(monkeypatch, config, *arguments)
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert re.match(f"error: {said}", error), error


@pytest.mark.parametrize(
    ("config", "arguments"),
    [
        ("train", []),  # nothing is missing but what may be
        ("train", ["-m", "seed=0,1", "model.network.encoder.k=range(1,4)"]),
        ("train", ["-m", "sweep=optuna", "model.optimizer.lr=interval(0.001,0.1)"]),
        ("train", ["+trainer.fast_dev_run=true", "~trainer.callbacks.pace"]),
        ("train", ["data=folders", "resume=runs/a"]),  # the run's own config has the root
        ("preprocess", ["corpus=manifest", 'corpus.root="/data/étude [1], a=b/videos.csv"']),
        ("predict", ["--config-dir", "mine", "--config-name", "own"]),  # Hydra's to judge
    ],
)
def test_what_can_be_typed_passes(
    config: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    check(monkeypatch, config, *arguments, optional="resume")
    assert capsys.readouterr() == ("", "")


def test_keys_whose_names_are_the_user_s_need_no_plus(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = ["data.signals.openface=/a b", "+data.signals.fap=c", "data.root=d", "-m"]
    made = with_new_keys(typed, "data.signals")
    assert made == ["++data.signals.openface=/a b", "+data.signals.fap=c", "data.root=d", "-m"]
    check(monkeypatch, "train", "++data.signals.openface=a", optional="resume")
    with pytest.raises(SystemExit):
        check(monkeypatch, "train", "data.trakcs.openface=a", optional="resume")


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
def test_each_command_asks_before_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Run as `python -m` runs it; in a process of its own is the help below, and test_program's command."""
    monkeypatch.chdir(tmp_path)
    for module, words in [
        ("preprocess", "error: corpus.root is not set: give corpus.root=<...>, as in `"),
        (
            "stan_lightning.predict",
            "error: video is not set: give video=<...>, as in `",
        ),
        ("stan_lightning.train", "error: there is no key data.rot; did you mean data.root?"),
        ("stan_lightning.evaluate", "error: there is no key data.rot; did you mean data.root?"),
    ]:
        arguments = [] if words.endswith("as in `") else ["data.rot=a"]
        monkeypatch.setattr(sys, "argv", [module, *arguments])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            runpy.run_module(module, run_name="__main__")
        said = capfd.readouterr().err
        assert ended.value.code == 2, said
        assert said.startswith(words)
        assert said.count("\n") == 1
        assert list(tmp_path.iterdir()) == []


def test_help_of_a_command(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "preprocess", "--help"], cwd=tmp_path, capture_output=True, text=True
    )
    assert ended.returncode == 0
    assert "python -m preprocess corpus=avec2014" in ended.stdout
    assert "  corpus: avec2014 | avec2013 | demo | manifest | synthetic\n" in ended.stdout
    assert ended.stderr == ""


def test_a_model_that_is_no_configuration_is_a_folder() -> None:
    words = ["model=audio", "model=models/a", 'model="my model"', "model.network.encoder.k=2", "model=", "-m"]
    read = ["model=audio", "model_folder=models/a", 'model_folder="my model"', *words[3:]]
    assert with_model_folder(words) == read
