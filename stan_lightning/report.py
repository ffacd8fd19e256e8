"""Compares runs: ``python -m stan_lightning.report <runs...>``.

Takes folders of runs, multiruns or evaluations, and compares any two of them on the recordings that both
scored. The folds of a cross-validation are pooled; runs that differ by seed alone also get their mean, their
standard deviation and their ensemble. Writes report.html and, for pooled folds, the files of an evaluation.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from stan_boundary import trouble
from stan_boundary.entry import speak_any_terminal
from stan_boundary.errors import InputError
from stan_boundary.names import printable
from stan_boundary.typed import typed

SOME_REFUSED = 3


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, write the report, say what came out."""
    speak_any_terminal()
    about = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(prog=typed("python -m stan_lightning.report"), description=about)
    parser.add_argument("runs", nargs="+", type=Path, help="folders of runs, multiruns or evaluations")
    parser.add_argument(
        "--output", type=Path, help="folder for the report; without it, `report` in the runs' folder"
    )
    parser.add_argument(
        "--partition", default="test", help="which evaluations: train, dev or test (default: test)"
    )
    parser.add_argument("--names", action="store_true", help="name recordings, where they are numbered")
    asked = parser.parse_args(arguments)
    try:
        # Only now: the help need not wait for it.
        from stan_lightning.pages.comparison_files import compare

        refused = compare(asked.runs, asked.partition, asked.output, asked.names)
    except (InputError, OSError) as error:
        if not (said := str(error) if isinstance(error, InputError) else trouble.said(error)):
            raise
        parser.exit(2, f"error: {printable(said)}\n")
    if refused:
        parser.exit(SOME_REFUSED, "".join(f"not compared: {printable(line)}\n" for line in refused))


if __name__ == "__main__":
    main()
