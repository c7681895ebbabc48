"""``libtilt warm``."""

from __future__ import annotations

import time

import click

from libtilt.backends.registry import load_backend
from libtilt.cli.errors import one_line_errors
from libtilt.cli.messages import echo


@click.command()
@one_line_errors
def warm() -> None:
    """Compile the kernels of the numba backend in advance.

    The compiled kernels are saved in the folder set by NUMBA_CACHE_DIR, which the nodes of a
    cluster can share if their processors are of the same type.

    \b
    Examples:
      libtilt warm
      NUMBA_CACHE_DIR=/shared/kernels libtilt warm
    """
    load_backend("numba")
    from libtilt.backends.numba.warming import compile_all

    start = time.perf_counter()
    folder = compile_all()
    if folder is None:
        raise OSError("Numba has no writable cache folder; set NUMBA_CACHE_DIR to one")
    echo(f"kernels are saved in {folder} ({time.perf_counter() - start:.1f} s)")
