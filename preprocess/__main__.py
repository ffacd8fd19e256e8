"""Videos of a corpus to aligned face crops: ``python -m preprocess corpus=avec2014 corpus.root=<folder>``."""

import sys
from functools import partial
from pathlib import Path
from types import NoneType
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from preprocess.faces.libraries import check_libraries
from stan_boundary import cores
from stan_boundary.command_line import check_command_line
from stan_boundary.configs import CONF
from stan_boundary.entry import one_line_errors
from stan_boundary.errors import InputError
from stan_boundary.names import printable
from stan_boundary.typed import override, typed

_EXIT_INTERRUPTED = 130  # what a shell expects after Ctrl-C
_TRAINED_BY = {
    "avec2013": "data=avec2013",
    "avec2014": "data=avec2014",
    "demo": "experiment=demo",
    "synthetic": "data=synthetic",
}
"""How training is told which of the corpora it reads; others come with a manifest."""


EXAMPLES = (
    "python -m preprocess corpus=avec2014 corpus.root=/data/AVEC2014 output=crops",
    "python -m preprocess corpus=manifest corpus.root=videos.csv workers=8",
    "python -m preprocess corpus=demo output=drawn",
)


def main() -> None:
    """Check what was typed, then run."""
    check_command_line("preprocess", __doc__ or "", EXAMPLES)
    run()


@hydra.main(version_base="1.3", config_path=CONF, config_name="preprocess")
def run(config: DictConfig) -> None:
    """Run one preprocessing; ends the process with exit code 0, 3 (some recordings failed) or another."""
    with one_line_errors():
        sys.exit(_preprocess(config))


def _preprocess(config: DictConfig) -> int:
    check_libraries()
    if config.get("summary") is True:
        executor = config.executor.get("_target_")
        own = config.workers is None and executor == "preprocess.workers.pool.ProcessPool"
        workers = f", workers: {cores.usable()}" if own else ""
        print(f"processors to use: {cores.said()}{workers}; MediaPipe is being loaded", flush=True)
    # Only now, as these import MediaPipe and OpenCV, which fail by traceback where a library is missing.
    from preprocess.archive.settings import Settings
    from preprocess.behaviour.mesh import check_library
    from preprocess.behaviour.signal_file import WAY_OUT, signal_of
    from preprocess.faces.model_file import find_mesh, find_models
    from preprocess.run import additions
    from preprocess.run.clocks import clock_recording
    from preprocess.run.run import Run
    from preprocess.run.tasks import crop_recording

    for key in sorted(OmegaConf.missing_keys(config)):
        raise InputError(f"{key} is not set: give {key}=<...>")
    settings = Settings(
        frame_stride=_value(config, "frame_stride", int),
        sampling=_value(config, "sampling", str),
        crop_size=_value(config, "crop_size", int),
        align=_value(config, "align", str),
        max_gap_s=float(_value(config, "max_gap_s", int, float)),
        jpeg_quality=_value(config, "jpeg_quality", int),
        model_path=_value(config, "detector.model_path", str, NoneType),
    )
    overwrite = _value(config, "overwrite", bool)
    sound = _value(config, "sound", bool)
    behaviour = _value(config, "behaviour", bool) and settings.align != "none"
    _value(config, "seed", int)
    _value(config, "workers", int, NoneType)
    _value(config, "corpus.root", str)
    output = Path(_value(config, "output", str))
    try:
        corpus = _corpus(config)
        films = any(recording.path for recording in corpus.recordings)
        if settings.align != "none" and films:
            find_models(settings.model_path)  # once, before all workers want to fetch them
        beside = [additions.sound(sound)]
        if behaviour and films:
            check_library()
            signal_of(output).refuse_other(WAY_OUT)
            find_mesh(settings.model_path)
            beside.append(additions.behaviour(settings.model_path))
        run = Run(
            corpus=corpus,
            settings=settings,
            output=output,
            crop=partial(crop_recording, sound=sound),
            clock=partial(clock_recording, sound=sound),
            additions=beside,
            overwrite=overwrite,
            contact_sheets=_value(config, "contact_sheets", bool),
            summary=_value(config, "summary", bool),
            console=Console(),
        )
        with instantiate(config.executor, _convert_="all")() as executor:
            code = run.execute(executor)
        if run.summary:
            labelled = any(one.partition == "train" and one.label is not None for one in corpus.recordings)
            print(printable(f"next: {_next_command(output, labelled)}"))
        return code
    except KeyboardInterrupt:
        again = " (without overwrite=true)" if overwrite else ""
        print(
            f"stopped: finished recordings are kept in {output}; the same command{again} goes on from there",
            file=sys.stderr,
        )
        return _EXIT_INTERRUPTED


def _next_command(output: Path, labelled: bool) -> str:
    """What is done with crops: a network is trained on them, or scores them where nothing can be learnt."""
    if not labelled:
        return typed(f"python -m stan_lightning.predict checkpoint=<checkpoint> {override('video', output)}")
    corpus = HydraConfig.get().runtime.choices["corpus"]
    data = _TRAINED_BY.get(corpus, "data=manifest")
    return typed(f"python -m stan_lightning.train {data} {override('data.root', output)}")


def _corpus(config: DictConfig) -> Any:
    """The corpus, with the streams and the frame rate that the user states for all of it."""
    from preprocess.corpora.corpus import with_choices

    group = config.corpus.copy()
    stated = []
    for name, kinds in (("video_stream", (int,)), ("audio_stream", (int,)), ("fps", (int, float))):
        if name in group and "synthetic" not in group["_target_"]:
            stated.append(_value(config, f"corpus.{name}", *kinds, NoneType))
            OmegaConf.set_struct(group, False)
            del group[name]
        else:
            stated.append(None)
    return with_choices(instantiate(group, _convert_="all")(), *stated)


def _value(config: DictConfig, key: str, *kinds: type) -> Any:
    """A key's value, checked for its type: Hydra takes anything."""
    group, _, name = key.rpartition(".")
    node = config[group] if group else config
    value = node[name]
    # True is an int to Python, and no number here.
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        wanted = " or ".join("null" if kind is NoneType else kind.__name__ for kind in kinds)
        raise InputError(f"{key}={value}: must be {wanted}")
    return value


if __name__ == "__main__":
    main()
