"""`TiltGeometry`: orientation, shift and magnification of every tilt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import attrs
import numpy as np
from numpy.typing import ArrayLike

from libtilt.errors import MissingArgumentError
from libtilt.errors.checks import (
    LARGEST_AXIS,
    LARGEST_TILT,
    Float64Array,
    finite_array,
    locked,
    per_tilt_values,
    require_kind,
    to_pixel_size,
    to_voxel_size,
)
from libtilt.geometry.affine import invert_affine, to_homogeneous
from libtilt.geometry.describing import (
    describe_rotations,
    describe_shifts,
    describe_tilt_axis,
    describe_tilts,
)
from libtilt.geometry.frozen_classes import added_facts, frozen
from libtilt.geometry.image_grid import ImageGrid
from libtilt.geometry.json_file import from_geometry_call
from libtilt.geometry.json_file import read as read_json
from libtilt.geometry.json_file import write as write_json
from libtilt.geometry.per_tilt import (
    PER_TILT,
    join_per_tilt,
    per_tilt_fields,
    require_per_tilt,
    required_fields,
    tilt_index,
)
from libtilt.geometry.rotations import (
    as_rotation_matrices,
    decompose_zyx,
    euler_rotations,
    require_affine,
    require_rotations,
    specimen_to_detector,
)
from libtilt.geometry.sampling import sampling_grids
from libtilt.geometry.tolerances import MAGNIFICATION_TOLERANCE
from libtilt.geometry.volume_grid import VolumeGrid

if TYPE_CHECKING:
    from scipy.spatial.transform import Rotation


def _matrices_converter(value: Any) -> Float64Array:
    return finite_array(as_rotation_matrices(value, "rotation_matrices"), "rotation_matrices")


def _magnifications_converter(value: ArrayLike, geometry: Any) -> Float64Array:
    count = len(geometry.rotation_matrices)
    matrices = finite_array(value, "magnifications")
    if matrices.shape not in ((2, 2), (count, 2, 2)):
        raise ValueError(
            "magnifications must be a 2 x 2 matrix, or one per tilt: expected "
            f"({count}, 2, 2), got {matrices.shape}"
        )
    for tilt, determinant in enumerate(np.atleast_1d(np.linalg.det(matrices))):
        if determinant <= 0:
            raise ValueError(
                f"magnifications[{tilt}] must have a positive determinant, got {determinant:.6g}: "
                "the matrix mirrors or flattens the image"
            )
    return locked(np.ascontiguousarray(np.broadcast_to(matrices, (count, 2, 2))))


def _shifts_converter(value: ArrayLike, geometry: Any) -> Float64Array:
    count = len(geometry.rotation_matrices)
    shifts = finite_array(value, "shifts")
    if shifts.shape == () and shifts != 0:
        raise ValueError(
            f"shifts must be x, y in angstroms, one row per tilt or one for all, got {value!r}; "
            f"for the same shift along both axes, pass ({value!r}, {value!r})"
        )
    if shifts.shape not in ((), (2,), (count, 2)):
        raise ValueError(
            f"shifts must have one row per tilt: expected ({count}, 2), got {shifts.shape}"
        )
    return locked(np.ascontiguousarray(np.broadcast_to(shifts, (count, 2))))


@frozen
class TiltGeometry:
    """A set of detector orientations, in-plane shifts and magnifications, one per tilt.

    Parameters
    ----------
    rotation_matrices : ndarray, shape (n, 3, 3)
        Detector frame to specimen frame, acting on column vectors x, y, z: each matrix rotates the
        sampling grid of its image (the passive sense). Proper rotations to within 1e-6.
    shifts : array_like, shape (n, 2) or (2,), optional
        Position of the specimen's center on each image: detector x, y in angstroms from the
        image's center ``shape // 2``.
    magnifications : array_like, shape (n, 2, 2) or (2, 2), optional
        Linear map of detector x, y that scales and stretches each image about the specimen's
        center, after the rotation and before the shift. The identity by default; matrices that
        mirror are refused.

    Raises
    ------
    ValueError
        If a matrix is not a rotation, a shape or value is invalid (the message names the tilt), or
        a field per tilt of a subclass does not have one entry per tilt.

    See Also
    --------
    from_tilt_angles : the usual constructor.

    Examples
    --------
    >>> from libtilt import TiltGeometry
    >>> geometry = TiltGeometry.from_tilt_angles([-60, 0, 60], tilt_axis_angle=85)
    >>> geometry
    TiltGeometry(rotation_matrices=3 tilts from -60° to 60° in steps of 60°, tilt axis at 85°,
                 shifts=0)
    >>> geometry.tilt_angles.round(6).tolist()
    [-60.0, 0.0, 60.0]
    >>> len(geometry[geometry.tilt_angles > -30])
    2
    """

    rotation_matrices: Float64Array = attrs.field(
        converter=_matrices_converter, repr=describe_rotations, metadata=PER_TILT
    )
    shifts: Float64Array = attrs.field(
        default=0.0,
        kw_only=True,
        converter=attrs.Converter(_shifts_converter, takes_self=True),  # type: ignore[misc]
        repr=describe_shifts,
        metadata=PER_TILT,
    )

    magnifications: Float64Array = attrs.field(
        default=((1.0, 0.0), (0.0, 1.0)),
        kw_only=True,
        converter=attrs.Converter(_magnifications_converter, takes_self=True),  # type: ignore[misc]
        repr=False,
        metadata=PER_TILT,
    )

    @rotation_matrices.validator
    def _check_rotations(self, _: Any, value: Float64Array) -> None:
        require_rotations(value, "rotation_matrices")
        require_per_tilt(self, len(value))

    @classmethod
    def from_tilt_angles(
        cls,
        tilt_angles: ArrayLike,
        *,
        tilt_axis_angle: ArrayLike = 0.0,
        x_tilts: ArrayLike = 0.0,
        shifts: ArrayLike = 0.0,
        **fields: Any,
    ) -> Self:
        """Make a geometry from the tilt angles of the specimen, in the field's convention.

        Specimen to detector is ``Rz(tilt_axis_angle) @ Ry(tilt_angle) @ Rx(x_tilt)``, the sense
        and the handedness of RELION-5, AreTomo and an IMOD tomogram turned by ``trimvol -rx``.

        Parameters
        ----------
        tilt_angles : array_like, shape (n,)
            Degrees.
        tilt_axis_angle, x_tilts : array_like, shape () or (n,), optional
            Degrees, one for all tilts or one per tilt.
        shifts, **fields
            As in the class; `fields` are magnifications and the fields of a subclass.

        Raises
        ------
        ValueError
            If the lengths differ, a value is not finite, tilt angles or x-tilts are beyond 180 or
            the tilt axis angle beyond 360 degrees.

        Examples
        --------
        >>> from libtilt import TiltGeometry
        >>> TiltGeometry.from_tilt_angles([90]).rotation_matrices[0].tolist()
        [[0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
        """
        tilts = np.atleast_1d(finite_array(tilt_angles, "tilt_angles", largest=LARGEST_TILT))
        if tilts.ndim != 1 or tilts.size == 0:
            raise ValueError(f"tilt_angles must have shape (n,) with n >= 1, got {tilts.shape}")
        axes = per_tilt_values(tilt_axis_angle, len(tilts), "tilt_axis_angle", largest=LARGEST_AXIS)
        x = per_tilt_values(x_tilts, len(tilts), "x_tilts", largest=LARGEST_TILT)
        matrices = specimen_to_detector(axes, tilts, x).transpose(0, 2, 1)
        return cls(matrices, shifts=shifts, **fields)

    @classmethod
    def from_rotations(
        cls, rotations: Rotation | ArrayLike, *, shifts: ArrayLike = 0.0, **fields: Any
    ) -> Self:
        """Make a geometry from SciPy rotations or matrices that rotate the sampling grid.

        Parameters
        ----------
        rotations : scipy.spatial.transform.Rotation or array_like, shape (n, 3, 3) or (3, 3)
            Detector frame to specimen frame.
        shifts, **fields
            As in the class; `fields` are magnifications and the fields of a subclass.

        Raises
        ------
        ValueError
            If a matrix is not a rotation.

        Examples
        --------
        >>> from scipy.spatial.transform import Rotation
        >>> from libtilt import TiltGeometry
        >>> rotations = Rotation.random(5, random_state=0)
        >>> len(TiltGeometry.from_rotations(rotations))
        5
        """
        return cls(as_rotation_matrices(rotations, "rotations"), shifts=shifts, **fields)

    @classmethod
    def from_euler(
        cls,
        seq: str,
        angles: ArrayLike,
        degrees: bool = True,
        *,
        shifts: ArrayLike = 0.0,
        **fields: Any,
    ) -> Self:
        """Make a geometry from Euler angles of the sampling grid, in SciPy's convention.

        Parameters
        ----------
        seq : str
            Axes as in `scipy.spatial.transform.Rotation.from_euler`: lower case extrinsic, upper
            case intrinsic.
        angles : array_like, shape (n,) for one axis, else (n, len(seq))
            One rotation per row.
        degrees : bool, optional
            Whether `angles` are degrees (the default) or radians.
        shifts, **fields
            As in the class; `fields` are magnifications and the fields of a subclass.

        Raises
        ------
        ValueError
            If SciPy does not accept `seq`, or the shape of the angles does not fit it.

        Examples
        --------
        Rotating the grid by an angle is rotating the specimen by the opposite angle:

        >>> from libtilt import TiltGeometry
        >>> TiltGeometry.from_euler("y", [-30, 30]).tilt_angles.round(6).tolist()
        [30.0, -30.0]
        """
        return cls.from_rotations(euler_rotations(seq, angles, degrees), shifts=shifts, **fields)

    @classmethod
    def from_geometry(cls, geometry: TiltGeometry, **fields: Any) -> Self:
        """Make a geometry of this class from one of another class, with the same tilts.

        Parameters
        ----------
        geometry : TiltGeometry
            Its fields that this class has are taken over, and others are left out.
        **fields
            Fields that this class adds, or that replace those of `geometry`.

        Raises
        ------
        TypeError
            If `geometry` is not a `TiltGeometry`.
        MissingArgumentError
            If a required field is missing, naming it.

        Examples
        --------
        >>> import attrs, numpy as np
        >>> from libtilt import TiltGeometry, frozen
        >>> from libtilt.geometry.per_tilt import PER_TILT
        >>> @frozen
        ... class DosedGeometry(TiltGeometry):
        ...     doses: np.ndarray = attrs.field(kw_only=True, metadata=PER_TILT)
        >>> geometry = TiltGeometry.from_tilt_angles([0, 3])
        >>> DosedGeometry.from_geometry(geometry, doses=np.array([0.0, 2.0]))[1].doses.tolist()
        [2.0]
        """
        require_kind(geometry, TiltGeometry, "geometry")
        known = {field.alias for field in attrs.fields(cls) if field.init}
        taken = {
            field.alias: getattr(geometry, field.name)
            for field in attrs.fields(type(geometry))
            if field.alias in known
        }
        made = taken | fields
        if missing := required_fields(cls, made):
            raise MissingArgumentError(
                f"geometry must have {', '.join(missing)}, required by {cls.__name__}: pass "
                f"{from_geometry_call(cls, missing)}",
                arguments=("geometry",),
            )
        return cls(**made)

    @classmethod
    def from_projection_matrices(
        cls,
        matrices: ArrayLike,
        *,
        volume_shape: tuple[int, ...],
        image_shape: tuple[int, ...],
        voxel_size: ArrayLike = 1.0,
        pixel_size: float | None = None,
        center: ArrayLike = (0.0, 0.0, 0.0),
        **fields: Any,
    ) -> Self:
        """Make a geometry from 4 x 4 projection matrices, the inverse of `projection_matrices`.

        A shift along the beam does not change a projection and is dropped. Matrices with
        magnifications are refused.

        Parameters
        ----------
        matrices : array_like, shape (n, 4, 4)
            Voxel indices ``x, y, z, 1`` to pixel indices ``u, v, depth, 1``.
        volume_shape, image_shape, voxel_size, pixel_size, center
            As in `projection_matrices`.
        **fields
            Fields of a subclass.

        Raises
        ------
        ValueError
            If a matrix is not a rotation and a shift at the given spacings.

        Examples
        --------
        >>> from libtilt import TiltGeometry
        >>> geometry = TiltGeometry.from_tilt_angles([10, 20], shifts=[[1, 2], [3, 4]])
        >>> shapes = {"volume_shape": (8, 9, 10), "image_shape": (9, 10)}
        >>> matrices = geometry.projection_matrices(**shapes)
        >>> TiltGeometry.from_projection_matrices(matrices, **shapes).shifts.round(6).tolist()
        [[1.0, 2.0], [3.0, 4.0]]
        """
        projections = finite_array(matrices, "matrices")
        if projections.ndim != 3 or projections.shape[1:] != (4, 4):
            raise ValueError(f"matrices must have shape (n, 4, 4), got {projections.shape}")
        spacing = to_voxel_size(voxel_size)
        pixel = to_pixel_size(spacing[0] if pixel_size is None else pixel_size)
        require_affine(projections, "matrices")
        linear = np.linalg.inv(projections[:, :3, :3]) * spacing[:, np.newaxis]
        linear[:, :, :2] /= pixel
        linear[:, :, 2] /= np.linalg.norm(linear[:, :, 2], axis=1, keepdims=True)
        require_rotations(linear, "matrices (with their scale removed)")
        unshifted = cls(linear, **fields).projection_matrices(
            volume_shape=volume_shape,
            image_shape=image_shape,
            voxel_size=spacing,
            pixel_size=pixel,
            center=center,
        )
        shifts = (projections[:, :2, 3] - unshifted[:, :2, 3]) * pixel
        return cls(linear, shifts=shifts, **fields)

    @property
    def tilt_angles(self) -> Float64Array:
        """Tilt angles in degrees, `(n,)`: the y angles of ``Rz @ Ry @ Rx``."""
        return self._angles()[1]

    @property
    def tilt_axis_angles(self) -> Float64Array:
        """Angles of the tilt axis from the images' y axis in degrees, `(n,)`: the z angles."""
        return self._angles()[0]

    @property
    def x_tilts(self) -> Float64Array:
        """Rotations about the specimen's x axis in degrees, `(n,)`: the x angles."""
        return self._angles()[2]

    @property
    def beam_directions(self) -> Float64Array:
        """Unit vectors x, y, z of the beam in the specimen frame, `(n, 3)`."""
        return self.rotation_matrices[:, :, 2]

    def _angles(self) -> tuple[Float64Array, Float64Array, Float64Array]:
        return decompose_zyx(self.rotation_matrices.transpose(0, 2, 1))

    def projection_matrices(
        self,
        *,
        volume_shape: tuple[int, ...],
        image_shape: tuple[int, ...],
        voxel_size: ArrayLike = 1.0,
        pixel_size: float | None = None,
        center: ArrayLike = (0.0, 0.0, 0.0),
    ) -> Float64Array:
        """Return the matrices from voxel indices to pixel indices.

        Parameters
        ----------
        volume_shape : tuple of int
            ``(d, h, w)``.
        image_shape : tuple of int
            ``(h, w)``.
        voxel_size : float or (3,), optional
            Angstroms, x, y, z.
        pixel_size : float, optional
            Angstroms; by default the voxel size along x.
        center : array_like, shape (3,), optional
            Position of the voxel at ``volume_shape // 2``, as in `libtilt.VolumeGrid`.

        Returns
        -------
        ndarray, shape (n, 4, 4)
            Column vectors ``x, y, z, 1`` to ``u, v, depth, 1``; depth is in steps from the plane
            through the rotation center.

        Raises
        ------
        ValueError
            If a shape or a spacing is not positive.

        Examples
        --------
        The center ``shape // 2`` of the volume projects onto the center of the image:

        >>> from libtilt import TiltGeometry
        >>> geometry = TiltGeometry.from_tilt_angles([25])
        >>> matrix = geometry.projection_matrices(volume_shape=(8, 8, 8), image_shape=(6, 7))[0]
        >>> (matrix @ [4, 4, 4, 1]).round(9).tolist()
        [3.0, 3.0, 0.0, 1.0]
        """
        volume = VolumeGrid(volume_shape, voxel_size, center)
        images = ImageGrid(image_shape, volume.voxel_size[0] if pixel_size is None else pixel_size)
        grids = sampling_grids(
            self.rotation_matrices, self.shifts, self.magnifications, volume, images
        )
        return to_homogeneous(invert_affine(grids))

    def project_points(self, points_xyz: ArrayLike) -> Float64Array:
        """Project points onto the detector at every tilt.

        Parameters
        ----------
        points_xyz : array_like, shape (m, 3) or (3,)
            Angstroms from the specimen's center.

        Returns
        -------
        ndarray, shape (n, m, 2) or (n, 2)
            Detector x, y in angstroms from the image's center.

        Raises
        ------
        ValueError
            If a point does not have three finite coordinates.

        Examples
        --------
        A point above the tilt axis moves to positive x at a positive tilt:

        >>> from libtilt import TiltGeometry
        >>> TiltGeometry.from_tilt_angles([0, 90]).project_points([0, 0, 10]).tolist()
        [[0.0, 0.0], [10.0, 0.0]]
        """
        points = finite_array(points_xyz, "points_xyz")
        if points.ndim not in (1, 2) or points.shape[-1] != 3:
            raise ValueError(f"points_xyz must have shape (m, 3), got {points.shape}")
        rotated = np.atleast_2d(points) @ self.rotation_matrices[:, :, :2]
        stretched = rotated @ self.magnifications.transpose(0, 2, 1)
        projected: Float64Array = stretched + self.shifts[:, np.newaxis]
        return projected if points.ndim == 2 else projected[:, 0]

    def _summary(self) -> dict[str, str]:
        """Return the properties that a notebook lists."""
        facts = {
            "tilts": describe_tilts(self.tilt_angles),
            "tilt axis angle": describe_tilt_axis(self.tilt_axis_angles),
            "shifts": describe_shifts(self.shifts),
        }
        stretched = np.abs(self.magnifications - np.eye(2)).max() > MAGNIFICATION_TOLERANCE
        facts |= {"magnifications": "yes"} if stretched else {}
        return facts | added_facts(self, TiltGeometry)

    def _repr_html_(self) -> str:
        from libtilt.drawing.facts import facts_table

        return facts_table(type(self).__name__, self._summary())

    def __len__(self) -> int:
        return len(self.rotation_matrices)

    def __getitem__(self, index: Any) -> Self:
        return self.evolve(**per_tilt_fields(self, tilt_index(index, len(self))))

    def __iter__(self) -> Iterator[Self]:
        return (self[tilt] for tilt in range(len(self)))

    def evolve(self, **changes: Any) -> Self:
        """Return a copy with some fields changed, as `attrs.evolve` does.

        Examples
        --------
        >>> from libtilt import TiltGeometry
        >>> TiltGeometry.from_tilt_angles([0, 3]).evolve(shifts=(5, 0)).shifts.tolist()
        [[5.0, 0.0], [5.0, 0.0]]
        """
        return attrs.evolve(self, **changes)

    def sort(self) -> Self:
        """Return the geometry in order of increasing tilt angle.

        Examples
        --------
        >>> from libtilt import TiltGeometry
        >>> TiltGeometry.from_tilt_angles([0, 3, -3]).sort().tilt_angles.round(6).tolist()
        [-3.0, 0.0, 3.0]
        """
        return self[np.argsort(self.tilt_angles, kind="stable")]

    @classmethod
    def concatenate(cls, geometries: Iterable[Self]) -> Self:
        """Join geometries of one class; fields that are not per tilt come from the first.

        Raises
        ------
        ValueError
            If there is no geometry, or a field per tilt is None for some of them only.
        TypeError
            If their classes differ.

        Examples
        --------
        >>> from libtilt import TiltGeometry
        >>> halves = [TiltGeometry.from_tilt_angles([-3, 0]), TiltGeometry.from_tilt_angles([3])]
        >>> len(TiltGeometry.concatenate(halves))
        3
        """
        listed = list(geometries)
        if not listed:
            raise ValueError("geometries must contain at least one geometry, got none")
        if len({type(part) for part in listed}) > 1:
            names = ", ".join(sorted({type(part).__name__ for part in listed}))
            raise TypeError(f"geometries must be of one class, got {names}")
        return listed[0].evolve(**join_per_tilt(listed))

    def to_json(self, path: str | Path | None = None, *, overwrite: bool = False) -> str:
        """Return the geometry as lossless JSON text, and write it to `path` if given.

        Raises
        ------
        FileExistsError
            If the file exists and `overwrite` is false.

        Examples
        --------
        >>> from libtilt import TiltGeometry
        >>> geometry = TiltGeometry.from_tilt_angles([-60, 60])
        >>> TiltGeometry.from_json(geometry.to_json()) == geometry
        True
        """
        return write_json(self, path, overwrite=overwrite)

    @classmethod
    def from_json(cls, source: str | Path) -> Self:
        """Read a geometry from JSON text, which starts with a brace, or from the path of a file.

        Raises
        ------
        ValueError
            If the text or file does not hold a geometry, or lacks a required field of a subclass;
            the message names the file.

        Warns
        -----
        LibtiltWarning
            If the text or file has fields of a subclass that this class lacks; they are not read.
        """
        return read_json(cls, source)


def require_geometry(_: Any, field: Any, value: Any) -> None:
    """Raise unless `value` is a `TiltGeometry` (an attrs validator)."""
    require_kind(value, TiltGeometry, field.name)


def as_geometry_type(geometry: TiltGeometry, kind: type[TiltGeometry]) -> TiltGeometry:
    """Convert a geometry to a subclass; raise an error that names required fields it lacks."""
    return geometry if isinstance(geometry, kind) else kind.from_geometry(geometry)


def require_geometry_type(value: Any, owner: type) -> None:
    """Raise a TypeError unless `value` is of the `geometry_type` of its owner's class."""
    require_kind(value, TiltGeometry, "geometry")
    kind: type[TiltGeometry] = getattr(owner, "geometry_type", TiltGeometry)
    if not isinstance(value, kind):
        known = {field.alias for field in attrs.fields(type(value))}
        raise TypeError(
            f"geometry must be a {kind.__name__}, the geometry_type of {owner.__name__}, got "
            f"{type(value).__name__}: pass "
            f"{from_geometry_call(kind, required_fields(kind, known))}"
        )
