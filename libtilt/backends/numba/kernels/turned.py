"""Copying matrices with rows and columns exchanged, written for the vector unit.

A square as wide as a vector register is loaded row by row, and turned within the registers: halves
of two of them are interleaved, as often as the number of rows can be halved.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload
from numba.np import arrayobj
from numpy.typing import NDArray

from libtilt.backends.numba.kernels.compiled import compiled
from libtilt.backends.numba.kernels.lanes import VECTOR_BYTES

_INT = ir.IntType(32)


@compiled
def copy_turned(
    shape: tuple[int, int],
    source: NDArray[Any],
    place: int,
    row: int,
    target: NDArray[Any],
    target_place: int,
    target_row: int,
) -> None:
    """Copy a matrix into the transpose of another.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the one that is read.
    source, target : ndarray
        Flat.
    place, target_place : int
        Where the matrices begin.
    row, target_row : int
        Values from one row to the next.
    """
    lanes = VECTOR_BYTES // source.itemsize
    rows, columns = shape
    whole_rows, whole_columns = rows // lanes * lanes, columns // lanes * lanes
    for r in range(0, whole_rows, lanes):
        for c in range(0, whole_columns, lanes):
            turn_square(
                source,
                place + r * row + c,
                row,
                target,
                target_place + c * target_row + r,
                target_row,
            )
    for r in range(rows):
        for c in range(whole_columns if r < whole_rows else 0, columns):
            target[target_place + c * target_row + r] = source[place + r * row + c]


def turn_square(
    source: NDArray[Any],
    place: int,
    row: int,
    target: NDArray[Any],
    target_place: int,
    target_row: int,
) -> None:
    """Copy the transpose of a square of as many values each way as a vector register holds."""
    lanes = VECTOR_BYTES // source.itemsize
    for r in range(lanes):
        for c in range(lanes):
            target[target_place + c * target_row + r] = source[place + r * row + c]


@overload(turn_square)
def _turn_square_compiled(source, place, row, target, target_place, target_row):  # type: ignore[no-untyped-def]
    def call(source, place, row, target, target_place, target_row):  # type: ignore[no-untyped-def]
        _turn_square(source, place, row, target, target_place, target_row)

    return call


@intrinsic
def _turn_square(typing_context, source, place, row, target, target_place, target_row):  # type: ignore[no-untyped-def]
    word = types.int64
    return types.void(source, word, word, target, word, word), _code


def _code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    element = context.get_data_type(signature.args[0].dtype)
    size = signature.args[0].dtype.bitwidth // 8
    vector = ir.VectorType(element, VECTOR_BYTES // size)

    def addresses(position: int) -> list[Any]:
        make = arrayobj.make_array(signature.args[position])
        data = make(context, builder, arguments[position]).data
        place, step = arguments[position + 1 : position + 3]
        found = []
        for _ in range(vector.count):
            found.append(builder.bitcast(builder.gep(data, [place]), vector.as_pointer()))
            place = builder.add(place, step)
        return found

    rows = [builder.load(address, align=size) for address in addresses(0)]
    for row, address in zip(_turned(builder, rows), addresses(3), strict=True):
        builder.store(row, address, align=size)
    return context.get_dummy_value()


def _turned(builder: Any, rows: list[Any]) -> list[Any]:
    """Return the columns of a square."""
    count = len(rows)
    low = [lane // 2 + lane % 2 * count for lane in range(count)]
    masks = [
        ir.Constant(ir.VectorType(_INT, count), [lane + start for lane in low])
        for start in (0, count // 2)
    ]
    for _ in range(count.bit_length() - 1):
        rows = [
            builder.shuffle_vector(rows[pair], rows[pair + count // 2], mask)
            for pair in range(count // 2)
            for mask in masks
        ]
    return rows
