"""`python -m preprocess`: videos of a corpus to aligned face crops; see `conf/preprocess.yaml`."""

import sys
from pathlib import Path

import hydra
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from preprocess.entry import one_line_errors
from preprocess.errors import InputError
from preprocess.libraries import check_libraries

_CONFIG = str(Path(__file__).resolve().parents[1] / "conf")
_EXIT_INTERRUPTED = 130  # what a shell expects after Ctrl-C


@hydra.main(version_base="1.3", config_path=_CONFIG, config_name="preprocess")
def main(config: DictConfig) -> None:
    """Run one preprocessing; ends the process with exit code 0, 3 (some recordings failed) or another."""
    with one_line_errors():
        sys.exit(_preprocess(config))


def _preprocess(config: DictConfig) -> int:
    check_libraries()
    # Only now, as these import MediaPipe and OpenCV, which fail by traceback where a library is missing.
    from preprocess.crop import crop_recording
    from preprocess.model_file import find_models
    from preprocess.run import Run
    from preprocess.settings import Settings

    for key in ("corpus.root", "executor.address", "output"):
        if _is_missing(config, key):
            raise InputError(f"{key} is not set: give {key}=<...> on the command line")
    settings = Settings(
        frame_stride=config.frame_stride,
        sampling=config.sampling,
        crop_size=config.crop_size,
        align=config.align,
        max_gap_s=config.max_gap_s,
        jpeg_quality=config.jpeg_quality,
        model_path=config.detector.model_path,
    )
    corpus = instantiate(config.corpus, _convert_="all")()
    output = Path(config.output)
    console = Console()
    if settings.align != "none":
        find_models(settings.model_path)  # once, before all workers want to fetch them
    run = Run(
        corpus=corpus,
        settings=settings,
        output=output,
        crop=crop_recording,
        overwrite=config.overwrite,
        contact_sheets=config.contact_sheets,
        console=console,
    )
    try:
        with instantiate(config.executor, _convert_="all")() as executor:
            return run.execute(executor)
    except KeyboardInterrupt:
        again = " (without overwrite=true)" if config.overwrite else ""
        print(
            f"stopped: finished recordings are kept in {output}; the same command{again} goes on from there",
            file=sys.stderr,
        )
        return _EXIT_INTERRUPTED


def _is_missing(config: DictConfig, key: str) -> bool:
    group, _, name = key.rpartition(".")
    node = config[group] if group else config
    return name in node and OmegaConf.is_missing(node, name)


if __name__ == "__main__":
    main()
