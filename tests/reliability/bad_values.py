"""Values that no option can take, for each command."""

from __future__ import annotations

from collections.abc import Iterator

Arguments = tuple[object, ...]

WORDS = ("", " ", "a", "nan", "--", "1,5", "0x10", "1e", "1 2")
SPACING = ("0", "-1", "-0.0", "nan", "inf", "-inf", "1e300", "1e-320", str(10**400), *WORDS[:3])
COUNT = ("0", "-1", "1.5", "1e3", "nan", "inf", str(10**30), "-" + "9" * 30, *WORDS[:3])
ANGLE = ("nan", "inf", "-inf", "1e300", *WORDS[:3])
POSITIVE = ("0", "-1", "nan", "inf", *WORDS[:3])

PROJECT: Arguments = ("project", "map.mrc", "--backend", "scipy", "-o", "out/a.mrc")
BACKPROJECT: Arguments = ("backproject", "tilts.mrc", "--backend", "scipy", "-o", "out/a.mrc")
RECONSTRUCT: Arguments = ("reconstruct", "tilts.mrc", "--backend", "scipy", "-o", "out/a.mrc")
GIF: Arguments = ("gif", "map.mrc", "-o", "out/a.gif")
SPIN: Arguments = ("gif", "map.mrc", "--look", "spin", "-o", "out/a.gif")
SHOW: Arguments = ("show", "map.mrc", "-o", "out/a.png")
CONVERT: Arguments = ("convert", "good.aln", "out/a.star", "--stack", "tilts.mrc")
TOMOGRAMS: Arguments = ("convert", "good.aln", "out/tomograms.star", "--stack", "tilts.mrc")
DEMO: Arguments = ("demo", "--backend", "scipy", "--size", "16", "-o", "out/demo")
INFO: Arguments = ("info", "map.mrc")
COMMANDS = (DEMO, INFO, PROJECT, BACKPROJECT, RECONSTRUCT, CONVERT, GIF, SHOW)

TRIPLES: tuple[tuple[str, ...], ...] = (
    *(("0", "0", "0"), ("-1", "8", "8"), ("8", "8", "0"), ("8", "8", "1.5"), ("8", "8", "nan")),
    *(("8", "8", str(10**30)), ("", "8", "8"), ("a", "8", "8"), ("100000", "100000", "100000")),
)
RANGES: tuple[tuple[str, ...], ...] = (
    *(("0", "0", "0"), ("0", "10", "0"), ("0", "10", "-1"), ("10", "0", "1"), ("-60", "60", "nan")),
    *(("nan", "60", "1"), ("-60", "nan", "1"), ("-inf", "60", "1"), ("-60", "inf", "1")),
    *(("-60", "60", "inf"), ("-60", "60", "1e-6"), ("-60", "60", "1e-320"), ("-60", "60", "")),
    *(("-1e300", "1e300", "1"), ("1e300", "1e300", "1"), ("-1e30", "1e30", "1"), ("a", "b", "c")),
    ("", "", ""),
)
# Command, option, values; several values of one option are a tuple.
TABLE: tuple[tuple[Arguments, str, tuple[str | tuple[str, ...], ...]], ...] = (
    (PROJECT, "--voxel-size", SPACING),
    (PROJECT, "--tilt-axis-angle", ANGLE),
    (PROJECT, "--tilt-range", RANGES),
    (PROJECT, "--driven", ("", "both", "RAYS")),
    (PROJECT, "--backend", ("", "cuda", "scipy ", "\x1b[31m", "a" * 5000)),
    (BACKPROJECT, "--pixel-size", SPACING),
    (BACKPROJECT, "--tilt-axis-angle", ANGLE),
    (BACKPROJECT, "--tilt-range", RANGES),
    (BACKPROJECT, "--thickness", (*COUNT, "1000000000", "100000000")),
    (BACKPROJECT, "--volume-shape", TRIPLES),
    (RECONSTRUCT, "--pixel-size", SPACING),
    (RECONSTRUCT, "--thickness", (*COUNT, "1000000000")),
    (RECONSTRUCT, "--volume-shape", TRIPLES),
    (RECONSTRUCT, "--tilt-range", RANGES[:8]),
    (RECONSTRUCT, "--method", ("", "WBP2", "nan")),
    (RECONSTRUCT, "--filter", ("", "gauss", "nan")),
    ((*RECONSTRUCT, "--method", "sirt"), "--iterations", COUNT),
    ((*RECONSTRUCT, "--method", "sirt"), "--subsets", (*COUNT, "6")),
    ((*RECONSTRUCT, "--method", "tv", "--iterations", "2"), "--strength", (*POSITIVE, "1e300")),
    ((*RECONSTRUCT, "--method", "sirt"), "--relaxation", (*POSITIVE, "2", "1e300")),
    ((*RECONSTRUCT, "--method", "cgls"), "--tolerance", (*POSITIVE, "1e300")),
    ((*RECONSTRUCT, "--method", "cgls"), "--damping", ("-1", "nan", "inf", "", "a", "1e300")),
    ((*RECONSTRUCT, "--method", "cgls"), "--margin", ("-1", "1.5", "nan", "", "a")),
    (RECONSTRUCT, "--padding", ("", "wrap")),
    (
        (*RECONSTRUCT, "--filter", "radial"),
        "--radial",
        (("0", "0"), ("-1", "0.1"), ("nan", "0.1"), ("0.3", "nan"), ("0.3", "-1"), ("inf", "inf")),
    ),
    (
        RECONSTRUCT,
        "--exclude",
        (
            *("a", "-1", "1-", "3-1", "1,,2", "0-1000000000", "99", "0-4", "1.5", "\u0663", "1_0"),
            *("9" * 30, ",", " ", ""),
        ),
    ),
    (RECONSTRUCT, "--taper", (*COUNT, "1000")),
    (RECONSTRUCT, "--gif", ("", "out/a.jpg", "out", "absent/a.gif", "out/a.mrc")),
    (
        (*RECONSTRUCT, "--method", "sirt"),
        "--iteration-gif",
        ("", "out/a.jpg", "out", "absent/a.gif"),
    ),
    (GIF, "--percentiles", (("nan", "1"), ("9", "1"), ("-1", "99"), ("0", "101"), ("50", "50"))),
    (GIF, "--limits", (("nan", "1"), ("inf", "1"), ("1", "0"), ("1", "1"), ("", ""))),
    (GIF, "--fps", (*POSITIVE, "1e300", "1e-320")),
    (GIF, "--loop", ("-1", "1.5", "nan", str(10**30), "", "a")),
    (GIF, "--width", (*COUNT, "1000000000", "100000")),
    (GIF, "--max-size", COUNT),
    (GIF, "--max-bytes", (*COUNT, "1")),
    (GIF, "--step", COUNT),
    (SPIN, "--count", (*COUNT, "1000000000")),
    ((*SPIN, "--render", "surface"), "--level", ("nan", "inf", "1e300", "", "a")),
    ((*SPIN, "--render", "surface"), "--sigma", ("nan", "inf", "1e300", "", "a")),
    ((*GIF, "--annotate"), "--voxel-size", SPACING),
    (GIF, "--cmap", ("", "no-such", "gray\n", "\x1b[2J")),
    (GIF, "--axis", ("", "w", "xy")),
    (GIF, "--label", (("a", "--label", "b"),)),
    (SHOW, "--voxel-size", SPACING),
    (SHOW, "--dpi", ("0", "19", "1201", "-1", "nan", "", str(10**30))),
    (SHOW, "--cmap", ("", "no-such", "gray\n")),
    (SHOW, "--kind", ("", "pie")),
    (SHOW, "--position", (("99", "0", "0"), ("-1", "0", "0"), ("a", "0", "0"), (str(10**30),) * 3)),
    (CONVERT, "--pixel-size", SPACING),
    (CONVERT, "--voxel-size", SPACING),
    (CONVERT, "--tilt-axis-angle", ANGLE),
    (CONVERT, "--volume-shape", TRIPLES[:-1]),
    (CONVERT[:3], "--stack-shape", TRIPLES[:-1]),
    (CONVERT, "--tolerance", ("nan", "-1", "", "a")),
    (CONVERT, "--from", ("", "pdf")),
    (CONVERT, "--to", ("", "pdf")),
    (CONVERT, "--like", ("", "absent.star", "map.mrc", "out")),
    (TOMOGRAMS, "--voltage", (*POSITIVE, "1e300")),
    (TOMOGRAMS, "--spherical-aberration", ("-1", "nan", "inf", "", "a", "1e300")),
    (TOMOGRAMS, "--amplitude-contrast", ("-1", "2", "nan", "inf", "", "a")),
    (TOMOGRAMS, "--hand", ("0", "2", "-2", "1.5", "nan", "", str(10**30))),
    (DEMO, "--size", (*COUNT, "15", "100000", "10000000")),
    (DEMO, "--bin", (*COUNT, "1000")),
    (DEMO, "--voxel-size", SPACING),
    (DEMO, "--emdb", ("0", "-1", "1.5", "nan", "", "a")),
)
# What does not go together, and what is not known.
TOGETHER: tuple[tuple[Arguments, str], ...] = (
    ((*PROJECT, "--tilt-range", "0", "1", "1", "--tlt", "good.tlt"), "--tlt"),
    ((*BACKPROJECT, "--thickness", "8", "--volume-shape", "8", "8", "8"), "--thickness"),
    ((*RECONSTRUCT, "--iterations", "3"), "--iterations"),
    ((*RECONSTRUCT, "--subsets", "3"), "--subsets"),
    ((*RECONSTRUCT, "--radial", "0.3", "0.1"), "--radial"),
    ((*RECONSTRUCT, "--iteration-gif", "out/a.gif"), "--iteration-gif"),
    ((*RECONSTRUCT, "--strength", "0"), "--strength"),
    ((*RECONSTRUCT, "--margin", "3"), "--margin"),
    ((*RECONSTRUCT, "--method", "tv", "--damping", "0"), "--damping"),
    ((*RECONSTRUCT, "--method", "sirt", "--padding", "edge"), "--padding"),
    ((*RECONSTRUCT, "--name", "a"), "--name"),
    ((*RECONSTRUCT, "--name", ""), "--name"),
    ((*RECONSTRUCT, "--aligned"), "--aligned"),
    ((*RECONSTRUCT, "--method", "sirt", "--filter", "ramp"), "--filter"),
    ((*RECONSTRUCT, "--method", "cgls", "--nonnegative"), "--nonnegative"),
    ((*RECONSTRUCT, "--alignment", "good.aln", "--tlt", "good.tlt"), "--alignment"),
    ((*CONVERT, "--stack-shape", "5", "20", "24"), "--stack-shape"),
    ((*GIF, "--limits", "0", "1", "--per-frame"), "--limits"),
    ((*GIF, "--before-after"), "--before-after"),
    ((*GIF, "--count", "3"), "--count"),
    ((*GIF, "--look", "tilts"), "tilt"),
    ((*SPIN, "--step", "3"), "--step"),
    ((*SHOW, "--kind", "sheet"), "map.mrc"),
    (("show", "tilts.mrc", "--kind", "slices", "-o", "out/a.png"), "tilts.mrc"),
    (("project", "tilts.mrc", "-o", "out/a.mrc"), "tilts.mrc"),
    ((*DEMO, "--map", "map.mrc", "--emdb", "3"), "--emdb"),
    (("-q", "-v", *INFO), "--quiet"),
    (("--threads", "0", *INFO), "--threads"),
    (("--threads", "-1", *INFO), "--threads"),
    (("--threads", "a", *INFO), "--threads"),
    (("nosuch",), "nosuch"),
    (("\x1b[31mnosuch",), "nosuch"),
    (("",), "command"),
)
OUTPUTS: dict[str, tuple[str, str]] = {
    "other suffix": ("out/a.xyz", "a.xyz"),
    "no suffix": ("out/a", "out/a"),
    "nothing": ("", "--output"),
    "folder": ("out", "out"),
    "absent folder": ("absent/a{suffix}", "absent"),
    "file as folder": ("map.mrc/a{suffix}", "map.mrc"),
    "existing": ("taken{suffix}", "taken"),
    "pipe": ("pipe{suffix}", "pipe"),
    "socket": ("socket{suffix}", "socket"),
    "link to a pipe": ("link{suffix}", "link"),
    "link into nowhere": ("dangling{suffix}", "dangling"),
    "long name": ("out/" + "x" * 300 + "{suffix}", "xxx"),
    "newline": ("absent\n/a{suffix}", "absent"),
    "escape": ("absent\x1b[2J/a{suffix}", "absent"),
}


def values() -> Iterator[tuple[Arguments, str]]:
    """Give the arguments of each call with one bad value, and what its error must name."""
    for command, option, bad in TABLE:
        for value in bad:
            given = value if isinstance(value, tuple) else (value,)
            # A file may be named instead of the option that it was given to.
            file = option in ("--gif", "--iteration-gif", "--like") and given[0]
            yield (*command, option, *given), f"{option}|{given[0]}" if file else option
    yield from TOGETHER
    for command in COMMANDS:
        yield (*command, "--no-such-option"), "--no-such-option"
        yield (*command, "--no-such\x1b[31m"), "--no-such"
        yield (*command, "one", "too-many\x1b[31m"), "one"
        yield (str(command[0]), "--output"), "--output"
    yield from ((command[:1], "missing") for command in COMMANDS[1:])


def outputs() -> Iterator[tuple[Arguments, str]]:
    """Give calls with an output that cannot be written; see `bad_inputs` for what is there."""
    for command, suffix in (
        *((PROJECT, ".mrc"), (BACKPROJECT, ".mrc"), (RECONSTRUCT, ".mrc"), (GIF, ".gif")),
        *((SHOW, ".png"), (CONVERT, ".star")),
    ):
        for kind, (name, needle) in OUTPUTS.items():
            target = name.format(suffix=suffix)
            if command is CONVERT:
                arguments = (*command[:2], target, *command[3:])
                needle = "OUT" if kind == "nothing" else needle
            else:
                arguments = (*command[:-1], target)
            # Pipes and sockets stay, also where files may be replaced.
            more = ("--overwrite",) if kind in ("pipe", "socket", "link to a pipe") else ()
            yield (*arguments, *more), needle
    for name in ("map.mrc", "map.mrc/demo"):
        yield (*DEMO[:-1], name), "map.mrc"
