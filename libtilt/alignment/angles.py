"""Lists of tilt angles, one per line: ``.tlt``, ``.rawtlt``, ``.xtilt`` and ``_TLT.txt``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar, Self

import attrs
import numpy as np

from libtilt.alignment.acquisition import Acquisition
from libtilt.alignment.alignment import Alignment
from libtilt.alignment.base import AlignmentFile
from libtilt.alignment.plausible import parse_tilt_angle
from libtilt.alignment.sizes import KnownSizes, Sizes
from libtilt.alignment.text import parse_number, read_rows
from libtilt.errors import LibtiltWarning
from libtilt.errors.checks import Float64Array, finite_array
from libtilt.geometry import TiltGeometry


@attrs.frozen(eq=False)
class AngleList:
    """Columns of an angle list, each (n,): angles in degrees, order of acquisition, exposures.

    Order (as the file counts) and exposures (electrons per square angstrom) may be None.
    """

    angles: Float64Array
    order: Float64Array | None = None
    exposures: Float64Array | None = None


def read_angle_list(path: str | Path) -> AngleList:
    """Read a file with one line per image: tilt angle, optionally order and exposure.

    IMOD's ``.tlt``, ``.rawtlt`` and ``.xtilt``, and AreTomo's ``_TLT.txt`` and AngFile have this
    format. Blanks, tabs or commas separate columns; ``#`` starts a comment. Errors name the line.
    """
    rows: list[list[float]] = []
    for where, text, words in read_rows(path):
        if re.search(r"(?<![\d.])\d+,\d+(?![\d.,])", text):
            raise ValueError(
                f"{where}: {text[:80]!r} is ambiguous: use decimal points instead of commas, or "
                "separate columns by blanks"
            )
        if not 1 <= len(words) <= 3 or (rows and len(words) != len(rows[0])):
            expected = "a tilt angle, optionally with order and exposure"
            if rows:
                expected = f"{len(rows[0])} columns, as in the lines above"
            raise ValueError(f"{where}: expected {expected}, got {text[:80]!r}")
        rows.append(
            [parse_tilt_angle(words[0], where), *(parse_number(word, where) for word in words[1:])]
        )
    if not rows:
        raise ValueError(f"{path} holds no tilt angles")
    columns = np.array(rows).T
    order = columns[1] if len(columns) > 1 and _is_order(columns[1]) else None
    doses = columns[2] if len(columns) > 2 and (columns[2] >= 0).all() else None
    return AngleList(columns[0], order, doses)


def _is_order(column: Float64Array) -> bool:
    """Whether a column holds the order of acquisition, not exposures or offsets."""
    whole = bool((column == np.round(column)).all())
    return whole and len(np.unique(column)) == len(column)


def angles_text(angles: Float64Array) -> str:
    """Return the text of a file with one angle per line."""
    return "".join(f"{angle:.8f}\n" for angle in angles)


def _array(value: object) -> Float64Array:
    return finite_array(value, "tilt_angles")  # type: ignore[arg-type]


@attrs.frozen(eq=False)
class AnglesFile(AlignmentFile):
    """A list of one tilt angle per image, without shifts.

    The file does not hold the tilt axis angle: by default the axis is along y, as in an aligned
    stack, with a warning.

    Parameters
    ----------
    tilt_angles : array_like, shape (n,)
        Tilt angles in degrees.
    acquisition : Acquisition, optional
        Order and exposures, if the file has these columns.
    name : str, optional
        Name of the file, for messages.

    Examples
    --------
    >>> from libtilt.alignment import AnglesFile, Sizes
    >>> sizes = Sizes(stack_shape=(3, 8, 8), pixel_size=2.0, tilt_axis_angle=85)
    >>> AnglesFile([-3, 0, 3]).alignment(sizes).geometry.tilt_angles.round(6).tolist()
    [-3.0, 0.0, 3.0]
    """

    format: ClassVar[str] = "angles"

    tilt_angles: Float64Array = attrs.field(converter=_array)
    acquisition: Acquisition = attrs.field(kw_only=True, factory=Acquisition)
    name: str = attrs.field(kw_only=True, default="the list of angles")

    @property
    def views(self) -> range:
        """Index of each image in the stack, from 0: all images."""
        return range(len(self.tilt_angles))

    @property
    def image_count(self) -> int:
        """Number of images, one per angle."""
        return len(self.tilt_angles)

    @classmethod
    def _parse(cls, path: Path) -> Self:
        columns = read_angle_list(path)
        taken = Acquisition(times=columns.order, exposures=columns.exposures)
        return cls(columns.angles, acquisition=taken.accumulated(), name=str(path))

    def _texts(self, path: Path) -> dict[Path, str]:
        return {path: angles_text(self.tilt_angles)}

    def _geometry(self, sizes: KnownSizes) -> TiltGeometry:
        axis = sizes.tilt_axis_angle or 0.0
        return TiltGeometry.from_tilt_angles(self.tilt_angles, tilt_axis_angle=axis)

    def _extra_fields(self, sizes: KnownSizes, given: Sizes) -> dict[str, Any]:
        doubts = () if sizes.tilt_axis_angle is not None else (axis_along_y_warning(self.name),)
        return {"acquisition": self.acquisition, "warnings": doubts}

    @classmethod
    def _from_alignment(cls, alignment: Alignment, like: Self | None) -> Self:
        return cls(alignment.geometry.tilt_angles[alignment.full_stack_order("a list of angles")])


def axis_along_y_warning(name: str) -> LibtiltWarning:
    """Return the warning that a list of angles does not hold the tilt axis angle."""
    return LibtiltWarning(
        f"no tilt axis angle in {name}; assuming 0 degrees (along y). Pass tilt_axis_angle=... "
        "unless the images are aligned.",
        arguments=("tilt_axis_angle",),
    )
