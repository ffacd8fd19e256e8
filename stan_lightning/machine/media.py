"""Codecs and fonts."""

import shutil
import subprocess
from collections.abc import Iterator

from stan_boundary.typed import typed_python
from stan_lightning.machine.fact import BAD, NOTE, Fact

READ = ("h264", "hevc", "mpeg4", "mjpeg", "vp8", "vp9", "av1", "wmv2", "aac", "mp3", "opus", "pcm_s16le")
"""What films and their sound come in most."""
WRITTEN = ("libx264",)
"""What browsers play of predictions."""


def facts() -> Iterator[Fact]:
    """What PyAV's FFmpeg reads and writes, and the fonts that pages find."""
    yield from _codecs()
    yield from _fonts()


def _codecs() -> Iterator[Fact]:
    try:
        from av.codec import Codec
    except Exception:  # whatever stops it was told with the packages
        yield Fact("codecs: unknown, PyAV does not load", NOTE)
        return
    mend = f"{typed_python()} -m pip install --force-reinstall --only-binary=:all: av"
    lacking = [name for name in READ if not _has(Codec, name, "r")]
    if lacking:
        yield Fact(f"codecs that are not read: {', '.join(lacking)}", NOTE, mend)
    unwritten = [name for name in WRITTEN if not _has(Codec, name, "w")]
    if unwritten:
        said = f"no {', '.join(unwritten)}, by which predict writes films (views=false does without)"
        yield Fact(said, BAD, mend)
    else:
        read = ", ".join(name for name in READ if name not in lacking)
        yield Fact(f"codecs: reads {read}; writes {', '.join(WRITTEN)}")


def _has(codec: type, name: str, mode: str) -> bool:
    try:
        codec(name, mode)
    except Exception:  # PyAV's own kind, which differs between versions
        return False
    return True


def _fonts() -> Iterator[Fact]:
    """Pictures bring their letters; names of recordings on pages are written by the browser's fonts."""
    program = shutil.which("fc-list")
    if program is None:
        yield Fact("fonts: unknown (no fontconfig); pages take those of the reader's browser", NOTE)
        return
    families = set()
    lacking = []
    for script, language in (("Chinese, Japanese, Korean", "zh"), ("Arabic", "ar"), ("Hindi", "hi")):
        found = _listed(program, f":lang={language}")
        families |= found
        if not found:
            lacking.append(script)
    families |= _listed(program, ":lang=en")
    if lacking:
        yield Fact(
            f"fonts: none for {', '.join(lacking)}, which names of recordings may be in",
            NOTE,
            "apt-get install fonts-noto-core fonts-noto-cjk",
        )
    yield Fact(f"fonts: {len(families)} families")


def _listed(program: str, pattern: str) -> set[str]:
    try:
        done = subprocess.run(
            [program, pattern, "family"], capture_output=True, text=True, errors="replace", timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return set()
    return {line for line in done.stdout.splitlines() if line.strip()}
