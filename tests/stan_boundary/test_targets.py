"""What configurations of others may name."""

import sys
from pathlib import Path

import pytest

from stan_boundary.config_folder import trusted
from stan_boundary.errors import InputError
from stan_boundary.targets import check_readers, check_targets

ALLOWED = (
    *(
        "torch.optim.Adam",
        "torch.optim.lr_scheduler.CosineAnnealingLR",
        "torch.nn.MSELoss",
        "lightning.Trainer",
    ),
    *("lightning.pytorch.callbacks.ModelCheckpoint", "lightning.pytorch.callbacks.WeightAveraging"),
    *("lightning.pytorch.loggers.CSVLogger", "lightning.pytorch.profilers.SimpleProfiler"),
    *("lightning.pytorch.strategies.DDPStrategy", "lightning.pytorch.plugins.MixedPrecision"),
    *("lightning.pytorch.plugins.environments.SLURMEnvironment", "stan_lightning.network.STADRN"),
    *("stan_lightning.training.module.StanModule", "stan_lightning.data.datamodule.CropDataModule"),
    *("sklearn.linear_model.Ridge", "sklearn.svm.LinearSVR"),
    *("stan_lightning.logging.metrics_table.MetricsTable", "stan_lightning.runs.callbacks.Pace"),
)
REFUSED = (
    *("os.system", "builtins.eval", "subprocess.run", "functools.partial", "hydra.utils.get_method"),
    *("hydra.utils.instantiate", "torch.load", "torch.hub.load", "torchvision.models.resnet18"),
    *("sklearn.datasets.load_files", "sklearn.svm._base.sp", "sklearn.linear_model.ridge_regression"),
    *("torch.optim.optimizer.torch.hub.load", "torch.optimize.Adam", "torch.nn.init.constant_"),
    *(
        "torch.nn.Module.__class__",
        "torch.nn.Linear.__init__.__globals__",
        "torch.nn.modules.container.operator.call",
    ),
    *("lightning.pytorch.callbacks.model_checkpoint.os.system", "lightning.pytorch.callbacks.xyz.os.system"),
    *("lightning.pytorch.loggers.MLFlowLogger", "lightning.pytorch.Trainer.fit"),
    *("stan_lightning.training.module.StanModule.load_from_checkpoint", "stan_lightning.train.main"),
    *("stan_lightning.runs.resume.shlex.os.system", "stan_lightning.runs.resume.write"),
    *("stan_lightning.network.weights.save_released", "stan_boundary.writing.write_whole"),
    *(
        "stan_lightning.training.module.InputError",
        "preprocess.workers.pool.ProcessPool",
        "torch",
        "",
        "torch.optim.Adam\n",
    ),
    *(None, 7, ["os.system"], "${x}", "torch.optim.${x}"),
)


@pytest.mark.parametrize("target", ALLOWED)
def test_the_field_s_own_classes_are_allowed(target: str) -> None:
    check_targets({"trainer": {"callbacks": [{"_target_": target, "_partial_": True, "x": 1}]}})


@pytest.mark.parametrize(
    "target",
    [
        *(
            "stan_lightning.logging.dashboard.Dashboard",
            "stan_lightning.logging.metrics_table.MetricsTable",
        ),
        *("lightning.pytorch.loggers.CSVLogger", "lightning.Trainer"),
    ],
)
def test_a_network_is_made_of_nothing_that_writes(target: str) -> None:
    """`Dashboard` writes its identity as soon as it is made, into the folder that it is told."""
    config = {"network": {"_target_": "torch.nn.Identity", "x": {"_target_": target, "run_folder": "/home"}}}
    check_targets(config)
    with pytest.raises(InputError, match="no part of a network"):
        check_readers(config, [], "their.yaml")
    check_readers(config, [target.split(".")[0]], "their.yaml")
    check_readers({"a": {"_target_": "stan_lightning.training.objective.Severity"}}, [], "their.yaml")


def test_arguments_have_names_and_braces_hold_a_metric() -> None:
    """A place without a name cannot be checked, and a format may reach any attribute and any width."""
    with pytest.raises(InputError, match="arguments need their names"):
        check_targets({"a": {"_target_": "torch.optim.Adam", "_args_": ["Makefile"]}})
    for text in ("{epoch}-{val/mae:.2f}", "{step:06d}"):
        check_targets({"filename": text})
    wide = (
        "{epoch:99999999999}",
        "{epoch:.>2}/x",
        "{step:c}",
        "{0}{",
        "a{b]}",
        "{x].__init__.__globals__[os]}",
    )
    for text in (*wide, "{x.y}", "{a!r}", "${b}{x].y}"):
        with pytest.raises(InputError, match="in braces"):
            check_targets({"b": "c", "filename": text})


@pytest.mark.parametrize("target", REFUSED, ids=str)
def test_all_else_is_refused_and_named(target: object) -> None:
    with pytest.raises(InputError, match=r"their\.yaml: trainer\.callbacks\[0\]") as refusal:
        check_targets({"trainer": {"callbacks": [{"_target_": target}]}}, where="their.yaml")
    assert "\n" not in str(refusal.value) and "trust=[torch]" not in str(refusal.value)


def test_no_package_is_imported_before_its_name_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "their_package.py").write_text(
        "import os\nfrom pathlib import Path\nPath(__file__).with_name('ran').touch()\nclass Own: ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    config = {"a": {"_target_": "torch.optim.Adam"}, "b": {"_target_": "their_package.Own"}}
    with pytest.raises(InputError, match=r"add trust=\[their_package\]"):
        check_targets(config)
    assert "their_package" not in sys.modules and not (tmp_path / "ran").exists()
    check_targets(config, trusted(["trust=[their_package]"]))
    with pytest.raises(InputError, match=r"which is posix\.system"):
        check_targets({"b": {"_target_": "their_package.os.system"}}, ["their_package"])
    with pytest.raises(InputError, match="their_packages"):
        check_targets({"b": {"_target_": "their_packages.Own"}}, ["their_package"])


@pytest.mark.parametrize(
    "text",
    [
        *(
            "${oc.env:HOME}",
            "${oc.decode:'[1]'}",
            "${own:x}",
            "${${a}:HOME}",
            "$",
            "\\${oc.env:HOME}",
            "$${b}{oc.env:X}",
        ),
        *("${hydra:${x}}", "{_target_: os.system}", "+x._target_=os.system"),
    ],
)
def test_values_ask_for_nothing_outside_of_the_file(text: str) -> None:
    with pytest.raises(InputError, match=r"their\.yaml: data\.root"):
        check_targets({"data": {"root": text}}, where="their.yaml")


@pytest.mark.parametrize("key", ["hydra._target_", "${oc.env:HOME}"])
def test_nor_do_keys(key: str) -> None:
    with pytest.raises(InputError):
        check_targets({key: "os.system"})


def test_a_file_s_own_references_stay() -> None:
    check_targets(
        {"a": "${data.score_range}", "b": "${hydra:runtime.output_dir}/x", "c": "${now:%Y-%m-%d_%H-%M}"}
    )


@pytest.mark.parametrize(
    "text", ["trust=[*]", "trust=3", "trust=[a", "trust=[..]", "trust=null", "trust=[a/b]"]
)
def test_trust_is_a_list_of_packages(text: str) -> None:
    with pytest.raises(InputError, match="names of packages"):
        trusted(["seed=1", text])


def test_trust_counts_on_the_command_line_alone() -> None:
    assert trusted(["seed=1", "trust=[a,b.c]"]) == ["a", "b.c"] and trusted(["++trust=a"]) == ["a"]
    with pytest.raises(InputError):
        check_targets({"trust": ["their_package"], "x": {"_target_": "their_package.Own"}})
