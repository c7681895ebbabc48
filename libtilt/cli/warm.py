"""``libtilt warm``."""

from __future__ import annotations

import time

import click

from libtilt.backends.registry import load_backend
from libtilt.cli.messages import say
from libtilt.cli.running import one_line_errors


@click.command()
@one_line_errors
def warm() -> None:
    """Compile the kernels of the numba backend ahead, into the folder where Numba keeps them.

    For the nodes of a cluster that share that folder: NUMBA_CACHE_DIR names it. What is kept serves
    processors of one kind.

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
        raise OSError("Numba finds no folder to keep kernels in: name one by NUMBA_CACHE_DIR")
    say(f"kernels are kept in {folder} ({time.perf_counter() - start:.1f} s)")
