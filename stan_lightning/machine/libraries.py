"""Packages, whether they load, and what of the system they need."""

import ctypes
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, requires, version

from stan_boundary.typed import typed_python
from stan_lightning.machine.fact import BAD, NOTE, Fact

PROJECT = "stan-lightning"
LEAST_PYTHON = (3, 11)
MODULES = {
    "hydra-core": "hydra",
    "opencv-python": "cv2",
    "pillow": "PIL",
    "pyyaml": "yaml",
    "scikit-learn": "sklearn",
}
"""Where a package's module is not called as the package is, hyphens apart."""
NEEDED = (
    *("torch", "lightning", "torchmetrics", "hydra-core", "omegaconf", "mediapipe", "opencv-python"),
    *("ai-edge-litert", "av", "numpy", "pandas", "scikit-learn", "scipy", "pillow", "pyyaml", "matplotlib"),
    *("jinja2", "rich", "wandb", "huggingface_hub", "safetensors"),
)
"""What is looked for where this project is not installed, which would say it."""
EXTRAS = {
    "onnx": "predict and evaluate by onnxruntime, and ONNX files of networks",
    "pretrained": "networks of transformers as encoders",
    "sweep": "sweeps in parallel, on Slurm, and by Optuna",
    "distributed": "preprocessing on a Dask cluster",
}
SYSTEM = {"libGL.so.1": "libgl1", "libEGL.so.1": "libegl1", "libGLESv2.so.2": "libgles2"}
"""Of MediaPipe and OpenCV, with Debian's packages."""
_LONGEST_S = 180

_LOAD = """
import importlib, json, sys
for name in json.loads(sys.argv[1]):
    print("try", name, flush=True)
    try:
        importlib.import_module(name)
    except BaseException as error:
        said = " ".join(str(error).split()) or type(error).__name__
        print("bad", json.dumps([name, said[:200]]), flush=True)
"""


def facts() -> Iterator[Fact]:
    """Python, this project, its packages, its extras, and the system's libraries."""
    own = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] < LEAST_PYTHON:
        yield Fact(f"Python {own}: 3.11 or newer is needed", BAD, "make setup PYTHON=python3.11")
    else:
        yield Fact(f"Python {own}")
    yield from _packages()
    yield from _extras()
    missing = [name for name in SYSTEM if not _loads(name)]
    if missing:
        wanted = " ".join(SYSTEM[name] for name in missing)
        yield Fact(
            f"no {', '.join(missing)}, which MediaPipe and OpenCV need", BAD, f"apt-get install {wanted}"
        )
    else:
        yield Fact("the system's libraries of MediaPipe and OpenCV")


def _packages() -> Iterator[Fact]:
    needed: Sequence[str] = NEEDED
    try:
        said = f"{PROJECT} {version(PROJECT)}"
        needed = [one for one in requires(PROJECT) or () if "extra ==" not in one]
    except PackageNotFoundError:
        yield Fact(f"{PROJECT} is not installed for this Python", BAD, "make setup, or pip install -e .")
        said = "a checkout"
    names = {_name(one): one for one in needed}
    absent = [name for name in names if _version(name) == ""]
    if absent:
        wanted = " ".join(f"'{names[name]}'" for name in absent)
        yield Fact(f"not installed: {', '.join(absent)}", BAD, f"{typed_python()} -m pip install {wanted}")
    for name, found, asked in _too_old(names):
        mend = f"{typed_python()} -m pip install --upgrade '{names[name]}'"
        yield Fact(f"{name} {found}, where {asked} is asked for", BAD, mend)
    there = [name for name in names if name not in absent]
    packages = {_module(name): name for name in there}
    broken = loading(list(packages))
    for module, why in broken.items():
        package = packages[module]
        mend = f"{typed_python()} -m pip install --force-reinstall {package}"
        yield Fact(f"{package} is installed and does not load: {why}", BAD, mend)
    yield Fact(f"{said}: {len(there) - len(broken)} of {len(names)} packages load")


def _module(package: str) -> str:
    """What is imported of a package; a wheel's metadata spell names with hyphens."""
    return MODULES.get(package.lower(), package.replace("-", "_"))


def loading(modules: Sequence[str]) -> dict[str, str]:
    """Which modules do not load, and why; in a process of its own, which a broken one may end."""
    if not modules:
        return {}
    # As this process was started: without site-packages where it has none.
    flags = ["-S"] if sys.flags.no_site else []
    try:
        done = subprocess.run(
            [sys.executable, *flags, "-c", _LOAD, json.dumps(list(modules))],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_LONGEST_S,
            stdin=subprocess.DEVNULL,
        )
        printed, code = done.stdout, done.returncode
    except subprocess.TimeoutExpired as error:
        output = error.stdout or b""
        printed, code = output.decode("utf-8", "replace") if isinstance(output, bytes) else output, 0
        last = printed.strip().splitlines()[-1:] or [f"try {modules[0]}"]
        return _broken(printed) | {last[0].split(" ", 1)[1]: f"no answer for {_LONGEST_S} s"}
    found = _broken(printed)
    tried = [line[4:] for line in printed.splitlines() if line.startswith("try ")]
    if code and tried:
        found[tried[-1]] = f"it ends the process ({'signal' if code < 0 else 'code'} {abs(code)})"
    return found


def _broken(printed: str) -> dict[str, str]:
    return dict(json.loads(line[4:]) for line in printed.splitlines() if line.startswith("bad "))


def _extras() -> Iterator[Fact]:
    try:
        asked = requires(PROJECT) or []
    except PackageNotFoundError:
        return
    for extra, gives in EXTRAS.items():
        names = [_name(one) for one in asked if f'extra == "{extra}"' in one.replace("'", '"')]
        absent = [name for name in names if _version(name) == ""]
        if absent:
            mend = f"{typed_python()} -m pip install '{PROJECT}[{extra}]'"
            yield Fact(f"without the extra {extra} ({gives}): no {', '.join(absent)}", NOTE, mend)


def _too_old(names: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """Name, version and what is asked for."""
    try:
        from packaging.requirements import Requirement
    except ImportError:  # of several packages that are missed already
        return
    for name, text in names.items():
        asked = Requirement(text).specifier
        found = _version(name)
        if found and not asked.contains(found, prereleases=True):
            yield name, found, str(asked)


def _name(requirement: str) -> str:
    """The package of a requirement, such as ``hydra-core>=1.3.8``."""
    end = next((at for at, letter in enumerate(requirement) if letter in "<>=!~;[ ("), len(requirement))
    return requirement[:end]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
