"""SerialEM's ``.mdoc``: nominal angles and acquisition of each image."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Self

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.alignment.acquisition import Acquisition
from libtilt.alignment.alignment import Alignment
from libtilt.alignment.base import AlignmentFile
from libtilt.alignment.mdoc.axis import MdocAxis, set_axis_in_titles
from libtilt.alignment.mdoc.sections import Keys, image_sections, image_size, read_sections
from libtilt.alignment.sizes import KnownSizes, Sizes
from libtilt.alignment.text import parse_number_or_nan
from libtilt.errors import LibtiltWarning
from libtilt.errors.checks import Float64Array
from libtilt.geometry import TiltGeometry

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_TIME = re.compile(
    rf"(\d{{1,4}})-({'|'.join(_MONTHS)}|\d{{1,2}})-(\d{{1,4}})[T\s]+(\d+):(\d+):(\d+)",
    re.IGNORECASE | re.ASCII,
)


@attrs.frozen(eq=False)
class MdocFile(AlignmentFile):
    """An ``.mdoc``: nominal tilt angles, tilt axis angle and exposures, without shifts.

    Parameters
    ----------
    sections : tuple of dict
        Keys and values of each image, verbatim, in stack order.
    header : dict, optional
        Keys and values of the whole stack.
    titles : tuple of str, optional
        The lines ``[T = ...]``, without brackets.
    views : sequence of int, optional
        Index of each section's image in the stack, from 0; by default all of them.
    name : str, optional
        Name of the file, for messages.
    title_lines : tuple of int, optional
        The line of each title, for messages.

    Examples
    --------
    >>> from libtilt.alignment import MdocFile
    >>> sections = ({"TiltAngle": "-3.01", "ExposureDose": "2.5"}, {"TiltAngle": "0.0"})
    >>> file = MdocFile(sections, titles=("Tilt axis angle = 85.3, binning = 1",))
    >>> file.tilt_angles.tolist(), file.tilt_axis_angle
    ([-3.01, 0.0], 85.3)
    """

    format: ClassVar[str] = "mdoc"

    sections: tuple[Keys, ...]
    header: Keys = attrs.field(kw_only=True, factory=dict)
    titles: tuple[str, ...] = attrs.field(kw_only=True, default=())
    views: tuple[int, ...] = attrs.field(kw_only=True)
    name: str = attrs.field(kw_only=True, default="the mdoc")
    title_lines: tuple[int, ...] = attrs.field(kw_only=True, default=(), repr=False)

    @views.default
    def _all_views(self) -> tuple[int, ...]:
        return tuple(range(len(self.sections)))

    @classmethod
    def _parse(cls, path: Path) -> Self:
        content = read_sections(path)
        images = image_sections(content, path)
        return cls(
            tuple(image.keys for image in images),
            header=content.header,
            titles=tuple(content.titles),
            views=tuple(image.number for image in images),
            name=str(path),
            title_lines=tuple(content.title_lines),
        )

    def _texts(self, path: Path) -> dict[Path, str]:
        lines = [f"{key} = {value}" for key, value in self.header.items()]
        for title in self.titles:
            lines += ["", f"[T = {title}]"]
        for view, section in zip(self.views, self.sections, strict=True):
            lines += ["", f"[ZValue = {view}]"]
            lines += [f"{key} = {value}" for key, value in section.items()]
        return {path: "\n".join(lines) + "\n"}

    @property
    def tilt_angles(self) -> Float64Array:
        """Nominal tilt angles in degrees, `(n,)`."""
        return np.array([float(section["TiltAngle"]) for section in self.sections])

    @property
    def exposures(self) -> Float64Array:
        """Electrons per square angstrom of each image, `(n,)`; NaN where unknown."""
        doses = self._numbers("ExposureDose")
        return np.where(doses >= 0, doses, np.nan)

    @property
    def order(self) -> NDArray[np.intp]:
        """The images in order of acquisition, by DateTime if all have it."""
        times = self._times()
        return np.argsort(times if np.isfinite(times).all() else self.views, kind="stable")

    @property
    def tilt_axis_angle(self) -> float | None:
        """Tilt axis angle from y in degrees, or None if unknown."""
        return self._axis().angle

    @property
    def pixel_size(self) -> float | None:
        """Pixel size in angstroms, or None if unknown."""
        text = self.header.get("PixelSpacing") or self.sections[0].get("PixelSpacing") or "nan"
        value = parse_number_or_nan(text, f"{self.name}, PixelSpacing")
        return value if np.isfinite(value) else None

    @property
    def acquisition(self) -> Acquisition:
        """Order, exposures and voltage; pre-exposures by PriorRecordDose, else summed in order.

        PriorRecordDose is ignored if it is zero for every image but the images have exposures. A
        sum needs the exposures of all images.
        """
        prior = self._numbers("PriorRecordDose")
        says = bool((prior >= 0).all() and (prior.any() or not np.nansum(self.exposures)))
        voltage = self.header.get("Voltage") or self.sections[0].get("Voltage") or "nan"
        kilovolts = parse_number_or_nan(voltage, f"{self.name}, Voltage")
        made = Acquisition(
            times=self._times(),
            exposures=self.exposures,
            pre_exposures=prior if says else None,
            voltage=kilovolts if kilovolts > 0 else None,
        )
        return made.accumulated() if self.views == tuple(range(len(self.views))) else made

    def _numbers(self, key: str) -> Float64Array:
        where = f"{self.name}, {key}"
        return np.array(
            [parse_number_or_nan(keys.get(key, "nan"), where) for keys in self.sections]
        )

    def _times(self) -> Float64Array:
        return np.array([_seconds(keys.get("DateTime", "")) for keys in self.sections])

    def _axis(self) -> MdocAxis:
        return MdocAxis.find(
            self.titles, self.title_lines, (self.header, *self.sections), self.name
        )

    def _complete_sizes(self, sizes: Sizes) -> KnownSizes:
        if sizes.tilt_axis_angle is None:
            axis = self._axis().angle
            sizes = attrs.evolve(sizes, tilt_axis_angle=axis)
            sizes.require("tilt_axis_angle", self.name)
        own_shape = self._image_shape()
        if sizes.stack_shape is None and own_shape is not None:
            sizes = attrs.evolve(sizes, stack_shape=(self._count(None), *own_shape))
        sizes.require("stack_shape", self.name)
        return super()._complete_sizes(
            attrs.evolve(sizes, pixel_size=sizes.pixel_size or self.pixel_size)
        )

    def _geometry(self, sizes: KnownSizes) -> TiltGeometry:
        return TiltGeometry.from_tilt_angles(
            self.tilt_angles, tilt_axis_angle=sizes.tilt_axis_angle or 0.0
        )

    def _extra_fields(self, sizes: KnownSizes, given: Sizes) -> dict[str, Any]:
        between, behind = self._without_section(sizes.stack_shape[0])
        doubts: list[LibtiltWarning | str] = []
        if given.tilt_axis_angle is None:
            doubts += self._axis().warnings
        doubts += behind
        (height, width), own_shape = sizes.image_shape, self._image_shape()
        own_h, own_w = own_shape or (height, width)
        other = abs(own_h * width / (own_w * height) - 1) > 0.01
        if other or (given.pixel_size is None and (own_h, own_w) != (height, width)):
            text = (
                f"{self.name} is for images of shape {own_shape}, but the stack has images of "
                f"shape {(height, width)}: check that it was written for this stack, and check "
                f"the pixel size of {sizes.pixel_size:.6g} Å (pixel_size=...)"
            )
            doubts.append(LibtiltWarning(text, arguments=("pixel_size",)))
        return {"acquisition": self.acquisition, "notes": between, "warnings": doubts}

    def _image_shape(self) -> tuple[int, ...] | None:
        text = self.header.get("ImageSize")
        return image_size(text, f"{self.name}, ImageSize")[::-1] if text else None

    def _without_section(self, count: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return notes on images without a section, before the last section and after it.

        Images after the last section may have been deleted, or the stack is another one.
        """
        missing = np.setdiff1d(np.arange(count), self.views)
        parts = missing[missing < max(self.views)], missing[missing > max(self.views)]
        between, behind = (
            (
                f"{self.name} has no section for {part.size} of {count} images; excluding them "
                f"(from 0): {', '.join(map(str, part[:10]))}{', ...' if part.size > 10 else ''}",
            )
            if part.size
            else ()
            for part in parts
        )
        return between, behind

    @classmethod
    def _from_alignment(cls, alignment: Alignment, like: Self | None) -> Self:
        _, height, width = alignment.stack_shape
        order = np.argsort(alignment.views)
        geometry, views = alignment.geometry[order], alignment.views[order].tolist()
        axis = float(np.mean(geometry.tilt_axis_angles))
        if like is None:
            rest: dict[str, Any] = {
                "header": {
                    "PixelSpacing": f"{alignment.pixel_size:.10g}",
                    "ImageSize": f"{width} {height}",
                },
                "titles": (f"Tilt axis angle = {axis:.8f}",),
            }
            sections = [_exposure_keys(alignment.acquisition, int(place)) for place in order]
        else:
            if absent := sorted(set(views) - set(like.views)):
                raise ValueError(
                    f"like has sections for {len(like.views)} images, but the stack has "
                    f"{alignment.stack_shape[0]}: no section for image {absent[0]}"
                )
            sections = [like.sections[like.views.index(view)] for view in views]
            rest = {"header": like.header, "titles": set_axis_in_titles(like.titles, axis)}
        made = [
            section | {"TiltAngle": f"{angle:.8f}"}
            for section, angle in zip(sections, geometry.tilt_angles, strict=True)
        ]
        return cls(tuple(made), views=tuple(views), **rest)


def _exposure_keys(acquisition: Acquisition, place: int) -> Keys:
    """Return the keys with the exposure of an image."""
    values = {"ExposureDose": acquisition.exposures, "PriorRecordDose": acquisition.pre_exposures}
    return {
        key: f"{array[place]:.8g}"
        for key, array in values.items()
        if array is not None and np.isfinite(array[place])
    }


def _seconds(text: str) -> float:
    """Return seconds of ``14-Sep-24  10:11:12`` or ``2024-09-14 10:11:12``, else NaN."""
    match = _TIME.match(text.strip())
    if match is None:
        return float("nan")
    first, month, last, *clock = match.groups()
    number = _MONTHS.index(month.lower()) + 1 if month.lower() in _MONTHS else int(month)
    year, day = (first, last) if len(first) == 4 else (last, first)
    century = 2000 if len(year) == 2 else 0
    try:
        hour, minute, second = map(int, clock)
        moment = datetime(int(year) + century, number, int(day), hour, minute, second)
    except ValueError:
        return float("nan")
    return (moment - datetime(1970, 1, 1)).total_seconds()
