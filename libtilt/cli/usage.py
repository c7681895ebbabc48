"""Usage errors as one line, with the option that was meant."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from libtilt.cli.messages import echo_error
from libtilt.cli.wording import alternatives

# Words for one thing; an unknown one suggests those that the command has.
_SYNONYMS = (
    ("annotate", "scale-bar", "scalebar", "text"),
    ("before-after", "compare", "wipe"),
    ("cmap", "color-map", "colormap", "colors"),
    ("count", "frames"),
    ("exclude", "exclude-list", "exclude-views"),
    ("iteration-gif", "film", "movie"),
    ("label", "labels", "title", "titles"),
    ("limits", "contrast", "vmin", "vmax"),
    ("look", "kind"),
    ("remove-xrays", "mend-outliers", "outliers", "replace-outliers"),
    ("thickness", "volume-shape", "depth", "height"),
    ("tilt-axis-angle", "axis-angle", "rotation-angle", "tilt-axis"),
    ("tlt", "tilt-range", "angles", "rawtlt", "tilt-angles", "tilts"),
    ("voxel-size", "pixel-size", "apix", "sampling"),
)


class OneLineUsageError(click.ClickException):
    """A usage error that is printed as other errors are, with the help to ask for."""

    exit_code = 2

    def show(self, file: object = None) -> None:
        """Print the error on stderr."""
        echo_error(self.message)


@contextmanager
def one_line_usage_errors(group: click.Context | None = None) -> Iterator[None]:
    """Turn usage errors of click, in a command of the group's context, into one line."""
    try:
        yield
    except click.UsageError as error:
        # The help that a command prints when it is called without arguments is no such error.
        if type(error).__name__ == "NoArgsIsHelpError":
            raise
        raise OneLineUsageError(_one_line(error, group)) from error


def _one_line(error: click.UsageError, group: click.Context | None) -> str:
    message = error.format_message().rstrip(".")
    if isinstance(error, click.NoSuchOption):
        near = _meant(error) or list(error.possibilities or ())
        hint = f"; did you mean {alternatives(near)}?" if near else ""
        message = f"no such option {error.option_name}{hint}"
    if message[1:2].islower():
        message = message[0].lower() + message[1:]
    # Some errors of click's parser do not know their command.
    command = group.invoked_subcommand if group else None
    if error.ctx is not None:
        command = error.ctx.info_name if error.ctx.parent else None
    return f"{message} ({' '.join(filter(None, ('libtilt', command, '--help')))})"


def _meant(error: click.NoSuchOption) -> list[str]:
    """Return the options of the command that are synonyms of an unknown one."""
    command = error.ctx.command if error.ctx else None
    known = [flag for param in (command.params if command else ()) for flag in param.opts]
    word = error.option_name.lstrip("-").replace("_", "-")
    words = {other for group in _SYNONYMS if word in group for other in group}
    return [flag for flag in known if flag.startswith("--") and flag[2:] in words]
