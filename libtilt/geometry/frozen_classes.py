"""`frozen`: the decorator of libtilt's classes and of classes derived from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, dataclass_transform

import attrs
import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from libtilt.errors.checks import locked_state
from libtilt.geometry.per_tilt import describe_array


class _FieldKey:
    """Comparison key of a field: an array compares as one value."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _FieldKey) and _equal(self.value, other.value)

    def __hash__(self) -> int:
        return hash(self.value)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    kind: Any = type(one)
    if kind is type(other) and kind in (tuple, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    if not any(isinstance(value, NDArrayOperatorsMixin) for value in (one, other)):
        return bool(one == other)
    # == compares a Volume or TiltSeries element by element; as a field it is one value.
    return kind is type(other) and all(
        _equal(getattr(one, field.name), getattr(other, field.name)) for field in attrs.fields(kind)
    )


def describe_value(value: Any) -> str:
    """Return the `repr` of a value, or the shape and dtype of an array."""
    return describe_array(value) if isinstance(value, np.ndarray) else repr(value)


def added_facts(instance: Any, base: type) -> dict[str, str]:
    """Return the fields that a subclass of `base` adds, by name and in words, for `repr`."""
    known = {field.name for field in attrs.fields(base)}
    return {
        field.alias: (describe_value if field.repr is True else field.repr)(
            getattr(instance, field.name)
        )
        for field in attrs.fields(type(instance))
        if field.name not in known and field.repr and not field.name.startswith("_")
    }


def _adapt_fields(_: type, fields: list[Any]) -> list[Any]:
    """Compare arrays as one value, and show their shapes; leave private fields out of `repr`."""
    return [
        field.evolve(
            eq_key=_FieldKey if field.eq and field.eq_key is None else field.eq_key,
            repr=(describe_value if field.name[0] != "_" else False)
            if field.repr is True
            else field.repr,
        )
        for field in fields
    ]


def _set_locked_state(self: Any, state: dict[str, Any]) -> None:
    self.__dict__.update(locked_state(state))


if TYPE_CHECKING:
    # Mypy understands converters, validators and aliases of fields only under attrs' own name;
    # other checkers read them from attrs' `dataclass_transform`.
    from attrs import frozen as frozen
else:

    @dataclass_transform(frozen_default=True, field_specifiers=(attrs.field,))
    def frozen(cls=None, /, *, kw_only=False, repr=True):  # noqa: A002
        """Make a frozen attrs class, as `attrs.frozen` does, that may hold arrays.

        - Fields that hold arrays, or tuples and lists of arrays, compare as one value. Subclasses
          of `Volume` and `TiltSeries` still compare element by element, as NumPy arrays do.
        - A class is hashable only if its base hashes by its fields, as `ImageGrid` does; otherwise
          `hash` raises a TypeError, as it does for arrays.
        - Arrays stay read-only after pickling.
        - ``repr`` shows arrays by shape and dtype, and no private fields. A ``__repr__`` that a
          base has written out, as `Projector` has, is kept.

        Parameters
        ----------
        cls : type, optional
            The class to decorate; omitted if options are given.
        kw_only : bool, optional
            Whether the fields that the class adds are keyword-only.
        repr : bool, optional
            Whether to generate a ``__repr__``.

        Returns
        -------
        type or callable
            The decorated class, or a decorator if `cls` is omitted.

        Examples
        --------
        >>> import attrs, numpy as np
        >>> from libtilt import TiltGeometry, frozen
        >>> @frozen
        ... class DosedGeometry(TiltGeometry):
        ...     doses: np.ndarray = attrs.field(kw_only=True, converter=np.asarray)
        >>> one, other = (DosedGeometry.from_tilt_angles([0, 3], doses=[1, 2]) for _ in range(2))
        >>> one == other, one == other.evolve(doses=[1, 3])
        (True, False)
        """
        if cls is None:
            return lambda decorated: frozen(decorated, kw_only=kw_only, repr=repr)
        if "__hash__" not in vars(cls) and not any(map(_hashes_by_fields, cls.__bases__)):
            cls.__hash__ = None
        if not hasattr(cls, "__setstate__"):
            cls.__setstate__ = _set_locked_state
        if "__repr__" in vars(cls):
            cls._has_own_repr = True
        return attrs.frozen(
            cls,
            slots=False,
            eq=False if issubclass(cls, NDArrayOperatorsMixin) else None,
            kw_only=kw_only,
            repr=repr and (False if getattr(cls, "_has_own_repr", False) else None),
            field_transformer=_adapt_fields,
        )

    def _hashes_by_fields(base):
        return attrs.has(base) and base.__hash__ is not None
