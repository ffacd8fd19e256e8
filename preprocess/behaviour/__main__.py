"""The behaviour signal of crops that are there: ``python -m preprocess.behaviour crops=<folder or CSV>``.

Our own crops get it with preprocessing. This is for crops whose videos are elsewhere, and for the folders of
images that other programs left; it writes `signals/behaviour` beside the manifest and touches nothing else.
"""

import sys
from pathlib import Path

import hydra
from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.console import Console

from preprocess.archive.output_folder import one_line_os_errors, sole_use
from preprocess.faces.libraries import check_libraries
from preprocess.workers.pool import Executor
from preprocess.workers.progress import FrameProgress
from stan_boundary.command_line import check_command_line
from stan_boundary.configs import CONF
from stan_boundary.entry import one_line_errors
from stan_boundary.errors import InputError
from stan_boundary.names import printable
from stan_boundary.writing import discard_parts

EXAMPLES = (
    "python -m preprocess.behaviour crops=/data/openface/manifest.csv workers=8",
    "python -m preprocess.behaviour crops=data/avec2014",
)
_EXIT_SOME_FAILED, _EXIT_INTERRUPTED = 3, 130


def main() -> None:
    """Check what was typed, then run."""
    check_command_line("behaviour", __doc__ or "", EXAMPLES)
    run()


@hydra.main(version_base="1.3", config_path=CONF, config_name="behaviour")
def run(config: DictConfig) -> None:
    """Measure what has no signal yet; exit code 0, 3 where some could not be, 130 where it was stopped."""
    with one_line_errors():
        check_libraries()
        given = Path(config.crops)
        try:
            with instantiate(config.executor, _convert_="all")() as executor:
                failed = _measure(given, config.detector.model_path, executor)
        except KeyboardInterrupt:
            print("stopped: finished signals are kept; the same command goes on from there", file=sys.stderr)
            sys.exit(_EXIT_INTERRUPTED)
        sys.exit(_EXIT_SOME_FAILED if failed else 0)


def _measure(given: Path, model_path: str | None, executor: Executor) -> int:
    """Gives how many recordings could not be measured."""
    # Only now, as these import MediaPipe and OpenCV, which fail by traceback where a library is missing.
    from preprocess.behaviour.columns import ALL, FROM_MESH
    from preprocess.behaviour.listing import read_listing
    from preprocess.behaviour.measure import measure_listed
    from preprocess.behaviour.mesh import check_library
    from preprocess.behaviour.signal_file import FOLDER, prepare_signals, signal_path
    from preprocess.faces.model_file import find_mesh

    check_library()
    listing = read_listing(given)
    root, listed, failed = listing.root, listing.listed, list(listing.failed)
    console = Console()
    for reason in failed:
        console.print(f"not measured: {printable(reason)}", markup=False, highlight=False, soft_wrap=True)
    with one_line_os_errors(root), sole_use(root):
        discard_parts(root / FOLDER, root)
        prepare_signals(root, ALL if listing.ours else FROM_MESH, find_mesh(model_path))
        without = [one for one in listed if not signal_path(root, one.recording).is_file()]
        progress = FrameProgress(console, {one.recording: one.n_crops for one in without})
        try:
            with progress.shown():
                futures = {
                    executor.submit(
                        measure_listed, one, root, model_path, progress=progress.of(one.recording)
                    ): one
                    for one in sorted(without, key=lambda one: -one.n_crops)
                }
                for future in progress.completed(futures):
                    try:
                        said = future.result()
                    except InputError as error:
                        said = f"not measured: {error}"
                        failed.append(said)
                    if said:
                        progress.say(said)
                    progress.finish(futures[future].recording, futures[future].n_crops)
        except BaseException:
            executor.stop()
            raise
        finally:
            discard_parts(root / FOLDER, root)
    there = len(listed) - len(without)
    console.print(
        f"behaviour measured of {len(without) - len(failed) + len(listing.failed)} recordings, {there} were "
        f"there: {printable(root / FOLDER)}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    return len(failed)


if __name__ == "__main__":
    main()
