"""Options of the command line that are the fields of methods, and the methods that they make."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import attrs
import click

from libtilt.reconstruction import METHODS, SIRT, Method, RadialFilter, SIRTLikeFilter
from libtilt.reconstruction.filters import WINDOWS, Filter
from libtilt.reconstruction.method import Option

_RADIAL = tuple(field.default for field in attrs.fields(RadialFilter))
_SIRT_LIKE = int(SIRT().iterations)
FILTERS = (*WINDOWS, "radial", "sirt-like")

_ShownField = tuple[Any, Option]


def _shown(method: type[Method]) -> Iterator[tuple[str, _ShownField]]:
    """Yield the fields of a method that are options, by the option's name."""
    for field in attrs.fields(method):
        option = field.metadata.get("option")
        if option is not None:
            yield option.flag[0] if option.flag else field.name, (field, option)


def fields_by_option() -> dict[str, dict[str, _ShownField]]:
    """Return for each option the fields that it sets, by the name of their method."""
    options: dict[str, dict[str, _ShownField]] = {}
    for name, method in METHODS.items():
        for option, shown in _shown(method):
            options.setdefault(option, {})[name] = shown
    return options


def method_options() -> list[Callable[[Any], Any]]:
    """Return the click options of all methods; what is not given is None."""
    (cutoff, falloff) = _RADIAL
    special = [
        click.option(
            "--filter",
            type=click.Choice(FILTERS),
            help="Of wbp: a window of the ramp, IMOD's RADIAL, or as so many iterations of SIRT.  "
            "[default: ramp]",
        ),
        click.option(
            "--radial",
            nargs=2,
            type=float,
            metavar="CUTOFF FALLOFF",
            help=f"Of --filter radial, in cycles per pixel.  [default: {cutoff} {falloff}]",
        ),
    ]
    return special + [_click_option(*item) for item in fields_by_option().items()]


def _click_option(name: str, fields: dict[str, _ShownField]) -> Callable[[Any], Any]:
    parts = []
    for method, (field, option) in fields.items():
        default = "" if option.flag else f" [{_text(field.default)}]"
        parts.append(f"{method}: {option.help}{default}")
    if name == "iterations":
        parts.append(f"wbp with --filter sirt-like: of SIRT [{_SIRT_LIKE}]")
    kind = next(iter(fields.values()))[1].kind
    text = f"Of {'; '.join(parts)}."
    flag = name.replace("_", "-")
    if kind is bool:
        return click.option(f"--{flag}/--no-{flag}", default=None, help=text)
    return click.option(
        f"--{flag}", type=click.Choice(kind) if isinstance(kind, tuple) else kind, help=text
    )


def _text(default: Any) -> str:
    return ("no", "yes")[default] if isinstance(default, bool) else str(default)


def refuse_what_does_not_belong(options: dict[str, Any]) -> None:
    """Fail where an option would have no effect."""
    chosen = options["method"]
    belongs = {name: list(fields) for name, fields in fields_by_option().items()}
    belongs |= {"filter": ["wbp"], "radial": ["wbp"]}
    if options["filter"] == "sirt-like":
        belongs["iterations"].append("wbp")
    for name, ability in (("film", "callback"), ("margin", "margin")):
        belongs[name] = [name for name, method in METHODS.items() if ability in method.takes]
    for name, methods in belongs.items():
        if options[name] is None or chosen in methods:
            continue
        if name == "iterations" and chosen == "wbp":
            raise click.UsageError("--iterations is of wbp only with --filter sirt-like")
        raise click.UsageError(f"--{name} is of {' and '.join(methods)}, not of {chosen}")
    if options["radial"] is not None and options["filter"] != "radial":
        raise click.UsageError("--radial needs --filter radial")


def method_from_options(options: dict[str, Any], depth: int) -> Method:
    """Return the method that the options describe, for a volume of so many voxels along z."""
    chosen = METHODS[options["method"]]
    given: dict[str, Any] = {}
    for name, (field, option) in _shown(chosen):
        value = options[name]
        if value is None:
            continue
        if option.flag:
            value = option.flag[1] if value else field.default
        given[field.name] = value
    if options["filter"] is not None:
        given["filter"] = _filter(options, depth)
    return chosen(**given)


def _filter(options: dict[str, Any], depth: int) -> str | Filter:
    name = str(options["filter"])
    if name == "radial":
        return RadialFilter(*(_RADIAL if options["radial"] is None else options["radial"]))
    if name == "sirt-like":
        iterations = options["iterations"]
        return SIRTLikeFilter(_SIRT_LIKE if iterations is None else iterations, depth)
    return name
