"""Scales of severity, as they are shipped and as users describe them."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from stan_boundary.configs import CONF
from stan_boundary.errors import InputError
from stan_lightning.data.scale import SeverityScale, scale_of

SHIPPED = {
    path.stem: OmegaConf.to_container(OmegaConf.load(path))
    for path in (Path(CONF) / "data" / "scale").glob("*.yaml")
}
DESCRIBED = {"name": "mood", "range": [0, 10], "bands": {"low": 0, "high": 4}, "cutoffs": [4]}


@pytest.mark.parametrize(
    ("name", "score", "band", "cutoffs"),
    [
        ("bdi2", 13.99, "minimal", (14, 20)),
        ("bdi2", 29, "severe", (14, 20)),
        ("phq8", 10, "moderate", (10,)),
        ("phq9", 15, "moderately severe", (10,)),
        ("hamd17", 7.9, "none", (8, 17)),
        ("sds", 53, "mild", (53,)),
    ],
)
def test_shipped_scales_have_their_published_bands(name, score, band, cutoffs) -> None:
    scale = scale_of(SHIPPED[name], SHIPPED[name]["range"])
    assert scale.band_names[scale.band([score])[0]] == band and scale.cutoffs == cutoffs
    assert scale.spans[0][1] == scale.range[0] and scale.spans[-1][2] == scale.range[1]
    assert scale_of(scale.record(), scale.range) == scale


def test_another_range_is_another_scale_and_one_that_nobody_names_is_the_bdi_s() -> None:
    assert scale_of(DESCRIBED, [0, 20]) == SeverityScale("score", (0, 20))
    assert scale_of(None, [0, 63]).name == "BDI-II" and scale_of(None, [0, 24]).bands == ()
    plain = scale_of(SHIPPED["range"] | {"range": [1, 5]}, [1, 5])
    assert plain.bands == () and plain.cutoffs == () and plain.edges == () and plain.band([3]).tolist() == [0]


@pytest.mark.parametrize(
    "change",
    [
        {"range": [10, 0]},
        {"range": "wide"},
        {"bands": {"low": 1, "high": 4}},
        {"bands": {"low": 0, "high": 0}},
        {"bands": {"low": 0, "high": 12}},
        {"cutoffs": [0]},
        {"cutoffs": [8, 4]},
        {"name": "\x1b[2J"},
        {"bands": {str(n): n for n in range(9)}},
    ],
)
def test_descriptions_that_cannot_be_are_refused(change) -> None:
    with pytest.raises(InputError, match=r"data\.scale"):
        scale_of(DESCRIBED | change, [0, 10])
