import pytest

from stan_boundary.errors import InputError
from stan_boundary.names import MOST_NAME_BYTES, check_recording_name, csv_cell, csv_text, printable


@pytest.mark.parametrize(
    "name", ["203_1_Freeform", "étude [1], a=b", "-x", "a..b", "ü" * (MOST_NAME_BYTES // 2)]
)
def test_an_ordinary_name_is_given_back(name: str) -> None:
    assert check_recording_name(name, "listing line 3") == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        ".hidden",
        "../x",
        "a/b",
        "a\\b",
        "a\0b",
        "a\nb",
        "\x1b[2J",
        "a\x9bb",
        "\u202eexe",
        "\udc80",
        "ü" * (MOST_NAME_BYTES // 2 + 1),
        None,
        7,
        ["a"],
    ],
)
def test_a_name_that_leads_elsewhere_is_refused_with_its_place(name: object) -> None:
    with pytest.raises(InputError) as refused:
        check_recording_name(name, "listing line 3")
    said = str(refused.value)
    assert said.startswith("listing line 3: ") and said.isprintable()


def test_what_steers_a_terminal_is_shown_as_an_escape() -> None:
    hostile = "\x1b]0;title\x07\x9b31m\r\n\u202ea\u2028\udc9b"
    assert printable(hostile) == r"\x1b]0;title\x07\x9b31m\r\n\u202ea\u2028\udc9b"
    assert printable("étude 日本 [/red]") == "étude 日本 [/red]"


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\tx", "\rx", "'=x", "''=x"])
def test_formulas_are_quoted_and_come_back(text: str) -> None:
    assert csv_cell(text) == f"'{text}" and csv_text(f"'{text}") == text


@pytest.mark.parametrize("value", ["-5", "+1.5e-3", "-nan", "-.5", "a=b", "'s", "", "203_1", -5, 0.5, None])
def test_numbers_and_plain_text_stay_as_they_are(value: object) -> None:
    assert csv_cell(value) == value and (not isinstance(value, str) or csv_text(value) == value)
