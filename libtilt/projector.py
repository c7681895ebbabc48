"""`Projector`: from a volume to its tilt series, and back by the exact adjoint."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import attrs
import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from scipy.sparse.linalg import LinearOperator

from libtilt._checks import (
    Float64Array,
    floating_dtype,
    locked_state,
    may_overflow,
    one_of,
    positive_float,
    positive_integer,
    real_data,
    require_finite,
    require_result,
    to_image_shape,
    to_pixel_size,
    to_volume_shape,
    to_voxel_size,
)
from libtilt.backends.base import DRIVEN, Backend, Plan, SamplingSpec
from libtilt.backends.registry import resolve_backend
from libtilt.frames import Frame, PartialFrame
from libtilt.geometry import TiltGeometry, require_geometry
from libtilt.grids import voxels_per_sample
from libtilt.power_iteration import operator_norm
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume


@attrs.frozen(slots=False, unsafe_hash=False)
class Projector:
    """A tilt geometry with a sampling backend: projects volumes, backprojects tilt series.

    What is not given is taken from what is projected: the volume's shape and voxel size, images
    of the volume's height and width, pixels as large as its voxels (along x).

    Parameters
    ----------
    geometry : TiltGeometry
        How the detector saw the specimen.
    volume_shape : tuple of int, optional
        ``(d, h, w)``. The adjoint needs it.
    image_shape : tuple of int, optional
        ``(h, w)``.
    voxel_size : float or (3,), optional
        Angstroms, x, y, z.
    pixel_size : float, optional
        Angstroms.
    driven : {"ray", "voxel"}, optional
        "ray" (the default): the forward samples the volume trilinearly along each ray, and the
        adjoint spreads back along it; for simulating and iterating. "voxel": the adjoint gives
        each voxel the image value at its projected point, bilinearly, and the forward is its
        transpose; for (weighted) backprojection.
    backend : str, type or Backend, optional
        How to compute it; "auto" takes the fastest that is installed and applies.

    Attributes
    ----------
    volume_type, tilt_series_type : type
        The classes that `adjoint` and `forward` make; a subclass may name its own.

    Raises
    ------
    ValueError
        If a shape, a spacing, `driven` or the backend does not fit.
    ImportError
        If the backend needs a package that is not installed.

    Notes
    -----
    A projection value is the line integral divided by the length of a depth step (see
    `libtilt.grids.depth_steps`): with equal spacings, the plain sum of samples. Where a pixel and
    a depth step do not enclose the volume of one voxel, both directions of the voxel-driven pair
    are scaled by the ratio, so that both pairs approximate the same line integrals. A geometry's
    magnifications do not enter that ratio: the voxel-driven adjoint takes the image's own values.

    What is taken from a volume is not remembered: give `voxel_size` where voxels are not cubes or
    the geometry has shifts, so that the adjoint of plain images belongs to the same operator.

    The plan, with the work that a backend prepares, is kept for the last shapes and dtype.

    Examples
    --------
    >>> from libtilt import GaussianBlobs, Projector, TiltGeometry
    >>> volume = GaussianBlobs.random((16, 16, 16), n=5, seed=0).volume((16, 16, 16))
    >>> geometry = TiltGeometry.from_tilt_angles(range(-60, 61, 3))
    >>> projector = Projector(geometry, volume_shape=volume.shape)
    >>> tilt_series = projector.forward(volume)
    >>> tilt_series.shape
    (41, 16, 16)
    >>> projector.T(tilt_series).shape
    (16, 16, 16)
    """

    volume_type: ClassVar[type[Volume]] = Volume
    tilt_series_type: ClassVar[type[TiltSeries]] = TiltSeries

    geometry: TiltGeometry = attrs.field(validator=require_geometry)
    volume_shape: tuple[int, ...] | None = attrs.field(
        default=None,
        kw_only=True,
        converter=attrs.converters.optional(to_volume_shape),
    )
    image_shape: tuple[int, ...] | None = attrs.field(
        default=None,
        kw_only=True,
        converter=attrs.converters.optional(to_image_shape),
    )
    voxel_size: Float64Array | None = attrs.field(
        default=None,
        kw_only=True,
        converter=attrs.converters.optional(to_voxel_size),
        eq=attrs.cmp_using(eq=np.array_equal),
    )
    pixel_size: float | None = attrs.field(
        default=None,
        kw_only=True,
        converter=attrs.converters.optional(to_pixel_size),
    )
    driven: str = attrs.field(
        default="ray",
        kw_only=True,
        validator=lambda _, field, value: one_of(value, field.name, DRIVEN),
    )
    backend: Backend = attrs.field(
        default="auto",  # type: ignore[assignment]
        kw_only=True,
        converter=resolve_backend,
    )
    _kept: list[tuple[SamplingSpec, Plan]] = attrs.field(
        factory=list, init=False, repr=False, eq=False
    )

    __hash__: ClassVar[None] = None  # type: ignore[assignment]

    def forward(self, volume: Volume | ArrayLike) -> TiltSeries:
        """Project a volume.

        Parameters
        ----------
        volume : Volume or array_like, shape (d, h, w)
            An array has the projector's voxel size, else its pixel size, else 1.

        Returns
        -------
        TiltSeries
            Of `tilt_series_type`; float64 for a float64 volume, else float32.

        Raises
        ------
        ValueError
            If the volume disagrees with the projector's shape or voxel size, or has NaN, or its
            projections leave the range of their type.
        TypeError
            If the volume is complex.

        Examples
        --------
        With all spacings equal, a projection along an axis is the plain sum:

        >>> import numpy as np
        >>> from libtilt import Projector, TiltGeometry
        >>> Projector(TiltGeometry.from_tilt_angles([0])).forward(np.ones((3, 2, 2))).images
        array([[[3., 3.],
                [3., 3.]]])
        """
        data = real_data(volume, "volume", 3)
        require_finite(data, "volume")
        frame = self._known.with_volume(
            data.shape, volume.voxel_size if isinstance(volume, Volume) else None
        )
        with np.errstate(over="ignore", invalid="ignore"):
            images = self._forward(data, frame)
        require_result(images, "the projections")
        return self.tilt_series_type(images, self.geometry, pixel_size=frame.pixel_size)

    def adjoint(self, tilt_series: TiltSeries | ArrayLike) -> Volume:
        """Backproject a tilt series by the exact transpose of `forward`.

        Parameters
        ----------
        tilt_series : TiltSeries or array_like, shape (n, h, w)
            Its images in the order of the projector's geometry, which is the one that counts. An
            array has the projector's pixel size, else its voxel size along x, else 1.

        Returns
        -------
        Volume
            Of `volume_type`; float64 for float64 images, else float32.

        Raises
        ------
        ValueError
            If the projector does not know the volume's shape, the images disagree in count, shape
            or pixel size, or have NaN.
        TypeError
            If the images are complex.

        Examples
        --------
        >>> import numpy as np
        >>> from libtilt import Projector, TiltGeometry
        >>> projector = Projector(TiltGeometry.from_tilt_angles([0]), volume_shape=(2, 1, 2))
        >>> projector.adjoint(np.array([[[1.0, 2.0]]])).data.tolist()
        [[[1.0, 2.0]], [[1.0, 2.0]]]
        """
        images = real_data(tilt_series, "tilt_series", 3)
        if len(images) != len(self.geometry):
            raise ValueError(
                f"tilt_series must have one image per tilt: expected {len(self.geometry)}, "
                f"got {len(images)}"
            )
        require_finite(images, "tilt_series")
        frame = self._known.with_images(
            images.shape[1:],
            tilt_series.pixel_size if isinstance(tilt_series, TiltSeries) else None,
        )
        with np.errstate(over="ignore", invalid="ignore"):
            volume = self._adjoint(images, frame)
        if may_overflow(images):
            require_result(volume, "the backprojection")
        return self.volume_type(volume, voxel_size=frame.voxel_size)

    def __call__(self, volume: Volume | ArrayLike) -> TiltSeries:
        """Project, as `forward` does."""
        return self.forward(volume)

    @property
    def T(self) -> AdjointProjector:  # noqa: N802
        """The adjoint as an object; calling it backprojects, its own ``T`` is this projector."""
        return AdjointProjector(self)

    def evolve(self, **changes: Any) -> Self:
        """Return a copy with some options changed, as `attrs.evolve` makes it.

        Parameters
        ----------
        **changes
            New values, by name.

        Returns
        -------
        Projector

        Examples
        --------
        >>> from libtilt import Projector, TiltGeometry
        >>> projector = Projector(TiltGeometry.from_tilt_angles([0]))
        >>> projector.evolve(driven="voxel").driven
        'voxel'
        """
        return attrs.evolve(self, **changes)

    def linear_operator(self, dtype: DTypeLike = np.float32) -> LinearOperator:
        """Return the projector as a SciPy operator on flat vectors, for its solvers.

        Parameters
        ----------
        dtype : dtype, optional
            float32 (the default) or float64, in which everything is computed.

        Returns
        -------
        scipy.sparse.linalg.LinearOperator, shape (n * h * w, d * h * w)

        Raises
        ------
        ValueError
            If the projector does not know the volume's shape.

        Notes
        -----
        Flat vectors are like plain arrays: voxels are 1 angstrom unless the projector has a
        `voxel_size` or a `pixel_size`. Give it where the geometry has shifts, or the operator is
        another than that of a `Volume` that knows its own.

        Examples
        --------
        >>> from scipy.sparse.linalg import lsmr
        >>> from libtilt import GaussianBlobs, Projector, TiltGeometry
        >>> volume = GaussianBlobs.random((8, 8, 8), n=3, seed=0).volume((8, 8, 8))
        >>> projector = Projector(
        ...     TiltGeometry.from_tilt_angles(range(-90, 90, 10)), volume_shape=(8, 8, 8)
        ... )
        >>> operator = projector.linear_operator(dtype="float64")
        >>> solution = lsmr(operator, projector(volume).images.ravel(), maxiter=20)[0]
        >>> bool(abs(solution - volume.data.ravel()).max() < 0.2 * volume.data.max())
        True
        """
        kind: np.dtype[Any] = np.dtype(dtype)
        one_of(kind.name, "dtype", ("float32", "float64"))
        if self.volume_shape is None:
            raise ValueError("volume_shape must be given to make a linear operator")
        frame = self._known.with_volume(self.volume_shape, None)
        images_shape = (len(self.geometry), *frame.image_shape)

        def matvec(x: NDArray[Any]) -> NDArray[Any]:
            x = real_data(x.reshape(frame.volume_shape), "x", 3).astype(kind, copy=False)
            return self._forward(x, frame).ravel()

        def rmatvec(y: NDArray[Any]) -> NDArray[Any]:
            y = real_data(y.reshape(images_shape), "y", 3).astype(kind, copy=False)
            return self._adjoint(y, frame).ravel()

        shape = (int(np.prod(images_shape)), int(np.prod(frame.volume_shape)))
        return LinearOperator(shape, matvec=matvec, rmatvec=rmatvec, dtype=kind)

    def norm(self, *, tolerance: float = 1e-3, iterations: int = 100) -> float:
        """Return the largest factor by which projecting can lengthen a volume (its 2-norm).

        Step sizes of gradient methods follow from it.

        Parameters
        ----------
        tolerance : float, optional
            Stop when an iteration raises the estimate, which comes from below, by less than this
            part of it.
        iterations : int, optional
            At most; each projects and backprojects once.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If the projector does not know the volume's shape.

        Notes
        -----
        Power iteration on the adjoint times the forward, from a volume of ones. Voxels are 1
        angstrom unless the projector knows better; see `linear_operator`.

        Examples
        --------
        One image along an axis of 8 voxels lengthens a constant volume by the square root of 8:

        >>> from libtilt import Projector, TiltGeometry
        >>> projector = Projector(TiltGeometry.from_tilt_angles([0]), volume_shape=(8, 8, 8))
        >>> round(projector.norm() ** 2, 3)
        8.0
        """
        limit, most = (
            positive_float(tolerance, "tolerance"),
            positive_integer(iterations, "iterations"),
        )
        if self.volume_shape is None:
            raise ValueError("volume_shape must be given to compute a norm")
        frame = self._known.with_volume(self.volume_shape, None)
        return operator_norm(
            lambda volume: self._forward(volume, frame),
            lambda images: self._adjoint(images, frame),
            np.ones(self.volume_shape, np.float32),
            tolerance=limit,
            iterations=most,
        )

    def _forward(self, volume: NDArray[Any], frame: Frame) -> NDArray[Any]:
        """Compute the images of a sound volume; what a subclass overrides to change the model."""
        spec = self._spec(frame, floating_dtype(volume.dtype))
        images = self._plan(spec).forward(np.ascontiguousarray(volume, dtype=spec.dtype))
        return self._weighted(images, spec)

    def _adjoint(self, images: NDArray[Any], frame: Frame) -> NDArray[Any]:
        """Compute the volume of sound images: the transpose of `_forward`."""
        spec = self._spec(frame, floating_dtype(images.dtype))
        weighted = self._weighted(np.ascontiguousarray(images, dtype=spec.dtype), spec)
        return self._plan(spec).adjoint(weighted)

    def _weighted(self, images: NDArray[Any], spec: SamplingSpec) -> NDArray[Any]:
        """Scale voxel-driven images by voxels per sample, which is 1 where spacings are equal."""
        if spec.driven == "ray":
            return images
        weights = 1.0 / voxels_per_sample(spec.grids, self.geometry.magnifications)
        if np.allclose(weights, 1.0, rtol=0, atol=1e-12):
            return images
        weighted: NDArray[Any] = images * weights.astype(spec.dtype)[:, np.newaxis, np.newaxis]
        return weighted

    def _spec(self, frame: Frame, dtype: np.dtype[Any]) -> SamplingSpec:
        return SamplingSpec(
            grids=frame.grids(self.geometry),
            volume_shape=frame.volume_shape,
            image_shape=frame.image_shape,
            dtype=dtype,
            driven=self.driven,
        )

    def _plan(self, spec: SamplingSpec) -> Plan:
        """Return the plan for `spec`, kept until another spec is asked for."""
        for kept_spec, plan in tuple(self._kept):
            if kept_spec == spec:
                return plan
        plan = self.backend.plan(spec)
        self._kept[:] = [(spec, plan)]
        return plan

    @property
    def _known(self) -> PartialFrame:
        return PartialFrame(self.volume_shape, self.image_shape, self.voxel_size, self.pixel_size)

    def __getstate__(self) -> dict[str, Any]:
        # Plans may hold threads or device memory; they are made anew where they are needed.
        return self.__dict__ | {"_kept": []}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(locked_state(state))


@attrs.frozen(eq=False)
class AdjointProjector:
    """The adjoint of a projector, as an object that can be called.

    Parameters
    ----------
    projector : Projector
        What it is the adjoint of.

    Examples
    --------
    >>> from libtilt import Projector, TiltGeometry
    >>> projector = Projector(TiltGeometry.from_tilt_angles([0]), volume_shape=(8, 8, 8))
    >>> projector.T.T is projector
    True
    """

    projector: Projector

    @property
    def T(self) -> Projector:  # noqa: N802
        """The projector."""
        return self.projector

    def __call__(self, tilt_series: TiltSeries | ArrayLike) -> Volume:
        """Backproject, as `Projector.adjoint` does."""
        return self.projector.adjoint(tilt_series)

    def linear_operator(self, dtype: DTypeLike = np.float32) -> LinearOperator:
        """Return the adjoint of `Projector.linear_operator`.

        Parameters
        ----------
        dtype : dtype, optional
            float32 (the default) or float64.

        Returns
        -------
        scipy.sparse.linalg.LinearOperator, shape (d * h * w, n * h * w)

        Examples
        --------
        >>> from libtilt import Projector, TiltGeometry
        >>> projector = Projector(TiltGeometry.from_tilt_angles([0, 5]), volume_shape=(4, 5, 6))
        >>> projector.T.linear_operator().shape
        (120, 60)
        """
        return self.projector.linear_operator(dtype).H
