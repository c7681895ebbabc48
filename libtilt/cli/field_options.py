"""Options of the command line made from the fields of classes, so that the two agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs
import click

from libtilt.errors.options import Option

ShownField = tuple[Any, Option]
ClickOption = Callable[[Any], Any]


def shown_fields(kind: type[Any]) -> Iterator[tuple[str, ShownField]]:
    """Yield option names with the fields of a class that have an option."""
    for field in attrs.fields(kind):
        option = field.metadata.get("option")
        if option is not None:
            yield option.flag[0] if option.flag else field.name, (field, option)


def fields_by_option(classes: Mapping[str, type[Any]]) -> dict[str, dict[str, ShownField]]:
    """Return the fields that each option sets, by option name and class name."""
    options: dict[str, dict[str, ShownField]] = {}
    for name, kind in classes.items():
        for option, shown in shown_fields(kind):
            options.setdefault(option, {})[name] = shown
    return options


def given_fields(kind: type[Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a class that the user gave, by field name."""
    given = {}
    for name, (field, option) in shown_fields(kind):
        value = options[name]
        if value is None:
            continue
        if option.flag:
            value = option.flag[1] if value else field.default
        given[field.name] = value
    return given


def options_of(kind: type[Any]) -> list[ClickOption]:
    """Return the click options of a class; options not given are None."""
    options = []
    for name, (field, option) in shown_fields(kind):
        default = "" if field.default is None else f"  [default: {_default_text(field.default)}]"
        text = f"{option.help[0].upper()}{option.help[1:]}.{default}"
        options.append(_click_option(name, text, [(field, option)]))
    return options


def options_of_several(
    classes: Mapping[str, type[Any]], notes: Mapping[str, str] | None = None
) -> list[ClickOption]:
    """Return the click options of several classes; the help names the classes, then a note."""
    options = []
    for name, fields in fields_by_option(classes).items():
        parts = []
        for owner, (field, option) in fields.items():
            plain = option.flag is not None or field.default is None
            default = "" if plain else f" (default: {_default_text(field.default)})"
            parts.append(f"{owner}: {option.help}{default}")
        if notes and name in notes:
            parts.append(notes[name])
        options.append(_click_option(name, f"For {'; '.join(parts)}.", list(fields.values())))
    return options


def _click_option(name: str, text: str, fields: list[ShownField]) -> ClickOption:
    """Return the click option that sets one field or several."""
    field, option = fields[0]
    flag = name.replace("_", "-")
    if option.kind is bool:
        switch = f"--{flag}" if field.default is None else f"--{flag}/--no-{flag}"
        return click.option(switch, is_flag=True, default=None, help=text)
    kind = option.kind
    if isinstance(kind, tuple):
        kind = click.Choice(
            list(dict.fromkeys(name for _, each in fields for name in each.kind)),
            case_sensitive=False,
        )
    return click.option(f"--{flag}", type=kind, nargs=option.count, help=text)


def _default_text(default: Any) -> str:
    """Return a default as text for the help."""
    if isinstance(default, tuple):
        return " ".join(map(str, default))
    return ("no", "yes")[default] if isinstance(default, bool) else str(default)
