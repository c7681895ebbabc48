"""RELION-5: the STAR file of a tilt series, and its entry in ``tomograms.star``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Self

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.alignment.acquisition import Acquisition
from libtilt.alignment.alignment import Alignment
from libtilt.alignment.base import MatrixFile
from libtilt.alignment.matrices import has_magnification
from libtilt.alignment.relion.columns import (
    ANGLES,
    MATRIX,
    MICROGRAPH,
    PRE_EXPOSURE,
    SHIFTS,
    angle_columns,
    has_matrices,
    has_numbered_views,
    matrix_columns,
    matrix_rows,
    merge_acquisitions,
    nominal_warning,
    numbered_views,
    require_columns,
    stack_name_from,
)
from libtilt.alignment.relion.paths import find_named_image
from libtilt.alignment.relion.project import RelionProject
from libtilt.alignment.relion.star import StarBlock, block_from_columns
from libtilt.alignment.relion.tables import RelionTables
from libtilt.alignment.sizes import KnownSizes, Sizes
from libtilt.errors import ArgumentError
from libtilt.errors.checks import Float64Array
from libtilt.errors.log import logger
from libtilt.geometry.affine import affine_about
from libtilt.geometry.rotations import specimen_to_detector
from libtilt.geometry.sampling import center_xyz
from libtilt.io.image_files import read_image_header


@attrs.frozen(eq=False)
class RelionAlignment(MatrixFile):
    """A tilt series of RELION-5.

    ``P = S(shift / pixel) S(image center) Rz(ZRot) Ry(YTilt) Rx(XTilt) S(-volume center)`` with `S`
    a translation, centers ``shape // 2``, and all lengths in unbinned pixels. Projection matrices
    ``rlnTomoProjX`` to ``W`` override the angles. Before alignment there are only
    ``rlnTomoNominalStageTiltAngle`` and ``rlnTomoNominalTiltAxisAngle``: these are then used, with
    zero shifts and x-tilts.

    `read` takes the STAR file of one series, or ``tomograms.star``, with ``name="TS_1"`` (the
    ``rlnTomoName``) if it lists several. Sizes of a single series come from a ``tomograms.star``
    (or the table of another RELION-5 job) that names it, beside it or up to three folders above.
    File names are relative to the project: see
    `libtilt.alignment.relion.paths.resolve_star_name`.

    Parameters
    ----------
    tilts : StarBlock
        One row per image, verbatim.
    pixel_size : float, optional
        Unbinned, from ``rlnTomoTiltSeriesPixelSize``.
    volume_shape : tuple of int, optional
        ``(d, h, w)`` unbinned, from ``rlnTomoSizeZ, Y, X``.
    acquisition : Acquisition, optional
        Pre-exposures of the tilts; voltage, spherical aberration, amplitude contrast and hand.
    series : StarBlock, optional
        Row of the series in the table of all series, whose other labels are kept.
    warnings : tuple of str, optional
        Assumptions made in reading.
    name : str, optional
        Name of the file, for messages.

    Examples
    --------
    >>> from libtilt.alignment import RelionAlignment, Sizes
    >>> from libtilt.alignment.relion.star import block_from_columns
    >>> columns = {"rlnTomoXTilt": ["0"], "rlnTomoYTilt": ["30"], "rlnTomoZRot": ["85"],
    ...            "rlnTomoXShiftAngst": ["4"], "rlnTomoYShiftAngst": ["-2"]}
    >>> tilts = block_from_columns("TS_1", columns)
    >>> file = RelionAlignment(tilts, pixel_size=2.0, volume_shape=(32, 64, 64))
    >>> geometry = file.alignment(Sizes(stack_shape=(1, 64, 64))).geometry
    >>> geometry.tilt_angles.round(6).tolist(), geometry.shifts.round(6).tolist()
    ([30.0], [[4.0, -2.0]])
    """

    format: ClassVar[str] = "relion"
    reader_options = ("name",)

    tilts: StarBlock
    pixel_size: float | None = attrs.field(kw_only=True, default=None)
    volume_shape: tuple[int, ...] | None = attrs.field(kw_only=True, default=None)
    acquisition: Acquisition = attrs.field(kw_only=True, factory=Acquisition)
    series: StarBlock | None = attrs.field(kw_only=True, default=None)
    warnings: tuple[str, ...] = attrs.field(kw_only=True, default=())
    name: str = attrs.field(kw_only=True, default="the RELION alignment")

    @classmethod
    def _parse(cls, path: Path, *, name: str | None = None) -> Self:
        found = RelionTables.find(path, name)
        require_columns(found.tilts)
        fields = {one.name: getattr(found, one.name) for one in attrs.fields(RelionTables)}
        return cls(**fields, name=str(found.tilts.path))

    def write(self, path: str | Path, *, overwrite: bool = False, append: bool = False) -> Path:
        """Write the STAR file of the series: ``data_global`` with its sizes, and the tilts.

        RELION reads the block with the name of the series. If the file name is ``tomograms.star``,
        a project is written: this file lists the series, which is written beside it as
        ``tilt_series/NAME.star``, both or none.

        Parameters
        ----------
        path : path
            The file.
        overwrite : bool, optional
            Whether existing files may be replaced.
        append : bool, optional
            Whether to add the series to an existing ``tomograms.star`` with the same labels.

        Returns
        -------
        pathlib.Path
            The path given.
        """
        if Path(path).name == "tomograms.star":
            return self._project().write(Path(path), overwrite=overwrite, append=append)
        if append:
            raise ArgumentError(
                f"{path}: append=True requires a file named tomograms.star, which lists several "
                "series",
                arguments=("append",),
            )
        return super().write(path, overwrite=overwrite)

    def _texts(self, path: Path) -> dict[Path, str]:
        return {path: self._project().series_text(self.tilts.name or path.stem)}

    def _project(self) -> RelionProject:
        return RelionProject(
            self.tilts, self.pixel_size, self.volume_shape, self.acquisition, self.series
        )

    @property
    def missing_for_relion(self) -> tuple[str, ...]:
        """Descriptions of values that the next jobs of RELION-5 need and that are missing.

        Examples
        --------
        >>> from libtilt.alignment import Acquisition, RelionAlignment
        >>> from libtilt.alignment.relion.star import block_from_columns
        >>> tilts = block_from_columns("TS_1", {})
        >>> file = RelionAlignment(tilts, acquisition=Acquisition(voltage=300))
        >>> [text.split(":")[0] for text in file.missing_for_relion][:2]
        ['rlnSphericalAberration', 'rlnAmplitudeContrast']
        """
        return self._project().missing

    @property
    def has_matrices(self) -> bool:
        """Whether projection matrices override the angles."""
        return has_matrices(self.tilts)

    @property
    def views(self) -> NDArray[np.int64]:
        """Index of each row's image in the stack, from 0: ``5@stack.mrc`` is 4."""
        return numbered_views(self.tilts)

    @property
    def image_count(self) -> int | None:
        """Number of rows, None if they name images of a stack."""
        return None if has_numbered_views(self.tilts) else len(self.tilts.rows)

    def _complete_sizes(self, sizes: Sizes) -> KnownSizes:
        pixel_size = self.pixel_size or sizes.require("pixel_size", self.name)
        if sizes.pixel_size is not None and abs(sizes.pixel_size / pixel_size - 1) > 1e-3:
            raise ValueError(
                f"{self.name} has a pixel size of {pixel_size:.6g} Å, but the stack has "
                f"{sizes.pixel_size:.6g} Å: check that it was made for this stack"
            )
        if self.volume_shape is None and self.has_matrices:
            # Matrices start at the tomogram's corner, while angles rotate about its center.
            sizes.require("volume_shape", self.name)
        volume_shape = sizes.volume_shape or self.volume_shape
        sizes = attrs.evolve(sizes, stack_shape=sizes.stack_shape or self._named_stack_shape)
        return super()._complete_sizes(
            attrs.evolve(sizes, pixel_size=pixel_size, volume_shape=volume_shape)
        )

    @property
    def _named_stack_shape(self) -> tuple[int, ...] | None:
        """``(n, h, w)`` by the header of the stack, or of the first image, that the table names."""
        names = self.tilts.column(MICROGRAPH) if MICROGRAPH in self.tilts else [""]
        stack = stack_name_from(self.tilts)
        path = find_named_image(stack or names[0], Path(self.tilts.path))
        if path is None or (stack is None and "@" in names[0]):
            return None
        shape = read_image_header(path).data.shape
        logger.info("%s: shape of the stack from %s", self.name, path)
        return shape if stack else (len(names), *shape[-2:])

    def _file_sizes(self, sizes: KnownSizes) -> KnownSizes:
        volume_shape = self.volume_shape or sizes.volume_shape
        return attrs.evolve(sizes, volume_shape=volume_shape, voxel_size=sizes.pixel_size)

    def _matrices(self, sizes: KnownSizes) -> Float64Array:
        if self.has_matrices:
            return matrix_rows(self.tilts)[:, :2]
        *angles, x, y = angle_columns(self.tilts, sizes)
        linear = specimen_to_detector(*angles)[:, :2]
        seen = np.stack([x, y], axis=1) / sizes.pixel_size + center_xyz(sizes.image_shape)
        return affine_about(linear, center_xyz(sizes.volume_shape), seen)

    def _extra_fields(self, sizes: KnownSizes, given: Sizes) -> dict[str, Any]:
        return {
            "stack_name": stack_name_from(self.tilts),
            "acquisition": self.acquisition,
            "warnings": (*self.warnings, *nominal_warning(self.tilts, given)),
        }

    @classmethod
    def _from_alignment(cls, alignment: Alignment, like: Self | None) -> Self:
        geometry, pixel = alignment.geometry, alignment.pixel_size
        acquisition, series, name = alignment.acquisition, None, ""
        ratio = alignment.voxel_size / pixel
        unbinned = tuple(max(1, round(size * ratio)) for size in alignment.volume_shape)
        stack = alignment.stack_name or "stack.mrc"
        columns = {MICROGRAPH: [f"{view + 1:06d}@{stack}" for view in alignment.views]}
        if like is not None:
            alignment.require_same_views(like.views)
            columns = {label: like.tilts.column(label) for label in like.tilts.labels}
            unbinned, name = like.volume_shape or unbinned, like.tilts.name
            acquisition, series = merge_acquisitions(acquisition, like.acquisition), like.series
        angles = (geometry.tilt_axis_angles, geometry.tilt_angles, geometry.x_tilts)
        values = dict(zip(ANGLES + SHIFTS, (*angles, *geometry.shifts.T), strict=True))
        columns |= {label: [f"{value:.9f}" for value in column] for label, column in values.items()}
        if has_magnification(geometry) or all(label in columns for label in MATRIX):
            matrices = geometry.projection_matrices(
                volume_shape=unbinned, image_shape=alignment.stack_shape[1:], voxel_size=pixel
            )
            columns |= matrix_columns(matrices)
        doses = acquisition.accumulated().pre_exposures
        known = doses is not None and np.isfinite(doses).all()
        if doses is not None and known and PRE_EXPOSURE not in columns:
            columns[PRE_EXPOSURE] = [f"{dose:.6g}" for dose in doses]
        return cls(
            block_from_columns(name, columns),
            pixel_size=pixel,
            volume_shape=unbinned,
            acquisition=acquisition,
            series=series,
        )
