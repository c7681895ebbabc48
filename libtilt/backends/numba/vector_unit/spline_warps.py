"""Four by four values weighted by cubic B-splines.

The four weights of an axis, cubic polynomials of one fraction, are computed in one vector. A row of
four values is loaded as one vector, so that a sample takes four loads, and its transpose four loads
and stores at the same addresses.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np import arrayobj

from libtilt.backends.numba.vector_unit.llvm import (
    add_halves,
    broadcast,
    lane_bytes,
    select_lanes,
)

_INT = ir.IntType(32)

POLYNOMIALS = np.array([[1, 4, 1, 0], [-3, 0, 3, 0], [3, -6, 3, 0], [-1, 3, -3, 1]]) / 6
"""Coefficients of the four weights (columns) for the powers 0 to 3 of the fraction (rows)."""


def sum_patch(unit, values, place, row, down, across):  # type: ignore[no-untyped-def]
    """Return the weighted sum of four by four values."""
    return _sum_patch(values, place, row, down, across)


def add_patch(unit, values, place, row, down, across, value):  # type: ignore[no-untyped-def]
    """Add a value where `sum_patch` reads, with the same weights."""
    _add_patch(values, place, row, down, across, value)


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
        value = builder.load(row, align=lane_bytes(four))
        weighted = builder.fmul(_spread(builder, down, number), value, flags=("contract",))
        total = weighted if total is None else builder.fadd(total, weighted, flags=("contract",))
    pair = add_halves(builder, builder.fmul(total, across))
    first, second = (builder.extract_element(pair, ir.Constant(_INT, lane)) for lane in (0, 1))
    return builder.fadd(first, second)


def _add_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    four, rows = _rows(context, builder, signature, arguments)
    down, across = (_four_weights(builder, four, fraction) for fraction in arguments[3:5])
    added = builder.fmul(across, broadcast(builder, four, arguments[5]))
    for number, row in enumerate(rows):
        value = builder.load(row, align=lane_bytes(four))
        weighted = builder.fmul(_spread(builder, down, number), added, flags=("contract",))
        value = builder.fadd(value, weighted, flags=("contract",))
        builder.store(value, row, align=lane_bytes(four))
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
    t = broadcast(builder, four, fraction)
    result = ir.Constant(four, POLYNOMIALS[3].tolist())
    for row in POLYNOMIALS[2::-1]:
        scaled = builder.fmul(result, t, flags=("contract",))
        result = builder.fadd(scaled, ir.Constant(four, row.tolist()), flags=("contract",))
    return result


def _spread(builder: Any, vector: Any, lane: int) -> Any:
    return select_lanes(builder, vector, (lane,) * 4)
