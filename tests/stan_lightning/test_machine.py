"""What the machine refuses ends a command in one line that names cause and way on, and nothing is lost."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stan_lightning.data.dataset import ClipDataset
from stan_lightning.runs.checkpoints import newest

ROOT = Path(__file__).resolve().parents[2]
TINY = [
    *(
        "data=folders",
        "model.network.encoder.features=2",
        "model.network.encoder.layers=[1,1,1,1]",
        "data.clip_frames=16",
    ),
    *("data.image_size=32", "data.batch_size=2", "data.num_workers=0"),
]
NAMESPACE = ["unshare", "--mount", "sh", "-c"]
Train = Callable[..., tuple[int, str]]


def one_line(code: int, said: str) -> str:
    """The one line of an error; what training says of its data before it stays out of it."""
    assert code == 2, said
    assert "Traceback" not in said
    (line,) = [one for one in said.splitlines() if one.startswith("error: ")]
    return line


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(place)]
    if sys.platform != "linux" or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here: only root may")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_fills_up_costs_the_epoch_alone(
    small_disk: Path,
    tmp_path: Path,
    make_crops: Callable[..., Path],
    train: Train,
    assert_same_run: Callable[[Path, Path], None],
) -> None:
    arguments = [*TINY, f"data.root={make_crops()}", "model.scheduler.T_0=2"]
    whole, run = tmp_path / "whole", small_disk / "run"
    assert train(*arguments, f"hydra.run.dir={whole}", "trainer.max_epochs=3")[0] == 0
    assert train(*arguments, f"hydra.run.dir={run}", "trainer.max_epochs=1")[0] == 0
    before = newest(run)[0].read_bytes()
    filler = small_disk / "filler"
    free = os.statvfs(small_disk)
    filler.write_bytes(bytes(free.f_bavail * free.f_frsize - 32_768))
    line = one_line(*train(f"resume={run}", "trainer.max_epochs=3"))
    assert "the disk is full" in line and "1 whole epochs are kept" in line and f"resume={run}" in line
    assert newest(run)[0].read_bytes() == before and not list(run.rglob("*.part"))
    filler.unlink()
    code, said = train(f"resume={run}", "trainer.max_epochs=3")
    assert code == 0, said
    assert_same_run(run, whole)


def test_a_folder_that_cannot_be_written(
    small_disk: Path, make_crops: Callable[..., Path], train: Train
) -> None:
    run = small_disk / "run"
    arguments = [*TINY, f"data.root={make_crops()}", "trainer.max_epochs=1"]
    assert train(*arguments, f"hydra.run.dir={run}")[0] == 0
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for typed in (
        [f"resume={run}", "trainer.max_epochs=2"],
        [*arguments, f"hydra.run.dir={small_disk / 'other'}"],
        ["--multirun", *arguments, "seed=0,1", f"hydra.sweep.dir={small_disk / 'sweep'}"],
    ):
        line = one_line(*train(*typed))
        assert "Read-only file system" in line and str(small_disk) in line and "hydra.run.dir=" in line


def test_slurm_was_told_tasks_and_not_tasks_of_a_node(
    tmp_path: Path, make_crops: Callable[..., Path], train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NTASKS", "JOB_ID", "JOB_NAME", "PROCID", "LOCALID", "NODEID"):
        monkeypatch.setenv(f"SLURM_{name}", {"NTASKS": "2", "JOB_NAME": "train"}.get(name, "0"))
    arguments = [*TINY, f"data.root={make_crops()}", f"hydra.run.dir={tmp_path / 'run'}"]
    for trainer in ("default", "slurm"):
        line = one_line(
            *train(*arguments, f"trainer={trainer}", "trainer.accelerator=cpu", "trainer.devices=2")
        )
        assert "--ntasks=2" in line and "--ntasks-per-node" in line


def test_a_reading_process_that_is_killed(
    tmp_path: Path, make_crops: Callable[..., Path], train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the kernel does where memory runs out; the same command without such processes runs."""
    run = tmp_path / "run"
    arguments = [*TINY, f"data.root={make_crops()}", f"hydra.run.dir={run}", "trainer.max_epochs=1"]
    with monkeypatch.context() as patched:
        patched.setattr(ClipDataset, "__getitem__", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        line = one_line(*train(*arguments, "data.num_workers=1"))
    assert "was killed" in line and "data.num_workers=0" in line and str(run) in line
    code, said = train(*arguments, "data.num_workers=0", "go_on=true")
    assert code == 0, said


def typed(*arguments: str, under: list[str] | None = None, **environment: str) -> tuple[int, str]:
    """A command in a process of its own."""
    done = subprocess.run(
        [*(under or []), sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return done.returncode, done.stdout.decode("utf-8", "replace")


def test_shared_memory_too_small_for_the_clips(tmp_path: Path, make_crops: Callable[..., Path]) -> None:
    inside = [
        "unshare",
        "--mount",
        "sh",
        "-c",
        'mount -t tmpfs -o size=256k tmpfs /dev/shm && exec "$@"',
        "sh",
    ]
    if sys.platform != "linux" or subprocess.run([*inside, "true"], capture_output=True).returncode:
        pytest.skip("no mount namespace can be made here: only root may")
    run = tmp_path / "run"
    arguments = [*TINY, f"data.root={make_crops(size=128)}", f"hydra.run.dir={run}", "trainer.max_epochs=1"]
    line = one_line(*typed("stan_lightning.train", *arguments, "data.num_workers=1", under=inside))
    assert "shared memory" in line and "data.num_workers=0" in line and f"resume={run}" in line


def test_a_terminal_that_is_not_utf8(tmp_path: Path, make_crops: Callable[..., Path]) -> None:
    """Drawn as on a terminal: the progress bar has a bullet, and the folder a letter that latin-1 lacks."""
    root = make_crops()
    root = root.rename(root.with_name("Łódź"))
    code, said = typed(
        *("stan_lightning.train", *TINY, f'data.root="{root}"', f'hydra.run.dir="{tmp_path / "Ōe"}"'),
        *("trainer.max_epochs=1",),
        **{"PYTHONIOENCODING": "latin-1", "FORCE_COLOR": "1", "COLUMNS": "100"},
    )
    assert code == 0, said
    assert "Traceback" not in said and "Epoch 0" in said


STEPS = """
import hashlib, sys, torch
from stan_lightning.network import STADRN
torch.manual_seed(0)
torch.set_num_threads(2)
network = STADRN(features=4, layers=(1, 1, 1, 1))
for _ in range(2):
    network(torch.randn(2, 3, 16, 32, 32)).square().mean().backward()
    with torch.no_grad():  # an optimizer's import takes seconds, and its arithmetic is by element
        for parameter in network.parameters():
            parameter -= 0.01 * parameter.grad
            parameter.grad = None
print(hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in network.parameters())).hexdigest())
"""


def test_how_threads_wait_changes_no_bit() -> None:
    found = []
    free = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    for policy in ({"OMP_WAIT_POLICY": "PASSIVE"}, {"GOMP_SPINCOUNT": "3000"}, {"GOMP_SPINCOUNT": "300000"}):
        done = subprocess.run(
            [sys.executable, "-c", STEPS],
            env=free | {"PYTHONPATH": str(ROOT)} | policy,
            capture_output=True,
            text=True,
            check=True,
        )
        found.append(done.stdout.strip())
    assert len(set(found)) == 1 and len(found[0]) == 64


@pytest.mark.slow
def test_without_home_user_docstrings_and_asserts(tmp_path: Path, make_crops: Callable[..., Path]) -> None:
    """As in a container whose user has no name, under ``PYTHONOPTIMIZE=2``: the whole road, and the help."""
    nameless = ["unshare", "--user", "--map-user=54321", "--map-group=54321"]
    if sys.platform != "linux" or subprocess.run([*nameless, "true"], capture_output=True).returncode:
        pytest.skip("no namespace of users can be made here")
    root = make_crops()
    out = tmp_path / "out"
    run = out / "run"
    under = [*nameless, "env", *(f"--unset={name}" for name in ("HOME", "USER", "LOGNAME", "XDG_CACHE_HOME"))]
    arguments = [*TINY, f"data.root={root}", f"hydra.run.dir={run}", "trainer.max_epochs=1"]
    best = f"checkpoint={run / 'checkpoints' / 'best.ckpt'}"
    for command in (
        ["stan_lightning.train", *arguments],
        ["stan_lightning.evaluate", best],
        ["stan_lightning.predict", best, f"video={root}", f"output={out / 'scores'}"],
        ["stan_lightning.report", str(run), f"--output={out / 'report'}"],
        ["stan_lightning.report", "--help"],
        ["stan_lightning.train", "--help"],
        ["preprocess", "--help"],
    ):
        code, said = typed(*command, under=under, PYTHONOPTIMIZE="2")
        assert code == 0, said
        assert "Traceback" not in said, said
    dashboard = [*arguments[:-2], f"hydra.run.dir={out / 'b'}", "logger=wandb", "logger.wandb.offline=true"]
    for command in (
        ["preprocess", "corpus=demo", f"output={out / 'crops'}"],
        ["stan_lightning.train", *dashboard],
    ):
        assert "home folder is not known: set HOME" in one_line(*typed(*command, under=under))
