"""Trilinear samples that each fill one vector register.

A sample takes eight voxels, four pairs of neighbors along x, loaded into one vector and multiplied
by a vector of eight weights. There is no gather, no voxel is loaded twice, and the transpose stores
to the same addresses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np import arrayobj

from libtilt.backends.numba.vector_unit.llvm import (
    add_halves,
    allocate_on_stack,
    broadcast,
    cast,
    floor,
    join,
    lane_bytes,
    loop_with_total,
    select_lanes,
    store,
)

_INT, _WORD, _DOUBLE = ir.IntType(32), ir.IntType(64), ir.DoubleType()

BLOCK = 16
"""Samples whose positions are computed together."""


def sum_along(unit, volume, strides, start, step, first, last):  # type: ignore[no-untyped-def]
    """Return the sum of samples along a ray."""
    return _sum_along(volume, strides[0], strides[1], start, step, first, last)


def spread_along(unit, volume, strides, start, step, first, last, value):  # type: ignore[no-untyped-def]
    """Add a value where `sum_along` samples, with the same weights."""
    _spread_along(volume, strides[0], strides[1], start, step, first, last, value)


@intrinsic
def _sum_along(typing_context, volume, row, plane, start, step, first, last):  # type: ignore[no-untyped-def]
    words = (types.int64, types.int64)
    return volume.dtype(volume, *words, start, step, *words), _sum_code


@intrinsic
def _spread_along(typing_context, volume, row, plane, start, step, first, last, value):  # type: ignore[no-untyped-def]
    words = (types.int64, types.int64)
    return types.void(volume, *words, start, step, *words, volume.dtype), _spread_code


def _sum_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    corners = ir.VectorType(context.get_data_type(signature.args[0].dtype), 8)
    nothing = ir.Constant(corners, [0.0] * 8)

    def add(total: Any, weights: Any, pairs: list[Any]) -> Any:
        loaded = [builder.load(pair, align=lane_bytes(corners)) for pair in pairs]
        values = join(builder, join(builder, *loaded[:2]), join(builder, *loaded[2:]))
        product = builder.fmul(values, weights, flags=("contract",))
        return builder.fadd(product, total, flags=("contract",))

    total = _emit_loop(context, builder, signature, arguments, nothing, add)
    half = add_halves(builder, total)
    quarter = add_halves(builder, half)
    parts = [builder.extract_element(quarter, ir.Constant(_INT, i)) for i in range(2)]
    return builder.fadd(*parts)


def _spread_code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    corners = ir.VectorType(context.get_data_type(signature.args[0].dtype), 8)
    value = broadcast(builder, corners, arguments[7])

    def add(total: Any, weights: Any, pairs: list[Any]) -> Any:
        align = lane_bytes(corners)
        additions = builder.fmul(weights, value)
        for number, pair in enumerate(pairs):
            addition = select_lanes(builder, additions, (2 * number, 2 * number + 1))
            sums = builder.fadd(builder.load(pair, align=align), addition)
            builder.store(sums, pair, align=align)
        return total

    _emit_loop(context, builder, signature, arguments, ir.Constant(_INT, 0), add)
    return context.get_dummy_value()


def _emit_loop(
    context: Any,
    builder: Any,
    signature: Any,
    arguments: Any,
    initial: Any,
    add: Callable[[Any, Any, list[Any]], Any],
) -> Any:
    """Emit the loop over samples; `add` computes the new total from weights and addresses."""
    scalar = context.get_data_type(signature.args[0].dtype)
    volume = arrayobj.make_array(signature.args[0])(context, builder, arguments[0]).data
    row, plane, first, last = arguments[1], arguments[2], arguments[5], arguments[6]
    start, step = (
        [builder.extract_value(arguments[position], axis) for axis in range(3)]
        for position in (3, 4)
    )
    kinds = (_INT, scalar, scalar, scalar)
    places = [allocate_on_stack(builder, ir.VectorType(kind, BLOCK)) for kind in kinds]
    strides = [ir.Constant(_WORD, 1), row, plane]
    neighbors = [None, row, plane, builder.add(row, plane)]
    end = builder.add(last, ir.Constant(_WORD, 1))

    def block(k: Any, total: Any) -> Any:
        base = _fill_block(builder, scalar, k, start, step, strides, places)
        origin = builder.gep(volume, [base])
        left, whole = builder.sub(end, k), ir.Constant(_WORD, BLOCK)
        count = builder.select(builder.icmp_signed("<", left, whole), left, whole)

        def sample(j: Any, total: Any) -> Any:
            offset, *fractions = (builder.load(builder.gep(place, [j])) for place in places)
            here = builder.sext(offset, _WORD)
            pairs = []
            for neighbor in neighbors:
                index = here if neighbor is None else builder.add(here, neighbor)
                pair = builder.gep(origin, [index])
                pairs.append(builder.bitcast(pair, ir.VectorType(scalar, 2).as_pointer()))
            return add(total, _weights(builder, scalar, fractions), pairs)

        return loop_with_total(builder, ir.Constant(_WORD, 0), count, 1, total, sample)

    return loop_with_total(builder, first, end, BLOCK, initial, block)


def _fill_block(
    builder: Any, scalar: Any, k: Any, start: Any, step: Any, strides: Any, places: Any
) -> Any:
    """Emit offsets and fractions of a block of samples; return the index they start from.

    The block starts from a voxel found in float64, and is short enough for the data's precision.
    """
    lanes = ir.VectorType(scalar, BLOCK)
    numbers = ir.Constant(lanes, [float(number) for number in range(BLOCK)])
    depth = builder.sitofp(k, _DOUBLE)
    base, offsets = ir.Constant(_WORD, 0), None
    for axis in range(3):
        position = builder.fadd(builder.fmul(depth, step[axis]), start[axis])
        lowest = builder.fptosi(position, _WORD)
        rest = builder.fsub(position, builder.sitofp(lowest, _DOUBLE))
        base = builder.add(base, builder.mul(lowest, strides[axis]))
        rest, slope = (
            broadcast(builder, lanes, cast(builder, value, scalar)) for value in (rest, step[axis])
        )
        along = builder.fadd(
            builder.fmul(numbers, slope, flags=("contract",)), rest, flags=("contract",)
        )
        lower = floor(builder, along)
        store(builder, builder.fsub(along, lower), places[1 + axis])
        whole = builder.fptosi(lower, ir.VectorType(_INT, BLOCK))
        stride = broadcast(builder, whole.type, builder.trunc(strides[axis], _INT))
        offset = builder.mul(whole, stride)
        offsets = offset if offsets is None else builder.add(offsets, offset)
    store(builder, offsets, places[0])
    return base


def _weights(builder: Any, scalar: Any, fractions: list[Any]) -> Any:
    """Return the weights of eight corners, x fastest, from the fractions x, y, z."""
    corners = ir.VectorType(scalar, 8)
    product = None
    for axis, fraction in enumerate(fractions):
        upper = [corner >> axis & 1 for corner in range(8)]
        slope = ir.Constant(corners, [1.0 if up else -1.0 for up in upper])
        at_zero = ir.Constant(corners, [0.0 if up else 1.0 for up in upper])
        weight = builder.fmul(broadcast(builder, corners, fraction), slope, flags=("contract",))
        weight = builder.fadd(weight, at_zero, flags=("contract",))
        product = weight if product is None else builder.fmul(product, weight)
    return product
