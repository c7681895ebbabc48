"""Warnings that point to the caller's line."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

from libtilt.errors import LibtiltWarning

# Files of the package, and code that attrs generates for it.
_OWN = (str(Path(__file__).parents[1]) + os.sep, "<attrs generated")


def warn(message: str | Warning) -> None:
    """Warn, at the line outside of this package from which the work was asked for.

    Parameters
    ----------
    message : str or Warning
        A text is a `LibtiltWarning`.

    Examples
    --------
    >>> import warnings
    >>> from libtilt.errors.warning import warn
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     warn("no voxel size")
    >>> caught[0].filename.endswith("warning.py")
    False
    """
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_OWN):
        level, frame = level + 1, frame.f_back
    warning = LibtiltWarning(message) if isinstance(message, str) else message
    warnings.warn(warning, stacklevel=level)
