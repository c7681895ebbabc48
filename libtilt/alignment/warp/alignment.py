"""Warp and M: the ``.xml`` of a tilt series."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self
from xml.etree import ElementTree

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.alignment.acquisition import Acquisition
from libtilt.alignment.alignment import Alignment
from libtilt.alignment.base import MatrixFile
from libtilt.alignment.excluded import ExcludedTilts
from libtilt.alignment.plausible import parse_axis_angle, parse_tilt_angle
from libtilt.alignment.sizes import KnownSizes, Sizes
from libtilt.alignment.text import parse_number, parse_number_or_nan
from libtilt.alignment.warp.xml_tree import read_xml
from libtilt.errors.checks import Float64Array
from libtilt.geometry.affine import compose_affine
from libtilt.geometry.rotations import specimen_to_detector

_MICROSCOPE = {
    "voltage": "Voltage",
    "spherical_aberration": "Cs",
    "amplitude_contrast": "Amplitude",
}
_READERS = {"Angles": parse_tilt_angle, "AxisAngle": parse_axis_angle}
NUMBERS = ("Angles", "AxisAngle", "AxisOffsetX", "AxisOffsetY")
GRIDS = (
    "GridMovementX",
    "GridMovementY",
    "GridVolumeWarpX",
    "GridVolumeWarpY",
    "GridVolumeWarpZ",
    "GridAngleX",
    "GridAngleY",
    "GridAngleZ",
)


@attrs.frozen(eq=False)
class WarpAlignment(MatrixFile):
    """A tilt series of Warp or M, in angstroms.

    ``p = Rz(AxisAngle) Ry(-(Angle + LevelAngleY)) Rx(LevelAngleX) (q - V / 2) + offset + I / 2``,
    with `V` and `I` the extents of tomogram and image: tilts have the opposite sign of RELION's,
    and centers are at half the size. Grids refined by M are kept, but not applied.

    Parameters
    ----------
    root : xml.etree.ElementTree.Element
        The root element of the file.
    name : str, optional
        Name of the file, for messages.
    lines : mapping of str to int, optional
        Line of each element, for messages.

    Examples
    --------
    >>> from xml.etree import ElementTree
    >>> from libtilt.alignment import Sizes, WarpAlignment
    >>> text = "<TiltSeries><Angles>30</Angles><AxisAngle>85</AxisAngle></TiltSeries>"
    >>> file = WarpAlignment(ElementTree.fromstring(text))
    >>> sizes = Sizes(stack_shape=(1, 64, 64), pixel_size=2.0, volume_shape=(32, 64, 64))
    >>> file.alignment(sizes).geometry.tilt_angles.round(6).tolist()
    [-30.0]
    """

    format: ClassVar[str] = "warp"
    writes_excluded: ClassVar[bool] = True

    root: ElementTree.Element
    name: str = attrs.field(kw_only=True, default="the Warp alignment")
    lines: Mapping[str, int] = attrs.field(kw_only=True, factory=dict, repr=False)

    @property
    def image_count(self) -> int:
        """Number of raw images, one per angle."""
        return len(self._list("Angles"))

    @classmethod
    def _parse(cls, path: Path) -> Self:
        root, content = read_xml(path)
        if root.tag != "TiltSeries":
            raise ValueError(f"{path}: expected <TiltSeries>, got <{root.tag}>")
        made = cls(root, name=str(path), lines=_lines_of(content, [child.tag for child in root]))
        made._columns(tilt_axis_angle=0.0)
        return made

    def _texts(self, path: Path) -> dict[Path, str]:
        text = ElementTree.tostring(self.root, encoding="unicode")
        head = '<?xml version="1.0" encoding="utf-8"?>\n'
        return {path: head + text + "\n"}

    @property
    def views(self) -> NDArray[np.int64]:
        """Indices of the used images in the stack, from 0."""
        return np.flatnonzero(self._used())

    def _list(self, tag: str) -> list[str]:
        element = self.root.find(tag)
        return [] if element is None or element.text is None else element.text.split()

    def _columns(self, tilt_axis_angle: float | None = None) -> list[Float64Array]:
        """Return angles, axis angles and x and y offsets, one of each per image.

        Values of unused images may be NaN. A given tilt axis angle overrides the file's.
        """
        count = len(self._list("Angles"))
        if count == 0:
            raise ValueError(f"{self.name} has no <Angles>")
        used = self._used()
        columns = []
        for tag in NUMBERS:
            texts = self._list(tag) or ["0"] * count
            if len(texts) != count:
                raise ValueError(
                    f"{self._location(tag)}: expected {count} numbers, as <Angles> has, "
                    f"got {len(texts)}"
                )
            if tag == "AxisAngle" and (tilt_axis_angle is not None or not self._list(tag)):
                axis = Sizes(tilt_axis_angle=tilt_axis_angle).require("tilt_axis_angle", self.name)
                columns.append(np.full(count, axis))
                continue
            read = _READERS.get(tag, parse_number)
            columns.append(
                np.array(
                    [
                        (read if use else parse_number_or_nan)(text, self._location(tag, entry))
                        for entry, (text, use) in enumerate(zip(texts, used, strict=True))
                    ]
                )
            )
        return columns

    def _location(self, tag: str, entry: int | None = None) -> str:
        """Return the location of an element or of an entry of its list, for messages."""
        line = self.lines.get(tag)
        if line is None or entry is None:
            place = self.name if line is None else f"{self.name}, line {line}"
            return f"{place}, <{tag}>" + ("" if entry is None else f", entry {entry + 1}")
        text = self.root.findtext(tag) or ""
        words = list(re.finditer(r"\S+", text))
        line += text.count("\n", 0, words[entry].start())
        return f"{self.name}, line {line}, <{tag}>, entry {entry + 1}"

    def _used(self) -> NDArray[np.bool_]:
        count = len(self._list("Angles"))
        texts = self._list("UseTilt") or ["True"] * count
        if len(texts) != count or not {text.lower() for text in texts} <= {"true", "false"}:
            raise ValueError(
                f"{self._location('UseTilt')}: expected {count} values, each True or False, got "
                f"{texts}"
            )
        used = np.array([text.lower() == "true" for text in texts])
        if not used.any():
            raise ValueError(f"{self._location('UseTilt')}: all {count} images are excluded")
        return used

    def _level(self, axis: str) -> float:
        key = f"LevelAngle{axis}"
        return parse_tilt_angle(self.root.get(key, "0"), f"{self.name}, {key}")

    @property
    def acquisition(self) -> Acquisition:
        """Pre-exposures of the used images (Warp's Dose), and CTF parameters of the microscope."""
        doses = self._list("Dose")
        where = f"{self.name}, <Dose>"
        values = [parse_number_or_nan(text, where) for text in doses]
        fits = len(values) == len(self._used()) and not min(values) < 0
        return Acquisition(
            pre_exposures=np.array(values)[self.views] if fits else None,
            **{name: self._parameter(key) for name, key in _MICROSCOPE.items()},
        )

    def _parameter(self, key: str) -> float | None:
        """Return a positive CTF parameter, None if absent."""
        for node in self.root.findall("CTF/Param"):
            if node.get("Name") == key:
                value = parse_number_or_nan(node.get("Value", "nan"), f"{self.name}, <CTF>, {key}")
                return value if value > 0 else None
        return None

    def _complete_sizes(self, sizes: Sizes) -> KnownSizes:
        for size in ("pixel_size", "volume_shape"):
            # Warp stores them elsewhere.
            sizes.require(size, self.name)
        return super()._complete_sizes(sizes)

    def _matrices(self, sizes: KnownSizes) -> Float64Array:
        return self._all_matrices(sizes)[self.views]

    def _all_matrices(self, sizes: KnownSizes) -> Float64Array:
        """Return `(n, 2, 4)` matrices from voxel index to pixel index, also of unused images."""
        pixel, voxel = sizes.pixel_size, sizes.voxel_size
        volume = np.array(sizes.volume_shape[::-1]) * voxel
        image = np.array(sizes.image_shape[::-1]) * pixel
        angles, axes, x, y = self._columns(sizes.tilt_axis_angle)
        x_tilts = np.full(len(angles), self._level("X"))
        linear = specimen_to_detector(axes, -(angles + self._level("Y")), x_tilts)[:, :2]
        offset = np.stack([x, y], axis=1) + image / 2 - linear @ (volume / 2)
        return compose_affine(linear * voxel, offset) / pixel

    def _extra_fields(self, sizes: KnownSizes, given: Sizes) -> dict[str, Any]:
        moving = tuple(tag for tag in GRIDS if self._is_nonzero(tag))
        return {"unsupported": moving, "acquisition": self.acquisition}

    def _excluded_tilts(self, made: Alignment) -> ExcludedTilts:
        angles = -(self._columns(tilt_axis_angle=0.0)[0] + self._level("Y"))
        return ExcludedTilts(angles[~self._used()])

    def _is_nonzero(self, tag: str) -> bool:
        """Whether a grid holds nonzero values."""
        nodes = (node.get("Value", "0") for node in self.root.findall(f"{tag}/Node"))
        return any(value.strip("0.-+eE ") for value in nodes)

    @classmethod
    def _from_alignment(cls, alignment: Alignment, like: Self | None) -> Self:
        count, views, geometry = alignment.stack_shape[0], alignment.views, alignment.geometry
        if like is None:
            axes = alignment.interpolate_to_stack(geometry.tilt_axis_angles)
            columns = [-alignment.all_tilt_angles(), axes, np.zeros(count), np.zeros(count)]
            root = ElementTree.Element("TiltSeries", {"LevelAngleX": "0", "LevelAngleY": "0"})
        else:
            columns, root = like._columns(), copy.deepcopy(like.root)
            alignment.sizes.require_count(len(columns[0]), "like")
        made = cls(root)
        columns[0][views] = -geometry.tilt_angles - made._level("Y")
        columns[1][views] = geometry.tilt_axis_angles
        root.set("LevelAngleX", f"{geometry.x_tilts.mean():.9f}")
        columns[2][views] = columns[3][views] = 0
        lists = dict(zip(NUMBERS, columns, strict=True))
        made._set(lists, [view in views for view in range(count)])
        # Offsets include the difference between Warp's centers and those of the geometry.
        wanted = alignment.projection_matrices()[:, :, 3]
        found = made._all_matrices(alignment.sizes)[views, :, 3]
        columns[2][views], columns[3][views] = ((wanted - found) * alignment.pixel_size).T
        made._set(lists, [view in views for view in range(count)])
        made._set_doses(alignment.acquisition.accumulated().pre_exposures, views, count)
        return made

    def _set_doses(self, doses: Float64Array | None, views: NDArray[np.int64], count: int) -> None:
        """Set the pre-exposures of used images if all are known; others are kept."""
        if doses is None or not np.isfinite(doses).all():
            return
        kept = self._list("Dose")
        values = [float(text) for text in kept] if len(kept) == count else [0.0] * count
        for view, dose in zip(views, doses, strict=True):
            values[view] = dose
        self._set_list("Dose", [f"{value:.6g}" for value in values])

    def _set(self, lists: dict[str, Float64Array], used: list[bool]) -> None:
        for tag, values in lists.items():
            self._set_list(tag, [f"{value:.9f}" for value in values])
        self._set_list("UseTilt", [str(use) for use in used])

    def _set_list(self, tag: str, entries: list[str]) -> None:
        """Replace the list in an element, which is added if missing."""
        element = self.root.find(tag)
        if element is None:
            element = ElementTree.SubElement(self.root, tag)
        element.text = "\n".join(entries)


def _lines_of(content: bytes, tags: list[str]) -> dict[str, int]:
    """Return the line of each element, for UTF-8 content."""
    found = {}
    for tag in tags:
        place = content.find(f"<{tag}".encode())
        if place >= 0:
            found[tag] = content.count(b"\n", 0, place) + 1
    return found
