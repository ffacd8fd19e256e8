"""One recording of a corpus and what the corpus says of it."""

from dataclasses import dataclass
from pathlib import Path

from preprocess.corpora.turns import INTERVIEWER, PARTICIPANT, Turn, spoken_s
from stan_boundary.names import check_recording_name


@dataclass(frozen=True)
class Recording:
    """What was recorded at one time of one person, with its place in the corpus.

    A recording without a video has its sound's clock; one without sound either, that of its signals.

    Attributes:
        recording: Name of the recording, unique in its corpus, usable as a file name.
        subject: Person in the recording; partitions are compared by it.
        session: Sitting of that person; several tasks may share one.
        task: What the person was asked to do, or empty.
        partition: `train`, `dev`, `test`, or empty where the corpus does not say.
        label: Score of the session, or None where it is unknown.
        group: Group for metrics by group (such as gender), or empty.
        video: POSIX path of the video relative to the corpus' root; empty where there is none.
        path: Absolute path of the video, or None.
        sound: POSIX path of a file with its sound relative to the corpus' root; empty: the video's own.
        sound_path: Absolute path of that file, or None.
        video_stream: Index of the film among the video's streams; None: the best one (see `streams`).
        audio_stream: Index of the sound among the streams of the video, or of the file with its sound.
        fps: Frames a second of a film without times.
        turns: Who speaks when; None where the corpus does not say.
    """

    recording: str
    subject: str
    session: str
    task: str
    partition: str
    label: float | str | None
    group: str
    video: str
    path: Path | None
    sound: str = ""
    sound_path: Path | None = None
    video_stream: int | None = None
    audio_stream: int | None = None
    fps: float | None = None
    turns: tuple[Turn, ...] | None = None

    def __post_init__(self) -> None:
        """Check the name, as files are called by it.

        Raises:
            InputError: It cannot be a file's.
        """
        check_recording_name(self.recording, self.called)

    @property
    def called(self) -> str:
        """What its user knows it by: its video, else its sound, else its name."""
        return self.video or self.sound or self.recording

    @property
    def source(self) -> Path | None:
        """The file whose clock it has: its video, else its sound; None where it has neither."""
        return self.path or self.sound_path

    @property
    def spoken(self) -> dict[str, float | None]:
        """Seconds in which its participant and its interviewer have turns, as its manifest row has them."""
        return {f"{who}_s": spoken_s(self.turns, who) for who in (PARTICIPANT, INTERVIEWER)}

    @property
    def film_choice(self) -> dict[str, object]:
        """What the user states of the film; empty where nothing, as it is stored beside the crops."""
        stated = {"video_stream": self.video_stream, "fps": self.fps}
        return {key: value for key, value in stated.items() if value is not None}
