"""What the check says: rows as they come, and all of them in a page and a file to send back."""

import json
import os
import platform
import shutil
import subprocess
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from stan_lightning.runs.versions import versions


@dataclass(frozen=True)
class Comparison:
    """One number that two ways of computing must agree in.

    Attributes:
        what: Words for a reader.
        difference: The largest that was found; NaN where there is none to be had.
        allowed: The largest that passes.
        note: What the numbers are, or what went wrong.
    """

    what: str
    difference: float
    allowed: float
    note: str = ""

    @property
    def ok(self) -> bool:
        """Whether it passes; NaN does not."""
        return self.difference <= self.allowed


@dataclass
class Report:
    """All that was found, by part.

    Attributes:
        device: Where it was found.
        comparisons: In the order in which they were made.
        tables: Titles and rows of measurements, each row by column.
        failures: Tracebacks of parts that did not come to their end.
        seconds: What each part took.
    """

    device: Mapping[str, Any]
    comparisons: list[Comparison] = field(default_factory=list)
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def compare(self, what: str, difference: float, allowed: float, note: str = "") -> None:
        """Note a comparison and say it."""
        row = Comparison(what, float(difference), float(allowed), note)
        self.comparisons.append(row)
        print("  " + "  ".join(_cells(row)), flush=True)

    def measure(self, table: str, row: dict[str, Any]) -> None:
        """Note a measurement and say it."""
        self.tables.setdefault(table, []).append(row)
        print("  " + "  ".join(f"{name} {_shown(value)}" for name, value in row.items()), flush=True)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """A part that fails is a failure of the check, and not its end: what else there is may tell why."""
        print(f"{name} ...", flush=True)
        begun = time.perf_counter()
        try:
            yield
        except Exception as error:  # whatever a device that nothing has run on yet may raise
            self.failures[name] = traceback.format_exc()
            print(f"  FAILED: {type(error).__name__}: {str(error).strip().splitlines()[:1]}", flush=True)
        self.seconds[name] = round(time.perf_counter() - begun, 1)

    @property
    def ok(self) -> bool:
        """Whether every comparison passes and every part came to its end."""
        return not self.failures and all(row.ok for row in self.comparisons)

    def verdict(self) -> str:
        """One line."""
        wrong = [row.what for row in self.comparisons if not row.ok]
        said = [f"{len(self.comparisons) - len(wrong)} of {len(self.comparisons)} comparisons pass"]
        said += [f"not: {', '.join(wrong)}"] if wrong else []
        said += [f"failed: {', '.join(self.failures)}"] if self.failures else []
        return "; ".join(said)

    def write(self, folder: Path) -> list[Path]:
        """Write ``gpu_check.md`` and ``gpu_check.json``; returns their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        page, data = folder / "gpu_check.md", folder / "gpu_check.json"
        page.write_text(self.markdown(), encoding="utf-8")
        content = asdict(self) | {"ok": self.ok}
        content["comparisons"] = [asdict(row) | {"ok": row.ok} for row in self.comparisons]
        data.write_text(json.dumps(content, indent=1, default=str), encoding="utf-8")
        return [page, data]

    def markdown(self) -> str:
        """The page."""
        facts = [f"- {name}: {value}" for name, value in self.device.items()]
        parts = ["# GPU check of stan-lightning", "\n".join(facts), f"**{self.verdict()}**"]
        columns = ["what", "largest difference", "allowed", "ok"]
        parts.append(_table(columns, [_cells(row) for row in self.comparisons]))
        for title, rows in self.tables.items():
            names = list(dict.fromkeys(name for row in rows for name in row))
            parts.append(f"## {title}")
            parts.append(_table(names, [[_shown(row.get(name)) for name in names] for row in rows]))
        took = [[name, f"{seconds:.0f} s"] for name, seconds in self.seconds.items()]
        parts += ["## What the parts took", _table(["part", "time"], took)]
        parts += [f"## {name} failed\n```\n{said}```" for name, said in self.failures.items()]
        return "\n\n".join(parts) + "\n"


def _cells(row: Comparison) -> list[str]:
    note = f" ({row.note})" if row.note else ""
    ok = "ok" if row.ok else "NOT OK"
    return [row.what + note, _shown(row.difference), _shown(row.allowed), ok]


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def describe(device: torch.device) -> dict[str, Any]:
    """The device's name and driver, and the versions of what computes."""
    found: dict[str, Any] = {"device": f"CPU, {torch.get_num_threads()} threads"}
    if device.type == "cuda":
        card = torch.cuda.get_device_properties(device)
        found = {
            "device": card.name,
            "memory": f"{card.total_memory / 2**30:.1f} GiB",
            "compute capability": f"{card.major}.{card.minor}",
            "driver": _driver(),
            "CUDA": torch.version.cuda,
            "cuDNN": torch.backends.cudnn.version(),
        }
    found |= {"host": f"{os.cpu_count()} cores, {platform.platform()}", "Python": platform.python_version()}
    return found | versions()


def _driver() -> str:
    program = shutil.which("nvidia-smi")
    if program is None:
        return "unknown: no nvidia-smi"
    asked = [program, "--query-gpu=driver_version", "--format=csv,noheader"]
    return subprocess.run(asked, capture_output=True, text=True).stdout.strip() or "unknown"
