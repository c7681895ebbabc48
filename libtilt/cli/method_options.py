"""Options of the command line that are the fields of methods, and the methods that they make."""

from __future__ import annotations

from typing import Any

import attrs
import click

from libtilt.cli.field_options import (
    ClickOption,
    fields_by_option,
    given_fields,
    options_of_several,
)
from libtilt.reconstruction import METHODS, SIRT, Method, RadialFilter, SIRTLikeFilter
from libtilt.reconstruction.filters import WINDOWS, Filter

_RADIAL = tuple(field.default for field in attrs.fields(RadialFilter))
_SIRT_LIKE = int(SIRT().iterations)
FILTERS = (*WINDOWS, "radial", "sirt-like")


def method_options() -> list[ClickOption]:
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
    notes = {"iterations": f"wbp with --filter sirt-like: of SIRT [{_SIRT_LIKE}]"}
    return special + options_of_several(METHODS, notes)


def refuse_what_does_not_belong(options: dict[str, Any]) -> None:
    """Fail where an option would have no effect."""
    chosen = options["method"]
    belongs = {name: list(fields) for name, fields in fields_by_option(METHODS).items()}
    belongs |= {"filter": ["wbp"], "radial": ["wbp"]}
    if options["filter"] == "sirt-like":
        belongs["iterations"].append("wbp")
    for name, ability in (("film", "callback"), ("margin", "margin")):
        belongs[name] = [name for name, method in METHODS.items() if ability in method.supports]
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
    given = given_fields(chosen, options)
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
