"""What the README says of the tree and the commands is so."""

import ast
import re
import shlex
import subprocess
from itertools import product
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.utils import get_object

from stan_boundary.command_line import with_model_folder, with_new_keys, with_scale
from stan_lightning import report

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
FILES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES = [page.read_text() for page in FILES]
CONFIGS = {
    "preprocess": "preprocess",
    "preprocess.behaviour": "behaviour",
    "preprocess.prosody": "prosody",
    "stan_lightning.train": "train",
    "stan_lightning.evaluate": "evaluate",
    "stan_lightning.predict": "predict",
    "stan_lightning.embed": "embed",
    "stan_lightning.share": "share",
    "stan_lightning.doctor": "train",
}
ROOMS = {"preprocess", "stan_lightning", "benchmarks"}


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
    """Words after each command of README and docs, line continuations joined and placeholders filled."""
    text = "\n".join(PAGES).replace("\\\n", " ")
    short = module.removeprefix("stan_lightning.")
    found = re.findall(rf"(?:python -m {re.escape(module)}|stan-lightning {short})(?![.\w])([^`\n|]*)", text)
    return [shlex.split(re.sub(r"<[^>]*>", "x", line), comments=True) for line in found]


def each_job(overrides: list[str]) -> list[list[str]]:
    """The overrides of every job that a sweep's command starts; of any other, those alone."""
    values = []
    for one in OverridesParser.create().parse_overrides(overrides):
        key = (one.input_line or "").partition("=")[0]
        swept = one.is_sweep_override()
        assert not swept or one.is_discrete_sweep(), (
            f"{one.input_line}: an interval, of which no job is known"
        )
        values.append(
            [f"{key}={value}" for value in one.sweep_string_iterator()] if swept else [one.input_line]
        )
    return [list(job) for job in product(*values)]


@pytest.mark.parametrize(("module", "config"), CONFIGS.items())
def test_every_command_of_the_readme_composes(module: str, config: str) -> None:
    # not the one that repeats a run from its own config, which is not in the tree
    found = [line for line in commands(module) if line and not line[0].startswith("--")]
    assert found
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        for line in {tuple(line): line for line in found}.values():
            overrides = [word for word in line if word != "-m"]
            jobs = each_job(overrides)
            assert ("-m" in line) == (len(jobs) > 1), f"values of several jobs, and no -m: {line}"
            for job in jobs:
                typed = with_new_keys(job, "signals" if config == "predict" else "data.signals")
                typed = with_scale(typed)
                if config in ("evaluate", "predict"):
                    typed = with_model_folder(typed)
                compose(config, typed, return_hydra_config=True)


def test_every_class_that_a_command_names_is_there() -> None:
    names = set(
        re.findall(r"\b_target_[:=] ?((?:stan_lightning|torch|lightning|sklearn)\.[\w.]+)", "\n".join(PAGES))
    )
    assert len(names) > 5
    for name in names:
        assert callable(get_object(name)), name


def test_every_report_of_the_readme_is_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    found = [line for line in commands("stan_lightning.report") if line]
    assert len(found) > 1
    for line in found:
        with pytest.raises(SystemExit):  # the runs that it names are not here
            report.main(line)
        said = capsys.readouterr().err
        assert said.startswith("error: ") and "usage:" not in said, f"{line}: {said}"


def test_every_module_that_a_page_runs_is_known() -> None:
    """A command of this project is composed above, a benchmark is a file that knows the flags."""
    named = re.findall(r"python -m ([a-z_]+(?:\.\w+)*)([^`\n|]*)", "\n".join(PAGES).replace("\\\n", " "))
    ours = [(module, rest) for module, rest in named if module.split(".")[0] in ROOMS]
    assert {module.split(".")[0] for module, _ in ours} == ROOMS
    for module, rest in ours:
        if module.startswith("benchmarks"):
            source = (ROOT / (module.replace(".", "/") + ".py")).read_text() if "." in module else "<name>"
            assert all(f'"{flag}"' in source for flag in re.findall(r"--[a-z-]+", rest)), f"{module} {rest}"
        else:
            assert module in CONFIGS or module == "stan_lightning.report", module


def test_every_make_target_of_the_readme_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE))
    named = re.findall(r"(?:`|^|&& )make ([a-z-]+)((?: [A-Z]\w*=)?)", "\n".join(PAGES), re.MULTILINE)
    assert named and {target for target, _ in named} <= targets
    assert all(f"$({name.strip(' =')})" in makefile for _, name in named if name)


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
