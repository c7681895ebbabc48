"""What is not clean yet, with the reason; a case that has become clean must leave this list."""

from __future__ import annotations

_LATE = "too large for the memory: it is found after the work has begun, and no option is named"
_OTHER_NAME = "the error has the name of the Python argument, not that of the option"
_ZERO = "zero is taken as if the option were not given"
_EMPTY = "an empty name is taken for the current folder"
_BACKPROJECT = "libtilt backproject tilts.mrc --backend scipy -o out/a.mrc"
_RECONSTRUCT = "libtilt reconstruct tilts.mrc --backend scipy -o out/a.mrc"
_PROJECT = "libtilt project map.mrc --backend scipy -o out/a.mrc"
_DEMO = "libtilt demo --backend scipy --size 16 -o out/demo"

BAD_INPUTS: dict[str, str] = {
    **{
        f"{command} --pixel-size {value}": _ZERO
        for command in (_BACKPROJECT, _RECONSTRUCT)
        for value in ("0", "-0.0")
    },
    f"{_RECONSTRUCT} --name ''": "an empty name is taken as if the option were not given",
    **{f"{command} --tilt-range -60 60 inf": _OTHER_NAME for command in (_PROJECT, _BACKPROJECT)},
    **{
        f"{_BACKPROJECT} --tilt-axis-angle {value}": _OTHER_NAME
        for value in ("nan", "inf", "-inf", "1e300")
    },
    f"{_BACKPROJECT} --thickness {10**30}": _OTHER_NAME,
    f"{_RECONSTRUCT} --thickness {10**30}": _OTHER_NAME,
    f"{_BACKPROJECT} --thickness 1000000000": _LATE,
    f"{_BACKPROJECT} --thickness 100000000": _LATE,
    f"{_RECONSTRUCT} --thickness 1000000000": _LATE,
    f"{_BACKPROJECT} --volume-shape 100000 100000 100000": _LATE,
    f"{_RECONSTRUCT} --volume-shape 100000 100000 100000": _LATE,
    **{
        f"{_RECONSTRUCT} --filter radial --radial {values}": _OTHER_NAME
        for values in ("0 0", "-1 0.1", "nan 0.1", "0.3 nan", "0.3 -1", "inf inf")
    },
    f"{_RECONSTRUCT} --exclude 0-4": _OTHER_NAME,
    f"{_RECONSTRUCT} --taper {10**30}": _OTHER_NAME,
    f"{_RECONSTRUCT} --taper 1000": _OTHER_NAME,
    f"{_RECONSTRUCT} --gif ''": _EMPTY,
    f"{_RECONSTRUCT} --method sirt --film ''": _EMPTY,
    "libtilt gif map.mrc --kind spin -o out/a.gif --count 1000000000": _LATE,
    f"{_DEMO} --bin {10**30}": _OTHER_NAME,
    f"{_DEMO} --bin 1000": _OTHER_NAME,
    f"{_DEMO} --emdb 0": _OTHER_NAME,
    **{
        f"libtilt {command} -o ''": _EMPTY
        for command in (
            *("project map.mrc --backend scipy", "backproject tilts.mrc --backend scipy"),
            *("reconstruct tilts.mrc --backend scipy", "gif map.mrc", "show map.mrc"),
        )
    },
    "libtilt convert good.aln '' --stack tilts.mrc": _EMPTY,
}
FORKS: dict[str, str] = {
    "fourier with 2 threads": "a forked child waits for the threads of its parent",
}
