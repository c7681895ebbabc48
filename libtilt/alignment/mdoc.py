"""SerialEM's ``.mdoc``: what the microscope was told of each image."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar, Self

import attrs
import numpy as np

from libtilt.alignment.base import Alignment, AlignmentFile
from libtilt.alignment.sizes import Sizes
from libtilt.alignment.text import integer, number, numbered_lines, save_text
from libtilt.geometry import TiltGeometry

Keys = dict[str, str]

_USED = ("TiltAngle", "ExposureDose", "DateTime", "PixelSpacing", "ImageSize")


@attrs.frozen(eq=False)
class MdocFile(AlignmentFile):
    """What an ``.mdoc`` says: nominal tilt angles, tilt axis, doses; no shifts.

    Parameters
    ----------
    sections : tuple of dict
        Keys and values of each image, in the order of the stack; texts as they stand.
    header : dict, optional
        Keys and values of the whole stack.
    titles : tuple of str, optional
        The lines ``[T = ...]``, without brackets.
    name : str, optional
        For messages.

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
    name: str = attrs.field(kw_only=True, default="the mdoc")

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read an ``.mdoc`` file.

        Parameters
        ----------
        path : path
            The file.

        Returns
        -------
        MdocFile

        Raises
        ------
        ValueError
            If a line is no ``key = value``, a tilt angle is missing or sections do not count from
            0; the message names the file and the line.
        """
        header: Keys = {}
        titles: list[str] = []
        sections: list[Keys] = []
        keys, last = header, 0
        for line, text in numbered_lines(path):
            where = f"{path}, line {line}"
            key, value = _key_and_value(text, where)
            if text.startswith("[") and key == "T":
                titles.append(value)
            elif text.startswith("[") and key in ("ZValue", "FrameSet"):
                _require_angle(path, last, sections)
                if integer(value, where) != len(sections):
                    raise ValueError(f"{where}: expected {key} {len(sections)}, got {value!r}")
                keys = {}
                sections.append(keys)
                last = line
            elif text.startswith("["):
                # Montages and the like say nothing of a tilt series.
                keys = {}
            else:
                _check(key, value, f"{where}, {key}")
                if key in keys and key in _USED:
                    raise ValueError(f"{where}: {key} stands twice in one section")
                keys[key] = value
        if not sections:
            raise ValueError(f"{path} has no [ZValue = ...]: it is not the mdoc of a stack")
        _require_angle(path, last, sections)
        return cls(tuple(sections), header=header, titles=tuple(titles), name=str(path))

    def write(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write an ``.mdoc`` file.

        Parameters
        ----------
        path : path
            The file.
        overwrite : bool, optional
            Whether an existing file may be replaced.

        Returns
        -------
        pathlib.Path
            The path.
        """
        lines = [f"{key} = {value}" for key, value in self.header.items()]
        for title in self.titles:
            lines += ["", f"[T = {title}]"]
        for index, section in enumerate(self.sections):
            lines += ["", f"[ZValue = {index}]"]
            lines += [f"{key} = {value}" for key, value in section.items()]
        return save_text(path, "\n".join(lines) + "\n", overwrite=overwrite)

    @property
    def tilt_angles(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Nominal tilt angles in degrees, `(n,)`."""
        return np.array([float(section["TiltAngle"]) for section in self.sections])

    @property
    def doses(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Dose of each image in electrons per square angstrom, `(n,)`; NaN where it is not said."""
        return np.array([float(section.get("ExposureDose", "nan")) for section in self.sections])

    @property
    def order(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """The images in the order in which they were taken, by DateTime where all have it."""
        times = [_time_key(section.get("DateTime", "")) for section in self.sections]
        if any(time is None for time in times):
            return np.arange(len(times))
        return np.array(sorted(range(len(times)), key=lambda i: (times[i], i)))

    @property
    def tilt_axis_angle(self) -> float:
        """Angle of the tilt axis from y in degrees, from the titles; 0 where they do not say it."""
        for title in self.titles:
            match = re.search(r"tilt axis angle\s*=\s*([-+0-9.eE]+)", title, re.IGNORECASE)
            if match:
                return number(match[1].rstrip("."), f"{self.name}, tilt axis angle")
        return 0.0

    @property
    def pixel_size(self) -> float | None:
        """Angstroms, or None where it is not said."""
        text = self.header.get("PixelSpacing") or self.sections[0].get("PixelSpacing")
        return number(text, f"{self.name}, PixelSpacing") if text else None

    def alignment(self, sizes: Sizes | None = None) -> Alignment:
        """Return the nominal geometry, without shifts.

        Parameters
        ----------
        sizes : Sizes, optional
            What the file does not say of ImageSize and PixelSpacing. The tomogram is by default as
            wide and high as the images, and as deep as it is wide.

        Returns
        -------
        Alignment
        """
        sizes = sizes or Sizes()
        count = sizes.count(len(self.sections), self.name)
        image_shape = sizes.image_shape
        if image_shape is None and "ImageSize" in self.header:
            image_shape = _image_size(self.header["ImageSize"], f"{self.name}, ImageSize")[::-1]
        height, width = image_shape or sizes.need("stack_shape", self.name)[1:]
        pixel_size = sizes.pixel_size or self.pixel_size or sizes.need("pixel_size", self.name)
        return Alignment(
            TiltGeometry.from_tilt_angles(self.tilt_angles, tilt_axis_angle=self.tilt_axis_angle),
            views=range(count),
            stack_shape=(count, height, width),
            pixel_size=pixel_size,
            volume_shape=sizes.volume_shape or (width, height, width),
            voxel_size=sizes.voxel_size or pixel_size,
        )

    @classmethod
    def from_alignment(cls, alignment: Alignment, *, like: Self | None = None) -> Self:
        """Return an ``.mdoc`` with the tilt angles and one tilt axis: it holds no more.

        Parameters
        ----------
        alignment : Alignment
            Of all images of its stack.
        like : MdocFile, optional
            Whose other keys are kept.

        Returns
        -------
        MdocFile
        """
        count, height, width = alignment.stack_shape
        geometry = alignment.geometry[alignment.every_view("an .mdoc")]
        sections = like.sections if like is not None else ({},) * count
        alignment.sizes.count(len(sections), "like")
        angles = geometry.tilt_angles
        if like is not None:
            rest, titles = like.header, like.titles
        else:
            rest = {
                "PixelSpacing": f"{alignment.pixel_size:.10g}",
                "ImageSize": f"{width} {height}",
            }
            axis = float(np.mean(geometry.tilt_axis_angles))
            titles = (f"Tilt axis angle = {axis:.8f}",)
        made = tuple(
            section | {"TiltAngle": f"{angle:.8f}"}
            for section, angle in zip(sections, angles, strict=True)
        )
        return cls(made, header=rest, titles=titles)


def _key_and_value(text: str, where: str) -> tuple[str, str]:
    """Return both sides of ``key = value`` or ``[key = value]``."""
    bracketed = text.startswith("[") and text.endswith("]")
    inside = text[1:-1] if bracketed else text
    match = re.fullmatch(r"\s*([^=\[\]]+?)\s*=\s*(.*?)\s*", inside)
    if match is None:
        raise ValueError(f"{where}: expected key = value, got {text[:80]!r}")
    return match[1], match[2]


def _check(key: str, value: str, where: str) -> None:
    """Raise a ValueError where the value of a key that is used later on makes no sense."""
    if key in ("ZValue", "FrameSet"):
        raise ValueError(f"{where}: expected a section in brackets, [{key} = {value}]")
    if key in ("TiltAngle", "RotationAngle", "ExposureDose"):
        number(value, where)
    elif key == "PixelSpacing" and number(value, where) <= 0:
        raise ValueError(f"{where}: expected a positive number, got {value!r}")
    elif key == "ImageSize":
        _image_size(value, where)


def _image_size(text: str, where: str) -> tuple[int, ...]:
    """Return width and height."""
    sizes = tuple(integer(word, where) for word in text.split())
    if len(sizes) != 2 or min(sizes) < 1:
        raise ValueError(f"{where}: expected two positive integers, got {text!r}")
    return sizes


def _require_angle(path: str | Path, line: int, sections: list[Keys]) -> None:
    if sections and "TiltAngle" not in sections[-1]:
        raise ValueError(f"{path}, line {line}: section {len(sections) - 1} has no TiltAngle")


def _time_key(text: str) -> tuple[int, ...] | None:
    """Return something that sorts like SerialEM's times, ``14-Sep-24  10:11:12``."""
    months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
    match = re.fullmatch(r"(\d+)-(\w{3})-(\d+)\s+(\d+):(\d+):(\d+)", text.strip())
    if match is None or match[2].lower() not in months:
        return None
    day, year, *clock = (int(match[group]) for group in (1, 3, 4, 5, 6))
    return (year % 100, months.index(match[2].lower()), day, *clock)
