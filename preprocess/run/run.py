"""A preprocessing run: a corpus in, a folder of crops out, whatever happens between."""

import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from preprocess.archive.contact_sheet import FOLDER, contact_sheet
from preprocess.archive.manifest import NAME, write_manifest
from preprocess.archive.output_folder import one_line_os_errors, sole_use
from preprocess.archive.quality import Quality, measure, unmeasured
from preprocess.archive.quality_page import PAGE, render_page
from preprocess.archive.recording_zip import ArchiveWriter
from preprocess.archive.settings import Settings
from preprocess.archive.signal_folder import BEHAVIOUR, PROSODY, SignalFolder, discard_signals
from preprocess.archive.table import print_table
from preprocess.corpora.corpus import Corpus, describe
from preprocess.corpora.recording import Recording
from preprocess.media.estimate import estimate_frames
from preprocess.run.additions import Addition
from preprocess.run.clocks import n_frames
from preprocess.run.plan import Plan, facts, make_plan, renew
from preprocess.workers.pool import Executor, WorkerDiedError
from preprocess.workers.progress import FrameProgress
from stan_boundary.errors import InputError
from stan_boundary.file_names import as_text
from stan_boundary.names import printable
from stan_boundary.writing import discard_parts, private_folder, write_whole

Crop = Callable[[Recording, Settings, Path, Callable[[int], None]], dict[str, object]]
EXIT_OK, EXIT_SOME_FAILED = 0, 3


@dataclass(frozen=True)
class Run:
    """One run's fixed parts.

    Attributes:
        corpus: What to crop.
        settings: How.
        output: Folder of the crops.
        crop: Crops one recording; see `tasks.crop_recording`.
        clock: Does the same for one without pictures; see `clocks.clock_recording`.
        additions: What crops that lack it get, or lose, in passes of their own.
        overwrite: Redo what is there.
        contact_sheets: Write a picture with a hundred crops of each recording.
        console: Where to report.
        summary: Say what the corpus is like at the start, and how its crops came out at the end.
    """

    corpus: Corpus
    settings: Settings
    output: Path
    crop: Crop
    clock: Crop
    additions: Sequence[Addition]
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
        with one_line_os_errors(self.output), sole_use(self.output):
            self._discard_parts()
            for line in describe(self.corpus) if self.summary else ():
                self._say(line)
            plan = make_plan(self.corpus.recordings, self.settings, self.output, self.overwrite)
            unchanged = self._prepare(plan)
            try:
                self._crop_all(plan.todo, executor)
                unchanged += sum(self._add(addition, executor) for addition in self.additions)
            except BaseException:
                executor.stop()
                raise
            finally:
                self._discard_parts()  # of workers that died; on a full disk they stay in the way
            rows = write_manifest(self.output)
            qualities = self._write_page(rows)
            damaged = [one.row for one in qualities if one.row["status"] == "failed"]
        if self.summary:
            print_table(self.console, qualities, self.output)
        return EXIT_SOME_FAILED if unchanged or damaged else EXIT_OK

    def _discard_parts(self) -> None:
        for folder in (self.output, self.output / FOLDER, SignalFolder(self.output, BEHAVIOUR).folder):
            discard_parts(folder, self.output)

    def _prepare(self, plan: Plan) -> int:
        """Clear away what will be made anew and renew rows; gives how many could not be renewed."""
        for note in plan.notes if self.summary else ():
            self._say(f"  note: {note}")
        if self.overwrite:
            # First away with them all: should this run be stopped, the next one goes on without
            # `overwrite`, and old and new crops never stand side by side.
            for name in (NAME, PAGE, *(f"{recording.recording}.zip" for recording in plan.todo)):
                (self.output / name).unlink(missing_ok=True)
            for recording in plan.todo:
                discard_signals(self.output, recording.recording, BEHAVIOUR, PROSODY)
        if plan.finished:
            self._say(f"{plan.finished} of {len(self.corpus.recordings)} recordings are finished and skipped")
        renewed, unchanged = [], 0
        for recording in plan.renewed:
            try:
                renew(recording, self.output)
            except InputError as error:
                unchanged += 1
                self._say(f"row of {recording.called} as before: {error}; delete the zip and run again")
            else:
                renewed.append(recording.recording)
        if renewed:
            more = ", ..." if len(renewed) > 5 else ""
            names = ", ".join(renewed[:5])
            self._say(f"{len(renewed)} rows renewed from the corpus, crops kept: {names}{more}")
        return unchanged

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
                    self.clock if recording.path is None else self.crop,
                    recording,
                    self.settings,
                    self.output,
                    progress=progress.of(recording.recording),
                ): recording
                for recording in order
            }
            for future in progress.completed(futures):
                recording = futures.pop(future)
                row = self._row(future, recording, progress)
                progress.finish(recording.recording, n_frames(row))
                if row["status"] != "ok":
                    progress.say(f"{row['status']}: {recording.called}: {row['reason']}")
                if row.get("note"):
                    progress.say(f"note: {recording.called}: {row['note']}")

    def _add(self, addition: Addition, executor: Executor) -> int:
        """Give an addition to the recordings that want it; gives how many could not get it."""
        wanting = addition.find(self.corpus.recordings, self.output)
        for note in wanting.notes if self.summary else ():
            self._say(f"  note: {note}")
        if not wanting.recordings:
            return 0
        frames = {one.recording: wanting.frames[one.recording] for one in wanting.recordings}
        progress = FrameProgress(self.console, frames)
        unchanged = 0
        with progress.shown():
            futures = {
                executor.submit(
                    addition.task, recording, self.output, progress=progress.of(recording.recording)
                ): recording
                for recording in sorted(wanting.recordings, key=lambda one: -frames[one.recording])
            }
            for future in progress.completed(futures):
                recording = futures.pop(future)
                try:
                    row = future.result()
                except WorkerDiedError as error:
                    unchanged += 1
                    again = f"{error}; the next run tries again"
                    progress.say(f"{addition.what} of {recording.called} as before: {again}")
                    continue
                except InputError as error:
                    unchanged += 1
                    progress.say(f"{addition.what} of {recording.called} as before: {error}")
                    continue
                progress.finish(recording.recording, frames[recording.recording])
                if addition.tells and row["status"] != "ok":
                    progress.say(f"{row['status']}: {recording.called}: {row['reason']}")
                if addition.tells and row.get("note"):
                    progress.say(f"note: {recording.called}: {row['note']}")
        self._say(addition.done.format(len(wanting.recordings) - unchanged))
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
            **({"n_moments": 0} if recording.path is None else {}),
            "status": "failed",
            "reason": f"{reason}; the next run tries again",
        }
        discard_signals(self.output, recording.recording, BEHAVIOUR, PROSODY)
        with ArchiveWriter(self.output / f"{recording.recording}.zip") as archive:
            archive.add_row(row, {})  # no settings: not the video's fault, so not finished (see `plan`)
        return row

    def _write_page(self, rows: Sequence[dict[str, Any]]) -> list[Quality]:
        paths = {str(row["recording"]): self.output / f"{row['recording']}.zip" for row in rows}
        qualities = sorted(
            (_measured(paths[str(row["recording"])], row) for row in rows),
            key=lambda quality: quality.badness,
        )
        if self.contact_sheets:
            private_folder(self.output / FOLDER, self.output)
            for quality in qualities:
                name = str(quality.row["recording"])
                if quality.strip and (sheet := contact_sheet(paths[name])):
                    write_whole(self.output / FOLDER / f"{name}.jpg", sheet)
        corpus = self.corpus
        page = render_page(corpus.name, corpus.synthetic, corpus.notes, qualities, self.output)
        write_whole(self.output / PAGE, as_text(page).encode())
        return qualities

    def _say(self, line: str) -> None:
        self.console.print(printable(as_text(line)), markup=False, highlight=False, soft_wrap=True)


def _measured(path: Path, row: Mapping[str, Any]) -> Quality:
    """A recording's quality; where its crops or sound cannot be read, it is failed, and why."""
    if row["status"] == "failed":
        return unmeasured(row)
    try:
        return measure(path)
    except InputError as error:
        return unmeasured({**row, "status": "failed", "reason": str(error)})


def _estimate(recordings: Sequence[Recording], executor: Executor) -> dict[str, int]:
    # By the workers, as a broken file may take down whoever opens it.
    futures = {
        executor.submit(estimate_frames, recording.source, progress=lambda count: None): recording.recording
        for recording in recordings
        if recording.source is not None
    }
    estimates = {recording.recording: 0 for recording in recordings}
    for future, name in futures.items():
        try:
            estimates[name] = future.result()
        except WorkerDiedError:
            estimates[name] = 0
    return estimates
