"""Options of the command line for the readers of alignments."""

from __future__ import annotations

from typing import Any

import click

from libtilt.alignment.portal.alignment import UNITS

reader_options = (
    click.option("--name", help="Name of the tomogram in a RELION file with several."),
    click.option("--aligned", is_flag=True, help="The stack is IMOD's aligned stack (.ali)."),
    click.option(
        "--first-section",
        type=click.IntRange(0, 1),
        help="Number of the first section in the SEC column of an AreTomo file, if ambiguous.",
    ),
    click.option(
        "--ignore",
        multiple=True,
        metavar="KEY",
        help="Key of a data portal file to ignore; may be repeated.",
    ),
    click.option(
        "--offset-unit",
        type=click.Choice(UNITS, case_sensitive=False),
        help="Unit of the offsets in a data portal file.  [default: pixel]",
    ),
)
READER_OPTIONS = ("name", "aligned", "first_section", "ignore", "offset_unit")


def given_reader_options(options: dict[str, Any]) -> dict[str, Any]:
    """Return the reader options that the user gave."""
    values = {name: options.get(name) for name in READER_OPTIONS}
    # By identity: section 0 equals False.
    return {
        name: value
        for name, value in values.items()
        if value is not None and value is not False and value != ()
    }
