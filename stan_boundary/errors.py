"""The one kind of error that is the user's to mend."""


class InputError(ValueError):
    """Something that was handed in cannot be used.

    The message is one line that names the thing and the way out. Commands print it and end with a
    non-zero exit code; any other exception is a defect of this project and keeps its traceback.
    """

    def __str__(self) -> str:
        """The message alone, where a loader's process handed it over together with its traceback."""
        said = super().__str__()
        if said.startswith("Caught ") and "Traceback (most recent call last)" in said:
            return said.rpartition("InputError: ")[2].strip()
        return said
