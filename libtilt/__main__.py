"""The command line: ``libtilt`` and ``python -m libtilt``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line, or say what it needs."""
    try:
        import click  # noqa: F401
    except ImportError:
        sys.exit("error: the command line needs the package 'click': pip install 'libtilt[cli]'")
    from libtilt.cli import app

    app()


if __name__ == "__main__":
    main()
