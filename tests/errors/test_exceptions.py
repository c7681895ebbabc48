import pickle

import pytest

from libtilt.errors import (
    ArgumentError,
    LibtiltError,
    LibtiltWarning,
    MissingFileError,
    OutputExistsError,
)


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (ArgumentError, ValueError),
        (MissingFileError, FileNotFoundError),
        (OutputExistsError, FileExistsError),
        (LibtiltWarning, UserWarning),
    ],
)
def test_exceptions_have_a_builtin_base_and_keep_their_arguments_when_pickled(kind, builtin):
    assert issubclass(kind, builtin)
    assert issubclass(kind, LibtiltError) == (kind is not LibtiltWarning)
    error = pickle.loads(pickle.dumps(kind("pixel_size must be positive", arguments=["a"])))
    assert (str(error), error.arguments) == ("pixel_size must be positive", ("a",))
