"""Logins are told by where they lie, and never by what they hold."""

from pathlib import Path

import pytest

from stan_lightning.machine.accounts import facts
from stan_lightning.machine.fact import GOOD, NOTE

SECRET = "hf_1234567890secret"
NAMES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_HOME", "XDG_CACHE_HOME")
NAMES += ("WANDB_API_KEY", "WANDB_BASE_URL", "NETRC")


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def told() -> list[tuple[str, str]]:
    found = [(fact.mark, f"{fact.said} {fact.mend}") for fact in facts()]
    assert not any(SECRET in said for _, said in found)
    return found


def test_nobody_is_logged_in(nobody: Path) -> None:
    hub, wandb = told()
    assert hub[0] == wandb[0] == NOTE and "auth login" in hub[1] and "wandb login" in wandb[1]


def test_logins_in_files(nobody: Path) -> None:
    (nobody / ".cache" / "huggingface").mkdir(parents=True)
    (nobody / ".cache" / "huggingface" / "token").write_text(SECRET)
    (nobody / ".netrc").write_text(f"machine api.wandb.ai login user password {SECRET}\n")
    assert [mark for mark, _ in told()] == [GOOD, GOOD]
    (nobody / ".netrc").write_text(f"machine elsewhere login user password {SECRET}\n")
    assert told()[1][0] == NOTE
    (nobody / ".netrc").write_text("machine machine\x00 nonsense {")
    assert told()[1][0] == NOTE


def test_logins_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", SECRET)
    monkeypatch.setenv("WANDB_API_KEY", SECRET)
    assert [mark for mark, _ in told()] == [GOOD, GOOD]
