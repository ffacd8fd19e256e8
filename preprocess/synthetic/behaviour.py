"""What a synthetic face does over time, and how a score shows in it.

All tracks are arrays of shape (T,), one value a frame. Lengths are in units of half the distance between
the eyes, angles in radians.
"""

from dataclasses import dataclass

import numpy as np

IN_FACE, IN_VOICE = ("behaviour", "both"), ("behaviour", "both", "voice")  # where a mood shows
_BDI_RANGE = 45.0  # the highest score drawn lies just below
_NEUTRAL = 0.35  # mood of everybody where the score is not to show
_TEMPORAL_SECONDS = (0.2, 1.6)  # mean length of one closure at the lowest and the highest score
_TEMPORAL_CLOSED = 0.5  # share of closed frames at every score


@dataclass(frozen=True)
class Motion:
    """Tracks of one video, each of shape (T,)."""

    smile: np.ndarray  # 1 broad smile, 0 straight, -1 corners down
    brow: np.ndarray  # 1 inner ends up (grief), 0 level
    frown: np.ndarray  # 1 brows low
    lids: np.ndarray  # 1 wide open, 0 closed
    gaze_x: np.ndarray  # -1 to 1
    gaze_y: np.ndarray  # 1 down
    mouth: np.ndarray  # 0 closed, 1 wide open
    yaw: np.ndarray
    pitch: np.ndarray  # positive: head bowed
    roll: np.ndarray
    x: np.ndarray
    y: np.ndarray
    zoom: np.ndarray  # 1 is the subject's own distance


def mood_of(score: int) -> float:
    """How low a score's mood is: 0 (well) to 1."""
    return score / _BDI_RANGE


def voice_mood(score: int, scores: str) -> float:
    """The mood that a voice shows: that of the score where sound carries it, else everybody's."""
    return mood_of(score) if scores in IN_VOICE else _NEUTRAL


def act(score: int, task: str, scores: str, n_frames: int, fps: float, random: np.random.Generator) -> Motion:
    """Let a face live for `n_frames`.

    In `behaviour` videos, and in those of `both`, mood follows the score and colours everything: a low mood
    smiles less, bows the head, looks away, blinks more often and longer, moves and speaks less. In
    `identity`, `voice` and `temporal` videos everybody's mood is the same. In `temporal` videos lids and
    mouth open and close at once, closed for the same share of frames at every score: a low score closes often
    and briefly, a high one seldom and long, so that a shuffled video says nothing.
    """
    mood = mood_of(score) if scores in IN_FACE else _NEUTRAL

    def drift(seconds: float) -> np.ndarray:
        return _smooth_noise(n_frames, seconds * fps, random)

    def own(sd: float) -> float:  # a session's own way, whatever the mood
        return float(random.normal(0, sd))

    away = drift(1.5) > 1.6 - 1.2 * mood  # spells of avoiding the eye of the camera
    side = np.sign(drift(4.0))
    agility = 1.2 - 0.8 * mood
    reading = 0.25 * np.sin(2 * np.pi * np.arange(n_frames) / fps / 2.5) if task == "Northwind" else 0.0
    lids = (1.05 - 0.55 * mood + own(0.03)) * (1 - _blinks(mood, n_frames, fps, random))
    mouth = _speech(mood, task, n_frames, fps, random)
    if scores == "temporal":
        lids = 1.0 - _spells(score, n_frames, fps, random)
        mouth = 0.6 * _spells(score, n_frames, fps, random)
    return Motion(
        smile=np.clip(0.95 - 1.9 * mood + own(0.08) + 0.15 * drift(1.0), -1, 1),
        brow=np.clip(-0.1 + 1.2 * mood + own(0.06) + 0.1 * drift(1.0), -0.4, 1.2),
        frown=np.clip(0.1 + 0.6 * mood + own(0.06) + 0.1 * drift(1.0), -0.3, 1.0),
        lids=np.clip(lids, 0, 1.1),
        gaze_x=np.clip(0.08 * drift(0.4) + reading + 0.7 * away * side, -1, 1),
        gaze_y=np.clip(0.05 + 0.4 * mood + 0.08 * drift(0.4) + 0.3 * away, -1, 1),
        mouth=mouth,
        yaw=0.12 * agility * drift(0.8) + 0.1 * away * side,
        pitch=0.30 * mood + own(0.03) + 0.06 * agility * drift(0.8),
        roll=0.05 * agility * drift(1.2) + own(0.03),
        x=0.25 * agility * drift(1.5),
        y=0.15 * agility * drift(1.5) + 0.3 * mood,
        zoom=1.0 + 0.02 * drift(2.0),
    )


def lips_of_a_voice(
    motion: Motion, task: str, scores: str, fps: float, random: np.random.Generator
) -> np.ndarray:
    """What a voice follows, shape (T,): the lips, but where these carry a score in their own way."""
    if scores == "temporal":
        return _speech(_NEUTRAL, task, len(motion.mouth), fps, random)
    return motion.mouth


def _smooth_noise(n_frames: int, width: float, random: np.random.Generator) -> np.ndarray:
    """Gaussian noise of unit variance, smooth over about `width` frames."""
    reach = max(1, round(2 * width))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(width, 0.5)) ** 2)
    white = random.normal(size=n_frames + 2 * reach)
    smooth: np.ndarray = np.convolve(white, kernel / np.sqrt(np.sum(kernel**2)), mode="valid")
    return smooth


def _blinks(mood: float, n_frames: int, fps: float, random: np.random.Generator) -> np.ndarray:
    """1 while the lids are down; 12 to 36 blinks a minute of 0.12 to 0.3 s."""
    closed = np.zeros(n_frames)
    times = np.arange(n_frames) / fps
    start = random.exponential(2.0)
    while start < n_frames / fps:
        length = (0.12 + 0.18 * mood) * random.uniform(0.8, 1.25)
        ramp = 0.06
        shape = np.minimum((times - start) / ramp + 1, (start + length - times) / ramp + 1)
        closed = np.maximum(closed, np.clip(shape, 0, 1))
        start += length + 0.3 + random.exponential(60 / (12 + 24 * mood))
    return closed


def _speech(mood: float, task: str, n_frames: int, fps: float, random: np.random.Generator) -> np.ndarray:
    """Opening of the mouth: syllables at 4 Hz; pauses in free speech, few in reading aloud."""
    syllables = np.abs(_smooth_noise(n_frames, 0.07 * fps, random))
    pauses = 0.3 + 1.0 * mood if task == "Freeform" else -0.8 + 0.5 * mood
    voiced = np.clip(2 * (_smooth_noise(n_frames, 0.6 * fps, random) - pauses + 0.8), 0, 1)
    opening: np.ndarray = np.clip((0.45 - 0.2 * mood) * syllables * voiced, 0, 1)
    return opening


def _spells(score: int, n_frames: int, fps: float, random: np.random.Generator) -> np.ndarray:
    """1 in closed frames: the same number of them at every score, in many short or few long spells.

    Lids and lips are never caught half-way: the number of such frames would tell the number of spells.
    """
    low, high = np.log(_TEMPORAL_SECONDS)
    length = float(np.exp(low + (high - low) * score / _BDI_RANGE)) * fps
    n_closed = round(_TEMPORAL_CLOSED * n_frames)
    n_spells = max(1, round(n_closed / length))
    closed = _parts(n_closed, n_spells, random)
    # Half a gap at either end on average, so that a clip's place in the video says nothing either.
    opened = _parts(n_frames - n_closed, n_spells, random)
    first = int(random.integers(0, opened[0] + 1))
    gaps = [first, *opened[1:], opened[0] - first]
    track = np.zeros(n_frames)
    at = 0
    for gap, spell in zip(gaps, closed, strict=False):
        track[at + gap : at + gap + spell] = 1
        at += gap + spell
    return track


def _parts(total: int, n_parts: int, random: np.random.Generator) -> list[int]:
    """`total` cut into parts of similar length (coefficient of variation about 0.2)."""
    edges = np.cumsum(random.gamma(25.0, size=n_parts))
    cuts = np.round(total * edges / edges[-1]).astype(int)
    return [int(part) for part in np.diff(cuts, prepend=0)]
