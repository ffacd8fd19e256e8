"""Names of classes, before anything is trained on them."""

import pandas as pd
import pytest

from stan_boundary.errors import InputError
from stan_lightning.data.labels import class_names


def listed(*labels: str) -> pd.DataFrame:
    return pd.DataFrame({"recording": [f"r{number}" for number in range(len(labels))], "label": labels})


def test_classes_are_in_the_order_of_numbers_or_names() -> None:
    assert class_names(listed("10", "", "9")) == ["9", "10"]
    assert class_names(listed("well", "", "ill", "well")) == ["ill", "well"]


@pytest.mark.parametrize("label", ["${oc.env:HOME}", "US$", "{ill}"])
def test_a_class_that_no_checkpoint_could_keep_is_refused(label: str) -> None:
    with pytest.raises(InputError, match=r"r1: label .* rename the class"):
        class_names(listed("well", label))
