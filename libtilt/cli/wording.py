"""Messages of the library in the words of the command line: options in place of arguments."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

import click

Options = Mapping[str, click.Option]

# Arguments whose option has another name.
_OPTION_OF_ARGUMENT = {
    "contrast": "limits",
    "cutoff": "radial",
    "position_xyz": "position",
    "entry": "emdb",
    "falloff": "radial",
    "pixel_size": "voxel_size",
    "views": "exclude",
    "width": "taper",
}
# Arguments that further options set, besides the option of the same name.
_FURTHER_OPTIONS = {
    "exclude_views": ("exclude",),
    "format": ("from", "to"),
    "geometry": ("alignment", "tlt", "tilt_range"),
    "nan": ("ignore_nan",),
    "replace_outliers": ("remove_xrays",),
    "stack_shape": ("stack",),
}
# An argument with its value, such as name=..., nan="ignore" or shape=(d, h, w); a verb before it.
_ARGUMENT = re.compile(
    r"(?P<verb>\b[Pp]ass (?:a larger )?)?(?<![\w.])(?P<name>[a-z_]+)="
    r"(?P<value>\.\.\.|'[^']*'|\"[^\"]*\"|\([^()]*\)|-?\w+(?:\.\w+)*)?"
)
# A function of `libtilt.preparation` in parentheses, maybe with a list of views.
_CALL = re.compile(r"\((exclude_views|replace_outliers)(?:\(\w+, \[([\d, ]*)\]\))?\)")


def options_of(*commands: click.Command) -> dict[str, click.Option]:
    """Return the options of commands by name, and by each spelling of the name."""
    options: dict[str, click.Option] = {}
    for param in (param for command in commands for param in command.params):
        if isinstance(param, click.Option):
            spellings = (flag.lstrip("-").replace("-", "_") for flag in param.opts)
            options |= dict.fromkeys((param.name or "", *spellings), param)
    return options


def flags_of(name: str, options: Options) -> list[str]:
    """Return the options that set an argument of the library, without repeats."""
    names = (name, *_FURTHER_OPTIONS.get(name, ()))
    flags = (_flag(other, options[other]) for other in names if other in options)
    return list(dict.fromkeys(flags))


def arguments_to_options(message: str, options: Options, *, owner: str = "") -> str:
    """Replace arguments that options set, such as ``pass overwrite=True``, by these options.

    Words on the `owner` follow options of another command than the one that runs.
    """

    def replace(match: re.Match[str]) -> str:
        flags = flags_of(match["name"], options)
        if not flags:
            return match[0]
        verb = (match["verb"] or "").replace("pass", "use").replace("Pass", "Use")
        value = _words(match["value"] or "...")
        if value in ("...", "None") or _by_flag(options)[flags[0]].is_flag:
            return f"{verb}{alternatives(flags)}{owner}"
        # A path is a value of the first option alone.
        others = [] if match["value"][0] in "\"'" else flags[1:]
        return f"{verb}{alternatives([f'{flags[0]} {value}', *others])}{owner}"

    def replace_call(match: re.Match[str]) -> str:
        flags = flags_of(match[1], options)
        views = (match[2] or "").replace(" ", "")
        return f"({' '.join(filter(None, (flags[0], views)))})" if flags else match[0]

    return _ARGUMENT.sub(replace, _CALL.sub(replace_call, message))


def begin_with_option(message: str, options: Options) -> str:
    """Name the option in a message that begins with an argument, such as "width must be"."""
    found = re.match(r"[a-z_]+\b", message)
    name = found[0] if found else ""
    if name in options:
        return _flag(name, options[name]) + message[len(name) :]
    option = options.get(_OPTION_OF_ARGUMENT.get(name, ""))
    if option is None:
        return message
    # One of several values keeps its name.
    return f"{option.opts[0]}{f': {name}' if option.nargs > 1 else ''}{message[len(name) :]}"


def _flag(name: str, option: click.Option) -> str:
    """Return the spelling of an option that is nearest to an argument."""
    kebab = f"--{name.replace('_', '-')}"
    return kebab if kebab in option.opts else option.opts[-1]


def _words(value: str) -> str:
    """Return a Python literal as words of a command line."""
    if value[0] in "\"'":
        return shlex.quote(value[1:-1])
    return re.sub(r"[\"'(),]", "", value)


def _by_flag(options: Options) -> dict[str, click.Option]:
    return {flag: option for option in options.values() for flag in option.opts}


def alternatives(words: Sequence[str]) -> str:
    """Return words as "a", "a or b", or "a, b or c"."""
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
