"""LLVM IR helpers for vector loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils

from libtilt.backends.numba.vector_unit import vector_bytes

VECTOR_BYTES = vector_bytes()
"""Bytes of a register."""

_INT, _WORD = ir.IntType(32), ir.IntType(64)


def loop_with_total(
    builder: Any, first: Any, end: Any, step: int, initial: Any, body: Callable[[Any, Any], Any]
) -> Any:
    """Emit a loop that passes a total between iterations; return the final total."""
    entry = builder.block
    loop = builder.function.append_basic_block("loop")
    done = builder.function.append_basic_block("done")
    builder.cbranch(builder.icmp_signed("<", first, end), loop, done)
    builder.position_at_end(loop)
    k, total = builder.phi(_WORD), builder.phi(initial.type)
    following_total = body(k, total)
    following = builder.add(k, ir.Constant(_WORD, step))
    for value, before, after in ((k, first, following), (total, initial, following_total)):
        value.add_incoming(before, entry)
        value.add_incoming(after, builder.block)
    builder.cbranch(builder.icmp_signed("<", following, end), loop, done)
    turned = builder.block
    builder.position_at_end(done)
    result = builder.phi(initial.type)
    result.add_incoming(initial, entry)
    result.add_incoming(following_total, turned)
    return result


def allocate_on_stack(builder: Any, vector: Any) -> Any:
    """Allocate a vector on the stack; return the address of its first value."""
    with builder.goto_entry_block():
        place = builder.alloca(vector)
        return builder.bitcast(place, vector.element.as_pointer())


def floor(builder: Any, vector: Any) -> Any:
    """Round every lane down."""
    kind = "f64" if isinstance(vector.type.element, ir.DoubleType) else "f32"
    function = cgutils.get_or_insert_function(
        builder.module,
        ir.FunctionType(vector.type, [vector.type]),
        f"llvm.floor.v{vector.type.count}{kind}",
    )
    return builder.call(function, [vector])


def store(builder: Any, vector: Any, place: Any) -> None:
    """Store a vector at the address of its first value."""
    builder.store(vector, builder.bitcast(place, vector.type.as_pointer()))


def cast(builder: Any, value: Any, scalar: Any) -> Any:
    """Convert a double to another float type."""
    return value if isinstance(scalar, ir.DoubleType) else builder.fptrunc(value, scalar)


def select_lanes(builder: Any, vector: Any, which: tuple[int, ...]) -> Any:
    """Return selected lanes of a vector, in the given order."""
    mask = ir.Constant(ir.VectorType(_INT, len(which)), list(which))
    return builder.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined), mask)


def join(builder: Any, low: Any, high: Any) -> Any:
    """Concatenate the lanes of two vectors."""
    count = 2 * low.type.count
    mask = ir.Constant(ir.VectorType(_INT, count), list(range(count)))
    return builder.shuffle_vector(low, high, mask)


def add_halves(builder: Any, vector: Any) -> Any:
    """Return the sum of the lower and the upper half of the lanes."""
    half = vector.type.count // 2
    low = select_lanes(builder, vector, tuple(range(half)))
    return builder.fadd(low, select_lanes(builder, vector, tuple(range(half, 2 * half))))


def broadcast(builder: Any, vector: Any, value: Any) -> Any:
    """Return a vector with a value in every lane."""
    nothing = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(nothing, value, ir.Constant(_INT, 0))
    return select_lanes(builder, first, (0,) * vector.count)


def lane_bytes(vector: Any) -> int:
    """Return the size of one lane."""
    return 8 if isinstance(vector.element, ir.DoubleType) else 4
