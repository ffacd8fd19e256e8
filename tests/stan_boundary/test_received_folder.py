"""What belongs to a folder lies in it."""

from pathlib import Path

import pytest

from stan_boundary.errors import InputError
from stan_boundary.received_folder import check_inside


def test_links_below_the_folder_do_not_lead_out(tmp_path: Path) -> None:
    run, other = tmp_path / "run", tmp_path / "other"
    for folder in (run, other):
        folder.mkdir()
    (other / "secret").write_text("x")
    (run / "link").symlink_to(other / "secret")
    (run / "folder").symlink_to(other)
    (run / "loop").symlink_to("loop")
    (run / "inner").symlink_to("real")
    (tmp_path / "shortcut").symlink_to(run)
    for name in ("link", "folder/secret", "loop/x", "../other/secret"):
        with pytest.raises(InputError, match="leads out of"):
            check_inside(run / name, run)
    for path in (run / "inner", tmp_path / "shortcut" / "config.yaml"):
        assert check_inside(path, path.parent) == path
