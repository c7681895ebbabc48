"""Four by four values weighted by cubic B-splines, written for the vector unit.

The four weights of an axis are cubic polynomials of one fraction, made in one vector. Each row of
four values is loaded as one vector, so that a sample takes four loads, and its transpose four loads
and stores at the same addresses.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload
from numba.np import arrayobj
from numpy.typing import NDArray

from libtilt.backends.numba.kernels.vectors import add_halves, bytes_of_lane, in_all_lanes, lanes_of

_INT = ir.IntType(32)

POLYNOMIALS = np.array([[1, 4, 1, 0], [-3, 0, 3, 0], [3, -6, 3, 0], [-1, 3, -3, 1]]) / 6
"""Of the four weights (columns) by the fraction: the factors of its powers 0 to 3 (rows)."""


def _weights(values: NDArray[Any], down: float, across: float) -> NDArray[Any]:
    powers = np.arange(4)
    both = [(fraction**powers @ POLYNOMIALS).astype(values.dtype) for fraction in (down, across)]
    weights: NDArray[Any] = np.multiply.outer(*both)
    return weights


def _patch(values: NDArray[Any], place: int, row: int) -> NDArray[Any]:
    return np.lib.stride_tricks.as_strided(
        values[place:], (4, 4), (row * values.itemsize, values.itemsize)
    )


def sum_patch(values: NDArray[Any], place: int, row: int, down: float, across: float) -> Any:
    """Return the weighted sum of four by four values.

    Parameters
    ----------
    values : ndarray
        Flat.
    place : int
        Of the first.
    row : int
        Values from one row to the next.
    down, across : float
        Fractions between 0 and 1: how far beyond the second row and column the sample lies.
    """
    return (_patch(values, place, row) * _weights(values, down, across)).sum()


def add_patch(
    values: NDArray[Any], place: int, row: int, down: float, across: float, value: Any
) -> None:
    """Add `value` to where `sum_patch` reads, with the same weights: its transpose."""
    patch = _patch(values, place, row)
    patch += value * _weights(values, down, across)


@overload(sum_patch)
def _sum_patch_compiled(values, place, row, down, across):  # type: ignore[no-untyped-def]
    def call(values, place, row, down, across):  # type: ignore[no-untyped-def]
        return _sum_patch(values, place, row, down, across)

    return call


@overload(add_patch)
def _add_patch_compiled(values, place, row, down, across, value):  # type: ignore[no-untyped-def]
    def call(values, place, row, down, across, value):  # type: ignore[no-untyped-def]
        _add_patch(values, place, row, down, across, value)

    return call


@intrinsic
def _sum_patch(typing_context, values, place, row, down, across):  # type: ignore[no-untyped-def]
    kind = values.dtype
    return kind(values, types.int64, types.int64, kind, kind), _sum_code


@intrinsic
def _add_patch(typing_context, values, place, row, down, across, value):  # type: ignore[no-untyped-def]
    kind = values.dtype
    return types.void(values, types.int64, types.int64, kind, kind, kind), _add_code


def _sum_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    four, rows = _rows(context, builder, signature, arguments)
    down, across = (_four_weights(builder, four, fraction) for fraction in arguments[3:5])
    total = None
    for number, row in enumerate(rows):
        value = builder.load(row, align=bytes_of_lane(four))
        weighted = builder.fmul(_spread(builder, down, number), value, flags=("contract",))
        total = weighted if total is None else builder.fadd(total, weighted, flags=("contract",))
    pair = add_halves(builder, builder.fmul(total, across))
    first, second = (builder.extract_element(pair, ir.Constant(_INT, lane)) for lane in (0, 1))
    return builder.fadd(first, second)


def _add_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    four, rows = _rows(context, builder, signature, arguments)
    down, across = (_four_weights(builder, four, fraction) for fraction in arguments[3:5])
    added = builder.fmul(across, in_all_lanes(builder, four, arguments[5]))
    for number, row in enumerate(rows):
        value = builder.load(row, align=bytes_of_lane(four))
        weighted = builder.fmul(_spread(builder, down, number), added, flags=("contract",))
        value = builder.fadd(value, weighted, flags=("contract",))
        builder.store(value, row, align=bytes_of_lane(four))
    return context.get_dummy_value()


def _rows(context: Any, builder: Any, signature: Any, arguments: Any) -> tuple[Any, list[Any]]:
    """Return the type of a row of four, and the addresses of four rows."""
    values = arrayobj.make_array(signature.args[0])(context, builder, arguments[0]).data
    four = ir.VectorType(context.get_data_type(signature.args[0].dtype), 4)
    places = [arguments[1]]
    for _ in range(3):
        places.append(builder.add(places[-1], arguments[2]))
    return four, [
        builder.bitcast(builder.gep(values, [place]), four.as_pointer()) for place in places
    ]


def _four_weights(builder: Any, four: Any, fraction: Any) -> Any:
    """Return the weights at a fraction, by Horner's rule."""
    t = in_all_lanes(builder, four, fraction)
    result = ir.Constant(four, POLYNOMIALS[3].tolist())
    for row in POLYNOMIALS[2::-1]:
        scaled = builder.fmul(result, t, flags=("contract",))
        result = builder.fadd(scaled, ir.Constant(four, row.tolist()), flags=("contract",))
    return result


def _spread(builder: Any, vector: Any, lane: int) -> Any:
    return lanes_of(builder, vector, (lane,) * 4)
