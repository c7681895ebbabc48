"""Options that are fields of classes: how they are checked, shown, and picked by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import attrs

Kind = TypeVar("Kind")


@attrs.frozen
class Option:
    """What the command line says of a field.

    Attributes
    ----------
    help : str
        What the field is, in a few words.
    kind : type or tuple of str
        ``int``, ``float``, ``str`` or ``bool``, or the names to choose from.
    count : int
        How many values it takes.
    flag : (str, Any), optional
        A name and a value, where the command line has a switch for that value alone.
    """

    help: str
    kind: Any
    count: int = 1
    flag: tuple[str, Any] | None = None


def option(
    help: str,  # noqa: A002
    kind: Any,
    *,
    count: int = 1,
    flag: tuple[str, Any] | None = None,
) -> dict[str, Option]:
    """Return the metadata of a field that the command line shows as an option.

    Parameters
    ----------
    help, kind, count, flag
        As in `Option`.

    Returns
    -------
    dict

    Examples
    --------
    >>> import attrs
    >>> from libtilt.errors.checks import positive_integer
    >>> from libtilt.errors.options import checked, option
    >>> @attrs.frozen(kw_only=True)
    ... class Descent:
    ...     iterations: int = attrs.field(
    ...         default=3, validator=checked(positive_integer), metadata=option("how many", int)
    ...     )
    >>> Descent()
    Descent(iterations=3)
    >>> Descent(iterations=0)
    Traceback (most recent call last):
    ValueError: iterations must be a positive integer, got 0
    """
    return {"option": Option(help, kind, count, flag)}


def checked(check: Callable[[Any, str], Any]) -> Callable[[Any, Any, Any], None]:
    """Return the validator of a field from ``check(value, name)``, which raises."""

    def validate(_: Any, field: Any, value: Any) -> None:
        check(value, field.name)

    return validate


def resolve(value: Any, known: Mapping[str, type[Kind]], base: Any, name: str) -> Kind:
    """Return an object from its name, its class or itself.

    Parameters
    ----------
    value : str, type or object
        A key of `known`, a subclass of `base` that needs no arguments, or an instance.
    known : mapping of str to type
        Classes by name.
    base : type
        The class of them all.
    name : str
        Of the argument, for messages.

    Raises
    ------
    ValueError
        If there is none of that name.
    TypeError
        If it is none of the three.

    Examples
    --------
    >>> from libtilt.errors.options import resolve
    >>> resolve("whole", {"whole": int}, int, "number")
    0
    """
    names = ", ".join(map(repr, known))
    if isinstance(value, str):
        if value not in known:
            raise ValueError(
                f"{name} {value!r} is not known: choose from {names}, or a {base.__name__}"
            )
        value = known[value]
    if inspect.isclass(value) and issubclass(value, base):
        value = value()
    if not isinstance(value, base):
        raise TypeError(
            f"{name} must be a name, a {base.__name__} class or a {base.__name__}, got {value!r}; "
            f"names are {names}"
        )
    found: Kind = value
    return found
