"""The model card: what a network is, what it is worth, and what it is not, in the hub's form."""

from collections.abc import Mapping, Sequence
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from stan_boundary.errors import InputError
from stan_lightning.data.notices import DISCLAIMER, SYNTHETIC
from stan_lightning.evaluation.findings import findings
from stan_lightning.evaluation.verdict import ROWS, baseline_rows, shown
from stan_lightning.sharing import class_worth
from stan_lightning.sharing.hub_results import hub_results

TASKS = {"face": "video-classification", "audio": "audio-classification"}
"""Of the hub's, the nearest: it has no regression on films."""
_MARKS = {"better": "+", "worse": "-", "open": "?"}
_CITED = """```bibtex
@article{pan2024stadrn,
  title = {Spatial-Temporal Attention Network for Depression Recognition from Facial Videos},
  author = {Pan and others},
  journal = {Expert Systems with Applications},
  volume = {237},
  pages = {121410},
  year = {2024}
}
```"""


def model_card(
    name: str,
    config: Mapping[str, Any],
    corpus: str,
    agreement: str,
    license: str,
    numbers: Sequence[Mapping[str, Any]],
    parameters: int,
) -> str:
    """The card's text, with its metadata at the head.

    Args:
        name: Of the folder.
        config: As in ``config.json``.
        corpus: Name of the data, as its reader knows it.
        agreement: The corpus under whose agreement it stands; empty where none is known.
        license: Of the weights, as the hub names licences.
        numbers: ``metrics.json`` of the run's evaluations.
        parameters: Of the network.

    Raises:
        InputError: The hub's library finds it malformed.
    """
    synthetic = bool(config["reading"]["synthetic"])
    modalities = list(config["reading"]["modalities"])
    task = next((TASKS[one] for one in modalities if one in TASKS), "other")
    data = ModelCardData(
        model_name=name,
        language=None,
        license=license,
        license_name="see-the-section-licence" if license == "other" else None,
        library_name="stan-lightning",
        pipeline_tag=task if task != "other" else None,
        tags=[
            *("depression-severity", "affective-computing", "pytorch"),
            *modalities,
            *(["synthetic-data"] if synthetic else []),
        ],
        eval_results=[
            one
            for found in numbers
            for one in (class_worth.results if found.get("classes") else _results)(found, corpus, task)
        ]
        or None,
    )
    parts = [
        _head(name, config, corpus, synthetic, parameters),
        _use(name, trained_on=not config["network"].get("reader")),
        _trained_on(config, corpus),
        *[(class_worth.worth if found.get("classes") else _worth)(found) for found in numbers],
        "" if numbers else "## What it is worth\n\nNobody has evaluated it: its error is not known.",
        _limits(synthetic),
        _licence(license, agreement),
        f"## How to cite\n\nThe network and the recipe that this one follows:\n\n{_CITED}",
    ]
    body = "\n\n".join(part for part in parts if part)
    return checked(f"---\n{data.to_yaml()}\n---\n\n{body}\n")


def checked(text: str) -> str:
    """A card whose metadata the hub's library reads back as they were written.

    Raises:
        InputError: It does not.
    """
    try:
        card = ModelCard(text)
        found = card.data.to_dict()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        said = " ".join(str(error).split())[:200]
        raise InputError(f"the model card is not as the hub's library wants it: {said}") from None
    if not found.get("license") or not found.get("library_name"):
        raise InputError("the model card has no license or no library_name")
    return text


def _results(numbers: Mapping[str, Any], corpus: str, task: str) -> list[EvalResult]:
    listed = [(metric, metric, f"{metric.upper()} (points)") for metric in ("mae", "rmse")]
    return hub_results(numbers, corpus, task, "videos", listed)


def _head(name: str, config: Mapping[str, Any], corpus: str, synthetic: bool, parameters: int) -> str:
    low, high = config["record"]["score_range"] or (None, None)
    told = f"a score from {low:g} to {high:g}" if low is not None else "probabilities of classes"
    reading = config["reading"]
    frames = reading["clip_frames"]
    clip = f"clips of {frames} frames, every {reading['frame_stride']}" if frames else "whole recordings"
    encoders = config["network"].get("encoders") or {"": config["network"].get("encoder", {})}
    kinds = ", ".join(sorted({str(one.get("_target_", "?")).rpartition(".")[2] for one in encoders.values()}))
    pixels = f", {reading['image_size']} pixels a side" if "face" in reading["modalities"] else ""
    lines = [
        f"# {name}",
        f"> {DISCLAIMER}",
        f"{f'{SYNTHETIC} ' if synthetic else ''}Gives {told} for a recording of a person, from "
        f"{' and '.join(reading['modalities'])}: {kinds}, {parameters / 1e6:.2f} million parameters, which "
        f"reads {clip}{pixels}.",
    ]
    return "\n\n".join(lines)


def _use(name: str, trained_on: bool) -> str:
    train = f"\nstan-lightning train model.init_weights={name} data.root=<crops>" if trained_on else ""
    return f"""## How to use it

With stan-lightning installed:

```bash
stan-lightning predict model={name} video=my.mp4
stan-lightning evaluate model={name} data=folders data.root=<crops>{train}
```

From Python, predictions as a pandas data frame:

```python
from stan_lightning import Model

print(Model.load("{name}").predict("my.mp4"))
```"""


def _trained_on(config: Mapping[str, Any], corpus: str) -> str:
    known, record = config["calibration"], config["record"]
    counts = f"{known['training_sessions']} sessions of {known['training_subjects']} people"
    middle = known.get("training_median")
    labels = f"; the median of their scores is {middle:g}" if middle is not None else ""
    if each := known.get("training_classes"):
        labels = f" ({', '.join(f'{name} {count}' for name, count in each.items())})"
    crops = ", ".join(f"{key} {value}" for key, value in config["crops"].items())
    return (
        f"## What it was trained on\n\n{corpus}: {counts}{labels}. Divided by the protocol "
        f"`{record['protocol']}`, fold {record['fold']}, seed {record['seed']}. "
        f"Crops: {crops or 'not told'}.\n\n"
        "Not in this folder: who was trained on, their scores, recordings, pictures, sound, folders of the "
        "machine, and the optimiser's state."
    )


def _worth(numbers: Mapping[str, Any]) -> str:
    video = numbers["video"]
    head = (
        f"## What it is worth: {numbers['partition']}, protocol {numbers['protocol']}\n\n"
        f"{video['n']} videos of {video['people']} people; in points, with 95 % intervals over people."
    )
    rows = [("this network", video), *((ROWS[name], row) for name, row in baseline_rows(numbers) if row)]
    lines = ["| predicted by | MAE | RMSE | its MAE - this |", "|---|---|---|---|"]
    for name, row in rows:
        difference = row.get("mae_difference")
        turned = _turned(difference) if difference else ""
        lines.append(f"| {name} | {shown(row['mae'])} | {shown(row['rmse'])} | {turned} |")
    said = [f"- {finding.text[0].upper()}{finding.text[1:]}." for finding in findings(numbers)]
    return "\n\n".join([head, "\n".join(lines), "\n".join(said)])


def _turned(difference: Mapping[str, float | None]) -> str:
    """Of the model's error minus a baseline's, the baseline's minus the model's."""
    value, low, high = (difference[name] for name in ("value", "low", "high"))
    turned = {
        "value": None if value is None else -value,
        "low": None if high is None else -high,
        "high": None if low is None else -low,
    }
    return shown(turned)


def _limits(synthetic: bool) -> str:
    drawn = "It was trained on synthetic people and tells nothing of real ones. " if synthetic else ""
    return (
        f"## Limits\n\n{drawn}A score from a face or a voice is not a diagnosis and is uncertain for any "
        "individual. Networks of this kind learn who somebody is more easily than how somebody is: an error "
        "on people whom the training data holds says little about others. Nobody has tested it on other "
        "languages, ages, skin tones, cameras or illnesses than those of its data. Do not use it for "
        "decisions about people. Ask people before you film or score them."
    )


def _licence(license: str, agreement: str) -> str:
    said = "## Licence\n\nThe code, stan-lightning, is Apache-2.0. "
    if agreement:
        return (
            f"{said}The weights were learnt from data under the end-user agreement of {agreement}; whoever "
            "handed them on stated that it allows this. Use them for what it allows: research, not commerce."
        )
    if license == "other":
        return (
            f"{said}Nobody named a licence for the weights: ask whoever handed them on before you use them."
        )
    return f"{said}The weights are handed on under {license}."
