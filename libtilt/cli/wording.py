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
    "geometry": ("tlt", "alignment", "tilt_range"),
    "nan": ("ignore_nan",),
    "pixel_size": ("stack",),
    "replace_outliers": ("remove_xrays",),
    "stack_shape": ("stack",),
}
# Arguments that are one value of an option with several.
_PLACE_IN_OPTION = {"cutoff": "first", "falloff": "second"}
# An argument with its value, such as name=..., nan="ignore" or shape=(d, h, w); a verb before it,
# which "as" may part from it.
_ARGUMENT = re.compile(
    r"(?P<verb>\b[Pp]ass (?:a larger |[a-z ,]+ as )?)?(?<![\w.])(?P<name>[a-z_]+)="
    r"(?P<value>\.\.\.|'[^']*'|\"[^\"]*\"|\([^()]*\)|-?\w+(?:\.\w+)*)?"
)
# A function of `libtilt.preparation` in parentheses, maybe with a list of views.
_CALL = re.compile(r"\((exclude_views|replace_outliers)(?:\(\w+, \[([\d, ]*)\]\))?\)")
# A remedy that only a call offers.
_AFTERWARDS = re.compile(r"(?:, or|;) exclude \w+ afterwards[^(]*\(exclude_views\(.*?\)\)")
_RESAMPLE = re.compile(r"use \w+\.resample\([\w.]+\)")
_PAIR = re.compile(r"(pass )?([a-z_]+) (and|or) ([a-z_]+)(?= must|, not both)")


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
        verb = f"{verb.split()[0]} " if verb.endswith(" as ") else verb
        value = _words(match["value"] or "...")
        by_flag = _by_flag(options)
        if value in ("...", "None") or by_flag[flags[0]].is_flag:
            return f"{verb}{alternatives([_with_file(by_flag, flag) for flag in flags])}{owner}"
        if match["value"][0] in "\"'":  # A path is a value of one option alone.
            flags, others = [flag for flag in ("--alignment", *flags) if flag in flags], []
        else:
            others = [_with_file(by_flag, flag) for flag in flags[1:]]
        return f"{verb}{alternatives([f'{flags[0]} {value}', *others])}{owner}"

    def replace_call(match: re.Match[str]) -> str:
        flags = flags_of(match[1], options)
        views = (match[2] or "").replace(" ", "")
        return f"({' '.join(filter(None, (flags[0], views)))}{owner})" if flags else match[0]

    message = _CALL.sub(replace_call, _without_calls(message, options))
    return _ARGUMENT.sub(replace, _pair_to_options(message, options))


def begin_with_option(message: str, options: Options) -> str:
    """Name the option in a message that begins with an argument, such as "width must be"."""
    found = re.match(r"[a-z_]+\b(?!=| (?:and|or) )", message)
    name = found[0] if found else ""
    option = options.get(name) or options.get(_OPTION_OF_ARGUMENT.get(name, ""))
    if option is None:
        return message
    flag = _flag(name, option) if name in options else option.opts[0]
    if place := _PLACE_IN_OPTION.get(name):
        flag = f"the {place} value of {flag} ({name})"
    rest = message[len(name) :].replace('"stack", "frame" or two', "two")
    return flag + re.sub(r"(?<= got )[-+e(\d., )]+$", _as_typed, rest)


def _without_calls(message: str, options: Options) -> str:
    """Replace calls of Python, and the name of tilt angles that an option gave."""
    if "exclude" not in options:
        message = _AFTERWARDS.sub("", message)
    if "tilt_range" in options:
        message = re.sub(r"\bgeometry has (\d+ tilts)", r"--tilt-range gives \1", message)
    return _RESAMPLE.sub("resample one of them first", message)


def _pair_to_options(message: str, options: Options) -> str:
    """Name the options in a message that begins with two arguments."""
    found = _PAIR.match(message)
    if found is None or not {found[2], found[4]} <= options.keys():
        return message
    first, second = (_flag(name, options[name]) for name in (found[2], found[4]))
    return f"{'use ' if found[1] else ''}{first} {found[3]} {second}{message[found.end() :]}"


def _as_typed(numbers: re.Match[str]) -> str:
    """Return numbers of Python as they are typed."""
    return re.sub(r"\.0(?!\d)|[(),]", "", numbers[0])


def _with_file(by_flag: Options, flag: str) -> str:
    """Return an option, with FILE if it takes a path."""
    return f"{flag} FILE" if isinstance(by_flag[flag].type, click.Path) else flag


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
