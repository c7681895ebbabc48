"""Options of the command line for reconstruction methods, and the methods they define."""

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
from libtilt.cli.options import require_owner
from libtilt.reconstruction import METHODS, SIRT, Method, RadialFilter, SIRTLikeFilter
from libtilt.reconstruction.filters import WINDOWS, Filter

_RADIAL = tuple(field.default for field in attrs.fields(RadialFilter))
_SIRT_LIKE = int(SIRT().iterations)
FILTERS = (*WINDOWS, "radial", "sirt-like")


def method_options() -> list[ClickOption]:
    """Return the click options of all methods; options not given are None."""
    (cutoff, falloff) = _RADIAL
    special = [
        click.option(
            "--filter",
            type=click.Choice(FILTERS, case_sensitive=False),
            help="For wbp: window of the ramp filter, IMOD's radial filter (radial), or a filter "
            "that resembles SIRT (sirt-like).  [default: ramp]",
        ),
        click.option(
            "--radial",
            nargs=2,
            type=float,
            metavar="CUTOFF FALLOFF",
            help="For --filter radial: cutoff and falloff in cycles per pixel.  "
            f"[default: {cutoff} {falloff}]",
        ),
    ]
    note = f"wbp with --filter sirt-like: number of SIRT iterations (default: {_SIRT_LIKE})"
    return special + options_of_several(METHODS, {"iterations": note})


def require_applicable(options: dict[str, Any]) -> None:
    """Raise a usage error if an option has no effect on the chosen method."""
    chosen = options["method"]
    applicable = {name: list(fields) for name, fields in fields_by_option(METHODS).items()}
    applicable |= {"filter": ["wbp"], "radial": ["wbp"]}
    if options["filter"] == "sirt-like":
        applicable["iterations"].append("wbp")
    for name, ability in (("iteration_gif", "callback"), ("margin", "margin")):
        applicable[name] = [name for name, method in METHODS.items() if ability in method.supports]
    for name, methods in applicable.items():
        if options[name] is None:
            continue
        if name == "iterations" and chosen == "wbp" and "wbp" not in methods:
            raise click.UsageError("--iterations requires --filter sirt-like, or another --method")
        require_owner(name, methods, {chosen}, "method")
    if options["radial"] is not None and options["filter"] != "radial":
        raise click.UsageError("--radial requires --filter radial")


def method_from_options(options: dict[str, Any], depth: int) -> Method:
    """Return the method of the options, for a tomogram of `depth` voxels along z."""
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
