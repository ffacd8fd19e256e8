"""What the README says of the tree and the commands is so."""

import re
import shlex
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("folder", ["preprocess", "stan_lightning", "benchmarks"])
def test_the_tree_names_every_file_and_no_other(folder: str) -> None:
    tree = README.split("## The tree")[1].split("```")[1]
    part = re.search(rf"^{folder}/\n(.*?)(?=^\S|\Z)", tree, re.MULTILINE | re.DOTALL)
    assert part
    named = set(re.findall(r"^  (\w+\.py) ", part[1], re.MULTILINE))
    assert named == {file.name for file in (ROOT / folder).glob("*.py")} - {"__init__.py"}


def commands(module: str) -> list[list[str]]:
    """Overrides of each command of the README, line continuations joined and placeholders filled."""
    text = README.split("## The tree")[0].replace("\\\n", " ")
    found = re.findall(rf"python -m {re.escape(module)}([^`\n|]*)", text)
    return [shlex.split(re.sub(r"<[^>]*>", "x", line), comments=True) for line in found]


@pytest.mark.parametrize(
    ("module", "config"),
    [
        ("preprocess", "preprocess"),
        ("stan_lightning.train", "train"),
        ("stan_lightning.evaluate", "evaluate"),
        ("stan_lightning.predict", "predict"),
    ],
)
def test_every_command_of_the_readme_composes(module: str, config: str) -> None:
    # not those of several jobs, nor the one that repeats a run from its own config, which is not in the tree
    found = [line for line in commands(module) if line and not line[0].startswith("-")]
    assert found
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        for overrides in found:
            compose(config, overrides, return_hydra_config=True)


def test_every_make_target_of_the_readme_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^|&& )make ([a-z-]+)", README, re.MULTILINE))
    assert named and named <= targets
