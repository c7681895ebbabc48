"""Copies of three-dimensional blocks between arrays with different axis orders."""

from __future__ import annotations

from typing import Any

from libtilt.backends.numba.kernels.compiled import compiled_helper, has_vector_form

Steps = tuple[int, int, int]


@compiled_helper
def copy_block(
    unit: Any,
    shape: Steps,
    source: Any,
    begin: int,
    steps: Steps,
    target: Any,
    target_begin: int,
    target_steps: Steps,
) -> None:
    """Copy a block of `shape` between flat arrays, from index `begin` to index `target_begin`.

    `steps` and `target_steps` are the distances in values between neighbors along each axis; in
    each array, the last or the second axis is contiguous. `unit` selects the vector unit.
    """
    if steps[2] == 1:
        rows, columns, row, target_row = shape[1], shape[2], steps[1], target_steps[2]
    else:
        rows, columns, row, target_row = shape[2], shape[1], steps[2], target_steps[1]
    for item in range(shape[0]):
        first, target_first = begin + item * steps[0], target_begin + item * target_steps[0]
        if steps[2] != target_steps[2]:
            copy_transposed(
                unit, rows, columns, source, first, row, target, target_first, target_row
            )
        else:
            for line in range(shape[1]):
                place, there = first + line * steps[1], target_first + line * target_steps[1]
                for value in range(shape[2]):
                    target[there + value] = source[place + value]


@has_vector_form
def copy_transposed(
    unit: Any,
    rows: int,
    columns: int,
    source: Any,
    begin: int,
    row: int,
    target: Any,
    target_begin: int,
    target_row: int,
) -> None:
    """Copy a matrix to the transpose of another; their rows are `row` and `target_row` apart."""
    for r in range(rows):
        for c in range(columns):
            target[target_begin + c * target_row + r] = source[begin + r * row + c]
