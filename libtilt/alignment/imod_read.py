"""IMOD's files, read one by one and held against each other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import attrs
import numpy as np

from libtilt.alignment.angle_lists import read_angle_list
from libtilt.alignment.imod_files import ImodFiles
from libtilt.alignment.imod_newstack import NewstackSetup
from libtilt.alignment.imod_tilt import TiltSetup
from libtilt.alignment.plausible import tilt_angle
from libtilt.errors.checks import Float64Array


def angles_of(files: ImodFiles) -> Float64Array:
    """Return the tilt angles, of a file or of ANGLES in ``tilt.com``."""
    listed = [] if files.tilt is None else files.tilt.all("ANGLES")
    if files.tilt is None or not listed:
        assert files.tlt is not None
        return read_angle_list(files.tlt).angles
    if files.tilt.find("TILTFILE") is not None:
        raise ValueError(
            f"{files.tilt.where(listed[0])}: there is TILTFILE too, and tilt takes one of the two: "
            "remove the other"
        )
    return np.array(
        [
            tilt_angle(angle, files.tilt.where(entry))
            for entry in listed
            for angle in files.tilt.every_number(entry)
        ]
    )


def require_counts(
    files: ImodFiles, angles: Float64Array, tables: Mapping[Path | None, Float64Array | None]
) -> None:
    """Raise a ValueError where a file has other views than there are tilt angles."""
    source = files.tlt
    if source is None:
        assert files.tilt is not None
        source = Path(files.tilt.path)
    for file, table in tables.items():
        if file is not None and table is not None and len(table) != len(angles):
            raise ValueError(
                f"{file} has {len(table)} views, but {source} has {len(angles)}: "
                "they do not belong together"
            )


def setups_of(files: ImodFiles, count: int) -> tuple[TiltSetup, NewstackSetup | None]:
    """Return what the command files say, and check it against each other and the views."""
    tilt = TiltSetup() if files.tilt is None else TiltSetup.from_command(files.tilt)
    newst = files.newst
    newstack = None if newst is None else NewstackSetup.from_command(newst, count)
    if newstack is not None and files.tilt is None:
        tilt = attrs.evolve(tilt, binning=newstack.binning)
    if newstack is not None and newst is not None and newstack.binning != tilt.binning:
        raise ValueError(
            f"{files.shown} has IMAGEBINNED {tilt.binning}, but {Path(newst.path).name} has "
            f"BinByFactor {newstack.binning}: they do not belong together"
        )
    beyond = max(tilt.excluded | tilt.included, default=0)
    if beyond > count:
        raise ValueError(
            f"{files.shown} names view {beyond} in EXCLUDELIST or INCLUDE, but there are {count}"
        )
    if not tilt.views(count):
        raise ValueError(f"{files.shown} leaves out all {count} views")
    return tilt, newstack
