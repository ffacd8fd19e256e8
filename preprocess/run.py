"""A preprocessing run: a corpus in, a folder of crops out, whatever happens between."""

import fcntl
import os
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from preprocess.archive.contact_sheet import FOLDER, contact_sheet
from preprocess.archive.manifest import NAME, archives, write_manifest, write_whole
from preprocess.archive.quality import Quality, measure
from preprocess.archive.quality_page import PAGE, render_page
from preprocess.archive.recording_zip import ArchiveWriter, discard_parts
from preprocess.archive.table import print_table
from preprocess.corpora.corpus import Corpus, describe
from preprocess.corpora.recording import Recording
from preprocess.errors import InputError
from preprocess.estimate import estimate_frames
from preprocess.plan import Plan, facts, make_plan, renew
from preprocess.pool import Executor, WorkerDiedError
from preprocess.progress import FrameProgress
from preprocess.settings import Settings

Crop = Callable[[Recording, Settings, Path, Callable[[int], None]], dict[str, object]]
ChangeSound = Callable[[Recording, Path, Callable[[int], None]], dict[str, object]]
EXIT_OK, EXIT_SOME_FAILED = 0, 3


@dataclass(frozen=True)
class Run:
    """One run's fixed parts.

    Attributes:
        corpus: What to crop.
        settings: How.
        output: Folder of the crops.
        crop: Crops one recording; see `tasks.crop_recording`.
        sound: Whether the sound goes with the crops.
        change_sound: Adds the sound to crops, or without `sound` takes it away; see `tasks`.
        overwrite: Redo what is there.
        contact_sheets: Write a picture with a hundred crops of each recording.
        console: Where to report.
        summary: Say what the corpus is like at the start, and how its crops came out at the end.
    """

    corpus: Corpus
    settings: Settings
    output: Path
    crop: Crop
    sound: bool
    change_sound: ChangeSound
    overwrite: bool
    contact_sheets: bool
    console: Console
    summary: bool = True

    def execute(self, executor: Executor) -> int:
        """Do what is left to do, then write manifest and quality page and print the table.

        Returns:
            The command's exit code: 0 when every recording was read, 3 when some were recorded as failed.

        Raises:
            InputError: The run cannot go on; one line.
        """
        with _one_line_os_errors(self.output), _sole_use(self.output):
            for folder in (self.output, self.output / FOLDER):
                discard_parts(folder)
            for line in describe(self.corpus) if self.summary else ():
                self._say(line)
            plan = make_plan(self.corpus.recordings, self.settings, self.output, self.overwrite, self.sound)
            self._prepare(plan)
            unchanged = 0
            try:
                self._crop_all(plan.todo, executor)
                unchanged = self._change_sounds(plan, executor)
            except BaseException:
                executor.stop()
                raise
            finally:
                discard_parts(self.output)  # of workers that died; on a full disk they stay in the way
            rows = write_manifest(self.output)
            qualities = self._write_page()
        if self.summary:
            print_table(self.console, qualities, self.output)
        failed = unchanged or any(row["status"] == "failed" for row in rows)
        return EXIT_SOME_FAILED if failed else EXIT_OK

    def _prepare(self, plan: Plan) -> None:
        for note in plan.notes if self.summary else ():
            self._say(f"  note: {note}")
        if self.overwrite:
            # First away with them all: should this run be stopped, the next one goes on without
            # `overwrite`, and old and new crops never stand side by side.
            for name in (NAME, PAGE, *(f"{recording.recording}.zip" for recording in plan.todo)):
                (self.output / name).unlink(missing_ok=True)
        if plan.finished:
            self._say(f"{plan.finished} of {len(self.corpus.recordings)} recordings are finished and skipped")
        for recording in plan.renewed:
            renew(recording, self.output)
        if plan.renewed:
            names = ", ".join(recording.recording for recording in plan.renewed[:5])
            more = ", ..." if len(plan.renewed) > 5 else ""
            self._say(f"{len(plan.renewed)} rows renewed from the corpus, crops kept: {names}{more}")

    def _crop_all(self, recordings: Sequence[Recording], executor: Executor) -> None:
        if not recordings:
            return
        estimates = _estimate(recordings, executor)
        # Longest first: no worker is left with a long recording when the others have nothing to do.
        order = sorted(recordings, key=lambda recording: -estimates[recording.recording])
        progress = FrameProgress(self.console, estimates)
        with progress.shown():
            futures = {
                executor.submit(
                    self.crop,
                    recording,
                    self.settings,
                    self.output,
                    progress=progress.of(recording.recording),
                ): recording
                for recording in order
            }
            for future in as_completed(futures):
                recording = futures.pop(future)
                row = self._row(future, recording, progress)
                progress.finish(recording.recording, int(str(row["n_source_frames"])))
                if row["status"] != "ok":
                    progress.say(f"{row['status']}: {recording.video}: {row['reason']}")

    def _change_sounds(self, plan: Plan, executor: Executor) -> int:
        """Give `plan.other_sound` the sound that is asked for; gives how many could not get it."""
        if not plan.other_sound:
            return 0
        estimates = {one.recording: plan.n_frames[one.recording] for one in plan.other_sound}
        progress = FrameProgress(self.console, estimates)
        unchanged = 0
        with progress.shown():
            futures = {
                executor.submit(
                    self.change_sound, recording, self.output, progress=progress.of(recording.recording)
                ): recording
                for recording in plan.other_sound
            }
            for future in as_completed(futures):
                recording = futures.pop(future)
                try:
                    row = future.result()
                except WorkerDiedError as error:
                    unchanged += 1
                    progress.say(f"sound of {recording.video} as before: {error}; the next run tries again")
                    continue
                progress.finish(recording.recording, estimates[recording.recording])
                if self.sound and row["status"] != "ok":
                    progress.say(f"{row['status']}: {recording.video}: {row['reason']}")
        done = len(plan.other_sound) - unchanged
        self._say(f"sound {'added to' if self.sound else 'taken from'} {done} recordings, crops untouched")
        return unchanged

    def _row(
        self, future: Future[dict[str, object]], recording: Recording, progress: FrameProgress
    ) -> dict[str, object]:
        try:
            return future.result()
        except (InputError, OSError):
            raise
        except WorkerDiedError as error:
            return self._record_failure(recording, str(error))
        except Exception as error:
            # A defect of this project met by one recording: shown whole, and the others go on.
            progress.say("".join(traceback.format_exception(error)))
            return self._record_failure(recording, f"{type(error).__name__}: {error}".partition("\n")[0])

    def _record_failure(self, recording: Recording, reason: str) -> dict[str, object]:
        row = {
            **facts(recording),
            "fps": None,
            "n_source_frames": 0,
            "frame_stride": self.settings.frame_stride,
            "n_frames": 0,
            "detection_rate": 0.0,
            "status": "failed",
            "reason": f"{reason}; the next run tries again",
        }
        with ArchiveWriter(self.output / f"{recording.recording}.zip") as archive:
            archive.add_row(row, {})  # no settings: not the video's fault, so not finished (see `plan`)
        return row

    def _write_page(self) -> list[Quality]:
        qualities = sorted(
            (measure(path) for path in archives(self.output)), key=lambda quality: quality.badness
        )
        if self.contact_sheets:
            (self.output / FOLDER).mkdir(exist_ok=True)
            for path in archives(self.output):
                if sheet := contact_sheet(path):
                    write_whole(self.output / FOLDER / f"{path.stem}.jpg", sheet)
        corpus = self.corpus
        page = render_page(corpus.name, corpus.synthetic, corpus.notes, qualities, self.output)
        write_whole(self.output / PAGE, page.encode())
        return qualities

    def _say(self, line: str) -> None:
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)


def _estimate(recordings: Sequence[Recording], executor: Executor) -> dict[str, int]:
    # By the workers, as a broken file may take down whoever opens it.
    futures = {
        executor.submit(estimate_frames, recording.path, progress=lambda count: None): recording.recording
        for recording in recordings
    }
    estimates = {}
    for future, name in futures.items():
        try:
            estimates[name] = future.result()
        except WorkerDiedError:
            estimates[name] = 0
    return estimates


@contextmanager
def _one_line_os_errors(output: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"cannot go on writing to {error.filename or output}: {error.strerror or error}; "
            "finished recordings are kept: mend this and run the same command again"
        ) from error


@contextmanager
def _sole_use(output: Path) -> Iterator[None]:
    """Hold the output folder for this run, so that two do not clear away each other's part files."""
    output.mkdir(parents=True, exist_ok=True)
    if not os.access(output, os.W_OK | os.X_OK):
        raise InputError(f"{output} cannot be written: choose another output or mend its permissions")
    handle = os.open(output, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"another run is at work in {output}: wait for its end or stop it") from None
        except OSError:
            pass  # some network file systems have no locks; then nothing guards against two runs
        yield
    finally:
        os.close(handle)
