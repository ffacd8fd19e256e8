"""Memory within what control groups grant."""

from pathlib import Path

from stan_lightning.machine.hardware import facts, memory


def test_memory_is_the_machines_or_what_a_control_group_grants(tmp_path: Path) -> None:
    assert memory(tmp_path) == (0, 0)  # no Linux
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text("MemTotal: 8000 kB\nMemFree: 1 kB\nMemAvailable: 4000 kB\n")
    assert memory(tmp_path) == (8_192_000, 4_096_000)
    limit = tmp_path / "sys" / "fs" / "cgroup" / "memory.max"
    limit.parent.mkdir(parents=True)
    for text, found in (("max", (8_192_000, 4_096_000)), ("1000000\n", (1_000_000, 1_000_000))):
        limit.write_text(text)
        assert memory(tmp_path) == found


def test_each_thing_is_one_line() -> None:
    said = [fact.said for fact in facts()]
    assert said[0].startswith("processors to use: ") and "GB" in said[1] and "GPU" in said[2]
    assert all("\n" not in line for line in said)
