"""Every number of metrics.json that comes from the tables, made again in plain numpy."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from stan_lightning.data.scale import scale_of
from stan_lightning.evaluation.baselines import TrainingSessions
from stan_lightning.evaluation.tables import baseline_table, metrics, predictions_table

RANGE = (0.0, 63.0)
BANDS = {"minimal": (0, 14), "mild": (14, 20), "moderate": (20, 29), "severe": (29, 64)}
IDENTITY = (lambda x: x, lambda x: x)
ANGLE = (lambda x: np.arcsin(np.sqrt(x)), lambda x: np.sin(np.clip(x, 0, np.pi / 2)) ** 2)
SCALES = {  # forth, back, fewest people
    "mae": (lambda x: -(x**-0.5), lambda x: x**-2 if x < 0 else np.inf, 10),
    "rmse": (lambda x: -1 / x, lambda x: -1 / x if x < 0 else np.inf, 20),
    "pearson": (np.arctanh, np.tanh, 20),
    "ccc": (np.arctanh, np.tanh, 20),
    "r2": (lambda x: x, lambda x: min(x, 1), 10),
    "sd_ratio": (lambda x: x, lambda x: max(x, 0), 10),
    "accuracy_bands": (*ANGLE, 10),
    "f1_14": (*ANGLE, 20),
    "f1_20": (*ANGLE, 20),
}


def jackknife(value, rows, subject, scale, uneven=True):
    """An interval by a loop that leaves each person out."""
    forth, back, fewest = scale
    names, whole = np.unique(subject), value(rows)
    none = {"value": None if np.isnan(whole) else whole, "low": None, "high": None}
    if np.isnan(whole) or len(names) < fewest:
        return none
    with np.errstate(all="ignore"):
        moved = forth(np.array([value(rows[subject != one]) for one in names]))
        if not np.isfinite([forth(whole), *moved]).all() or (uneven and np.ptp(moved) < 1e-12):
            return none
    error = np.sqrt((len(names) - 1) * moved.var())
    kurtosis = stats.kurtosis(moved, fisher=False) if uneven else 1
    freedom = (len(names) - 1) * min(1, 2 / max(kurtosis - 1, 1e-12))
    reach = stats.t.ppf(0.975, freedom) * error
    low, high = (back(forth(whole) + way * reach) for way in (-1, 1))
    return {"value": whole, "low": low, "high": high} if np.isfinite([low, high]).all() else none


def f1(cutoff):
    def value(rows):
        true, said = rows[:, 0] >= cutoff, rows[:, 1] >= cutoff
        return 2 * (true & said).sum() / (true.sum() + said.sum()) if (true | said).any() else np.nan

    return value


def moments(rows):
    """Covariance, and variances that are 0 where all are the same."""
    y, p = rows.T
    return ((y - y.mean()) * (p - p.mean())).mean(), *(
        0.0 if np.ptp(one) == 0 else one.var() for one in (y, p)
    )


def pearson(rows):
    covariance, y, p = moments(rows)
    return covariance / np.sqrt(y * p) if y and p else np.nan


def ccc(rows):
    covariance, y, p = moments(rows)
    return 2 * covariance * bool(p) / (y + p + (rows[:, 1] - rows[:, 0]).mean() ** 2) if y else np.nan


def r2(rows):
    return 1 - ((rows[:, 1] - rows[:, 0]) ** 2).mean() / rows[:, 0].var() if np.ptp(rows[:, 0]) else np.nan


def sd_ratio(rows):
    _, y, p = moments(rows)
    return np.sqrt(p / y) if y else np.nan


def bands_hit(rows):
    found = [np.searchsorted([14, 20, 29], column, side="right") for column in rows.T]
    return (found[0] == found[1]).mean()


VALUES = {
    "mae": lambda rows: np.abs(rows[:, 1] - rows[:, 0]).mean(),
    "rmse": lambda rows: np.sqrt(((rows[:, 1] - rows[:, 0]) ** 2).mean()),
    "pearson": pearson,
    "ccc": ccc,
    "r2": r2,
    "sd_ratio": sd_ratio,
    "accuracy_bands": bands_hit,
    "f1_14": f1(14),
    "f1_20": f1(20),
}


def mean(values, subject):
    rows = np.asarray(values, float)
    if not len(rows):
        return dict.fromkeys(("value", "low", "high"))
    return jackknife(lambda some: some.mean(), rows, np.asarray(subject), (*IDENTITY, 10), uneven=False)


def unit(table, said="prediction"):
    rows, subject = table[["label", said]].to_numpy(float), table["subject"].to_numpy()
    found = {name: jackknife(value, rows, subject, SCALES[name]) for name, value in VALUES.items()}
    return {"n": len(table), "people": table["subject"].nunique()} | found


def compared(table, baselines):
    found = {"nuisance": None, "behaviour": None}
    for name in ("train_median", "train_mean", "identity"):
        known = table.assign(said=table["recording"].map(baselines[name]))
        errors = [(known[one] - known["label"]).to_numpy() for one in ("prediction", "said")]
        roots = [np.sqrt((error**2).mean()) for error in errors]
        squares = mean(errors[0] ** 2 - errors[1] ** 2, known["subject"])
        found[name] = unit(known, "said") | {
            "mae_difference": mean(np.abs(errors[0]) - np.abs(errors[1]), known["subject"]),
            "rmse_difference": {key: end and end / sum(roots) for key, end in squares.items()},
        }
    return found


def regression(rows, term):
    """A coefficient of the last column on the others and a constant."""
    if np.linalg.matrix_rank(full := np.column_stack([np.ones(len(rows)), rows[:, :-1]])) < full.shape[1]:
        return np.nan
    return np.linalg.lstsq(full, rows[:, -1], rcond=None)[0][term]


def screened(cutoff, sessions):
    rows, subject = sessions[["label", "prediction"]].to_numpy(float), sessions["subject"].to_numpy()

    def side(pick):
        def value(some):
            above, called = some[:, 0] >= cutoff, some[:, 1] >= cutoff
            return pick(some[:, 1], above, called) if 0 < above.sum() < len(above) else np.nan

        return jackknife(value, rows, subject, (*ANGLE, 40), uneven=False)

    def area(said, above, called):
        pairs = said[above][:, None] - said[~above][None]
        return ((pairs > 0) + 0.5 * (pairs == 0)).mean()

    def area_of(some):
        return area(some[:, 1], some[:, 0] >= cutoff, None)

    logit = (lambda p: np.log(p / (1 - p)), lambda x: 1 / (1 + np.exp(-x)), 40)
    above = rows[:, 0] >= cutoff
    return {
        "n_above": int(above.sum()),
        "people_above": len(set(subject[above])),
        "auc": jackknife(area_of, rows, subject, logit, uneven=False),
        "sensitivity": side(lambda said, above, called: called[above].mean()),
        "specificity": side(lambda said, above, called: (~called[~above]).mean()),
        "uar": side(lambda said, above, called: (called[above].mean() + (~called[~above]).mean()) / 2),
        "macro_f1": side(
            lambda said, above, called: np.mean(
                [
                    2 * (one & two).sum() / (one.sum() + two.sum())
                    for one, two in ((above, called), (~above, ~called))
                ]
            )
        ),
    }


def valid(videos, sessions, identity, trained):
    """What `validity` says, by loops and regressions."""
    subject = videos["subject"].to_numpy()
    both = videos[["prediction", "label"]].to_numpy(float)
    slope = jackknife(lambda rows: regression(rows, 1), both, subject, (*IDENTITY, 40))
    assert slope["low"] > 0
    slope = jackknife(lambda rows: regression(rows, 1), both, subject, (np.log, np.exp, 40))
    intercept = {"value": regression(both, 0), "low": None, "high": None}

    two = sessions.groupby("subject").filter(lambda own: own["label"].nunique() > 1)
    moved = two[["label", "prediction"]] - two.groupby("subject")[["label", "prediction"]].transform("mean")
    change = jackknife(
        lambda rows: rows.prod(1).sum() / (rows[:, 0] ** 2).sum(),
        moved.to_numpy(),
        two["subject"].to_numpy(),
        (*IDENTITY, 10),
        uneven=False,
    )
    wide = two.groupby("subject")[["label", "prediction"]].agg(lambda one: one.iloc[0] - one.iloc[1])
    wide = wide[wide["label"].abs() >= 5]
    agree = (wide["label"] * wide["prediction"] > 0).to_numpy(float)
    follows = jackknife(lambda some: some.mean(), agree, wide.index.to_numpy(), (*ANGLE, 20), uneven=False)

    scores = videos.pivot(index=["subject", "session"], columns="task", values="prediction")
    people = scores.index.get_level_values(0).to_numpy()

    def agreement(rows, wanted):
        n, k = rows.shape
        table = pd.DataFrame(rows).stack().rename_axis(["row", "column"]).rename("y").reset_index()
        total = ((table["y"] - table["y"].mean()) ** 2).sum()
        between = k * table.groupby("row")["y"].mean().var(ddof=0) * n
        tasks = n * table.groupby("column")["y"].mean().var(ddof=0) * k
        r, c, e = between / (n - 1), tasks / (k - 1), (total - between - tasks) / (n - 1) / (k - 1)
        icc = (r - e) / (r + (k - 1) * e + k * (c - e) / n)
        return {"icc": icc, "sem": np.sqrt(max(c - e, 0) / n + e)}[wanted]

    found = {
        name: jackknife(lambda rows, name=name: agreement(rows, name), scores.to_numpy(), people, scale)
        for name, scale in (("icc", SCALES["pearson"]), ("sem", SCALES["rmse"]))
    }
    detectable = {key: end and 1.96 * 2**0.5 * end for key, end in found["sem"].items()}
    seen = videos.assign(known=videos["recording"].map(identity))[trained]
    three, own = seen[["label", "known", "prediction"]].to_numpy(float), seen["subject"].to_numpy()
    weights = {
        name: jackknife(lambda rows, n=n: regression(rows, n), three, own, (*IDENTITY, 10), uneven=False)
        for n, name in ((1, "severity"), (2, "memory"))
    }
    gaps = {
        name: jackknife(
            lambda rows: regression(rows, 1),
            np.column_stack([videos["group"] == name, videos[["label", "prediction"]]]).astype(float),
            subject,
            (*IDENTITY, 10),
            uneven=False,
        )
        for name in ("f", "m")
    }
    mean_error = mean(videos["prediction"] - videos["label"], subject)
    return {
        "calibration": {"slope": slope, "intercept": intercept, "mean_error": mean_error},
        "screening": {f"{cutoff}": screened(cutoff, sessions) for cutoff in (14, 20)},
        "change": {"people": two["subject"].nunique(), "slope": change, "agreement": follows},
        "reliability": {
            "n": len(scores),
            "people": len(set(people)),
            **found,
            "detectable": detectable,
        },
        "memory": {"people": seen["subject"].nunique(), **weights},
        "group_gaps": gaps,
    }


def corpus():
    """44 people: 1 or 2 sessions of 2 videos of 1 to 3 windows; some are trained on, some selected on."""
    random = np.random.default_rng(3)
    recordings, windows = [], []
    for person in range(44):
        for session in range(1 + person % 2):
            label = float(np.clip(np.round(random.gamma(1.3, 12)), 0, 63))
            for task in ("Freeform", "Northwind"):
                name = f"p{person}_{session}_{task}"
                recordings.append((name, f"p{person}", str(session), task, "test", "fm"[person % 2], label))
                outputs = label / 63 * 0.6 + random.normal(0.05, 0.12, random.integers(1, 4))
                windows += [(name, number, output) for number, output in enumerate(outputs)]
    columns = ["recording", "subject", "session", "task", "partition", "group", "label"]
    table = pd.DataFrame(windows, columns=["recording", "window", "output"])
    return pd.DataFrame(recordings, columns=columns), table


def close(found, expected, where="metrics"):
    """The same keys, and the same numbers within rounding."""
    if not isinstance(expected, dict):
        assert found == (None if expected is None else pytest.approx(expected, rel=1e-7, abs=1e-9)), where
        return
    assert set(found) == set(expected), where
    for key, value in expected.items():
        close(found[key], value, f"{where}.{key}")


def test_every_number_is_that_of_plain_numpy():
    recordings, windows = corpus()
    labels = {person: float(person) for person in range(14)}
    training = TrainingSessions.from_rows([(f"p{person}", "t", score) for person, score in labels.items()])
    predictions = predictions_table(windows, recordings, RANGE, training)
    told = baseline_table(predictions, training, selected={f"p{person}" for person in range(10, 26)})
    found = metrics(predictions, windows, told, scale_of(None, RANGE))

    points = windows.assign(prediction=windows["output"].clip(lower=0) * 63)
    clips = points.merge(recordings, on="recording")
    videos = recordings.assign(
        prediction=recordings["recording"].map(points.groupby("recording")["prediction"].mean())
    )
    sessions = videos.groupby(["subject", "session"], as_index=False)[["label", "prediction"]].mean()
    subjects = sessions.groupby("subject", as_index=False)[["label", "prediction"]].mean()
    number = videos["subject"].str[1:].astype(int)
    baselines = {
        "train_median": dict.fromkeys(videos["recording"], 6.5),
        "train_mean": dict.fromkeys(videos["recording"], 6.5),
        "identity": dict(zip(videos["recording"], number.map(labels).fillna(6.5), strict=True)),
    }
    error, label = videos["prediction"] - videos["label"], videos["label"]
    inside = {name: (label >= low) & (label < high) for name, (low, high) in BANDS.items()}
    bias = {name: mean(error[where], videos["subject"][where]) for name, where in inside.items()}
    share = np.corrcoef(label, videos["prediction"])[0, 1] ** 2
    bands = {
        name: {key: unit(videos[where])[key] for key in ("n", "people", "mae")}
        | {"bias": bias[name], "bias_expected": dict.fromkeys(("low", "high"))}
        for name, where in inside.items()
    }
    for name, where in inside.items():
        bands[name]["bias_expected"]["value"] = (1 - share) * (label.mean() - label[where].mean())
    new = videos[number >= 26]
    others = []
    for row in videos.itertuples():
        givers = videos[videos["subject"] != row.subject].groupby("subject")["prediction"]
        others.append(givers.apply(lambda said, truth=row.label: np.abs(said - truth).mean()).mean())
    dealt = {"mae": float(np.mean(others)), "p": found["dealt"]["p"]}
    assert 0 < dealt["p"] < 0.01
    expected = {
        "clip": unit(clips),
        "video": unit(videos) | {"bias_by_band": bias},
        "session": unit(sessions),
        "subject": unit(subjects),
        "baselines": compared(videos, baselines),
        "seen": unit(videos[number < 14]),
        "unseen": unit(videos[number >= 14]),
        "selected": unit(videos[(number >= 14) & (number < 26)]),
        "new": unit(new) | {"baselines": compared(new, baselines)},
        "by_task": {name: unit(part) for name, part in videos.groupby("task")},
        "by_group": {name: unit(part) for name, part in videos.groupby("group")},
        "by_band": bands,
        "dealt": dealt,
        "validity": valid(videos, sessions, baselines["identity"], number < 14),
        "n_above_range": int((videos["prediction"] > 63).sum()),
        "n_sessions_of_two_labels": 0,
    }
    close(found, expected)
