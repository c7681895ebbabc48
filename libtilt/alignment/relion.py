"""RELION-5: the STAR file of a tilt series, and what ``tomograms.star`` says of it."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.alignment.acquisition import Acquisition
from libtilt.alignment.alignment import Alignment
from libtilt.alignment.base import AlignmentFile, default_volume
from libtilt.alignment.matrices import magnified
from libtilt.alignment.relion_columns import (
    ANGLES,
    MATRIX,
    MICROGRAPH,
    PRE_EXPOSURE,
    SHIFTS,
    angle_columns,
    completed,
    has_matrices,
    has_numbered_views,
    matrix_columns,
    matrix_rows,
    nominal_warning,
    numbered_views,
    require_columns,
    stack_of,
)
from libtilt.alignment.relion_project import RelionProject
from libtilt.alignment.relion_tables import RelionTables
from libtilt.alignment.sizes import Sizes
from libtilt.alignment.star import StarBlock, table
from libtilt.alignment.text import save_text
from libtilt.errors.checks import Float64Array
from libtilt.geometry.rotations import specimen_to_detector
from libtilt.geometry.sampling import centre_xyz


@attrs.frozen(eq=False)
class RelionAlignment(AlignmentFile):
    """A tilt series as RELION-5 keeps it.

    ``P = S(shift / pixel) S(image centre) Rz(ZRot) Ry(YTilt) Rx(XTilt) S(-volume centre)`` with `S`
    a translation, centres ``shape // 2``, and everything in unbinned pixels. Where the projection
    matrices ``rlnTomoProjX`` to ``W`` are there, they count instead of the angles. Before
    alignment there are only ``rlnTomoNominalStageTiltAngle`` and ``rlnTomoNominalTiltAxisAngle``:
    then they are the angles, and shifts and x-tilts are zero.

    Parameters
    ----------
    tilts : StarBlock
        One row per image, texts as they stand.
    pixel_size : float, optional
        Unbinned, of ``rlnTomoTiltSeriesPixelSize``.
    volume_shape : tuple of int, optional
        ``(d, h, w)`` unbinned, of ``rlnTomoSizeZ, Y, X``.
    acquisition : Acquisition, optional
        Pre-exposures of the tilts; voltage, aberration, contrast and hand of the series.
    series : StarBlock, optional
        The row of the table of all series, for the labels that are kept.
    warnings : tuple of str, optional
        What was taken for granted in reading.
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
    acquisition: Acquisition = attrs.field(kw_only=True, factory=Acquisition)
    series: StarBlock | None = attrs.field(kw_only=True, default=None)
    warnings: tuple[str, ...] = attrs.field(kw_only=True, default=())
    name: str = attrs.field(kw_only=True, default="the RELION alignment")

    @classmethod
    def read(cls, path: str | Path, *, name: str | None = None) -> Self:
        """Read the STAR file of one tilt series, or ``tomograms.star`` and the file that it names.

        Beside the STAR file of one series, or up to three folders above, a ``tomograms.star`` (or
        the table of another job of RELION-5) that names this very file gives its sizes. Names are
        those of the project that the file lies in: see `libtilt.alignment.relion_paths.follow`.

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
            acquisition=found.acquisition,
            series=found.series,
            warnings=found.warnings,
            name=str(found.tilts.path),
        )
        require_columns(made.tilts)
        return made

    def write(self, path: str | Path, *, overwrite: bool = False, append: bool = False) -> Path:
        """Write the STAR file of the series: ``data_global`` with its sizes, and the tilts.

        RELION reads a series from a table of its own: of the two blocks it takes the one that bears
        the name of the series. A path that ends with ``tomograms.star`` is that of a project: it
        lists the series, which is written beside it as ``tilt_series/NAME.star``, both or none.

        Parameters
        ----------
        path : path
            The file.
        overwrite : bool, optional
            Whether existing files may be replaced.
        append : bool, optional
            Whether the series joins those that ``tomograms.star`` lists, under the same labels.

        Returns
        -------
        pathlib.Path
            The path.
        """
        if Path(path).name == "tomograms.star":
            return self._project().write(Path(path), overwrite=overwrite, append=append)
        if append:
            raise ValueError(f"{path}: only a tomograms.star lists series to append to")
        text = self._project().series_text(self.tilts.name or Path(path).stem)
        return save_text(path, text, overwrite=overwrite)

    def _project(self) -> RelionProject:
        return RelionProject(
            self.tilts, self.pixel_size, self.volume_shape, self.acquisition, self.series
        )

    @property
    def missing_for_relion(self) -> tuple[str, ...]:
        """What the next jobs of RELION-5 want and nobody has said, in words.

        Examples
        --------
        >>> from libtilt.alignment import Acquisition, RelionAlignment
        >>> from libtilt.alignment.star import table
        >>> file = RelionAlignment(table("TS_1", {}), acquisition=Acquisition(voltage=300))
        >>> [text.split(":")[0] for text in file.missing_for_relion][:2]
        ['rlnSphericalAberration', 'rlnAmplitudeContrast']
        """
        return self._project().missing

    @property
    def has_matrices(self) -> bool:
        """Whether projection matrices stand in place of the angles."""
        return has_matrices(self.tilts)

    @property
    def views(self) -> NDArray[np.int64]:
        """Which image of the stack each row is, from 0: ``5@stack.mrc`` is the fifth."""
        return numbered_views(self.tilts)

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
            return matrix_rows(self.tilts)[:, :2]
        pixel_size, volume_shape = self._unbinned(sizes)
        image_shape = sizes.need("stack_shape", self.name)[1:]
        *angles, x, y = angle_columns(self.tilts, sizes)
        linear = specimen_to_detector(*angles)[:, :2]
        seen = np.stack([x, y], axis=1) / pixel_size + centre_xyz(image_shape)
        offset = seen - linear @ centre_xyz(volume_shape)
        return np.concatenate([linear, offset[:, :, np.newaxis]], axis=2)

    def _unbinned(self, sizes: Sizes) -> tuple[float, tuple[int, ...]]:
        """Return the unbinned pixel size and tomogram."""
        pixel_size = self.pixel_size or sizes.need("pixel_size", self.name)
        if sizes.pixel_size is not None and abs(sizes.pixel_size / pixel_size - 1) > 1e-3:
            raise ValueError(
                f"{self.name} is of pixels of {pixel_size:.6g} A, the stack's are "
                f"{sizes.pixel_size:.6g} A"
            )
        if self.volume_shape is None and self.has_matrices:
            # Matrices count from the tomogram's corner, angles turn about its center.
            return pixel_size, sizes.need("volume_shape", self.name)
        image_shape = sizes.need("stack_shape", self.name)[1:]
        return pixel_size, self.volume_shape or default_volume(sizes, image_shape)

    def _image_count(self, given: int | None) -> int:
        named = int(self.views.max()) + 1
        return max(named, given or 0) if has_numbered_views(self.tilts) else named

    def _used_count(self) -> int:
        return len(self.tilts.rows)

    def _alignment(self, sizes: Sizes) -> Alignment:
        """Return the geometry of the raw stack.

        A volume shape that is given is that of a tomogram of any binning, with the same center
        ``shape // 2``.
        """
        pixel_size, volume_shape = self._unbinned(sizes)
        count, *image_shape = sizes.need("stack_shape", self.name)
        plain = Alignment.from_matrices(
            self.matrices(sizes),
            source=self.name,
            views=self.views.tolist(),
            stack_shape=(count, *image_shape),
            pixel_size=pixel_size,
            volume_shape=volume_shape,
            voxel_size=pixel_size,
            stack_name=stack_of(self.tilts),
            acquisition=self.acquisition,
            warnings=(*self.warnings, *nominal_warning(self.tilts)),
        )
        return attrs.evolve(
            plain,
            volume_shape=sizes.volume_shape or volume_shape,
            voxel_size=sizes.voxel_size or pixel_size,
        )

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
        acquisition, series, name = alignment.acquisition, None, ""
        ratio = alignment.voxel_size / pixel
        unbinned = tuple(max(1, round(size * ratio)) for size in alignment.volume_shape)
        stack = alignment.stack_name or "stack.mrc"
        columns = {MICROGRAPH: [f"{view + 1:06d}@{stack}" for view in alignment.views]}
        if like is not None:
            alignment.require_views(like.views)
            columns = {label: like.tilts.column(label) for label in like.tilts.labels}
            unbinned, name = like.volume_shape or unbinned, like.tilts.name
            acquisition, series = completed(acquisition, like.acquisition), like.series
        angles = (geometry.tilt_axis_angles, geometry.tilt_angles, geometry.x_tilts)
        values = dict(zip(ANGLES + SHIFTS, (*angles, *geometry.shifts.T), strict=True))
        columns |= {label: [f"{value:.9f}" for value in column] for label, column in values.items()}
        if magnified(geometry) or all(label in columns for label in MATRIX):
            matrices = geometry.projection_matrices(
                volume_shape=unbinned, image_shape=alignment.stack_shape[1:], voxel_size=pixel
            )
            columns |= matrix_columns(matrices)
        doses = acquisition.accumulated().pre_exposures
        known = doses is not None and np.isfinite(doses).all()
        if doses is not None and known and PRE_EXPOSURE not in columns:
            columns[PRE_EXPOSURE] = [f"{dose:.6g}" for dose in doses]
        return cls(
            table(name, columns),
            pixel_size=pixel,
            volume_shape=unbinned,
            acquisition=acquisition,
            series=series,
        )
