"""Transposed copies of matrices.

Squares as wide as a vector register are loaded row by row and transposed in registers: the halves
of two registers are interleaved, log2(rows) times.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np import arrayobj

from libtilt.backends.numba.vector_unit.llvm import VECTOR_BYTES

_INT = ir.IntType(32)


def copy_transposed(unit, rows, columns, source, begin, row, target, target_begin, target_row):  # type: ignore[no-untyped-def]
    """Copy whole squares in registers, and the remainder value by value."""
    lanes = VECTOR_BYTES // source.itemsize
    whole_rows, whole_columns = rows // lanes * lanes, columns // lanes * lanes
    for r in range(0, whole_rows, lanes):
        for c in range(0, whole_columns, lanes):
            place, there = begin + r * row + c, target_begin + c * target_row + r
            _transpose_square(source, place, row, target, there, target_row)
    for r in range(rows):
        for c in range(whole_columns if r < whole_rows else 0, columns):
            target[target_begin + c * target_row + r] = source[begin + r * row + c]


@intrinsic
def _transpose_square(typing_context, source, place, row, target, target_place, target_row):  # type: ignore[no-untyped-def]
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
    for row, address in zip(_transpose(builder, rows), addresses(3), strict=True):
        builder.store(row, address, align=size)
    return context.get_dummy_value()


def _transpose(builder: Any, rows: list[Any]) -> list[Any]:
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
