"""What face, audio and both are worth where it is known which of them carries the score: nine networks.

In `voice` data the sound alone tells the score. In `both` data half of its variance shows in the face and the
other half in the audio, so a network that sees and hears should beat either alone. In `identity` data nothing
but who it is tells it, and under `subject_disjoint` nobody tested is known: nothing should beat the median.
In the first two nobody stands in two partitions.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.commands import crops, evaluated
from stan_lightning.evaluation.statistics import mae_difference
from stan_lightning.evaluation.verdict import shown

# 8 s, of which a clip shows 1.6 s in 8 pictures, and lets hear the 3.2 s about their middle.
_LENGTH = ["corpus.seconds=[8, 8]", "frame_stride=6"]
_CLIPS = ["data.frame_stride=6", "data.sound_s=3.2"]
# Audio alone reads no pictures: clips as long as its sound cover a recording in fewer windows.
NETWORKS = {
    "face": _CLIPS,
    "audio": [
        "model=audio",
        "model/encoder@model.network.encoder=sta_drn_small",
        *_CLIPS,
        "data.clip_frames=16",
    ],
    "fusion": [
        *("model=fusion", *_CLIPS),
        *(f"model/encoder@model.network.encoders.{one}=sta_drn_small" for one in ("face", "audio")),
    ],
}


def _warmed_up(epochs: int, period: int) -> list[str]:
    """A rate that rises over some epochs and then falls over others."""
    of = "model.scheduler"
    factor = f"{of}.schedulers.0.start_factor={1 / (epochs + 1)}"
    return [f"{of}.milestones=[{epochs}]", factor, f"{of}.schedulers.1.T_0={period}"]


_FROM_A_RUN = [
    *("model.optimizer.lr=1e-3", "trainer.max_epochs=12"),
    *_warmed_up(2, 10),
]
_EPOCHS = {
    "voice": [
        *("model.optimizer.lr=4e-3", "trainer.max_epochs=30"),
        *_warmed_up(6, 24),
    ],
    "fusion": [
        *("model.optimizer.lr=1e-3", "trainer.max_epochs=10"),
        *_warmed_up(1, 9),
    ],
}
# Where a network reads but half of what tells the score, it learns by heart whose face or audio it is, if it
# starts from nothing. So a face starts from the demo's network, trained on behaviour of other people, and a
# audio from the one that was trained on `voice` data, whose scores have nothing to do with the others'.
_START = ["corpus.scores=behaviour", "seed=1"]
PROTOCOLS = {"voice": "official", "both": "official", "identity": "subject_disjoint"}
COLUMNS = {
    "data": "data",
    "network": "network",
    "mae": "MAE",
    "median": "median",
    "difference": "difference",
    "others_face": "another's face",
    "others_audio": "another's audio",
    "fusion": "fusion's difference to it",
    "named": "features name (chance)",
}


def rows(folder: Path, corpora: Mapping[str, list[str]]) -> list[dict[str, str]]:
    """One line a corpus and network.

    Args:
        folder: Of crops and runs.
        corpora: Settings of preprocessing by the name of a corpus; those of `PROTOCOLS` are used.
    """
    starts = {"face": folder / "senses_start_run"}
    evaluated(starts["face"], ["experiment=demo", f"data.root={crops(folder / 'senses_start', *_START)}"], [])
    found = []
    for data, protocol in PROTOCOLS.items():
        runs = {name: folder / f"senses_{data}_{name}" for name in NETWORKS}
        root = crops(folder / f"senses_{data}", *corpora[data], *_LENGTH)
        numbers = {name: _measured(name, runs, root, protocol, starts) for name in NETWORKS}
        starts.setdefault("audio", runs["audio"])
        found += [_row(data, name, numbers[name], runs) for name in NETWORKS]
    return found


def _measured(
    name: str, runs: Mapping[str, Path], root: Path, protocol: str, starts: Mapping[str, Path]
) -> Mapping[str, Any]:
    """Train and evaluate one network; of a fusion each encoder starts from the run of its own."""
    training = ["experiment=demo", *NETWORKS[name], *(_FROM_A_RUN if name in starts else _EPOCHS[name])]
    training += [f"data.root={root}", f"data.protocol={protocol}"]
    if name in starts:
        training += [f"model.init_weights={starts[name]}"]
    if name == "fusion":
        training += [f"model.init_weights.{one}={runs[one]}" for one in ("face", "audio")]
    return evaluated(runs[name], training, ["identity_audit=true"])


def _row(data: str, name: str, numbers: Mapping[str, Any], runs: Mapping[str, Path]) -> dict[str, str]:
    median = numbers["baselines"]["train_median"]
    others = {one["name"]: one["mae"] for one in (numbers.get("modalities") or {"rows": []})["rows"]}
    named = [
        f"{who} {one['accuracy']['value']:.2f} ({one['chance']:.2f})" if one else f"{who} one session each"
        for who, one in numbers["identity_audit"].items()
    ]
    return {
        "data": data,
        "network": name,
        "mae": shown(numbers["video"]["mae"], 1),
        "median": shown({**median["mae"], "low": None}, 1),
        "difference": shown(median["mae_difference"], 1),
        "others_face": _shown(others.get("another person's face")),
        "others_audio": _shown(others.get("another person's audio")),
        "fusion": "" if name == "fusion" else shown(difference(runs["fusion"], runs[name]), 1),
        "named": ", ".join(named) or "one session each",
    }


def _shown(metric: Mapping[str, float | None] | None) -> str:
    return "" if metric is None else shown(metric, 1)


def difference(run: Path, other: Path) -> Mapping[str, float | None]:
    """MAE of a run minus that of another on the same test videos, paired, with its interval by subject."""
    one, two = (pd.read_csv(which / "evaluation" / "test" / "predictions.csv") for which in (run, other))
    both = one.merge(two[["recording", "prediction"]], on="recording", suffixes=("", "_other"))
    return mae_difference(both["label"], both["prediction"], both["prediction_other"], both["subject"])
