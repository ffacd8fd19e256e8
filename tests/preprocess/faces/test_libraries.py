import pytest

from preprocess.faces.libraries import check_libraries
from stan_boundary.errors import InputError


def test_here_all_are_there():
    check_libraries()


def test_what_is_missing_is_named_with_its_package():
    with pytest.raises(InputError, match="apt-get install libnone9") as error:
        check_libraries({"libnone.so.9": "libnone9", "libc.so.6": "libc6"})
    assert "libc6" not in str(error.value)
