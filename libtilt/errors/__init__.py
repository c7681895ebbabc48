"""Exceptions and warnings that libtilt raises, with the arguments that mend them.

Each is also one of Python's own kinds, so that ``except ValueError`` and ``except
FileExistsError`` catch them as before. `LibtiltError.arguments` names the arguments to give or to
change; an interface with other names for them, such as a command line, adds its own.
"""

from __future__ import annotations


class LibtiltError(Exception):
    """Base class of the exceptions of libtilt's own.

    Parameters
    ----------
    message : str
        What was expected, what came and what to do.
    arguments : sequence of str, optional
        Names of the arguments that mend it.

    Examples
    --------
    >>> from libtilt import TiltGeometry
    >>> from libtilt.errors import ArgumentError, LibtiltError
    >>> issubclass(ArgumentError, LibtiltError) and issubclass(ArgumentError, ValueError)
    True
    >>> ArgumentError("pixel_size must be positive", arguments=["pixel_size"]).arguments
    ('pixel_size',)
    """

    def __init__(self, message: str, *, arguments: tuple[str, ...] | list[str] = ()) -> None:
        super().__init__(message)
        self.arguments = tuple(arguments)


class ArgumentError(LibtiltError, ValueError):
    """An argument does not fit, or a file contradicts it."""


class MissingArgumentError(ArgumentError):
    """Files do not say what is needed, and no argument does."""


class MixedSeriesError(ArgumentError):
    """A stack and the geometry beside it that were not saved together."""


class RefusedImageError(LibtiltError, ValueError):
    """A file of images that is understood and not read."""


class MissingFileError(LibtiltError, FileNotFoundError):
    """A file that another one needs or names is not there."""


class OutputExistsError(LibtiltError, FileExistsError):
    """A file to be written exists, and replacing it was not asked for."""


class LibtiltWarning(UserWarning):
    """Something was taken for granted that an argument can say otherwise.

    Parameters
    ----------
    message : str
        What was taken, and what to do if it is wrong.
    arguments : sequence of str, optional
        Names of the arguments that mend it.

    Examples
    --------
    >>> from libtilt.errors import LibtiltWarning
    >>> LibtiltWarning("1 A is taken", arguments=["pixel_size"]).arguments
    ('pixel_size',)
    """

    def __init__(self, message: str, *, arguments: tuple[str, ...] | list[str] = ()) -> None:
        super().__init__(message)
        self.arguments = tuple(arguments)
