"""A run's own config, what of it may change, and the command that goes on with it."""

import shlex
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from stan_boundary.errors import InputError
from stan_boundary.typed import typed_python
from stan_lightning.runs import resume


def config(**changes: object) -> DictConfig:
    made = OmegaConf.create(
        {
            "seed": 0,
            "group": None,
            "resume": "???",
            "go_on": False,
            "data": {"root": "crops", "num_workers": 2, "batch_size": 5},
            "model": {"k": 2, "layers": [2, 2, 2, 2]},
            "trainer": {"max_epochs": 4},
            "logger": {},
        }
    )
    for key, value in changes.items():
        OmegaConf.update(made, key.replace("__", "."), value)
    return made


def test_own_config_and_what_may_change(tmp_path: Path) -> None:
    resume.write(tmp_path, config(model__k=4, resume=str(tmp_path), go_on=True))
    text = (tmp_path / "config.yaml").read_text()
    assert "resume: ???" in text and "go_on: false" in text
    asked = config(trainer__max_epochs=8, data__num_workers=0)
    overrides = [f"resume={tmp_path}", "trainer.max_epochs=8", "data.num_workers=0"]
    own = resume.own_config(tmp_path, asked, overrides)
    assert (own.model.k, own.trainer.max_epochs, own.data.num_workers) == (4, 8, 0)


@pytest.mark.parametrize(
    "override", ["model.k=8", "seed=1", "data.batch_size=2", "experiment=demo", "data=folders"]
)
def test_what_a_run_depends_on_stays(tmp_path: Path, override: str) -> None:
    resume.write(tmp_path, config())
    with pytest.raises(InputError, match="keeps its own config"):
        resume.own_config(tmp_path, config(model__k=8), [override])


def test_the_same_command_again_is_fine(tmp_path: Path) -> None:
    resume.write(tmp_path, config(model__k=8))
    overrides = ["model.k=8", "trainer.max_epochs=9", f"resume={tmp_path}"]
    own = resume.own_config(tmp_path, config(model__k=8, trainer__max_epochs=9), overrides)
    assert own.trainer.max_epochs == 9
    assert resume.same_config(tmp_path, config(model__k=8, go_on=True)).model.k == 8
    with pytest.raises(InputError, match=r"with model\.k=8 and not 2"):
        resume.same_config(tmp_path, config())


def test_nothing_to_resume(tmp_path: Path) -> None:
    """The folder that Hydra makes for the command does not stay behind; one with something in it does."""
    empty, full = tmp_path / "empty", tmp_path / "full"
    for folder in (empty, full):
        folder.mkdir()
    (full / "notes.txt").write_text("mine")
    for folder in (empty, full):
        with pytest.raises(InputError, match="nothing to resume"):
            resume.own_config(folder, config(), [])
    assert not empty.exists() and full.exists()


@pytest.mark.parametrize(
    "path", ["runs/1", "a b", "étude [1], a=b", "it's", 'say "so"', "back\\slash", "end\\", 'q\\"q', "$HOME"]
)
def test_command_survives_shell_and_hydra(path: str) -> None:
    words = shlex.split(resume.command(Path(path)))
    assert words[:3] == [typed_python(), "-m", "stan_lightning.train"]
    override = OverridesParser.create().parse_override(words[3])
    assert override.key_or_group == "resume"
    assert str(override.value()) == path
