"""Options of the command line that the readers of alignments take."""

from __future__ import annotations

from typing import Any

import click

from libtilt.alignment.portal.alignment import UNITS

reading_options = (
    click.option("--name", help="Which tomogram of a RELION file."),
    click.option("--aligned", is_flag=True, help="The stack is IMOD's aligned one (.ali)."),
    click.option(
        "--first-section",
        type=click.IntRange(0, 1),
        help="What SEC of an AreTomo file counts from, if it does not show.",
    ),
    click.option(
        "--ignore",
        multiple=True,
        metavar="KEY",
        help="A key of the data portal to read it without.",
    ),
    click.option(
        "--offset-unit",
        type=click.Choice(UNITS),
        help="Of the data portal's offsets.  [default: pixel]",
    ),
)
READING = ("name", "aligned", "first_section", "ignore", "offset_unit")


def given_to_read(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of readers that were given."""
    given = {key: options.get(key) for key in READING}
    return {
        key: value
        for key, value in given.items()
        if value is not None and value is not False and value != ()
    }
