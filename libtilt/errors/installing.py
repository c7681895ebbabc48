"""The command that installs an extra, as messages show it."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path


def pip_install(extra: str) -> str:
    """Return the command that installs an extra of libtilt.

    Parameters
    ----------
    extra : str
        Name of the extra, or several with commas between.

    Returns
    -------
    str
        For a copy that was installed from a folder, or runs in one, a command for that folder;
        else one that names the package.

    Examples
    --------
    >>> from libtilt.errors.installing import pip_install
    >>> pip_install("fast") in ("pip install '.[fast]'", "pip install 'libtilt[fast]'")
    True
    """
    return f"pip install '{'.' if _is_from_folder() else 'libtilt'}[{extra}]'"


@lru_cache(maxsize=1)
def _is_from_folder() -> bool:
    """Whether the package was installed from a source folder, or runs in one."""
    if (Path(__file__).parents[2] / "pyproject.toml").is_file():
        return True
    # Only needed by messages, and slow to import.
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        text = distribution("libtilt").read_text("direct_url.json")
    except PackageNotFoundError:
        return True
    try:
        return text is not None and "dir_info" in json.loads(text)
    except ValueError:
        return False
