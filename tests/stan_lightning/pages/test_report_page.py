"""The page is whole by itself, says what must be said, and escapes what it is handed."""

import re

import numpy as np
import pandas as pd
import pytest
from selenium.webdriver.common.by import By

from stan_lightning.data.scale import scale_of
from stan_lightning.evaluation import received, results
from stan_lightning.evaluation.baselines import TrainingSessions
from stan_lightning.evaluation.findings import findings
from stan_lightning.evaluation.tables import baseline_table, metrics, predictions_table
from stan_lightning.pages import report_page

NASTY = '<img src=x onerror=alert(1)> $x$ & "q" [a,b]=é'
RANGE = [0.0, 63.0]


def make(labels=(4.0, 16.0, 25.0, 40.0), training=(("a", "1", 4.0), ("t", "1", 20.0)), score_range=RANGE):
    names = [NASTY, "b_1", "c_1", "d_1"]
    recordings = pd.DataFrame(
        {
            "recording": names,
            "subject": list("abcd"),
            "session": "1",
            "task": ["F", "N"] * 2,
            "partition": "test",
        }
    ).assign(group="", label=labels)
    windows = pd.DataFrame(
        [(name, w, w * 30, w * 30 + 30, w, w + 1, 0.1 * w) for name in names for w in range(3)],
        columns=["recording", "window", "first_frame", "last_frame", "start_s", "end_s", "output"],
    )
    sessions = TrainingSessions.from_rows(training) if training else None
    predictions = predictions_table(windows, recordings, score_range, sessions)
    baselines = baseline_table(predictions, sessions)
    numbers = {"protocol": "official", "partition": "test", "checkpoint": "best.ckpt", "seed": 0}
    numbers |= {"n_train_subjects": 2, "n_expected": 5, "n_missing": 1, "n_unlabelled": 0}
    numbers |= {"missing": [{"recording": "<b>gone</b>", "reason": "no face"}], "score_range": score_range}
    numbers |= {
        "intervals": received.INTERVALS,
        "versions": {"torch": "2"},
        "overlap": {"train+test": 1},
    }
    numbers |= metrics(predictions, windows, baselines, scale_of(None, score_range))
    return results.Evaluation(numbers, predictions, windows, baselines)


def test_page_is_self_contained_and_escaped():
    html = report_page.page(make(), None, names=True)
    assert "<script" not in html
    assert NASTY not in html and "<b>gone" not in html
    assert "&lt;img src=x" in html and "&lt;b&gt;gone" in html
    sources = re.findall(r'(?:src|href)="([^"]{0,40})', html)
    assert sources and all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert 'name="viewport"' in html and "@import" not in html and "url(" not in html


def test_page_says_what_limits_its_numbers():
    html = report_page.page(make(), None)
    assert "1 of 4 videos show people whom the training data holds" in html
    assert "The partitions share subjects: 1 in train and test." in html
    assert "1 of 5 recordings have no prediction" in html
    assert "Research software, not a diagnostic device." in html
    assert "There is no" not in html
    assert "The training set is unknown" in report_page.page(make(training=None), None)


@pytest.mark.parametrize(
    "case",
    [
        {"labels": (np.nan,) * 4},
        {"labels": (np.nan, 3.0, np.nan, np.nan)},
        {"labels": (5.0,) * 4},
        {"training": None},
        {"score_range": [0.0, 24.0]},
    ],
)
def test_page_stands_where_metrics_are_undefined(case):
    html = report_page.page(make(**case), None)
    assert html.rstrip().endswith("</html>") and "nan" not in re.sub(r"base64,[^\"]*", "", html)


def test_training_curve_and_configuration_lie_beside_the_checkpoint(tmp_path):
    assert "Training" not in re.findall("<h2>(.*)</h2>", report_page.page(make(), tmp_path))
    (tmp_path / "metrics.csv").write_text("epoch,val/mae,val/rmse,train/loss\n0,9,11,3\n1,8,10,2\n")
    (tmp_path / "config.yaml").write_text("data: <x>\n")
    html = report_page.page(make(), tmp_path)
    assert "Training" in re.findall("<h2>(.*)</h2>", html) and "data: &lt;x&gt;" in html


def test_an_evaluation_reads_back_as_it_was_written(tmp_path):
    written = make(labels=(4.0, np.nan, 25.0, 40.0))
    written.predictions.loc[1, ["subject", "session"]] = ["NA", "007"]
    paths = results.write(written, tmp_path)
    assert {path.name for path in paths} == {
        "predictions.csv",
        "windows.csv",
        "baselines.csv",
        "metrics.json",
    }
    found = results.read(tmp_path)
    assert found.metrics == written.metrics
    pd.testing.assert_frame_equal(found.predictions, written.predictions, check_dtype=False)
    pd.testing.assert_frame_equal(found.windows, written.windows, check_dtype=False)
    pd.testing.assert_frame_equal(found.baselines, written.baselines, check_dtype=False)


def test_an_audit_that_cannot_be_had_is_said():
    found = make()
    assert "Identity audit" not in report_page.page(found, None)
    found.metrics["identity_audit"] = {"face": None}
    assert "no subject has two sessions" in report_page.page(found, None)


def test_recordings_are_numbered_unless_their_names_are_asked_for():
    found = make()
    found.metrics["missing"] = [{"recording": "b_9", "reason": "/data/b_9.zip: damaged"}]
    html = report_page.page(found, None)
    for name in ("b_1", "c_1", "d_1", "b_9", "/data", "onerror"):
        assert name not in html
    assert "recording 2: mean of 3 windows" in html
    assert "recording 5 (the reason stands in metrics.json)" in html
    assert "numbered in the order of predictions.csv" in html
    named = report_page.page(found, None, names=True)
    assert "b_1: mean of 3 windows" in named and "/data/b_9.zip: damaged" in named
    assert "This page names recordings" in named


@pytest.mark.parametrize("width", [1280, 400])
def test_findings_and_pictures_come_before_any_table_and_fit_the_screen(browser, tmp_path, width):
    file = tmp_path / "report.html"
    file.write_text(report_page.page(make(), None), encoding="utf-8")
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
    )
    browser.get(file.as_uri())
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    lines = browser.find_elements(By.CSS_SELECTOR, ".findings li")
    assert len(lines) == len(findings(make().metrics)) > 4
    assert {line.get_attribute("class") for line in lines} == {"is-open", "is-note"}
    tops = [browser.find_elements(By.TAG_NAME, name)[0].rect["y"] for name in ("li", "img", "summary")]
    assert tops == sorted(tops)
    assert not any(table.is_displayed() for table in browser.find_elements(By.TAG_NAME, "table"))
    for summary in browser.find_elements(By.TAG_NAME, "summary"):
        summary.click()
    assert all(table.is_displayed() for table in browser.find_elements(By.TAG_NAME, "table"))
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_validity_has_a_row_for_each_estimate_and_may_be_absent():
    found = make()
    html = report_page.page(found, None)
    rows = html.split("<h2>Validity</h2>")[1].split("</section>")[0]
    error = found.metrics["validity"]["calibration"]["mean_error"]["value"]
    assert re.search(rf"mean error, points</th>\s*<td>4</td>\s*<td>{re.escape(f'{error:.2f}')}", rows)
    assert re.search(r"calibration: slope</th>\s*<td>4</td>\s*<td>undefined", rows)  # all are told the same
    for name in ("screening at 14: AUC", "change: slope within a person", "trained on: weight of memory"):
        assert f">{name}<" in rows
    assert "reliability" not in rows.split("<table>")[1]  # no session has both tasks
    found.metrics.pop("validity")
    assert "<h2>Validity</h2>" not in report_page.page(found, None)
