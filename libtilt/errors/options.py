"""Options that are fields of attrs classes: validation, help texts, lookup by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import attrs

Kind = TypeVar("Kind")


@attrs.frozen
class Option:
    """How the command line presents a field: help text, type, number of values.

    `kind` is ``int``, ``float``, ``str``, ``bool``, or a tuple of choices. `flag` is the name of
    an on/off switch and the value that it sets, where the command line offers only that value.
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
    """Return the metadata of a field that the command line offers; arguments as in `Option`."""
    return {"option": Option(help, kind, count, flag)}


def checked(check: Callable[[Any, str], Any]) -> Callable[[Any, Any, Any], None]:
    """Return an attrs validator that calls ``check(value, name)``, which raises."""

    def validate(_: Any, field: Any, value: Any) -> None:
        check(value, field.name)

    return validate


def resolve(value: Any, known: Mapping[str, type[Kind]], base: Any, name: str) -> Kind:
    """Return an instance of `base` from a key of `known`, a subclass, or an instance.

    Raise a ValueError for an unknown key and a TypeError for any other object; `name` is the
    argument's name in the message.
    """
    names = ", ".join(map(repr, known))
    if isinstance(value, str):
        if value not in known:
            raise ValueError(
                f"{name} {value!r} is not known: choose from {names}, or pass a {base.__name__}"
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
