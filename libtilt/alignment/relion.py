"""RELION-5: the STAR file of a tilt series, and what ``tomograms.star`` says of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar, Self

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt._checks import Float64Array
from libtilt.alignment.alignment import Alignment
from libtilt.alignment.base import AlignmentFile
from libtilt.alignment.matrices import magnified
from libtilt.alignment.plausible import axis_angle, tilt_angle
from libtilt.alignment.relion_tables import RelionTables
from libtilt.alignment.sizes import Sizes
from libtilt.alignment.star import StarBlock, star_text, table
from libtilt.alignment.text import number, save_text
from libtilt.grids import centre_xyz
from libtilt.rotations import specimen_to_detector

ANGLES = ("rlnTomoZRot", "rlnTomoYTilt", "rlnTomoXTilt")
SHIFTS = ("rlnTomoXShiftAngst", "rlnTomoYShiftAngst")
MATRIX = ("rlnTomoProjX", "rlnTomoProjY", "rlnTomoProjZ", "rlnTomoProjW")


@attrs.frozen(eq=False)
class RelionAlignment(AlignmentFile):
    """A tilt series as RELION-5 keeps it.

    ``P = S(shift / pixel) S(image centre) Rz(ZRot) Ry(YTilt) Rx(XTilt) S(-volume centre)`` with `S`
    a translation, centres ``shape // 2``, and everything in unbinned pixels. Where the projection
    matrices ``rlnTomoProjX`` to ``W`` are there, they count instead of the angles.

    Parameters
    ----------
    tilts : StarBlock
        One row per image, texts as they stand.
    pixel_size : float, optional
        Unbinned, of ``rlnTomoTiltSeriesPixelSize``.
    volume_shape : tuple of int, optional
        ``(d, h, w)`` unbinned, of ``rlnTomoSizeZ, Y, X``.
    name : str, optional
        For messages.

    Examples
    --------
    >>> from libtilt.alignment import RelionAlignment, Sizes
    >>> from libtilt.alignment.star import table
    >>> columns = {"rlnTomoXTilt": ["0"], "rlnTomoYTilt": ["30"], "rlnTomoZRot": ["85"],
    ...            "rlnTomoXShiftAngst": ["4"], "rlnTomoYShiftAngst": ["-2"]}
    >>> file = RelionAlignment(table("TS_1", columns), pixel_size=2.0, volume_shape=(32, 64, 64))
    >>> geometry = file.alignment(Sizes(stack_shape=(1, 64, 64))).geometry
    >>> geometry.tilt_angles.round(6).tolist(), geometry.shifts.round(6).tolist()
    ([30.0], [[4.0, -2.0]])
    """

    format: ClassVar[str] = "relion"

    tilts: StarBlock
    pixel_size: float | None = attrs.field(kw_only=True, default=None)
    volume_shape: tuple[int, ...] | None = attrs.field(kw_only=True, default=None)
    name: str = attrs.field(kw_only=True, default="the RELION alignment")

    @classmethod
    def read(cls, path: str | Path, *, name: str | None = None) -> Self:
        """Read the STAR file of one tilt series, or ``tomograms.star`` and the file that it names.

        Beside the STAR file of one series, or up to three folders above, a ``tomograms.star`` that
        names it gives its sizes.

        Parameters
        ----------
        path : path
            The file.
        name : str, optional
            ``rlnTomoName`` of the series, where the file has several.

        Returns
        -------
        RelionAlignment

        Raises
        ------
        FileNotFoundError
            If a file that it names is missing.
        ValueError
            If a file is not sound; the message names the file and the line.
        """
        found = RelionTables.find(path, name)
        made = cls(
            found.tilts,
            pixel_size=found.pixel_size,
            volume_shape=found.volume_shape,
            name=str(found.tilts.path),
        )
        made._matrix_rows() if made.has_matrices else made._angle_columns()
        return made

    def write(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the STAR file of the series: ``data_global`` with its sizes, and the tilts.

        RELION reads a series from a table of its own: of the two blocks it takes the one that bears
        the name of the series.

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
        series = self.tilts.name or Path(path).stem
        blocks = [attrs.evolve(self.tilts, name=series)]
        if self.pixel_size is not None and self.volume_shape is not None:
            sizes = {
                f"rlnTomoSize{axis}": [str(size)]
                for axis, size in zip("XYZ", self.volume_shape[::-1], strict=True)
            }
            pixel = {"rlnTomoTiltSeriesPixelSize": [f"{self.pixel_size:.10g}"]}
            blocks.insert(0, table("global", {"rlnTomoName": [series]} | pixel | sizes))
        return save_text(path, star_text(blocks), overwrite=overwrite)

    @property
    def has_matrices(self) -> bool:
        """Whether projection matrices stand in place of the angles."""
        return all(label in self.tilts for label in MATRIX)

    @property
    def views(self) -> NDArray[np.int64]:
        """Which image of the stack each row is, from 0: ``5@stack.mrc`` is the fifth."""
        names = self.tilts.column("rlnMicrographName") if "rlnMicrographName" in self.tilts else []
        matches = [re.match(r"\s*(\d+)@", text) for text in names]
        numbers = [int(match[1]) - 1 for match in matches if match]
        if not numbers:
            return np.arange(len(self.tilts.rows))
        if len(numbers) != len(self.tilts.rows):
            line = self.tilts.lines[matches.index(None)]
            raise ValueError(
                f"{self.name}, line {line}: rlnMicrographName has no number N@ of an image, as "
                "others have"
            )
        for view, line in zip(numbers, self.tilts.lines, strict=True):
            if view < 0 or numbers.count(view) > 1:
                raise ValueError(
                    f"{self.name}, line {line}: image {view + 1}@ is "
                    + ("none, they count from 1" if view < 0 else "named twice")
                )
        return np.array(numbers)

    def matrices(self, sizes: Sizes | None = None) -> Float64Array:
        """Return `(n, 2, 4)`: unbinned voxel index to raw pixel index, by the formula as it is.

        Parameters
        ----------
        sizes : Sizes, optional
            The stack's shape, and what the file does not say.

        Returns
        -------
        ndarray, shape (n, 2, 4)
        """
        sizes = sizes or Sizes()
        if self.has_matrices:
            return self._matrix_rows()[:, :2]
        pixel_size, volume_shape = self._unbinned(sizes)
        image_shape = sizes.need("stack_shape", self.name)[1:]
        *angles, x, y = self._angle_columns()
        linear = specimen_to_detector(*angles)[:, :2]
        seen = np.stack([x, y], axis=1) / pixel_size + centre_xyz(image_shape)
        offset = seen - linear @ centre_xyz(volume_shape)
        return np.concatenate([linear, offset[:, :, np.newaxis]], axis=2)

    def _angle_columns(self) -> list[Float64Array]:
        angles = [self.tilts.values(label, tilt_angle) for label in ANGLES[1:]]
        return [
            np.array(self.tilts.values(ANGLES[0], axis_angle)),
            *map(np.array, angles),
            *(np.array(self.tilts.numbers(label)) for label in SHIFTS),
        ]

    def _matrix_rows(self) -> Float64Array:
        """Return the projection matrices that stand in the file, `(n, 4, 4)`."""
        rows = [
            [
                self._matrix_row(text, line, label)
                for text, line in zip(self.tilts.column(label), self.tilts.lines, strict=True)
            ]
            for label in MATRIX
        ]
        return np.array(rows).transpose(1, 0, 2)

    def _matrix_row(self, text: str, line: int, label: str) -> list[float]:
        where = f"{self.name}, line {line}, {label}"
        words = text.strip("[] ").split(",")
        if len(words) != 4:
            raise ValueError(f"{where}: expected four numbers like [1,0,0,5], got {text!r}")
        return [number(word, where) for word in words]

    def _unbinned(self, sizes: Sizes) -> tuple[float, tuple[int, ...]]:
        """Return the unbinned pixel size and tomogram."""
        pixel_size = self.pixel_size or sizes.need("pixel_size", self.name)
        if sizes.pixel_size is not None and abs(sizes.pixel_size / pixel_size - 1) > 1e-3:
            raise ValueError(
                f"{self.name} is of pixels of {pixel_size:.6g} A, the stack's are "
                f"{sizes.pixel_size:.6g} A"
            )
        return pixel_size, self.volume_shape or sizes.need("volume_shape", self.name)

    def _image_count(self, given: int | None) -> int:
        named = int(self.views.max()) + 1
        return named if self._plain_views() else max(named, given or 0)

    def _used_count(self) -> int:
        return len(self.tilts.rows)

    def _alignment(self, sizes: Sizes) -> Alignment:
        """Return the geometry of the raw stack.

        A volume shape that is given is that of a tomogram of any binning, with the same center
        ``shape // 2``.
        """
        pixel_size, volume_shape = self._unbinned(sizes)
        count, *image_shape = sizes.need("stack_shape", self.name)
        views = self.views
        plain = Alignment.from_matrices(
            self.matrices(sizes),
            source=self.name,
            views=views.tolist(),
            stack_shape=(count, *image_shape),
            pixel_size=pixel_size,
            volume_shape=volume_shape,
            voxel_size=pixel_size,
        )
        return attrs.evolve(
            plain,
            volume_shape=sizes.volume_shape or volume_shape,
            voxel_size=sizes.voxel_size or pixel_size,
        )

    def _plain_views(self) -> bool:
        """Whether rows do not say which image they are."""
        names = self.tilts.column("rlnMicrographName") if "rlnMicrographName" in self.tilts else []
        return not any("@" in text for text in names)

    @classmethod
    def from_alignment(cls, alignment: Alignment, *, like: Self | None = None) -> Self:
        """Return the STAR file; projection matrices stand in it where there is a magnification.

        Parameters
        ----------
        alignment : Alignment
            What to say.
        like : RelionAlignment, optional
            A file of the same images whose other columns and sizes are kept.

        Returns
        -------
        RelionAlignment
        """
        geometry, pixel = alignment.geometry, alignment.pixel_size
        ratio = alignment.voxel_size / pixel
        unbinned = tuple(max(1, round(size * ratio)) for size in alignment.volume_shape)
        columns: dict[str, list[str]] = {
            "rlnMicrographName": [
                f"{view + 1:06d}@{alignment.stack_name or 'stack.mrc'}" for view in alignment.views
            ]
        }
        name = ""
        if like is not None:
            alignment.require_views(like.views)
            columns = {label: like.tilts.column(label) for label in like.tilts.labels}
            unbinned, name = like.volume_shape or unbinned, like.tilts.name
        angles = (geometry.tilt_axis_angles, geometry.tilt_angles, geometry.x_tilts)
        values = dict(zip(ANGLES + SHIFTS, (*angles, *geometry.shifts.T), strict=True))
        columns |= {label: [f"{value:.9f}" for value in column] for label, column in values.items()}
        if magnified(geometry) or all(label in columns for label in MATRIX):
            matrices = geometry.projection_matrices(
                volume_shape=unbinned, image_shape=alignment.stack_shape[1:], voxel_size=pixel
            )
            rows = dict(zip(MATRIX, matrices.transpose(1, 0, 2), strict=True))
            columns |= {label: [_row_text(row) for row in tilts] for label, tilts in rows.items()}
        return cls(table(name, columns), pixel_size=pixel, volume_shape=unbinned)


def _row_text(row: Float64Array) -> str:
    return "[" + ",".join(f"{value:.12g}" for value in row) + "]"
