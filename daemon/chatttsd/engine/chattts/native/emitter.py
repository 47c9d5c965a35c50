"""Vectors and loops of LLVM, named as the kernels think of them: 16 float32 values wide on every machine."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from llvmlite import ir

LANES: Final = 16
"""Values of a vector; LLVM splits it where registers are narrower."""

BYTE: Final = ir.IntType(8)
HALF_WORD: Final = ir.IntType(16)
WORD: Final = ir.IntType(32)
LONG: Final = ir.IntType(64)
SINGLE: Final = ir.FloatType()
FLOATS: Final = ir.VectorType(SINGLE, LANES)
WORDS: Final = ir.VectorType(WORD, LANES)

_BF16_SHIFT: Final = 16
_LOG2_E: Final = 1.4426950408889634
_LN2_HIGH: Final = 0.693359375
_LN2_LOW: Final = -2.12194440e-4
_EXP_LOWEST: Final = -87.0
_EXP_HIGHEST: Final = 88.0
_EXP_TERMS: Final = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 0.5)
"""Cephes expf: coefficients of x^7 .. x^2."""
_EXPONENT_BIAS: Final = 127
_MANTISSA_BITS: Final = 23

Value = Any
"""A value of LLVM's; llvmlite ships no types."""


class Emitter:
    """Appends instructions to the function that numba is building; offsets are in bytes."""

    def __init__(self, builder: Any, features: frozenset[str]) -> None:  # noqa: ANN401 - llvmlite ships no types
        self.builder = builder
        self.features = features

    def long(self, number: int) -> Value:
        """Return a constant int64."""
        return ir.Constant(LONG, number)

    def word(self, number: int) -> Value:
        """Return a constant int32."""
        return ir.Constant(WORD, number)

    def floats(self, number: float) -> Value:
        """Return a constant vector with one number in all lanes."""
        return ir.Constant(FLOATS, [ir.Constant(SINGLE, number)] * LANES)

    def words(self, number: int) -> Value:
        """Return a constant vector of int32 with one number in all lanes."""
        return ir.Constant(WORDS, [ir.Constant(WORD, number)] * LANES)

    def plus(self, left: Value, right: Value | int) -> Value:
        """Add int64."""
        return self.builder.add(left, self.long(right) if isinstance(right, int) else right)

    def times(self, left: Value, right: Value | int) -> Value:
        """Multiply int64."""
        return self.builder.mul(left, self.long(right) if isinstance(right, int) else right)

    def at(self, pointer: Value, offset: Value | int) -> Value:
        """Move a byte pointer."""
        return self.builder.gep(pointer, [self.long(offset) if isinstance(offset, int) else offset])

    def load(self, kind: Any, pointer: Value, offset: Value | int = 0, align: int = 1) -> Value:  # noqa: ANN401 - llvmlite ships no types
        """Read a value of an LLVM type."""
        place = self.builder.bitcast(self.at(pointer, offset), kind.as_pointer())
        return self.builder.load(place, align=align)

    def store(self, value: Value, pointer: Value, offset: Value | int = 0, align: int = 1) -> None:
        """Write a value."""
        place = self.builder.bitcast(self.at(pointer, offset), value.type.as_pointer())
        self.builder.store(value, place, align=align)

    def prefetch(self, pointer: Value, offset: Value | int, locality: int) -> None:
        """Ask for a cache line: locality 3 (first level) .. 1 (last level)."""
        place = self.at(pointer, offset)
        self.call("llvm.prefetch.p0i8", ir.VoidType(), place, self.word(0), self.word(locality), self.word(1))

    def splat(self, value: Value) -> Value:
        """Put one number into all lanes."""
        empty = ir.Constant(ir.VectorType(value.type, LANES), ir.Undefined)
        first = self.builder.insert_element(empty, value, self.word(0))
        return self.builder.shuffle_vector(first, empty, self.words(0))

    def shuffle(self, left: Value, right: Value, lanes: Sequence[int]) -> Value:
        """Pick lanes of two vectors put one behind the other."""
        mask = ir.Constant(ir.VectorType(WORD, len(lanes)), [ir.Constant(WORD, lane) for lane in lanes])
        return self.builder.shuffle_vector(left, right, mask)

    def call(self, name: str, kind: Any, *values: Value) -> Value:  # noqa: ANN401 - llvmlite ships no types
        """Call an LLVM intrinsic by its full name, or a function of the C library."""
        module = self.builder.module
        function = module.globals.get(name)
        if function is None:
            function = ir.Function(module, ir.FunctionType(kind, [value.type for value in values]), name)
        return self.builder.call(function, values)

    def fma(self, left: Value, right: Value, addend: Value) -> Value:
        """Return left * right + addend, rounded once."""
        return self.call("llvm.fma.v16f32", FLOATS, left, right, addend)

    def larger(self, left: Value, right: Value) -> Value:
        """Return the larger number of each lane."""
        return self.call("llvm.maxnum.v16f32", FLOATS, left, right)

    def total(self, vector: Value) -> Value:
        """Add the lanes, always in the same order: halves first."""
        return self._fold(vector, self.builder.fadd)

    def largest(self, vector: Value) -> Value:
        """Return the largest lane."""
        return self._fold(vector, self.larger)

    def _fold(self, vector: Value, combine: Callable[[Value, Value], Value]) -> Value:
        width = LANES // 2
        while width:
            lanes = [(lane + width) % LANES for lane in range(LANES)]
            vector = combine(vector, self.shuffle(vector, vector, lanes))
            width //= 2
        return self.builder.extract_element(vector, self.word(0))

    def from_half(self, pointer: Value, offset: Value | int) -> Value:
        """Read 16 float16."""
        half = self.load(ir.VectorType(ir.HalfType(), LANES), pointer, offset, 2)
        return self.builder.fpext(half, FLOATS)

    def from_bf16(self, pointer: Value, offset: Value | int) -> Value:
        """Read 16 bfloat16."""
        wide = self.builder.zext(self.load(ir.VectorType(HALF_WORD, LANES), pointer, offset, 2), WORDS)
        return self.builder.bitcast(self.builder.shl(wide, self.words(_BF16_SHIFT)), FLOATS)

    def exp(self, x: Value) -> Value:
        """Return e^x of each lane, about 1e-7 relative; x is held within -87..88."""
        b = self.builder
        x = self.call(
            "llvm.minnum.v16f32", FLOATS, self.larger(x, self.floats(_EXP_LOWEST)), self.floats(_EXP_HIGHEST)
        )
        n = self.call("llvm.rint.v16f32", FLOATS, b.fmul(x, self.floats(_LOG2_E)))
        x = self.fma(n, self.floats(-_LN2_HIGH), x)
        x = self.fma(n, self.floats(-_LN2_LOW), x)
        sum_ = self.floats(_EXP_TERMS[0])
        for term in _EXP_TERMS[1:]:
            sum_ = self.fma(sum_, x, self.floats(term))
        sum_ = b.fadd(self.fma(sum_, b.fmul(x, x), x), self.floats(1.0))
        power = b.add(b.fptosi(n, WORDS), self.words(_EXPONENT_BIAS))
        return b.fmul(sum_, b.bitcast(b.shl(power, self.words(_MANTISSA_BITS)), FLOATS))

    def loop(
        self, count: Value, first: Sequence[Value], body: Callable[[Value, list[Value]], Sequence[Value]]
    ) -> list[Value]:
        """Run `body(index, carried)` for index 0..count-1; it returns the next carried values."""
        b = self.builder
        before = b.block
        head, inside, after = (b.append_basic_block(name) for name in ("head", "inside", "after"))
        b.branch(head)
        b.position_at_end(head)
        index = b.phi(LONG)
        carried = [b.phi(value.type) for value in first]
        b.cbranch(b.icmp_signed("<", index, count), inside, after)
        b.position_at_end(inside)
        following = [b.add(index, self.long(1)), *body(index, carried)]
        for phi, start, following_value in zip(
            [index, *carried], [self.long(0), *first], following, strict=True
        ):
            phi.add_incoming(start, before)
            phi.add_incoming(following_value, b.block)
        b.branch(head)
        b.position_at_end(after)
        return carried
