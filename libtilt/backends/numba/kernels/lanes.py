"""The inner loop of the rows kernel, written for the vector unit.

A compiler keeps a row of sums in memory, and loads and stores it for every row that is added. Here
the sums stay in vector registers over all rows: each row is read once and multiplied in. The loop
is given to LLVM in its own terms, which run on every processor that Numba runs on.
"""

from __future__ import annotations

from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.extending import intrinsic, overload
from numba.np import arrayobj
from numpy.typing import NDArray

from libtilt.backends.numba.kernels.vectors import in_all_lanes


def _vector_bytes() -> int:
    try:
        wide = binding.get_host_cpu_features().get("avx512f", False)
    except RuntimeError:  # Not known on this kind of processor.
        wide = False
    return 64 if wide else 32


VECTOR_BYTES = _vector_bytes()
"""Of one register (AVX-512, AVX2, or two of ARM's)."""

MOST_REGISTERS = 11
"""Sums in registers at once, of the 16 that AVX2 has; the rest hold weights and addresses."""

_REGISTERS = (1, 4, 6, 8, MOST_REGISTERS)


def registers_for(length: int, itemsize: int, threads: int) -> tuple[int, ...]:
    """Return how many registers a chunk of a row should fill.

    Parameters
    ----------
    length : int
        Values of a row.
    itemsize : int
        Bytes of a value.
    threads : int
        That share the chunks.

    Returns
    -------
    tuple of int
        Of as many items as a chunk fills registers; its type tells the compiler.

    Examples
    --------
    >>> from libtilt.backends.numba.kernels.lanes import registers_for
    >>> len(registers_for(336, 4, threads=2))
    11
    """

    def cost(registers: int) -> tuple[int, int]:
        count = -(-vectors // registers)
        rounds = -(-count // threads)
        # Each round also reads weights and addresses, which takes about as long as two registers.
        return rounds * (registers + 2), -registers

    vectors = -(-length * itemsize // VECTOR_BYTES)
    registers = min(_REGISTERS, key=cost)
    return (0,) * registers


def add_rows(
    registers: tuple[int, ...],
    indices: NDArray[Any],
    weights: NDArray[Any],
    start: int,
    stop: int,
    rows: NDArray[Any],
    target: NDArray[Any],
    place: int,
) -> None:
    """Add ``weights[j]`` times the row at ``rows[indices[j]]``, for j from start to stop.

    `rows` and `target` are flat; the row of sums begins at ``target[place]``. A row has as many
    values as `registers` has items, times those of a register.
    """
    length = len(registers) * VECTOR_BYTES // target.itemsize
    for j in range(start, stop):
        first = int(indices[j])
        target[place : place + length] += weights[j] * rows[first : first + length]


@overload(add_rows)
def _add_rows_compiled(  # type: ignore[no-untyped-def]
    registers, indices, weights, start, stop, rows, target, place
):
    def call(registers, indices, weights, start, stop, rows, target, place):  # type: ignore[no-untyped-def]
        _add_rows(registers, indices, weights, start, stop, rows, target, place)

    return call


@intrinsic
def _add_rows(  # type: ignore[no-untyped-def]
    typing_context, registers, indices, weights, start, stop, rows, target, place
):
    signature = types.void(
        registers, indices, weights, types.int64, types.int64, rows, target, types.int64
    )
    return signature, _code_with(registers.count)


def _code_with(registers: int) -> Any:
    """Return what writes the loop with so many registers of sums."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def data(position: int) -> Any:
            make = arrayobj.make_array(signature.args[position])
            return make(context, builder, arguments[position]).data

        bounds = arguments[3], arguments[4]
        target = builder.gep(data(6), [arguments[7]])
        lanes = VECTOR_BYTES * 8 // signature.args[6].dtype.bitwidth
        vector = ir.VectorType(context.get_data_type(signature.args[6].dtype), lanes)
        _write_loop(builder, registers, vector, data(1), data(2), data(5), target, bounds)
        return context.get_dummy_value()

    return generate


def _write_loop(
    builder: Any,
    registers: int,
    vector: ir.VectorType,
    indices: Any,
    weights: Any,
    rows: Any,
    target: Any,
    bounds: tuple[Any, Any],
) -> None:
    word = ir.IntType(64)
    bytes_of_item = VECTOR_BYTES // vector.count

    def part(base: Any, register: int) -> Any:
        place = builder.gep(base, [ir.Constant(word, register * vector.count)])
        return builder.bitcast(place, vector.as_pointer())

    before = [builder.load(part(target, r), align=bytes_of_item) for r in range(registers)]
    entry = builder.block
    loop = builder.function.append_basic_block("rows")
    done = builder.function.append_basic_block("rows.done")
    builder.cbranch(builder.icmp_signed("<", *bounds), loop, done)

    builder.position_at_end(loop)
    j = builder.phi(word)
    sums = [builder.phi(vector) for _ in range(registers)]
    row = builder.gep(rows, [builder.zext(builder.load(builder.gep(indices, [j])), word)])
    weight = in_all_lanes(builder, vector, builder.load(builder.gep(weights, [j])))
    after = []
    for register, total in enumerate(sums):
        value = builder.load(part(row, register), align=bytes_of_item)
        product = builder.fmul(weight, value, flags=("contract",))
        after.append(builder.fadd(product, total, flags=("contract",)))
    following = builder.add(j, ir.Constant(word, 1))
    for value, first, last in ((j, bounds[0], following), *zip(sums, before, after, strict=True)):
        value.add_incoming(first, entry)
        value.add_incoming(last, loop)
    builder.cbranch(builder.icmp_signed("<", following, bounds[1]), loop, done)

    builder.position_at_end(done)
    results = [builder.phi(vector) for _ in range(registers)]
    for result, first, last in zip(results, before, after, strict=True):
        result.add_incoming(first, entry)
        result.add_incoming(last, loop)
    for register, result in enumerate(results):
        builder.store(result, part(target, register), align=bytes_of_item)
