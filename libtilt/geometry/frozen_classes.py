"""`frozen`: the decorator of libtilt's classes, and of classes that are derived from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, dataclass_transform

import attrs
import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from libtilt.errors.checks import locked_state


class _Key:
    """The value of a field as it is compared and hashed: an array as a whole."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and _same(self.value, other.value)

    def __hash__(self) -> int:
        return hash(self.value)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    kind: Any = type(one)
    if kind is type(other) and kind in (tuple, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if not any(isinstance(value, NDArrayOperatorsMixin) for value in (one, other)):
        return bool(one == other)
    # A Volume or TiltSeries is compared with == voxel by voxel; as a field it is one value.
    return kind is type(other) and all(
        _same(getattr(one, field.name), getattr(other, field.name)) for field in attrs.fields(kind)
    )


def _with_keys(_: type, fields: list[Any]) -> list[Any]:
    return [
        field.evolve(eq_key=_Key) if field.eq and field.eq_key is None else field
        for field in fields
    ]


def _set_locked_state(self: Any, state: dict[str, Any]) -> None:
    self.__dict__.update(locked_state(state))


if TYPE_CHECKING:
    # Mypy knows the converters, validators and aliases of fields under this name alone; other
    # checkers read the same from the `dataclass_transform` that attrs declares for it.
    from attrs import frozen as frozen
else:

    @dataclass_transform(frozen_default=True, field_specifiers=(attrs.field,))
    def frozen(cls=None, /, *, kw_only=False, repr=True):  # noqa: A002
        """Make an attrs class of a subclass of libtilt's classes, or of a class like them.

        As `attrs.frozen`, with what arrays need:

        - Fields that hold arrays, or tuples and lists of them, are compared as a whole. A subclass
          of `Volume` or `TiltSeries` is still compared voxel by voxel, as NumPy arrays are.
        - A class hashes where its base hashes by its fields, as `ImageGrid` does; any other one
          raises a TypeError from `hash`, as arrays do.
        - Arrays are read-only still after pickling.

        Parameters
        ----------
        cls : type, optional
            The class. Left out where options are given.
        kw_only : bool, optional
            Whether the class's own fields are keyword-only.
        repr : bool, optional
            Whether to make a ``__repr__``.

        Returns
        -------
        type or callable
            The same class with its methods made, or the decorator that does so.

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
        return attrs.frozen(
            cls,
            slots=False,
            eq=False if issubclass(cls, NDArrayOperatorsMixin) else None,
            kw_only=kw_only,
            repr=repr and None,
            field_transformer=_with_keys,
        )

    def _hashes_by_fields(base):
        return attrs.has(base) and base.__hash__ is not None
