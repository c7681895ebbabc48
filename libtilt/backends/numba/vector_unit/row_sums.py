"""Weighted sums of rows that stay in vector registers.

A compiler keeps a row of sums in memory, and loads and stores it for every added row. Here the sums
stay in registers over all rows, and each row is read once.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np import arrayobj

from libtilt.backends.numba.vector_unit import REGISTERS
from libtilt.backends.numba.vector_unit.llvm import VECTOR_BYTES, broadcast

_WORD = ir.IntType(64)


def add_rows(unit, length, indices, weights, start, stop, rows, sums, place):  # type: ignore[no-untyped-def]
    """Add rows whose length fills one of the register counts in `REGISTERS`."""
    registers = length * sums.itemsize // VECTOR_BYTES
    _add_rows(registers, indices, weights, start, stop, rows, sums, place)


@intrinsic
def _add_rows(typing_context, registers, indices, weights, start, stop, rows, sums, place):  # type: ignore[no-untyped-def]
    word = types.int64
    return types.void(word, indices, weights, word, word, rows, sums, word), _code


def _code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Emit a loop for each register count; the count is selected at run time."""

    def data(position: int) -> Any:
        make = arrayobj.make_array(signature.args[position])
        return make(context, builder, arguments[position]).data

    indices, weights, rows = data(1), data(2), data(5)
    target = builder.gep(data(6), [arguments[7]])
    lanes = VECTOR_BYTES * 8 // signature.args[6].dtype.bitwidth
    vector = ir.VectorType(context.get_data_type(signature.args[6].dtype), lanes)
    for registers in REGISTERS:
        same = builder.icmp_signed("==", arguments[0], ir.Constant(_WORD, registers))
        with builder.if_then(same):
            bounds = arguments[3], arguments[4]
            _emit_loop(builder, registers, vector, indices, weights, rows, target, bounds)
    return context.get_dummy_value()


def _register_address(builder: Any, vector: ir.VectorType, base: Any, register: int) -> Any:
    """Return the address of the values of one register in a row that starts at `base`."""
    place = builder.gep(base, [ir.Constant(_WORD, register * vector.count)])
    return builder.bitcast(place, vector.as_pointer())


def _emit_loop(
    builder: Any,
    registers: int,
    vector: ir.VectorType,
    indices: Any,
    weights: Any,
    rows: Any,
    target: Any,
    bounds: tuple[Any, Any],
) -> None:
    bytes_of_item = VECTOR_BYTES // vector.count
    part = partial(_register_address, builder, vector)
    before = [builder.load(part(target, r), align=bytes_of_item) for r in range(registers)]
    entry = builder.block
    loop = builder.function.append_basic_block("rows")
    done = builder.function.append_basic_block("rows.done")
    builder.cbranch(builder.icmp_signed("<", *bounds), loop, done)

    builder.position_at_end(loop)
    j = builder.phi(_WORD)
    sums = [builder.phi(vector) for _ in range(registers)]
    row = builder.gep(rows, [builder.zext(builder.load(builder.gep(indices, [j])), _WORD)])
    weight = broadcast(builder, vector, builder.load(builder.gep(weights, [j])))
    after = []
    for register, total in enumerate(sums):
        value = builder.load(part(row, register), align=bytes_of_item)
        product = builder.fmul(weight, value, flags=("contract",))
        after.append(builder.fadd(product, total, flags=("contract",)))
    following = builder.add(j, ir.Constant(_WORD, 1))
    for value, first, last in ((j, bounds[0], following), *zip(sums, before, after, strict=True)):
        value.add_incoming(first, entry)
        value.add_incoming(last, loop)
    builder.cbranch(builder.icmp_signed("<", following, bounds[1]), loop, done)

    builder.position_at_end(done)
    results = [builder.phi(vector) for _ in range(registers)]
    for register, (first, last) in enumerate(zip(before, after, strict=True)):
        results[register].add_incoming(first, entry)
        results[register].add_incoming(last, loop)
    for register, result in enumerate(results):
        builder.store(result, part(target, register), align=bytes_of_item)
