"""How well the prosody signal hears voices whose pitch and pauses are known: synthetic ones.

    python -m benchmarks.prosody [--people 12] [--seconds 20]

Each voice speaks in a bright and in a dark mood, clean and with white noise so many dB below its level.
Pitch: median absolute error in semitones, and the share of errors above one semitone. Voicing: share of
moments that are called wrong, a voice sounding where the lips are open. Pauses: correlation over voices of
their measured share with the drawn one. Seconds of sound a second: of one core.
"""

import argparse
import time

import numpy as np
import numpy.typing as npt

from benchmarks.markdown import show
from preprocess.prosody.measure import REFERENCE_HZ, STEP_S, measure
from preprocess.prosody.speech import pauses
from preprocess.synthetic.behaviour import act
from preprocess.synthetic.voice import CONTROL_RATE, RATE, draw_voice, melody, speak

FPS = 30
NOISES_DB = (None, 20.0, 10.0)
MOODS = (0.1, 0.9)
OPEN = 0.03
"""Of the mouth, from which on a voice is heard."""


def main() -> None:
    """Draw, measure, compare, print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.prosody",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--people", type=int, default=12)
    parser.add_argument("--seconds", type=int, default=20, help="of each voice")
    given = parser.parse_args()
    rows = [row(noise, given.people, given.seconds) for noise in NOISES_DB]
    show(
        ["noise", "pitch, st", "beyond 1 st", "voicing wrong", "pauses, correlation", "seconds a second"],
        rows,
    )


def row(noise_db: float | None, people: int, seconds: int) -> list[str]:
    """Cells of one table row."""
    errors, wrong, shares, took = [], [], [], 0.0
    for person in range(people):
        for mood in MOODS:
            sound, pitch, opening = drawn(person, mood, seconds)
            heard = with_noise(sound, noise_db, person)
            began = time.perf_counter()
            moments, values = measure(heard)
            took += time.perf_counter() - began
            voiced = ~np.isnan(values["pitch"])
            sounding = np.interp(moments, (np.arange(len(opening)) + 0.5) / FPS, opening) > OPEN
            truth = np.interp(moments, np.arange(len(pitch)) / CONTROL_RATE, pitch)
            both = voiced & sounding
            errors.append(np.abs(values["pitch"][both] - truth[both]))
            wrong.append((voiced != sounding).mean())
            shares.append([np.nanmean(values["pause"]), np.nanmean(pauses(sounding, STEP_S))])
    error = np.concatenate(errors)
    return [
        "none" if noise_db is None else f"{noise_db:g} dB below",
        f"{np.median(error):.2f}",
        f"{(error > 1).mean():.1%}",
        f"{np.mean(wrong):.1%}",
        f"{np.corrcoef(np.array(shares).T)[0, 1]:.2f}",
        f"{people * len(MOODS) * seconds / took:.0f}",
    ]


def drawn(
    person: int, mood: float, seconds: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """A voice's samples, its pitch in semitones at `CONTROL_RATE`, and the mouth's opening at `FPS`."""
    voice = draw_voice(np.random.default_rng([1, person]))
    score = round(44 * mood)
    motion = act(score, "Freeform", "behaviour", seconds * FPS, FPS, np.random.default_rng([2, person]))
    seed = [3, person]
    sound = speak(voice, mood, motion.mouth, FPS, np.random.default_rng(seed))
    control_s = np.arange(int(np.ceil(len(sound) / RATE * CONTROL_RATE)) + 1) / CONTROL_RATE
    hertz = melody(voice, mood, control_s, np.random.default_rng(seed))  # the first that a voice draws
    return sound, 12 * np.log2(hertz / REFERENCE_HZ), motion.mouth


def with_noise(sound: npt.NDArray[np.float32], noise_db: float | None, seed: int) -> npt.NDArray[np.int16]:
    """Samples in 16 bits, with white noise so far below the sound's level."""
    if noise_db is not None:
        level = np.sqrt(np.mean(sound.astype(np.float64) ** 2)) * 10 ** (-noise_db / 20)
        sound = sound + np.random.default_rng([4, seed]).normal(0, level, len(sound)).astype(np.float32)
    return np.rint(np.clip(sound, -1, 1) * 32767).astype(np.int16)


if __name__ == "__main__":
    main()
