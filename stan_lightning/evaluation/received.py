"""The files of an evaluation that others made, checked before anything is computed or drawn from them."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stan_boundary.errors import InputError
from stan_boundary.names import csv_text
from stan_boundary.opening import read_json, read_regular
from stan_boundary.typed import typed
from stan_lightning.data.manifest import PARTITIONS
from stan_lightning.data.protocol import PROTOCOLS
from stan_lightning.data.scale import scale_of
from stan_lightning.evaluation.baselines import LOOKED_UP, RIDGES
from stan_lightning.evaluation.statistics import ACCURACY, F1, METRICS

TEXT = dict.fromkeys(("recording", "subject", "session", "task", "partition", "group", "exposure"), str)
_MOST_NUMBER = 1e9
_MOST_TEXT = 2_000
MOST_JSON = 8_000_000
_MOST_TABLE = 64_000_000
_MOST_COLUMNS = 64
_UNITS = ("clip", "video", "session", "subject")
INTERVALS = "95 % over people, by leaving out each in turn (jackknife)"
"""What `metrics.json` says of its intervals; those of before were narrower than they said."""
_RUINED = "run the evaluation again"


def read_numbers(file: Path) -> dict[str, Any]:
    """The content of ``metrics.json``, as `stan_lightning.evaluation.tables.metrics` and `evaluate` make it.

    Raises:
        InputError: It cannot be read, lacks something, or holds something that cannot be.
    """
    numbers = read_json(read_regular(file, MOST_JSON), str(file), MOST_JSON)
    try:
        check_plain(numbers)
        _refuse_classes(numbers, file)
        _refuse_other_intervals(numbers, file)
        _check_numbers(numbers)
    except InputError:  # it is a ValueError, and says by itself what is to be done
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        said = f"it lacks {error}" if isinstance(error, KeyError) else " ".join(str(error).split())[:120]
        raise InputError(f"{file} is no evaluation of this version ({said}): {_RUINED}") from None
    numbers.pop("ensemble", None)  # what is read is a run
    return numbers  # type: ignore[no-any-return] # a dictionary, as was checked


def read_table(file: Path, columns: Sequence[str], most_rows: int, texts: Sequence[str] = ()) -> pd.DataFrame:
    """A table of an evaluation; its names stay names, also where they look like numbers or like "NA".

    Args:
        file: The CSV.
        columns: Those that it must have; all but `TEXT` hold numbers.
        most_rows: Refuse a longer one.
        texts: Columns besides `TEXT` that hold text.

    Raises:
        InputError: It cannot be read, lacks a column, or holds something that cannot be.
    """
    data = read_regular(file, _MOST_TABLE)
    try:
        header = next(csv.reader([data.split(b"\n", 1)[0][:10_000].decode()]), [])
        lacking = [name for name in columns if name not in header]
        if lacking or len(header) > _MOST_COLUMNS or len(set(header)) < len(header):
            raise ValueError(f"no column {lacking[0]}" if lacking else "its columns are not this project's")
        kinds = {**TEXT, **dict.fromkeys(texts, str)}
        numbers = {name: [""] for name in header if name not in kinds}
        table = pd.read_csv(
            io.BytesIO(data), dtype=kinds, keep_default_na=False, na_values=numbers, nrows=most_rows + 1
        )
        if len(table) > most_rows:
            raise ValueError(f"more than {most_rows:,} rows")
        for name in header:
            _check_column(table, name, kinds)
    except (ValueError, TypeError, OverflowError, csv.Error) as error:
        said = " ".join(str(error).split())[:120]
        raise InputError(f"{file} is no table of an evaluation ({said}): {_RUINED}") from None
    return table


def check_together(
    predictions: pd.DataFrame,
    windows: pd.DataFrame,
    baselines: pd.DataFrame | None,
    numbers: Mapping[str, Any],
) -> None:
    """Check that tables and numbers speak of the same recordings.

    Raises:
        ValueError: They do not.
    """
    recordings = predictions["recording"]
    if recordings.duplicated().any() or set(windows["recording"]) != set(recordings):
        raise ValueError("predictions.csv and windows.csv do not tell of the same recordings")
    if int(predictions["label"].notna().sum()) != numbers["video"]["n"]:
        raise ValueError("predictions.csv and metrics.json do not tell of the same recordings")
    if baselines is None or numbers["baselines"] is None:
        if baselines is not None or numbers["baselines"] is not None:
            raise ValueError("baselines.csv and metrics.json do not go together")
    elif list(baselines["recording"]) != list(recordings):
        raise ValueError("predictions.csv and baselines.csv do not tell of the same recordings")


def _check_column(table: pd.DataFrame, name: str, texts: Mapping[str, type]) -> None:
    if name in texts:
        table[name] = table[name].map(csv_text)
        if table[name].str.len().max() > _MOST_TEXT:
            raise ValueError(f"column {name} holds a text beyond bounds")
        return
    if name == "seen_subject":
        table[name] = (
            table[name].map({True: True, False: False, "True": True, "False": False}).astype("boolean")
        )
        return
    if not pd.api.types.is_numeric_dtype(table[name]):
        raise ValueError(f"column {name} holds more than numbers")
    values = table[name].to_numpy(float)
    needed = name in ("prediction", "output", "n_windows", "start_s", "end_s", "window")
    if (np.abs(values) > _MOST_NUMBER).any() or (needed and np.isnan(values).any()):
        raise ValueError(f"column {name} holds a number that cannot be")


# --- metrics.json ---------------------------------------------------------------------------------


def check_plain(node: Any) -> None:
    """Numbers that can be computed with and texts that can be shown, at whatever place."""
    if isinstance(node, dict):
        for key, value in node.items():
            check_plain(key)
            check_plain(value)
    elif isinstance(node, list):
        for value in node:
            check_plain(value)
    elif isinstance(node, str) and len(node) > _MOST_TEXT:
        raise ValueError("a text beyond bounds")
    elif isinstance(node, (int, float)) and not abs(node) <= _MOST_NUMBER and type(node) is not bool:
        if not (type(node) is int and abs(node) < 2**63):
            raise ValueError(f"{node} is no number of an evaluation")


def _refuse_classes(numbers: Mapping[str, Any], file: Path) -> None:
    if isinstance(numbers, dict) and numbers.get("classes"):
        raise InputError(
            f"{file} is of a network that tells classes: only scores are compared here; its numbers and its "
            "report.html stand on their own"
        )


def _refuse_other_intervals(numbers: Mapping[str, Any], file: Path) -> None:
    if numbers.get("intervals") != INTERVALS:
        partition = numbers["partition"] if numbers["partition"] in PARTITIONS else "test"
        command = "python -m stan_lightning.evaluate checkpoint=<run>/checkpoints/best.ckpt"
        raise InputError(
            f"{file} is of an earlier version, whose intervals were too narrow: run "
            f"`{typed(command)} partition={partition}` again"
        )


def _check_numbers(numbers: Mapping[str, Any]) -> None:
    need(numbers["partition"] in PARTITIONS and numbers["protocol"] in PROTOCOLS, "partition or protocol")
    low, high = numbers["score_range"]
    need(_number(low) and _number(high) and low < high, "score_range")
    bands = scale_of(numbers.get("scale"), (low, high)).band_names
    for name in _UNITS:
        _unit(numbers[name], name)
    baselines = numbers["baselines"]
    if baselines is not None:
        need(set(LOOKED_UP) <= set(baselines) <= {*LOOKED_UP, *RIDGES}, "baselines")
        for name, row in baselines.items():
            _baseline(name, row)
    for name in ("seen", "unseen", "selected", "new"):
        if numbers[name] is not None or baselines is not None:
            _unit(numbers[name], name)
    for name, row in ((numbers["new"] or {}).get("baselines") or {}).items():
        _baseline(name, row)
    for name in ("by_task", "by_group"):
        for part, row in numbers[name].items():
            _unit(row, f"{name}.{part}")
    for name, row in (numbers["by_band"] or {}).items():
        need(name in bands and _count(row["n"]) and _count(row["people"]), "by_band")
        for metric in ("mae", "bias", "bias_expected"):
            check_metric(row[metric], f"by_band.{name}")
    need(
        all(numbers["dealt"][name] is None or _number(numbers["dealt"][name]) for name in ("mae", "p")),
        "dealt",
    )
    if "bias_by_band" in numbers["video"]:
        need(set(numbers["video"]["bias_by_band"]) == set(bands), "bias_by_band")
        for row in numbers["video"]["bias_by_band"].values():
            check_metric(row, "bias_by_band")
    for row in numbers["missing"]:
        need(isinstance(row["recording"], str) and isinstance(row["reason"], str), "missing")
    for name in ("n_expected", "n_missing", "n_unlabelled", "n_above_range", "n_sessions_of_two_labels"):
        need(_count(numbers[name]), name)
    for name in ("fold", "n_folds", "seed", "n_train_subjects"):
        need(numbers.get(name) is None or type(numbers[name]) is int, name)
    need(numbers["protocol"] != "group_kfold" or _count(numbers["n_folds"]), "n_folds")
    need(isinstance(numbers["checkpoint"], (str, type(None))), "checkpoint")
    need(all(isinstance(one, str) for one in numbers["versions"].values()), "versions")
    need(all(_count(one) for one in (numbers.get("overlap") or {}).values()), "overlap")
    for name, row in (numbers.get("ridges") or {}).items():
        _ridge(name, row)
    _extras(numbers)


def _extras(numbers: Mapping[str, Any]) -> None:
    """What `evaluate` adds where it is asked to."""
    _leaves(numbers.get("validity"), "validity")
    if found := numbers.get("new_person"):
        width = found["half_width"]
        need(_number(found["nominal"]) and (width is None or _number(width)), "new_person")
        for name in ("calibrated_on", "held", "by_band"):
            _leaves(found[name], f"new_person.{name}")
    series = numbers.get("robustness") or {}
    need(("noise" in series) == ("blur" in series), "robustness")
    for kind, rows in series.items():
        for row in rows:
            need(_number(row["strength"]), f"robustness.{kind}")
            _unit({name: value for name, value in row.items() if name != "strength"}, f"robustness.{kind}")
    found = numbers.get("modalities")
    if found:
        need(_count(found["n_without"]) and bool(found["rows"]), "modalities")
        for number, row in enumerate(found["rows"]):
            need(isinstance(row["name"], str), "modalities")
            _unit({name: value for name, value in row.items() if name != "name"}, "modalities")
            if number:
                check_metric(row["mae_difference"], "modalities")
        for row in (found.get("gates") or {}).values():
            _gate(row)
    for row in (numbers.get("identity_audit") or {}).values():
        if row is not None:
            check_metric(row["accuracy"], "identity_audit")
            need(_number(row["chance"]), "identity_audit")
            need(
                all(_count(row[f"n_{name}"]) for name in ("sessions", "subjects", "candidates")),
                "identity_audit",
            )


def _leaves(node: Any, name: str) -> None:
    """Metrics and counts, at whatever depth."""
    if isinstance(node, dict) and "value" in node:
        check_metric(node, name)
    elif isinstance(node, dict):
        for key, value in node.items():
            _leaves(value, f"{name}.{key}")
    else:
        need(node is None or _count(node), name)


def _gate(row: Mapping[str, Any]) -> None:
    quantiles, histogram = row["quantiles"], row["histogram"]
    need(_count(row["n"]) and _number(row["mean"]) and (row["sd"] is None or _number(row["sd"])), "gates")
    need(all(_number(float(key)) and _number(value) for key, value in quantiles.items()), "gates")
    need(0 < len(histogram) <= 1000 and all(map(_count, histogram)), "gates")
    for parts in row["mean_by"].values():
        for part in parts.values():
            need(_count(part["n"]) and (part["mean"] is None or _number(part["mean"])), "gates")


def _baseline(name: str, row: Mapping[str, Any] | None) -> None:
    if row is None and name in RIDGES:
        return
    _unit(row, name)
    assert row is not None
    for difference in (
        "mae_difference",
        "rmse_difference",
        *(["median_difference"] if name in RIDGES else []),
    ):
        check_metric(row[difference], name)


def _ridge(name: str, row: Mapping[str, Any]) -> None:
    need(name in RIDGES, "ridges")
    if "reason" in row:
        need(isinstance(row["reason"], str), "ridges")
        return
    need(all(_count(row[key]) for key in ("n", "n_subjects", "n_folds", "n_without")), "ridges")
    need(isinstance(row["model"], str) and type(row["nothing"]) is bool, "ridges")
    need(row["penalty"] is None or _number(row["penalty"]), "ridges")
    need(all(map(_number, row["weights"].values())), "ridges")


def _unit(row: Any, name: str) -> None:
    """The metrics of one unit; where it has samples it has errors."""
    need(isinstance(row, dict) and _count(row["n"]) and _count(row["people"]), name)
    for metric in METRICS:
        check_metric(row[metric], f"{name}.{metric}")
    need(row["n"] == 0 or all(_number(row[one]["value"]) for one in ("mae", "rmse")), name)
    for key, value in row.items():
        if (isinstance(value, dict) or key == ACCURACY or key.startswith(F1)) and key not in (
            "bias_by_band",
            "baselines",
        ):
            check_metric(value, f"{name}.{key}")


def check_metric(metric: Any, name: str) -> None:
    """A value with its interval, each a finite number or None; raises `ValueError` that names it."""
    need(isinstance(metric, dict), name)
    need(all(metric[key] is None or _number(metric[key]) for key in ("value", "low", "high")), name)


def _number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _count(value: Any) -> bool:
    return type(value) is int and value >= 0


def check_count(value: Any, name: str) -> None:
    """A whole number of at least 0; raises `ValueError` that names it."""
    need(_count(value), name)


def need(right: bool, name: str) -> None:
    """Raise `ValueError` that names what cannot be, where it is not right."""
    if not right:
        raise ValueError(f"its {name} cannot be")
