"""What the README says of the tree and the commands is so."""

import ast
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from stan_boundary.command_line import with_model_folder, with_new_keys

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
PAGES = [README, *(page.read_text() for page in sorted((ROOT / "docs").glob("*.md")))]


def test_the_tree_names_every_room_and_no_other() -> None:
    tree = README.split("## The tree")[1].split("```")[1]
    assert len(tree.strip().splitlines()) <= 28
    for wing in ("preprocess", "stan_lightning"):
        part = re.search(rf"^{wing}/ .*?\n(.*?)(?=^\S|\Z)", tree, re.MULTILINE | re.DOTALL)
        assert part
        named = set(re.findall(r"^  (\w+)/ ", part[1], re.MULTILINE))
        assert named == {file.parent.name for file in (ROOT / wing).glob("*/__init__.py")}


@pytest.mark.parametrize(
    "plate",
    sorted([*ROOT.glob("[ps]*/*/__init__.py"), ROOT / "stan_boundary/__init__.py"]),
    ids=lambda path: path.parent.name,
)
def test_a_room_s_plate_names_every_module_and_no_other(plate: Path) -> None:
    said = ast.get_docstring(ast.parse(plate.read_text()))
    assert said
    named = re.findall(r"^(\w+): \S.*\.$", said.split("\n\n", 1)[1], re.MULTILINE)
    there = {file.stem for file in plate.parent.glob("*.py")} - {"__init__"}
    assert sorted(named) == sorted(there) and len(said.split("\n\n")[0].splitlines()) == 1


def test_tests_mirror_the_rooms() -> None:
    for room in (path.parent for path in ROOT.glob("tests/[ps]*/*/test_*.py")):
        modules = {file.stem for file in (ROOT / room.parent.name / room.name).glob("*.py")}
        assert {file.stem.removeprefix("test_") for file in room.glob("test_*.py")} <= modules


def commands(module: str) -> list[list[str]]:
    """Overrides of each command of README and docs, line continuations joined and placeholders filled."""
    text = "\n".join(PAGES).replace("\\\n", " ")
    found = re.findall(rf"python -m {re.escape(module)}(?![.\w])([^`\n|]*)", text)
    return [shlex.split(re.sub(r"<[^>]*>", "x", line), comments=True) for line in found]


@pytest.mark.parametrize(
    ("module", "config"),
    [
        ("preprocess", "preprocess"),
        ("preprocess.behaviour", "behaviour"),
        ("stan_lightning.train", "train"),
        ("stan_lightning.evaluate", "evaluate"),
        ("stan_lightning.predict", "predict"),
        ("stan_lightning.embed", "embed"),
        ("stan_lightning.share", "share"),
        ("stan_lightning.doctor", "train"),
    ],
)
def test_every_command_of_the_readme_composes(module: str, config: str) -> None:
    # not those of several jobs, nor the one that repeats a run from its own config, which is not in the tree
    found = [line for line in commands(module) if line and not line[0].startswith("-")]
    assert found
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        for overrides in found:
            typed = with_new_keys(overrides, "signals" if config == "predict" else "data.signals")
            if config in ("evaluate", "predict"):
                typed = with_model_folder(typed)
            compose(config, typed, return_hydra_config=True)


def test_every_make_target_of_the_readme_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^|&& )make ([a-z-]+)", "\n".join(PAGES), re.MULTILINE))
    assert named and named <= targets


def test_every_link_between_pages_leads_somewhere() -> None:
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for link in re.findall(r"\]\((?!http|#)([^)#]+)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_readme_names_every_page_of_docs() -> None:
    assert {page.name for page in (ROOT / "docs").glob("*.md")} <= set(re.findall(r"docs/(\w+\.md)", README))


@pytest.mark.slow
def test_the_site_builds_without_a_warning() -> None:
    done = subprocess.run(["make", "docs"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and not re.search(r"WARNING +-", done.stdout + done.stderr), done.stderr
    assert (ROOT / "site" / "index.html").is_file()
    page = (ROOT / "site" / "reference" / "network.html").read_text()
    assert "stan_lightning.network.STADRN" in page
