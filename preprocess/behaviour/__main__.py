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
from preprocess.archive.signal_run import Task, make_signals
from preprocess.faces.libraries import check_libraries
from preprocess.workers.pool import Executor
from stan_boundary.command_line import check_command_line
from stan_boundary.configs import CONF
from stan_boundary.entry import one_line_errors
from stan_boundary.names import printable

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
    from preprocess.behaviour.signal_file import prepare_signals, signal_of
    from preprocess.faces.model_file import find_mesh

    check_library()
    listing = read_listing(given)
    root, listed, unread = listing.root, listing.listed, listing.failed
    console = Console()
    for reason in unread:
        console.print(f"not measured: {printable(reason)}", markup=False, highlight=False, soft_wrap=True)
    with one_line_os_errors(root), sole_use(root):
        prepare_signals(root, ALL if listing.ours else FROM_MESH, find_mesh(model_path))
        tasks = {
            one.recording: Task(one.n_crops, (measure_listed, (one, root, model_path))) for one in listed
        }
        made, failed = make_signals(signal_of(root), tasks, executor, console, "frames")
    console.print(
        f"behaviour measured of {made} recordings, {len(listed) - made - failed} were there: "
        f"{printable(signal_of(root).folder)}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    return len(unread) + failed


if __name__ == "__main__":
    main()
