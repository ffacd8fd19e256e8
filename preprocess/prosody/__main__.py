"""The prosody signal of crops that have sound: ``python -m preprocess.prosody crops=<folder>``.

Pitch, voicing, loudness, spectral tilt, speech and pauses, every 16 ms, go to `signals/prosody` beside the
crops; nothing else is touched. A stopped run goes on where it stood.
"""

import sys
from pathlib import Path

import hydra
from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.console import Console

from preprocess.archive.output_folder import one_line_os_errors, sole_use
from preprocess.archive.signal_run import Task, make_signals
from preprocess.run.plan import read_all
from preprocess.workers.pool import Executor
from stan_boundary.command_line import check_command_line
from stan_boundary.configs import CONF
from stan_boundary.entry import one_line_errors
from stan_boundary.errors import InputError
from stan_boundary.names import printable

EXAMPLES = ("python -m preprocess.prosody crops=data/avec2014 workers=8",)
_EXIT_SOME_FAILED, _EXIT_INTERRUPTED = 3, 130


def main() -> None:
    """Check what was typed, then run."""
    check_command_line("prosody", __doc__ or "", EXAMPLES)
    run()


@hydra.main(version_base="1.3", config_path=CONF, config_name="prosody")
def run(config: DictConfig) -> None:
    """Measure what has no signal yet; exit code 0, 3 where some could not be, 130 where it was stopped."""
    with one_line_errors():
        try:
            with instantiate(config.executor, _convert_="all")() as executor:
                failed = _measure(Path(config.crops), executor)
        except KeyboardInterrupt:
            print("stopped: finished signals are kept; the same command goes on from there", file=sys.stderr)
            sys.exit(_EXIT_INTERRUPTED)
        sys.exit(_EXIT_SOME_FAILED if failed else 0)


def _measure(crops: Path, executor: Executor) -> int:
    """Gives how many recordings could not be measured."""
    from preprocess.prosody.signal_file import prepare_signals, signal_of

    if not crops.is_dir():
        raise InputError(f"no crops at {crops}: give a folder that preprocessing made")
    with one_line_os_errors(crops), sole_use(crops):
        found = read_all(crops)
        heard = {name: one.row for name, one in found.items() if one is not None and one.row.get("sound_s")}
        if not heard:
            raise InputError(f"no sound in {crops}: preprocessing adds it to crops with sound=true")
        prepare_signals(crops)
        from preprocess.prosody.measure import measure_zip

        tasks = {
            name: Task(round(float(str(row["sound_s"]))), (measure_zip, (crops, name)))
            for name, row in heard.items()
        }
        console = Console()
        made, failed = make_signals(signal_of(crops), tasks, executor, console, "s")
    silent = len(found) - len(heard)
    console.print(
        f"prosody measured of {made} recordings, {len(heard) - made - failed} were there"
        f"{f', {silent} have no sound' if silent else ''}: {printable(signal_of(crops).folder)}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    return failed


if __name__ == "__main__":
    main()
