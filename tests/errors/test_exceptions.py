import ast
import pickle
from pathlib import Path

import pytest

import libtilt
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


def test_every_warning_is_made_by_one_function():
    """So that each is a LibtiltWarning, which one filter takes, and points to the caller's line."""
    calls = {
        f"{path.name}:{node.lineno}"
        for path in Path(libtilt.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "warnings.warn"
    }
    assert len(calls) == 1
    assert calls.pop().startswith("warning.py:")
