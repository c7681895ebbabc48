"""`Alignment`: a geometry with the stack and the tomogram that it belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.alignment.acquisition import Acquisition
from libtilt.alignment.excluded import ExcludedTilts
from libtilt.alignment.matrices import geometry_from_matrices
from libtilt.alignment.sizes import KnownSizes, to_stack_shape, to_voxel_size
from libtilt.errors import LibtiltWarning
from libtilt.errors.checks import (
    Float64Array,
    integers_of,
    locked,
    to_pixel_size,
    to_volume_shape,
)
from libtilt.geometry import TiltGeometry, require_geometry
from libtilt.geometry.image_data import format_shape


def _views_converter(value: Any) -> NDArray[np.int64]:
    views = list(value)
    return locked(np.array(integers_of(views, len(views), "views"), dtype=np.int64))


def _warnings_converter(value: Iterable[LibtiltWarning | str]) -> tuple[LibtiltWarning, ...]:
    return tuple(LibtiltWarning(text) if isinstance(text, str) else text for text in value)


@attrs.frozen(eq=False)
class Alignment:
    """Mapping from the voxels of a tomogram to the pixels of a raw stack.

    Parameters
    ----------
    geometry : TiltGeometry
        One tilt per view, between the centers (``shape // 2``) of tomogram and raw images.
    views : array_like of int, shape (n,)
        Index of each tilt's image in the stack, from 0. Excluded images have no tilt.
    stack_shape : tuple of int
        ``(images, h, w)`` of the raw stack.
    pixel_size : float
        Pixel size of the raw stack, in angstroms.
    volume_shape : tuple of int
        ``(d, h, w)`` of the tomogram, in its own voxels.
    voxel_size : float
        Voxel size of the tomogram, in angstroms.
    unsupported : tuple of str, optional
        Contents of the file that a geometry cannot hold, such as local alignments.
    stack_name : str, optional
        File name of the raw stack, for formats that hold it.
    acquisition : Acquisition, optional
        Acquisition order, exposures and microscope parameters, as far as known.
    excluded_tilts : ExcludedTilts, optional
        Known tilts of excluded images: one entry for each of `excluded`.
    notes : tuple of str, optional
        Safe conclusions where the file does not say something.
    warnings : tuple of LibtiltWarning or str, optional
        Assumptions that should be checked; `open_alignment` issues them.

    Raises
    ------
    TypeError
        If `geometry` is not a TiltGeometry.
    ValueError
        If the views do not match the geometry or the stack, or `excluded_tilts` does not match
        the excluded images.

    Examples
    --------
    >>> from libtilt import TiltGeometry
    >>> from libtilt.alignment import Alignment
    >>> alignment = Alignment(
    ...     TiltGeometry.from_tilt_angles([-3, 3]), views=[0, 2], stack_shape=(3, 64, 64),
    ...     pixel_size=2.0, volume_shape=(32, 64, 64), voxel_size=2.0,
    ... )
    >>> alignment.excluded.tolist()
    [1]
    >>> (alignment.projection_matrices() @ [32, 32, 16, 1]).round(6).tolist()
    [[32.0, 32.0], [32.0, 32.0]]
    """

    geometry: TiltGeometry = attrs.field(validator=require_geometry)
    views: NDArray[np.int64] = attrs.field(kw_only=True, converter=_views_converter)
    stack_shape: tuple[int, ...] = attrs.field(kw_only=True, converter=to_stack_shape)
    pixel_size: float = attrs.field(kw_only=True, converter=to_pixel_size)
    volume_shape: tuple[int, ...] = attrs.field(kw_only=True, converter=to_volume_shape)
    voxel_size: float = attrs.field(kw_only=True, converter=to_voxel_size)
    unsupported: tuple[str, ...] = attrs.field(kw_only=True, default=())
    stack_name: str | None = attrs.field(kw_only=True, default=None)
    acquisition: Acquisition = attrs.field(kw_only=True, factory=Acquisition)
    excluded_tilts: ExcludedTilts | None = attrs.field(kw_only=True, default=None)
    notes: tuple[str, ...] = attrs.field(kw_only=True, default=())
    warnings: tuple[LibtiltWarning, ...] = attrs.field(
        kw_only=True, default=(), converter=_warnings_converter
    )

    @acquisition.validator
    def _check_acquisition(self, _: Any, value: Acquisition) -> None:
        value.require_count(len(self.views))

    @views.validator
    def _check_views(self, _: Any, views: NDArray[np.int64]) -> None:
        if len(views) != len(self.geometry):
            raise ValueError(
                f"views must have one entry per tilt: expected {len(self.geometry)}, "
                f"got {len(views)}"
            )

    @stack_shape.validator
    def _check_stack(self, _: Any, shape: tuple[int, ...]) -> None:
        if len(np.unique(self.views)) != len(self.views):
            raise ValueError(f"views must differ from each other, got {self.views.tolist()}")
        if self.views.min() < 0 or self.views.max() >= shape[0]:
            raise ValueError(
                f"views must lie between 0 and {shape[0] - 1} for a stack of {shape[0]} images, "
                f"got {int(self.views.min())} to {int(self.views.max())}"
            )

    @excluded_tilts.validator
    def _check_excluded(self, _: Any, value: ExcludedTilts | None) -> None:
        if value is not None and len(value) != self.excluded.size:
            raise ValueError(
                f"excluded_tilts must have one entry per excluded image: expected "
                f"{self.excluded.size}, got {len(value)}"
            )

    def __repr__(self) -> str:
        facts = self._summary()
        tilts = f"{facts.pop('tilts')}, tilt axis at {facts.pop('tilt axis angle')}"
        rest = [f"{name}: {value}" for name, value in facts.items()]
        return f"{type(self).__name__}({', '.join([tilts, *rest])})"

    def _summary(self) -> dict[str, str]:
        """Return the properties that `repr` and a notebook show."""
        (count, height, width), excluded = self.stack_shape, self.excluded.tolist()
        some = f"{len(excluded)} of {count}"
        facts = {
            **self.geometry._summary(),
            "order": self.acquisition.describe_scheme(self.geometry.tilt_angles),
            "exposure": self.acquisition.describe_exposure(),
            "excluded views": ", ".join(map(str, excluded)) if len(excluded) < 10 else some,
            "images": f"{height} x {width} pixels of {self.pixel_size:.4g} Å",
            "tomogram": f"{format_shape(self.volume_shape)} voxels of {self.voxel_size:.4g} Å",
        }
        return {name: fact for name, fact in facts.items() if fact not in ("", "unknown")}

    def _repr_html_(self) -> str:
        from libtilt.drawing.facts import facts_table

        return facts_table(type(self).__name__, self._summary())

    @classmethod
    def from_matrices(
        cls, matrices: Float64Array, *, source: str = "the alignment", **fields: Any
    ) -> Self:
        """Create an alignment from matrices that map voxel indices to raw pixel indices.

        Parameters
        ----------
        matrices : ndarray, shape (n, 2, 4)
            ``(x, y, z, 1)`` to ``(u, v)``.
        source : str, optional
            Where the matrices come from, for messages.
        **fields
            The other fields of the class.

        Returns
        -------
        Alignment

        Raises
        ------
        ValueError
            If a matrix is singular, or the fields do not match.

        Examples
        --------
        >>> import numpy as np
        >>> from libtilt.alignment import Alignment
        >>> Alignment.from_matrices(
        ...     np.eye(3, 4)[np.newaxis, :2], views=[0], stack_shape=(1, 8, 8), pixel_size=1.0,
        ...     volume_shape=(8, 8, 8), voxel_size=1.0,
        ... ).geometry.shifts.tolist()
        [[0.0, 0.0]]
        """
        sizes = KnownSizes(**{one.name: fields.get(one.name) for one in attrs.fields(KnownSizes)})
        geometry = geometry_from_matrices(matrices, sizes, source=source)
        return cls(geometry, **fields)

    @property
    def sizes(self) -> KnownSizes:
        """Sizes of stack and tomogram."""
        return KnownSizes(
            stack_shape=self.stack_shape,
            pixel_size=self.pixel_size,
            volume_shape=self.volume_shape,
            voxel_size=self.voxel_size,
        )

    @property
    def excluded(self) -> NDArray[np.int64]:
        """Indices of images without a tilt, from 0."""
        return np.setdiff1d(np.arange(self.stack_shape[0]), self.views)

    @property
    def excluded_tilt_angles(self) -> Float64Array:
        """Tilt angles of excluded images in degrees, NaN where unknown."""
        if self.excluded_tilts is None:
            return np.full(self.excluded.size, np.nan)
        return self.excluded_tilts.tilt_angles

    def all_tilt_angles(self) -> Float64Array:
        """Return the tilt angle of every image of the stack, interpolated where unknown."""
        return self.interpolate_to_stack(
            self.geometry.tilt_angles, excluded=self.excluded_tilt_angles
        )

    def interpolate_to_stack(
        self, values: Float64Array, *, excluded: Float64Array | float = np.nan
    ) -> Float64Array:
        """Return one value per image of the stack, interpolated where values are NaN.

        `values` belong to `views`; images without a tilt take the values `excluded`.
        """
        every = np.full(self.stack_shape[0], np.nan)
        every[self.views], every[self.excluded] = values, excluded
        known = np.flatnonzero(np.isfinite(every))
        between: Float64Array = np.interp(np.arange(len(every)), known, every[known])
        return between

    def include_excluded(self) -> Self:
        """Return an alignment that includes excluded images if their geometry is known."""
        tilts = None if self.excluded_tilts is None else self.excluded_tilts.geometry
        if tilts is None or not len(tilts):
            return self
        return attrs.evolve(
            self,
            geometry=TiltGeometry.concatenate([self.geometry, tilts]),
            views=[*self.views.tolist(), *self.excluded.tolist()],
            excluded_tilts=None,
            acquisition=Acquisition(),
        )

    def full_stack_order(self, format_name: str) -> NDArray[np.intp]:
        """Return the indices that sort the views; raise if an image is excluded."""
        if self.excluded.size:
            raise ValueError(
                f"{format_name} must hold every image of the stack, but {self.excluded.size} of "
                f"{self.stack_shape[0]} are excluded: write a format that can exclude images, "
                "such as .star or .aln"
            )
        return np.argsort(self.views)

    def require_same_views(self, views: NDArray[np.int64]) -> None:
        """Raise a ValueError unless the template `like` has the same views."""
        if views.tolist() != self.views.tolist():
            raise ValueError(
                f"like must have the same images in the same order, from 0: expected "
                f"{self.views.tolist()}, got {views.tolist()}"
            )

    def projection_matrices(self) -> Float64Array:
        """Return `(n, 2, 4)` matrices from voxel index ``(x, y, z, 1)`` to raw pixel ``(u, v)``.

        Returns
        -------
        ndarray, shape (n, 2, 4)

        Examples
        --------
        See the class.
        """
        matrices = self.geometry.projection_matrices(
            volume_shape=self.volume_shape,
            image_shape=self.stack_shape[1:],
            voxel_size=self.voxel_size,
            pixel_size=self.pixel_size,
        )
        return matrices[:, :2]

    def distance(self, other: Alignment) -> float:
        """Return the largest distance between projected tomogram corners, in raw pixels.

        Views are matched by image, in any order.

        Parameters
        ----------
        other : Alignment
            An alignment of the same stack and tomogram.

        Returns
        -------
        float
            The maximum over all tilts; infinite if the views differ.

        Examples
        --------
        >>> import attrs
        >>> from libtilt import TiltGeometry
        >>> from libtilt.alignment import Alignment
        >>> one = Alignment(
        ...     TiltGeometry.from_tilt_angles([-3, 3]), views=[0, 1], stack_shape=(2, 64, 64),
        ...     pixel_size=2.0, volume_shape=(32, 64, 64), voxel_size=2.0,
        ... )
        >>> moved = attrs.evolve(one, geometry=one.geometry.evolve(shifts=(6, 8)))
        >>> round(one.distance(moved), 6)
        5.0
        """
        orders = [np.argsort(alignment.views) for alignment in (self, other)]
        if self.views[orders[0]].tolist() != other.views[orders[1]].tolist():
            return float("inf")
        d, h, w = (size - 1 for size in self.volume_shape)
        corners = np.array(np.meshgrid([0, w], [0, h], [0, d], [1])).reshape(4, -1)
        here, there = self.projection_matrices()[orders[0]], other.projection_matrices()[orders[1]]
        apart = (here - there) @ corners
        return float(np.linalg.norm(apart, axis=1).max())
