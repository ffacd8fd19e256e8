"""Folders of configurations are checked before Hydra acts on them."""

import pickle
from pathlib import Path

import pytest

from stan_boundary.config_folder import check_config_folders
from stan_boundary.configs import CONF
from stan_boundary.errors import InputError

EVIL = "{_target_: their_package.Evil}"
HARMFUL = {
    "callback": {"config.yaml": f"trainer: {{callbacks: {{x: {EVIL}}}}}\n"},
    "hydra's own": {"config.yaml": f"hydra: {{callbacks: {{x: {EVIL}}}}}\n"},
    "environment": {"config.yaml": "hydra: {job: {env_set: {LD_PRELOAD: x.so}}}\n"},
    "search path": {"config.yaml": "hydra: {searchpath: ['pkg://their_package']}\n"},
    "escaped": {"config.yaml": f'"\\x68ydra": {{callbacks: {{x: {EVIL}}}}}\n'},
    "sweep": {"config.yaml": "hydra: {mode: MULTIRUN, sweeper: {params: {+x._target_: 'os.system,x'}}}\n"},
    "chosen by defaults": {"config.yaml": "defaults: [x]\n", "x.yaml": f"y: {EVIL}\n"},
    "package in defaults": {"config.yaml": "defaults: ['x@hydra.callbacks.x']\n", "x.yaml": "a: 1\n"},
    "package in the header": {"a/x.yaml": "# @package hydra.callbacks\na: 1\n"},
    "launcher": {"hydra/launcher/basic.yaml": "setup: [touch /tmp/x]\n"},
    "shipped group": {"trainer/default.yaml": f"callbacks: {{x: {EVIL}}}\n"},
    "text for a grammar": {"config.yaml": "x: '{_target_: os.system}'\n"},
    "environment's values": {"config.yaml": "x: ${oc.env:HOME}\n"},
    "built target": {"config.yaml": "x: {_target_: '${y}'}\ny: os.system\n"},
    "other folder": {"config.yaml": "defaults: ['../../x']\n"},
    "another run": {"config.yaml": "resume: /home/me/runs/a\n"},
    "output": {"config.yaml": "output: /home/me/.ssh\n"},
    "own trust": {"config.yaml": f"trust: [their_package]\nx: {EVIL}\n"},
}
FLAGS = [
    ["--config-dir", "{}"],
    ["--config-dir={}"],
    ["--config-d={}"],
    ["-cd", "{}"],
    ["--config-path={}"],
    ["-cp={}"],
]


def check(arguments: list[str], *trust: str) -> None:
    check_config_folders(arguments, trust, Path(CONF))


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("case", HARMFUL)
def test_what_could_run_code_or_write_elsewhere_is_refused(tmp_path: Path, case: str) -> None:
    folder = write(tmp_path / "received", HARMFUL[case])
    with pytest.raises(InputError) as refusal:
        check([f"--config-dir={folder}", "--config-name=config"])
    assert str(folder) in str(refusal.value) and "\n" not in str(refusal.value)


@pytest.mark.parametrize("flag", FLAGS, ids=str)
def test_however_the_folder_is_given(tmp_path: Path, flag: list[str]) -> None:
    folder = write(tmp_path / "received", HARMFUL["callback"])
    with pytest.raises(InputError, match=r"trust=\[their_package\]"):
        check([*(word.format(folder) for word in flag), "seed=1"])


@pytest.mark.parametrize("word", ["hydra.searchpath=[file://{}]", "++hydra.searchpath=['{}']"])
def test_also_as_a_search_path(tmp_path: Path, word: str) -> None:
    folder = write(tmp_path / "received", HARMFUL["callback"])
    with pytest.raises(InputError, match=r"trust=\[their_package\]"):
        check([word.format(folder)])


@pytest.mark.parametrize(
    "arguments",
    [
        *(
            ["--experimental-rerun", "config.pickle"],
            ["--exp=config.pickle"],
            ["--config-path=pkg://their_package"],
        ),
        *(["hydra.searchpath=['pkg://their_package']"], ["--config-path=conf"], ["--config-name=../../x"]),
        *(["--config-name=/received/config"], ["hydra.searchpath=${oc.env:X}"], ["hydra={searchpath:[x]}"]),
    ],
    ids=str,
)
def test_ways_around_a_folder_are_refused(arguments: list[str]) -> None:
    with pytest.raises(InputError):
        check(arguments)


def test_links_are_not_followed(tmp_path: Path) -> None:
    folder, other = tmp_path / "received", tmp_path / "other"
    folder.mkdir()
    write(other, HARMFUL["callback"])
    (folder / "trainer").symlink_to(other)
    with pytest.raises(InputError, match="is a link"):
        check([f"--config-dir={folder}"])
    (folder / "trainer").unlink()
    (folder / "config.yaml").symlink_to(other / "config.yaml")
    with pytest.raises(InputError, match="is a link"):
        check([f"--config-dir={folder}"])


def test_trust_and_the_command_line_allow(tmp_path: Path) -> None:
    (tmp_path / "hydra_settings").mkdir()
    folder = write(tmp_path / "own", {"config.yaml": "hydra: {job: {chdir: true}}\noutput: here\n"})
    check([f"--config-dir={folder}", "output=there"], "hydra")
    with pytest.raises(InputError, match=r"add trust=\[hydra\]"):
        check([f"--config-dir={folder}", "output=there"])


def test_this_project_s_own_configurations_pass(tmp_path: Path) -> None:
    """A copy of conf/ is what a laboratory starts from; its sweeps are Hydra's own settings."""
    files = {str(file.relative_to(CONF)): file.read_text() for file in Path(CONF).rglob("*.yaml")}
    check([f"--config-dir={write(tmp_path / 'conf', files)}"], "hydra")


def test_a_pickle_is_never_read(tmp_path: Path) -> None:
    file = tmp_path / "config.pickle"
    file.write_bytes(pickle.dumps({}))
    with pytest.raises(InputError, match="pickle"):
        check(["--experimental-rerun", str(file)])
