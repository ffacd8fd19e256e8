"""No command sends anything that nobody asked for: no connection leaves the machine."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stan_boundary.environment import DEFAULTS

TINY = ["data.clip_frames=8", "data.image_size=32", "data.num_workers=0", "data.batch_size=2"]
NETWORK = ["model.network.encoder.features=2", "model.network.encoder.layers=[1,1,1,1]"]
NETWORK += ["trainer.max_epochs=1", "trainer.accelerator=cpu"]
_ADDRESS = re.compile(
    r"(?:connect|sendto|sendmsg)\(.*?AF_INET6?\b.*?(?:inet_addr\(|inet_pton\(AF_INET6, )\"([^\"]+)\""
)
LOOPBACK = ("127.", "::1", "0.0.0.0", "::ffff:127.")


def addresses(trace: str) -> set[str]:
    """Addresses of the internet that a trace tells of connecting or sending to."""
    return {found[1] for line in trace.splitlines() if (found := _ADDRESS.search(line))}


def test_a_trace_is_read() -> None:
    line = 'connect(7, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr("20.1.2.3")}, 16) = 0'
    six = (
        "connect(7, {sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0), "
        'inet_pton(AF_INET6, "2001:db8::1", &sin6_addr), sin6_scope_id=0}, 28) = 0'
    )
    assert addresses(f"{line}\n{six}\n[pid 9] connect(3, {{sa_family=AF_UNIX}}, 110) = 0") == {
        "20.1.2.3",
        "2001:db8::1",
    }


def test_what_sends_is_switched_off_before_it_is_imported() -> None:
    names = {"ORT_DISABLE_TELEMETRY": "1", "WANDB_ERROR_REPORTING": "false"}
    assert names.items() <= DEFAULTS.items()


@pytest.mark.slow
def test_no_command_connects_to_anybody(tmp_path: Path, dinov2: Path) -> None:
    """Loopback and unix sockets are W&B's own service and torch.distributed; anything else is not."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("no strace here: apt install strace")
    crops, run = tmp_path / "crops", tmp_path / "run"
    drawn = ["corpus=demo", "corpus.subjects=6", "corpus.sessions={train: 2, dev: 2, test: 2}", "workers=1"]
    checkpoint = f"checkpoint={run}/checkpoints/best.ckpt"
    data = [f"data.root={crops}", "data=synthetic"]
    commands = {
        "preprocess": [*drawn, f"output={crops}"],
        "stan_lightning.train": [*data, f"hydra.run.dir={run}", "logger=wandb", *TINY, *NETWORK],
        "stan_lightning.evaluate": [checkpoint, "trainer.accelerator=cpu"],
        "stan_lightning.predict": [
            checkpoint,
            f"video={crops}",
            f"output={tmp_path / 'scores'}",
            "views=false",
        ],
        "stan_lightning.report": [str(run)],
        "stan_lightning.embed": [f"encoder.name={dinov2}", f"data.root={crops}"],
    }
    environment = {name: value for name, value in os.environ.items() if name not in DEFAULTS}
    environment |= {"HOME": str(tmp_path / "home"), "WANDB_MODE": "offline", "OMP_NUM_THREADS": "1"}
    environment |= {"XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))}
    (tmp_path / "home").mkdir()
    for module, arguments in commands.items():
        trace = tmp_path / f"{module}.trace"
        traced = [strace, "-f", "-qq", "-s", "300", "-e", "trace=connect,sendto,sendmsg", "-o", str(trace)]
        done = subprocess.run(
            [*traced, sys.executable, "-m", module, *arguments],
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{module}: {done.stdout[-2000:]} {done.stderr[-2000:]}"
        others = {one for one in addresses(trace.read_text()) if not one.startswith(LOOPBACK)}
        assert not others, f"{module} connects to {others}"
