import pytest

from stan_boundary.errors import InputError
from stan_boundary.listing import MOST_ROWS, check_listing


@pytest.mark.parametrize(
    "data",
    [
        b"video,subject\n" + b"\n" * (MOST_ROWS + 1),
        b"video,subject\r" + b"\r" * (MOST_ROWS + 1),
        b",".join(b"c%d" % number for number in range(201)) + b"\na\n",
        b";".join(b"c%d" % number for number in range(300)) + b"\na\n",
        b"video,subject\n" + b"," * 300,
        b",".join(b'"c%d\n"' % number for number in range(201)) + b"\na\n",
    ],
)
def test_more_rows_or_columns_than_a_list_of_recordings_has(data: bytes) -> None:
    with pytest.raises(InputError, match="more than 100000 rows or 200 columns"):
        check_listing(data, "manifest.csv")


@pytest.mark.parametrize("data", [b"", b"video,subject\na.mp4,1\n", b'video,subject\n"a', b"\xff\xfe,\0"])
def test_others_are_left_to_their_readers(data: bytes) -> None:
    check_listing(data, "manifest.csv")
