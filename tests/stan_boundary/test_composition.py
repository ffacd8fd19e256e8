"""Objects from plain data, and what is said where they cannot be made."""

from fractions import Fraction
from typing import Any

import pytest

from stan_boundary.composition import check, make
from stan_boundary.errors import InputError


def test_a_config_is_made_from_the_inside_out() -> None:
    half = {"_target_": "fractions.Fraction", "numerator": 1, "denominator": 2}
    made = make({"_target_": "builtins.dict", "parts": [half, {"of": half}]}, "model")
    assert made == {"parts": [Fraction(1, 2), {"of": Fraction(1, 2)}]}
    assert make({"_target_": "fractions.Fraction", "_args_": [3]}, "model") == 3
    later = make({"_target_": "fractions.Fraction", "_partial_": True, "numerator": 1}, "model")
    assert later(denominator=4) == Fraction(1, 4)


def test_what_the_caller_knows_goes_to_whoever_takes_it_and_was_not_given_it() -> None:
    inner: dict[str, Any] = {"_target_": "fractions.Fraction", "numerator": 6}
    made = make(
        {"_target_": "builtins.dict", "one": inner, "other": inner | {"denominator": 2}}, "m", denominator=3
    )
    assert made == {"one": 2, "other": 3}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"target": "a.b"}, "model.x has no _target_: .* (is model.x.target meant?)"),
        ("adam", "model.x has no _target_: .*; it is 'adam'"),
        ({"_target_": "Fraction"}, "model.x._target_=Fraction: give a name with its module"),
        ({"_target_": "no_such.Thing"}, "model.x._target_=no_such.Thing: there is no module no_such; own"),
        ({"_target_": "fractions.Fractoin"}, "fractions has no Fractoin; did you mean Fraction?"),
        ({"_target_": "fractions.__doc__"}, "model.x._target_=fractions.__doc__: it is no class"),
        (
            {"_target_": "fractions.Fraction", "nominator": 1},
            "model.x.nominator: .* takes no nominator; did you",
        ),
        (
            {"_target_": "fractions.Fraction", "numerator": "a"},
            "model.x: fractions.Fraction cannot be made: Inv",
        ),
        (
            {"_target_": "builtins.dict", "deep": [{"_target_": "a"}]},
            "model.x.deep.0._target_=a: give a name",
        ),
    ],
)
def test_a_mistake_is_one_line_with_its_key(config: Any, said: str) -> None:
    with pytest.raises(InputError) as caught:
        make(config, "model.x")
    line = str(caught.value)
    assert "\n" not in line
    assert all(part in line for part in said.split(".*")), line


def test_names_and_arguments_can_be_checked_before_anything_is_called() -> None:
    check({"a": [{"_target_": "fractions.Fraction", "numerator": "not called"}]}, "trainer")
    with pytest.raises(InputError, match=r"trainer\.a\.0\.denom: .* did you mean denominator\?"):
        check({"a": [{"_target_": "fractions.Fraction", "denom": 1}]}, "trainer")
