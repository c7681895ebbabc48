"""Exceptions and warnings of libtilt.

Each also derives from a built-in class, so ``except ValueError`` and ``except FileExistsError``
catch it. `LibtiltError.arguments` names the arguments to pass or change; an interface with other
names for them, such as a command line, adds its own.
"""

from __future__ import annotations


class _WithArguments(Exception):  # noqa: N818
    """A message, and the names of the arguments that fix the problem."""

    def __init__(self, message: str, *, arguments: tuple[str, ...] | list[str] = ()) -> None:
        super().__init__(message)
        self.arguments = tuple(arguments)


class LibtiltError(_WithArguments):
    """Base class of libtilt's exceptions; `arguments` names the arguments that fix the problem."""


class ArgumentError(LibtiltError, ValueError):
    """An argument is invalid, or contradicts a file."""


class MissingArgumentError(ArgumentError):
    """A required value is neither in the files nor passed as an argument."""


class UnknownOptionError(LibtiltError, TypeError):
    """A reader or a method does not have an option."""


class MixedSeriesError(ArgumentError):
    """A stack and the geometry beside it were not saved together."""


class RefusedImageError(LibtiltError, ValueError):
    """An image file of a known format that libtilt does not read."""


class UnmappableImageError(RefusedImageError):
    """An image file that cannot be memory-mapped, and can be read."""


class UnsupportedLayerError(LibtiltError, TypeError):
    """A napari layer that an MRC file cannot hold."""


class MissingFileError(LibtiltError, FileNotFoundError):
    """A file that another file requires or names does not exist."""


class UnsupportedSpecError(LibtiltError, ValueError):
    """A backend does not support the grids or the `driven` of a spec."""


class OutputExistsError(LibtiltError, FileExistsError):
    """An output file exists, and `overwrite` is false."""


class LibtiltWarning(_WithArguments, UserWarning):
    """An assumption was made; `arguments` names the arguments that override it."""
