"""Where a received configuration may write."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from stan_boundary.errors import InputError
from stan_lightning.runs.places import check_places, untyped


@pytest.mark.parametrize(
    "arguments",
    [
        *({"dirpath": "/home/me"}, {"save_dir": "logs"}, {"filename": "../x"}, {"filename": "/tmp/x"}),
        *({"save_dir": "s3://bucket/x"}, {"file": "~/x"}, {"_args_": ["/home/me"]}, {"dirpath": "${place}"}),
        *({"dirpath": "RUN/../other"}, {"version": "a/../../../x"}),
    ],
    ids=str,
)
def test_other_places_are_refused(tmp_path: Path, arguments: dict[str, object]) -> None:
    text = str({"place": "/home/me", "trainer": {"callbacks": {"x": {"_target_": "a.B", **arguments}}}})
    config = OmegaConf.create(text.replace("RUN", str(tmp_path)))
    with pytest.raises(InputError, match=r"their\.yaml"):
        check_places(config, tmp_path, "their.yaml", [])


def test_links_of_the_run_count_as_what_they_lead_to(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "logs").symlink_to(tmp_path)
    config = OmegaConf.create({"logger": {"x": {"save_dir": f"{tmp_path}/run/logs/x"}}})
    with pytest.raises(InputError, match="outside of the run"):
        check_places(config, tmp_path / "run", "their.yaml", [])


def test_the_run_s_own_and_what_is_read_and_what_is_typed_pass(tmp_path: Path) -> None:
    config = OmegaConf.create(
        {
            "data": {"root": "/data/crops"},
            "model": {"init_weights": "/runs/a"},
            "trainer": {"callbacks": {"x": {"dirpath": f"{tmp_path}/checkpoints", "monitor": "val/mae"}}},
            "logger": {"csv": {"_target_": "mine.Table", "file": "/elsewhere"}},
        }
    )
    check_places(config, tmp_path, "x", ["mine"])
    with pytest.raises(InputError):
        check_places(config, tmp_path, "x", ["mines"])
    check_places(untyped(config, ["logger.csv.file=/elsewhere"]), tmp_path, "x", [])
    with pytest.raises(InputError):  # a choice of a file is no value
        check_places(untyped(config, ["logger=csv"]), tmp_path, "x", [])
