"""What is not clean yet, with the reason; a case that has become clean must leave this list."""

from __future__ import annotations

_LATE = "too large for the memory: it is found after the work has begun, and no option is named"
_BACKPROJECT = "libtilt backproject tilts.mrc --backend scipy -o out/a.mrc"
_RECONSTRUCT = "libtilt reconstruct tilts.mrc --backend scipy -o out/a.mrc"

BAD_INPUTS: dict[str, str] = {
    f"{_BACKPROJECT} --thickness 1000000000": _LATE,
    f"{_BACKPROJECT} --thickness 100000000": _LATE,
    f"{_RECONSTRUCT} --thickness 1000000000": _LATE,
    "libtilt gif map.mrc --kind spin -o out/a.gif --count 1000000000": (
        f"{_LATE}; without a limit of memory it runs for minutes first"
    ),
}
FORKS: dict[str, str] = {
    "fourier with 2 threads": "a forked child waits for the threads of its parent",
}
READS = "the mark and the geometry of a .json are read one after the other, a writer may be between"
