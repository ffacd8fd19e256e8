"""Runs and checkpoints of others run no code, write nowhere else and ask for no more than they hold."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from stan_boundary.errors import InputError
from stan_lightning.evaluation.candidate import home_of
from stan_lightning.evaluation.trained import open_checkpoint
from stan_lightning.runs import resume
from stan_lightning.runs.checkpoints import WholeCheckpointIO

Train = Callable[..., tuple[int, str]]
TINY = [
    *(
        "data=folders",
        "model.network.encoder.features=2",
        "model.network.encoder.layers=[1,1,1,1]",
        "data.clip_frames=16",
        "trainer.max_epochs=1",
    ),
    *("data.image_size=32", "data.batch_size=2", "data.num_workers=0"),
]


@pytest.fixture
def received(
    once: Callable[[str, Callable[[Path], None]], Path],
    tmp_path: Path,
    make_crops: Callable[..., Path],
    train: Train,
) -> Path:
    """A short run, as another laboratory hands it on."""

    def make(home: Path) -> None:
        shutil.move(make_crops(), home / "crops")
        code, said = train(*TINY, f"data.root={home / 'crops'}", f"hydra.run.dir={home / 'run'}")
        assert code == 0, said
        assert (home / "run").stat().st_mode & 0o777 == 0o700

    return Path(shutil.copytree(once("received", make) / "run", tmp_path / "received"))


def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that can be imported; the file that it leaves when that happens."""
    home = tmp_path / "site"
    home.mkdir()
    (home / "their_package.py").write_text(
        "from pathlib import Path\nimport lightning\nPath(__file__).with_name('ran').touch()\n"
        "class Watch(lightning.Callback):\n    def __init__(self, word='x'):\n        super().__init__()\n"
    )
    monkeypatch.syspath_prepend(home)
    monkeypatch.delitem(sys.modules, "their_package", raising=False)
    return home / "ran"


def one_line(said: str) -> str:
    lines = [line for line in said.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and "Traceback" not in said, said
    return lines[0]


def test_code_of_a_received_run_is_refused_and_trusted_by_name(
    received: Path, tmp_path: Path, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By `resume=` and by `--config-dir=`, before the import; `trust` in the file does not count."""
    ran, config = plant(tmp_path, monkeypatch), received / "config.yaml"
    text = config.read_text()
    watch = "callbacks:\n    watch:\n      _target_: their_package.Watch\n"
    config.write_text(text.replace("callbacks:\n", watch, 1).replace("trust: []", "trust: [their_package]"))
    again = [f"--config-dir={received}", "--config-name=config", f"hydra.run.dir={tmp_path / 'again'}"]
    for words in ([f"resume={received}"], again, ["--config-d", str(received), *again[1:]]):
        code, said = train(*words)
        assert code == 2 and "trust=[their_package]" in one_line(said)
    assert not ran.exists()
    for words in ([f"resume={received}", "trainer.max_epochs=2"], again):
        code, said = train(*words, "trust=[their_package]")
        assert code == 0, said
    assert ran.exists() and "trust: []" in (tmp_path / "again" / "config.yaml").read_text()


TABLE = "stan_lightning.logging.metrics_table.MetricsTable"
CONFIGS = (
    ("_target_: lightning.Trainer", "_target_: subprocess.run", "subprocess.run"),
    ("_target_: lightning.Trainer", "_target_: torch.nn.modules.container.operator.call", "operator.call"),
    ("file: ${hydra:runtime.output_dir}/metrics.csv", "file: {outside}/x.csv", "lies outside of the run"),
    ("file: ${hydra:runtime.output_dir}/metrics.csv", "file: bashrc", "written where the command runs"),
    (
        "dirpath: ${hydra:runtime.output_dir}/checkpoints",
        "dirpath: ${hydra:runtime.output_dir}/../..",
        "outside",
    ),
    ("filename: best", "filename: /tmp/best", "lies outside of the run"),
    ("make_crops: ", "make_crops: ${oc.env:HOME} # ", "environment"),
    ("image_size: 32", "image_size: 1000000", "from 1 to 2000"),
    ("clip_frames: 16", "clip_frames: 1000000000", "from 1 to 20000"),
    ("num_workers: 0", "num_workers: 100000", "from 0 to 256"),
    ("features: 2", "features: 100000000", "at most 4096"),
    ("features: 2", "features: 1024", "does not fit"),
    ("      - 1\n      - 1\n", "      - 1000000\n      - 1\n", "bottlenecks"),
    ("group: null", "group: &a [x, x]\nb: *a", "aliases"),
    ("logger:", "logged:", "lacks logger"),
    ("monitor: null", "monitor: ${nowhere}", "nowhere"),
    (
        "logger:\n",
        "logger:\n  x:\n    _target_: {table}\n    _args_: [Makefile]\n",
        "arguments need their names",
    ),
    ("filename: best", "filename: '{epoch].__class__}'", "in braces"),
    ("mode: null", "mode: neither", "cannot be made"),
    ("_target_: stan_lightning.data.datamodule.CropDataModule", "x: 1", "no CropDataModule"),
    ("_target_: stan_lightning.training.module.StanModule", "x: 1", "cannot be made"),
    ("_target_: lightning.Trainer", "x: 1", "no lightning.Trainer"),
    ("callbacks:\n", "callbacks:\n    x: 3\n", "callbacks by their names"),
    ("callbacks:\n    best:", "other:\n    best:", "does not fit this version"),
    ("devices: auto\n  precision: auto", "devices: auto\n  precision: [1]", "does not fit this version"),
)


def test_a_received_config_is_data(received: Path, tmp_path: Path, train: Train) -> None:
    """Each is one line, and nothing is built, written or asked for."""
    config = received / "config.yaml"
    text = config.read_text()
    for old, new, expected in CONFIGS:
        assert old in text, text
        config.write_text(
            text.replace(old, new.replace("{outside}", str(tmp_path)).replace("{table}", TABLE), 1)
        )
        code, said = train(f"resume={received}", "trainer.max_epochs=2")
        assert code == 2 and expected in one_line(said), (new, said)
    assert not (tmp_path / "x.csv").exists()


def first(part: Any) -> Any:
    return next(iter(part.values()))


WIDE = {"_target_": "torch.nn.Linear", "in_features": 10**5, "out_features": 10**5}
EMPTY = {"_target_": "torch.nn.GroupNorm", "num_groups": 0, "num_channels": 4}
DEEP = {"_target_": "torch.nn.Transformer", "num_encoder_layers": 10**9}
STATES: tuple[Callable[[dict[str, Any]], Any], ...] = (
    lambda content: content["optimizer_states"][0]["param_groups"][0].update(lr="x"),
    lambda content: content["optimizer_states"][0].update(state=7),
    lambda content: first(content["optimizer_states"][0]["state"]).update(exp_avg=torch.ones(3)),
    lambda content: content["lr_schedulers"][0].update(last_epoch="x"),
    lambda content: content["loops"].update(fit_loop={}),
    lambda content: content["loops"]["fit_loop"]["epoch_progress"]["current"].update(processed=-5),
    lambda content: content["lr_schedulers"][0].update(base_lrs=None),
    lambda content: content.pop("optimizer_states"),
    lambda content: content.pop("hyper_parameters"),
)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(STATES)))
def test_a_malformed_state_is_one_line(received: Path, train: Train, number: int) -> None:
    """Also one of the right types; what trained fine goes on."""
    edited(received / "checkpoints" / "last.ckpt", STATES[number])
    code, said = train(f"resume={received}", "trainer.max_epochs=2")
    assert code == 2 and "last.ckpt" in one_line(said), said


def test_other_loggers_end_as_they_do(received: Path, train: Train) -> None:
    """Lightning's have no `close`; what has no place of its own is written into the run."""
    config = received / "config.yaml"
    logger = "logger:\n  x:\n    _target_: lightning.pytorch.loggers.CSVLogger\n    save_dir: "
    profiler = (
        "trainer:\n  profiler:\n    _target_: lightning.pytorch.profilers.SimpleProfiler\n    filename: x\n"
    )
    text = config.read_text().replace("logger:\n", logger + "${hydra:runtime.output_dir}/x\n", 1)
    config.write_text(text.replace("trainer:\n", profiler, 1))
    code, said = train(f"resume={received}", "trainer.max_epochs=2")
    assert code == 0 and "Traceback" not in said, said
    assert list((received / "x").rglob("metrics.csv"))


def edited(file: Path, change: Callable[[dict[str, Any]], None], to: Path | None = None) -> Path:
    content = torch.load(file, weights_only=True)
    change(content)
    torch.save(content, to or file)
    return to or file


@pytest.mark.parametrize(
    "name", ["/x/..", "..", "/x/.", "/tmp", "a/../../b", "\n.ckpt", "\x9b2J.ckpt", ".ckpt", "/home", 7, ["a"]]
)
@pytest.mark.parametrize("key", ["kth_best_model_path", "best_model_path", "last_model_path"])
def test_paths_in_a_checkpoint_are_names_in_its_folder(tmp_path: Path, key: str, name: object) -> None:
    file = tmp_path / "last.ckpt"
    torch.save({"callbacks": {"ModelCheckpoint": {"dirpath": "/x", key: name}}}, file)
    with pytest.raises(InputError, match="no name of one"):
        WholeCheckpointIO().load_checkpoint(file)
    torch.save({"callbacks": {"ModelCheckpoint": {"dirpath": "/x", "best_k_models": {str(name): 1.0}}}}, file)
    with pytest.raises(InputError, match="no name of one"):
        WholeCheckpointIO().load_checkpoint(file)


def test_paths_of_a_moved_run_lie_in_its_folder_now(tmp_path: Path) -> None:
    file = tmp_path / "last.ckpt"
    state = {
        "dirpath": "/x/checkpoints",
        "best_model_path": "/x/checkpoints/best.ckpt",
        "kth_best_model_path": "",
    }
    torch.save({"callbacks": {"ModelCheckpoint": state}}, file)
    found = WholeCheckpointIO().load_checkpoint(file)["callbacks"]["ModelCheckpoint"]
    assert found["best_model_path"] == str(tmp_path / "best.ckpt") and found["kth_best_model_path"] == ""


def test_a_checkpoint_decides_nothing_of_the_machine_and_asks_for_no_more_than_it_holds(
    received: Path,
) -> None:
    best, odd = received / "checkpoints" / "best.ckpt", received / "checkpoints" / "odd.ckpt"

    def greedy(content: dict[str, Any]) -> None:
        content["datamodule_hyper_parameters"] |= dict(num_workers=500, batch_size=10**6)

    data = open_checkpoint(edited(best, greedy, odd)).data
    assert (data["num_workers"], data["batch_size"]) == (0, 5)
    changes: list[tuple[str, str, Any]] = [
        ("datamodule_hyper_parameters", "image_size", 10**6),
        ("datamodule_hyper_parameters", "clip_frames", 10**9),
        ("datamodule_hyper_parameters", "clip_frames", "many"),
        ("datamodule_hyper_parameters", "sound_s", 1e9),
        ("datamodule_hyper_parameters", "modalities", ["../../x"]),
        ("datamodule_hyper_parameters", "root", {"a": 1}),
        ("training", "sessions", [["1", "1", "high"]]),
        ("training", "score_range", [0, float("inf")]),
        ("training", "protocol", ["x"]),
        ("hyper_parameters", "network", {"name": "sta_drn"}),
        ("hyper_parameters", "network", 7),
        ("hyper_parameters", "x", {"_target_": "torch.nn.GroupNorm", "num_groups": 0, "num_channels": 4}),
        ("hyper_parameters", "network", EMPTY | {"x": EMPTY}),
        ("hyper_parameters", "network", EMPTY | {"encoder": DEEP}),
        (
            "hyper_parameters",
            "network",
            EMPTY | {"encoder": DEEP | {"num_encoder_layers": torch.tensor(10**9)}},
        ),
        ("hyper_parameters", "network", EMPTY | {"encoder": WIDE | {"device": "cpu"}}),
        ("datamodule_hyper_parameters", "augment", {"picture": WIDE}),
    ]
    for part, name, value in changes:
        edited(best, lambda content, p=part, n=name, v=value: content[p].update({n: v}), odd)
        with pytest.raises(InputError, match=r"odd\.ckpt") as refusal:
            open_checkpoint(odd)
        assert "\n" not in str(refusal.value), (part, name)
    for name, value in (("features", 10**8), ("layers", [10**6, 1, 1, 1]), ("features", 4)):
        edited(
            best,
            lambda content, n=name, v=value: content["hyper_parameters"]["network"]["encoder"].update({n: v}),
            odd,
        )
        with pytest.raises(InputError, match=r"odd\.ckpt.*(does not fit|bottlenecks|at most)"):
            open_checkpoint(odd)


@pytest.mark.parametrize("target", ["os.system", "builtins.eval", "torch.hub.load", "torch.load"])
@pytest.mark.parametrize(
    "key", ["network.encoder", "objective.loss", "optimizer", "scheduler", "augment.picture", "sampler"]
)
def test_what_a_checkpoint_names_is_this_project_s_or_torch_s(target: str, key: str, received: Path) -> None:
    """Refused before anything is imported or called, also behind an allowed name."""
    best, odd = received / "checkpoints" / "best.ckpt", received / "checkpoints" / "odd.ckpt"
    part = "datamodule_hyper_parameters" if key.startswith(("augment", "sampler")) else "hyper_parameters"

    def hostile(content: dict[str, Any], name: str) -> None:
        *above, last = key.split(".")
        node = content[part]
        for one in above:
            node = node[one]
        node[last] = {"_target_": name}

    for name in (target, f"torch.optim.optimizer.{target}", "their_package.Network"):
        edited(best, lambda content, n=name: hostile(content, n), odd)
        with pytest.raises(InputError, match=r"odd\.ckpt.*asks for|odd\.ckpt.*lacks") as refusal:
            open_checkpoint(odd)
        assert "\n" not in str(refusal.value)
    assert "trust=[their_package]" in str(refusal.value)


def test_a_received_evaluation_folder_that_leads_elsewhere_is_refused(received: Path, tmp_path: Path) -> None:
    from stan_boundary.writing import private_folder

    (tmp_path / "other").mkdir()
    (received / "evaluation").mkdir()
    (received / "evaluation" / "test").symlink_to(tmp_path / "other")
    home = home_of(received / "checkpoints" / "best.ckpt")
    with pytest.raises(InputError, match="is a link"):
        private_folder(home / "evaluation" / "test", home)
    (tmp_path / "elsewhere.ckpt").symlink_to(received / "checkpoints" / "best.ckpt")
    (received / "again").symlink_to("checkpoints")
    for path in (tmp_path / "elsewhere.ckpt", received / "again" / "best.ckpt"):
        assert path.is_file()
    with pytest.raises(InputError, match="link"):
        home_of(tmp_path / "elsewhere.ckpt")


def test_links_in_a_run_are_not_written_through(received: Path, tmp_path: Path, train: Train) -> None:
    """Files in the way are replaced, folders refused; part files of before stay what they are."""
    other = tmp_path / "precious"
    other.write_text("mine")
    for name in ("metrics.csv", "versions.txt", "summary.json", "config.yaml.part", "metrics.csv.part"):
        (received / name).unlink(missing_ok=True)
        (received / name).symlink_to(other)
    for name in ("last.ckpt.part", "best.ckpt.part"):
        (received / "checkpoints" / name).symlink_to(other)
    (received / "metrics.csv").unlink()
    code, said = train(f"resume={received}", "trainer.max_epochs=2")
    assert code == 0, said
    assert other.read_text() == "mine" and json.loads((received / "summary.json").read_text())
    (received / "wandb").symlink_to(tmp_path)
    code, said = train(f"resume={received}", "trainer.max_epochs=3")
    assert code == 2 and "is a link to a folder" in one_line(said)


def test_config_of_a_run_is_its_own_file(received: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("password: x\n")
    (received / "config.yaml").unlink()
    (received / "config.yaml").symlink_to(tmp_path / "secret.yaml")
    with pytest.raises(InputError, match="leads out of"):
        resume.read(received)
