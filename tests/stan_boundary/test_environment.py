"""What libraries read when they are loaded is chosen before that, and the user's choice stands."""

import os
import subprocess
import sys

import pytest

from stan_boundary import cores
from stan_boundary.environment import DEFAULTS, THREADS, WAITING, set_defaults


def test_only_what_the_user_left_open_is_set() -> None:
    assert DEFAULTS["OMP_WAIT_POLICY"] == "PASSIVE" and int(DEFAULTS["GOMP_SPINCOUNT"]) > 0
    empty: dict[str, str] = {}
    set_defaults(empty)
    assert empty.items() >= DEFAULTS.items() and empty.keys() <= {*DEFAULTS, THREADS}
    asked = dict.fromkeys([*DEFAULTS, THREADS], "as asked")
    set_defaults(asked)
    assert asked == dict.fromkeys([*DEFAULTS, THREADS], "as asked")


def test_threads_are_left_alone_but_where_control_groups_grant_less(monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, str] = {}
    monkeypatch.setattr(cores, "granted", lambda *_: float("inf"))
    set_defaults(found)
    assert THREADS not in found
    monkeypatch.setattr(cores, "bound", lambda: 8)
    monkeypatch.setattr(cores, "granted", lambda *_: 2.5)
    set_defaults(found)
    assert found[THREADS] == "2"


@pytest.mark.parametrize("chosen", WAITING)
def test_where_the_user_chose_how_threads_wait_nothing_is_added(chosen: str) -> None:
    asked = {chosen: "1000"}
    set_defaults(asked)
    assert asked.keys() & set(WAITING) == {chosen}


LOADED_AFTER = """
import os, sys
class Loader:
    def find_spec(self, name, path, target=None):
        if name in ("torch", "mediapipe", "cv2"):
            print(name, os.environ.get("GOMP_SPINCOUNT"))
            sys.exit(0)
sys.meta_path.insert(0, Loader())
import runpy
sys.argv = ["command", "nowhere"]
runpy.run_module(MODULE, run_name="__main__")
"""


@pytest.mark.parametrize(
    "module", [f"stan_lightning.{name}" for name in ("train", "evaluate", "predict", "embed", "report")]
)
def test_commands_choose_before_torch_is_loaded(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED_AFTER.replace("MODULE", repr(module))],
        env={name: value for name, value in os.environ.items() if name not in DEFAULTS},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[-1] == DEFAULTS["GOMP_SPINCOUNT"]
