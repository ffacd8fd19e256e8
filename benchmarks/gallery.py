"""How long a browser takes to open the gallery of many recordings, and to sort it.

    python -m benchmarks.gallery
    python -m benchmarks.gallery --recordings 1000 --windows 40

Each recording has windows, loudness, four curves, a strip of faces and a film, as `evaluate gallery=true`
writes them. Needs chromium with chromedriver, and selenium (extra dev). Medians over rounds, each in a
browser of its own, which finds nothing in its cache.
"""

import argparse
import shutil
import statistics
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from selenium import webdriver

from stan_lightning.pages.gallery_page import Curve, Entry, page

OPENED = "return performance.timing.loadEventEnd - performance.timing.navigationStart"
SORTED = """
const sort = document.querySelector('#sort'), begun = performance.now();
sort.value = 'name';
sort.dispatchEvent(new Event('change'));
document.body.offsetHeight;
return performance.now() - begun;
"""


def entry(number: int, n_windows: int, rng: np.random.Generator) -> Entry:
    """One recording of random numbers."""
    starts = np.arange(n_windows) * 6.0
    windows = pd.DataFrame({"start_s": starts, "end_s": starts + 6, "output": rng.uniform(0, 1, n_windows)})
    moments = np.linspace(0, starts[-1] + 6, 400)
    curves = [Curve(f"signal {one}", moments.tolist(), rng.normal(size=400).cumsum()) for one in range(4)]
    return Entry(
        name=f"recording {number}",
        label=float(rng.integers(0, 63)),
        prediction=float(rng.uniform(0, 63)),
        kinds=("test", "FN"[number % 2], "", "new"),
        windows=windows,
        span=(0.0, float(moments[-1])),
        per_second=1.0,
        media=f"{number:04d}.mp4",
        seen=True,
        strip=f"{number:04d}.jpg",
        envelope=rng.uniform(0, 1, 400),
        sound_s=float(moments[-1]),
        curves=curves,
        notes=(),
    )


def browse(address: str) -> tuple[float, float]:
    """Seconds until the page is loaded, and until it is sorted, in a new browser."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
    for flag in ("headless", "no-sandbox", "disable-gpu", "disable-background-networking"):
        options.add_argument(f"--{flag}")
    browser = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        browser.get(address)
        return browser.execute_script(OPENED) / 1000, browser.execute_script(SORTED) / 1000
    finally:
        browser.quit()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--recordings", type=int, default=300)
    parser.add_argument("--windows", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    rng = np.random.default_rng(0)
    faces = cv2.imencode(".jpg", rng.integers(0, 255, (160, 1280, 3), np.uint8))[1].tobytes()
    with tempfile.TemporaryDirectory() as folder:
        entries = [entry(number, asked.windows, rng) for number in range(asked.recordings)]
        for one in entries:
            (Path(folder) / one.strip).write_bytes(faces)
            (Path(folder) / one.media).write_bytes(bytes(100_000))
        html = page(entries, (0, 63), synthetic=True, names=False)
        path = Path(folder) / "index.html"
        path.write_text(html, encoding="utf-8")
        rounds = [browse(path.as_uri()) for _ in range(asked.rounds)]
    opened, ordered = (statistics.median(one) for one in zip(*rounds, strict=True))
    drawn = Table(title=f"gallery of {asked.recordings} recordings, {len(html) / 2**20:.1f} MiB of HTML")
    for column in ("opened in s", "sorted in s"):
        drawn.add_column(column, justify="right")
    drawn.add_row(f"{opened:.2f}", f"{ordered:.2f}")
    Console().print(drawn)


if __name__ == "__main__":
    main()
