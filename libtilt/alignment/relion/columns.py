"""Columns of RELION's tilt series tables, before and after alignment."""

from __future__ import annotations

import math
import re
from collections import Counter

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.alignment.acquisition import Acquisition
from libtilt.alignment.plausible import parse_axis_angle, parse_tilt_angle
from libtilt.alignment.relion.star import StarBlock
from libtilt.alignment.sizes import Sizes
from libtilt.alignment.text import parse_number
from libtilt.errors.checks import Float64Array

ANGLES = ("rlnTomoZRot", "rlnTomoYTilt", "rlnTomoXTilt")
SHIFTS = ("rlnTomoXShiftAngst", "rlnTomoYShiftAngst")
MATRIX = ("rlnTomoProjX", "rlnTomoProjY", "rlnTomoProjZ", "rlnTomoProjW")
STAGE_TILT, STAGE_AXIS = "rlnTomoNominalStageTiltAngle", "rlnTomoNominalTiltAxisAngle"
PRE_EXPOSURE, MICROGRAPH = "rlnMicrographPreExposure", "rlnMicrographName"
TILT_LABELS = (*ANGLES, *SHIFTS, *MATRIX, STAGE_TILT)

# Labels of the table of all series, and the fields of an `Acquisition` that they are.
OPTICS = {
    "rlnVoltage": "voltage",
    "rlnSphericalAberration": "spherical_aberration",
    "rlnAmplitudeContrast": "amplitude_contrast",
    "rlnTomoHand": "hand",
}


def has_matrices(tilts: StarBlock) -> bool:
    """Whether projection matrices override the angles."""
    return all(label in tilts for label in MATRIX)


def is_nominal(tilts: StarBlock) -> bool:
    """Whether a table is from before alignment: nominal angles only."""
    return STAGE_TILT in tilts and not any(label in tilts for label in (*ANGLES, *SHIFTS, *MATRIX))


def angle_columns(tilts: StarBlock, sizes: Sizes) -> list[Float64Array]:
    """Return tilt axis angles, tilt angles, x-tilts, and x and y shifts in angstroms.

    Raises a ValueError if only some of these columns exist, or the tilt axis angle is unknown.
    """
    if is_nominal(tilts):
        return _nominal_columns(tilts, sizes)
    missing = [label for label in (*ANGLES, *SHIFTS) if label not in tilts]
    if missing:
        raise ValueError(
            f"{tilts.path} has no _{', _'.join(missing)} in data_{tilts.name}, but has other "
            "columns of an alignment: add the missing columns, or use the file of RELION's "
            "AlignTiltSeries job"
        )
    return [
        np.array(tilts.values(label, check))
        for label, check in zip(
            (*ANGLES, *SHIFTS),
            (parse_axis_angle, parse_tilt_angle, parse_tilt_angle, parse_number, parse_number),
            strict=True,
        )
    ]


def _nominal_columns(tilts: StarBlock, sizes: Sizes) -> list[Float64Array]:
    angles = np.array(tilts.values(STAGE_TILT, parse_tilt_angle))
    zeros = np.zeros(len(angles))
    if STAGE_AXIS in tilts:
        axes = np.array(tilts.values(STAGE_AXIS, parse_axis_angle))
    else:
        axes = zeros + sizes.require("tilt_axis_angle", f"{tilts.path} (no _{STAGE_AXIS})")
    return [axes, angles, zeros, zeros, zeros]


def require_columns(tilts: StarBlock) -> None:
    """Raise a ValueError if the columns of the geometry are invalid."""
    if has_matrices(tilts):
        matrix_rows(tilts)
    else:
        # A placeholder for the axis that the user may give later.
        angle_columns(tilts, Sizes(tilt_axis_angle=0.0))


def matrix_rows(tilts: StarBlock) -> Float64Array:
    """Return the projection matrices of the table, `(n, 4, 4)`."""
    rows = [tilts.values(label, _four_numbers) for label in MATRIX]
    return np.array(rows).transpose(1, 0, 2)


def _four_numbers(text: str, where: str) -> list[float]:
    words = text.strip("[] ").split(",")
    if len(words) != 4:
        raise ValueError(f"{where}: expected four numbers like [1,0,0,5], got {text[:80]!r}")
    return [parse_number(word.strip(), where) for word in words]


def read_acquisition(tilts: StarBlock, series: StarBlock | None, row: int) -> Acquisition:
    """Return pre-exposures and the microscope of a series.

    If the pre-exposures differ, they give the order of acquisition.
    """
    values: dict[str, object] = {}
    if PRE_EXPOSURE in tilts:
        exposures = np.array(tilts.values(PRE_EXPOSURE, _exposure))
        values["pre_exposures"] = exposures
        if len(np.unique(exposures)) == len(exposures):
            values["times"] = exposures
    made = Acquisition(**values)  # type: ignore[arg-type]
    for label, name in OPTICS.items():
        if series is None or label not in series:
            continue
        text, where = series.column(label)[row], series.where(row, label)
        value = parse_number(text, where)
        try:
            made = attrs.evolve(made, **{name: int(value) if value in (1, -1) else value})
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from error
    return made


def _exposure(text: str, where: str) -> float:
    value = parse_number(text, where)
    if value < 0:
        raise ValueError(f"{where}: expected an exposure of at least 0, got {text!r}")
    return value


def positive(text: str, where: str) -> float:
    """Return a positive number, or raise a ValueError that names the location."""
    value = parse_number(text, where)
    if not (value > 0 and math.isfinite(1 / value)):
        raise ValueError(f"{where}: expected a positive number, got {text!r}")
    return value


def nominal_warning(tilts: StarBlock, given: Sizes) -> tuple[str, ...]:
    """Return a warning for a table from before alignment; `given` are the sizes of the user."""
    if not is_nominal(tilts):
        return ()
    axis = " and tilt axis angle" if given.tilt_axis_angle is None else ""
    return (
        f"{tilts.path} is not aligned yet; using its nominal tilt angles{axis}, and shifts of zero",
    )


def has_numbered_views(tilts: StarBlock) -> bool:
    """Whether any row names an image of a stack as ``N@stack``."""
    return MICROGRAPH in tilts and any("@" in text for text in tilts.column(MICROGRAPH))


def stack_name_from(tilts: StarBlock) -> str | None:
    """Return the stack that all rows name as ``N@stack``, else None."""
    names = tilts.column(MICROGRAPH) if MICROGRAPH in tilts else []
    stacks = {name.partition("@")[2].strip() for name in names}
    return (stacks.pop() or None) if len(stacks) == 1 else None


def numbered_views(tilts: StarBlock) -> NDArray[np.int64]:
    """Return the index of each row's image in the stack, from 0: ``5@stack.mrc`` is 4."""
    names = tilts.column(MICROGRAPH) if MICROGRAPH in tilts else []
    matches = [re.match(r"\s*(\d{1,9})@", text, re.ASCII) for text in names]
    numbers = [int(match[1]) - 1 for match in matches if match]
    if not numbers:
        return np.arange(len(tilts.rows))
    if len(numbers) != len(tilts.rows):
        raise ValueError(
            f"{tilts.where(matches.index(None))}: rlnMicrographName has no image number N@, "
            "unlike other rows"
        )
    counts = Counter(numbers)
    for row, view in enumerate(numbers):
        if view < 0 or counts[view] > 1:
            what = "invalid, since images are counted from 1" if view < 0 else "named twice"
            raise ValueError(f"{tilts.where(row)}: image {view + 1}@ is {what}")
    return np.array(numbers)


def matrix_columns(matrices: Float64Array) -> dict[str, list[str]]:
    """Return the columns of projection matrices `(n, 4, 4)`, as written to a file."""
    return {
        label: ["[" + ",".join(f"{value:.12g}" for value in row) + "]" for row in rows]
        for label, rows in zip(MATRIX, matrices.transpose(1, 0, 2), strict=True)
    }


def merge_acquisitions(acquisition: Acquisition, other: Acquisition) -> Acquisition:
    """Return `acquisition` with missing values filled from `other`."""
    fields = [field.name for field in attrs.fields(Acquisition)]
    known = {name: getattr(acquisition, name) for name in fields}
    return attrs.evolve(other, **{n: value for n, value in known.items() if value is not None})
