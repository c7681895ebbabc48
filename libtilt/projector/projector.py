"""`Projector`: projection of volumes along tilts, and its exact adjoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import attrs
import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from libtilt.backends.auto import AutoBackend
from libtilt.backends.base import DRIVEN, Backend, SamplingSpec
from libtilt.backends.cache import plan_cache
from libtilt.backends.registry import resolve_backend
from libtilt.errors.checks import (
    Float64Array,
    floating_dtype,
    may_overflow,
    one_of,
    positive_float,
    positive_integer,
    real_data,
    require_finite,
    require_kind,
    require_result,
    to_image_shape,
    to_pixel_size,
    to_volume_shape,
    to_voxel_size,
)
from libtilt.errors.log import logger
from libtilt.geometry import ImageGrid, TiltGeometry, VolumeGrid
from libtilt.geometry.describing import describe_tilt_axis, describe_tilts
from libtilt.geometry.frozen_classes import added_facts, frozen
from libtilt.geometry.sampling import image_scales, sampling_grids
from libtilt.geometry.tilt_geometry import require_geometry_type
from libtilt.progress import ProgressOption, counting_pieces
from libtilt.projector.completion import (
    NO_GRIDS,
    PartialGrids,
    complete_grids,
    data_grids,
    warn_of_replaced_geometry,
)
from libtilt.projector.norms import operator_norm
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator

    from libtilt.projector.linear_operator import ProjectionOperator


# What a subclass overrides instead, so that solvers and linear operators compute the same.
_OVERRIDDEN_INSTEAD = {
    "forward": "_forward(self, volume)",
    "adjoint": "_adjoint(self, images)",
    "__call__": "_forward(self, volume)",
    "__matmul__": "_forward(self, volume)",
}


@frozen
class Projector:
    """A tilt geometry with a sampling backend: projects volumes, backprojects tilt series.

    A projector is a linear operator from volumes on a `domain` to images on a `range`. Each call
    completes missing grids from its data: the volume's shape, voxel size and center; images of the
    volume's height and width, with pixels as large as its voxels along x.

    Parameters
    ----------
    geometry : TiltGeometry
        Orientation and shift of the specimen for each image.
    volume_grid : VolumeGrid, optional
        Grid of the volume.
    image_grid : ImageGrid, optional
        Grid of the images.
    volume_shape : tuple of int, optional
        ``(d, h, w)`` of a volume at the rotation center, instead of `volume_grid`.
    voxel_size : float or (3,), optional
        Voxel size x, y, z in angstroms, instead of `volume_grid`.
    image_shape : tuple of int, optional
        ``(h, w)``, instead of `image_grid`.
    pixel_size : float, optional
        Pixel size in angstroms, instead of `image_grid`.
    driven : {"ray", "voxel"}, optional
        "ray" (the default): forward samples the volume trilinearly along each ray, and adjoint
        spreads values back along it; for simulation and iteration. "voxel": adjoint gives each
        voxel the image value at its projected point, bilinearly, and forward is the transpose; for
        (weighted) back-projection.
    backend : str, type or Backend, optional
        Sampling backend; "auto" chooses the fastest that is installed and supports the grids.

    Attributes
    ----------
    volume_type, tilt_series_type : type
        Classes of the results of `adjoint` and `forward`, which a subclass may override.
    geometry_type : type
        Class that `geometry` must have, which a subclass may override.

    Raises
    ------
    ValueError
        If a shape, a spacing, `driven` or the backend is invalid, or a grid is given twice.
    TypeError
        If `geometry` is not of the class's `geometry_type`.
    ImportError
        If the backend needs a package that is not installed.

    See Also
    --------
    between : the projector with both grids fixed.

    Notes
    -----
    ``projector @ volume`` and ``projector(volume)`` are ``projector.forward(volume)``, and
    ``projector.T @ tilt_series`` is ``projector.adjoint(tilt_series)``.

    A subclass with another model overrides `_forward` and `_adjoint`, both of them, which all
    methods and solvers call. Overriding one alone is a TypeError, and so is overriding `forward`,
    `adjoint`, ``__call__`` or ``__matmul__``, which solvers would not call.

    A projection value is the line integral divided by the pixel size, for every tilt, voxel shape
    and pair: with equal spacings, the plain sum of samples. The sums of a backend are therefore
    multiplied by `image_scales`. Magnifications do not enter the scales of the voxel-driven pair,
    whose adjoint uses the image values as they are.

    Plain arrays have no spacing. If the geometry has shifts, which are in angstroms, the projector
    must know one.

    The plan that a backend prepares is kept for the process in `libtilt.backends.plan_cache`, and
    shared by all projectors with the same grids and backend.

    Examples
    --------
    >>> from libtilt import GaussianBlobs, Projector, TiltGeometry
    >>> volume = GaussianBlobs.random((16, 16, 16), n=5, seed=0).volume((16, 16, 16))
    >>> geometry = TiltGeometry.from_tilt_angles(range(-60, 61, 3))
    >>> projector = Projector(geometry, volume_grid=volume.grid)
    >>> tilt_series = projector.forward(volume)
    >>> tilt_series.shape
    (41, 16, 16)
    >>> projector.T(tilt_series).shape
    (16, 16, 16)
    """

    volume_type: ClassVar[type[Volume]] = Volume
    tilt_series_type: ClassVar[type[TiltSeries]] = TiltSeries
    geometry_type: ClassVar[type[TiltGeometry]] = TiltGeometry

    geometry: TiltGeometry = attrs.field(
        validator=lambda self, _, value: require_geometry_type(value, type(self))
    )
    volume_grid: VolumeGrid | None = attrs.field(default=None, kw_only=True)
    image_grid: ImageGrid | None = attrs.field(default=None, kw_only=True)
    _volume_shape: tuple[int, ...] | None = attrs.field(
        default=None, kw_only=True, converter=attrs.converters.optional(to_volume_shape)
    )
    _voxel_size: Float64Array | None = attrs.field(
        default=None, kw_only=True, converter=attrs.converters.optional(to_voxel_size)
    )
    _image_shape: tuple[int, ...] | None = attrs.field(
        default=None, kw_only=True, converter=attrs.converters.optional(to_image_shape)
    )
    _pixel_size: float | None = attrs.field(
        default=None, kw_only=True, converter=attrs.converters.optional(to_pixel_size)
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

    @volume_grid.validator
    def _check_volume(self, _: Any, value: VolumeGrid | None) -> None:
        shorts = {"volume_shape": self._volume_shape, "voxel_size": self._voxel_size}
        _require_given_once("volume_grid", value, VolumeGrid, shorts)

    @image_grid.validator
    def _check_images(self, _: Any, value: ImageGrid | None) -> None:
        shorts = {"image_shape": self._image_shape, "pixel_size": self._pixel_size}
        _require_given_once("image_grid", value, ImageGrid, shorts)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name, instead in _OVERRIDDEN_INSTEAD.items():
            if getattr(cls, name) is not getattr(Projector, name):
                raise TypeError(
                    f"{cls.__name__} must not override {name}, which solvers and linear_operator() "
                    f"do not call: override {instead} instead, which computes on plain arrays"
                )
        owners = {
            name: next(kind for kind in cls.__mro__ if name in vars(kind))
            for name in ("_forward", "_adjoint")
        }
        if len(set(owners.values())) > 1:
            places = " and ".join(f"{kind.__name__}.{name}" for name, kind in owners.items())
            raise TypeError(
                f"{cls.__name__} must override both _forward and _adjoint, in one class, since "
                f"solvers rely on one being the exact transpose of the other; got {places}"
            )

    @property
    def domain(self) -> VolumeGrid:
        """Grid of the volume; raises a ValueError if it is not known."""
        return self.volume_grid or self._grids()[0]

    @property
    def range(self) -> ImageGrid:
        """Grid of the images; raises a ValueError if it is not known."""
        if self._image_shape is not None and self._pixel_size is not None:
            return ImageGrid(self._image_shape, self._pixel_size)
        return self.image_grid or self._grids()[1]

    def between(
        self,
        volume: Volume | VolumeGrid | ArrayLike | None = None,
        tilt_series: TiltSeries | ImageGrid | ArrayLike | None = None,
    ) -> Self:
        """Return the projector with both grids fixed, between a volume and a tilt series.

        Parameters
        ----------
        volume : Volume, VolumeGrid or array_like, shape (d, h, w), optional
            Completes the domain.
        tilt_series : TiltSeries, ImageGrid or array_like, shape (n, h, w), optional
            Completes the range.

        Returns
        -------
        Projector
            With `volume_grid` and `image_grid`, and the backend that "auto" chooses for them.

        Raises
        ------
        ValueError
            If the data disagree with the projector, or a required shape or spacing is missing.

        Examples
        --------
        >>> from libtilt import ImageGrid, Projector, TiltGeometry, VolumeGrid
        >>> projector = Projector(TiltGeometry.from_tilt_angles([0, 5]))
        >>> operator = projector.between(VolumeGrid((8, 8, 8), voxel_size=2.0))
        >>> operator.range
        ImageGrid(shape=(8, 8), pixel_size=2.0)
        """
        return self._between(volume, tilt_series, "to define the operator")

    def _between(self, volume: Any, tilt_series: Any, purpose: str) -> Self:
        grids = self._grids(data_grids(volume, tilt_series), purpose)
        fixed = self
        if self.volume_grid is None or self.image_grid is None:
            shorts = ("volume_shape", "voxel_size", "image_shape", "pixel_size")
            fixed = self.evolve(volume_grid=grids[0], image_grid=grids[1], **dict.fromkeys(shorts))
            logger.info("grids %s: completed to %r and %r", purpose, *grids)
        if isinstance(fixed.backend, AutoBackend):
            fixed = fixed.evolve(backend=fixed.backend.choose(fixed.spec(np.float32)))
        return fixed

    def _grids(
        self, data: PartialGrids = NO_GRIDS, purpose: str = "to define the operator"
    ) -> tuple[VolumeGrid, ImageGrid]:
        """Return domain and range, completed by those of the data."""
        if data is NO_GRIDS and self.volume_grid and self.image_grid:
            return self.volume_grid, self.image_grid
        known = PartialGrids.from_grids(self.volume_grid, self.image_grid)
        if self.volume_grid is None:
            center = None if self._volume_shape is None else np.zeros(3)
            known = attrs.evolve(
                known, volume_shape=self._volume_shape, voxel_size=self._voxel_size, center=center
            )
        if self.image_grid is None:
            known = attrs.evolve(known, image_shape=self._image_shape, pixel_size=self._pixel_size)
        domain, images = complete_grids(known, data, self.geometry, purpose)
        return self.volume_grid or domain, self.image_grid or images

    def __repr__(self) -> str:
        facts = self._summary()
        parts = [f"{facts.pop('tilts')}, tilt axis at {facts.pop('tilt axis angle')}"]
        parts += [f"{name}={value}" for name, value in facts.items()]
        return f"{type(self).__name__}({', '.join(parts)})"

    def _summary(self) -> dict[str, str]:
        """Return the properties that `repr` and a notebook show."""
        backend = repr(self.backend)
        grids = {"domain": "that of the data", "range": "that of the data"}
        try:
            domain, image_grid = self._grids()
        except ValueError:
            pass
        else:
            grids = {"domain": repr(domain), "range": repr(image_grid)}
            if isinstance(self.backend, AutoBackend):
                backend = f"auto: {self.backend.explain(self.spec())}"
        return {
            "tilts": describe_tilts(self.geometry.tilt_angles),
            "tilt axis angle": describe_tilt_axis(self.geometry.tilt_axis_angles),
            **grids,
            "driven": repr(self.driven),
            "backend": backend,
            **added_facts(self, Projector),
        }

    def _repr_html_(self) -> str:
        from libtilt.drawing.facts import facts_table

        return facts_table(type(self).__name__, self._summary())

    def forward(
        self, volume: Volume | ArrayLike, *, progress: ProgressOption = False
    ) -> TiltSeries:
        """Project a volume.

        Parameters
        ----------
        volume : Volume or array_like, shape (d, h, w)
            Arrays have the projector's voxel size, else its pixel size, else 1.
        progress : bool or callable, optional
            True shows a bar, a callable is called as ``progress(done, total)``; see
            `libtilt.progress`.

        Returns
        -------
        TiltSeries
            A `tilt_series_type`; float64 for a float64 volume, else float32.

        Raises
        ------
        ValueError
            If the volume disagrees with the projector's grid or has NaN, or the projections
            overflow.
        TypeError
            If the volume is complex, or `progress` is of another type.

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
        operator = self._between(volume, None, "to project")
        quiet = np.errstate(over="ignore", invalid="ignore")
        with counting_pieces(progress, "projecting"), quiet:
            images = operator._forward(data)
        require_result(images, "the projections")
        return self.tilt_series_type(images, self.geometry, pixel_size=operator.range.pixel_size)

    def adjoint(
        self, tilt_series: TiltSeries | ArrayLike, *, progress: ProgressOption = False
    ) -> Volume:
        """Backproject a tilt series by the exact transpose of `forward`.

        Parameters
        ----------
        tilt_series : TiltSeries or array_like, shape (n, h, w)
            Images in the order of the projector's geometry, which replaces that of the series.
            Arrays have the projector's pixel size, else its voxel size along x, else 1.
        progress : bool or callable, optional
            As in `forward`.

        Returns
        -------
        Volume
            A `volume_type`; float64 for float64 images, else float32.

        Raises
        ------
        ValueError
            If the volume's shape is not known, the images disagree in count, shape or pixel size
            or have NaN, or the backprojection overflows.
        TypeError
            If the images are complex, or `progress` is of another type.

        Warns
        -----
        LibtiltWarning
            If the geometry of the series differs from the projector's.

        Notes
        -----
        With ``driven="ray"``, a single-axis series leaves a line in the volume, along the tilt axis
        through the rotation center, where the samples of all tilts fall on voxels: constant images
        of 1 at 41 tilts over ±60 degrees give 49.8 on it and 39.0 beside it, instead of 41. For a
        ribosome of 72 voxels, the line is 4.4 times as rough as its neighbors (root mean square of
        the Laplacian), and 1.5 times with ``driven="voxel"``. For volumes to view, use
        ``driven="voxel"``, as `wbp` does; iterative methods use the ray-driven pair.

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
        warn_of_replaced_geometry(self.geometry, tilt_series)
        operator = self._between(None, tilt_series, "to backproject")
        quiet = np.errstate(over="ignore", invalid="ignore")
        with counting_pieces(progress, "backprojecting"), quiet:
            volume = operator._adjoint(images)
        if may_overflow(images):
            require_result(volume, "the backprojection")
        domain = operator.domain
        return self.volume_type(volume, voxel_size=domain.voxel_size, center=domain.center)

    def __call__(self, volume: Volume | ArrayLike) -> TiltSeries:
        """Project a volume, as `forward`."""
        return self.forward(volume)

    def __matmul__(self, volume: Volume | ArrayLike) -> TiltSeries:
        """Project a volume, as `forward`."""
        return self.forward(volume)

    @property
    def T(self) -> AdjointProjector:  # noqa: N802
        """The adjoint as an object: calling it backprojects, and its ``T`` is this projector."""
        return AdjointProjector(self)

    def evolve(self, **changes: Any) -> Self:
        """Return a copy with some options changed, as `attrs.evolve`.

        Parameters
        ----------
        **changes
            New values by field name.

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

    def linear_operator(self, dtype: DTypeLike = np.float32) -> ProjectionOperator:
        """Return the projector as a SciPy linear operator on flat vectors.

        The operator can be pickled and has the attributes ``dims`` and ``dimsd`` of PyLops.

        Parameters
        ----------
        dtype : dtype, optional
            float32 (the default) or float64, the dtype of all computations.

        Returns
        -------
        ProjectionOperator, shape (n * h * w, d * h * w)

        Raises
        ------
        ValueError
            If the projector does not know its domain and range.

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
        # Importing SciPy's solvers takes as long as all other imports together.
        from libtilt.projector.linear_operator import ProjectionOperator

        return ProjectionOperator(self._between(None, None, "to make a linear operator"), dtype)

    def norm(self, *, tolerance: float = 1e-3, iterations: int = 100) -> float:
        """Return the 2-norm of the operator, which determines step sizes of gradient methods.

        Parameters
        ----------
        tolerance : float, optional
            Stop when an iteration raises the estimate, a lower bound, by less than this fraction.
        iterations : int, optional
            Maximum number; each projects and backprojects once.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If the projector does not know its domain and range.

        Notes
        -----
        Power iteration on adjoint times forward, from a volume of ones.

        Examples
        --------
        Projecting along an axis of 8 voxels scales the norm of a constant volume by the square
        root of 8:

        >>> from libtilt import Projector, TiltGeometry
        >>> projector = Projector(TiltGeometry.from_tilt_angles([0]), volume_shape=(8, 8, 8))
        >>> round(projector.norm() ** 2, 3)
        8.0
        """
        limit = positive_float(tolerance, "tolerance")
        most = positive_integer(iterations, "iterations")
        operator = self._between(None, None, "to compute a norm")
        return operator_norm(
            operator._forward,
            operator._adjoint,
            np.ones(operator.domain.shape, np.float32),
            tolerance=limit,
            iterations=most,
        )

    def spec(self, dtype: DTypeLike = np.float32) -> SamplingSpec:
        """Return the sampling spec for a backend: index grids, shapes and dtype.

        Parameters
        ----------
        dtype : dtype, optional
            float32 (the default) or float64.

        Returns
        -------
        SamplingSpec
            Input of ``projector.backend.plan(spec)``, whose images times `image_scales` are
            those of the projector.

        Raises
        ------
        ValueError
            If the projector does not know its domain and range.

        Examples
        --------
        >>> from libtilt import Projector, TiltGeometry
        >>> projector = Projector(TiltGeometry.from_tilt_angles([0, 5]), volume_shape=(4, 5, 6))
        >>> projector.spec().images_shape
        (2, 5, 6)
        """
        domain, image_grid = self._grids()
        geometry = self.geometry
        matrices, shifts = geometry.rotation_matrices, geometry.shifts
        return SamplingSpec(
            grids=sampling_grids(matrices, shifts, geometry.magnifications, domain, image_grid),
            volume_shape=domain.shape,
            image_shape=image_grid.shape,
            dtype=dtype,
            driven=self.driven,
        )

    @property
    def image_scales(self) -> Float64Array:
        """Factor from a backend's sums to line integrals, `(n,)`: 1 for equal spacings."""
        return image_scales(self.geometry.rotation_matrices, self.domain, self.range, self.driven)

    def _forward(self, volume: NDArray[Any]) -> NDArray[Any]:
        """Project a validated volume; override it, and `_adjoint`, for another model.

        It is called on a projector with both grids known.
        """
        spec = self.spec(floating_dtype(volume.dtype))
        with plan_cache.plan(self.backend, spec) as plan:
            images = plan.forward(np.ascontiguousarray(volume, dtype=spec.dtype))
        return self._scaled(self._checked_result(images, spec.images_shape, spec.dtype))

    def _adjoint(self, images: NDArray[Any]) -> NDArray[Any]:
        """Backproject validated images: the transpose of `_forward`."""
        spec = self.spec(floating_dtype(images.dtype))
        scaled = self._scaled(np.ascontiguousarray(images, dtype=spec.dtype))
        with plan_cache.plan(self.backend, spec) as plan:
            return self._checked_result(plan.adjoint(scaled), spec.volume_shape, spec.dtype)

    def _checked_result(
        self, result: Any, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> NDArray[Any]:
        """Return the result of a backend; raise if its shape or dtype is wrong."""
        if getattr(result, "shape", None) != shape or result.dtype != dtype:
            got = f"{getattr(result, 'shape', result)} {getattr(result, 'dtype', '')}"
            raise ValueError(
                f"backend {self.backend.name!r} must return {shape} {dtype}, got {got.strip()}"
            )
        array: NDArray[Any] = result
        return array

    def _scaled(self, images: NDArray[Any]) -> NDArray[Any]:
        scales = self.image_scales
        if np.allclose(scales, 1.0, rtol=0, atol=1e-12):
            return images
        scaled: NDArray[Any] = images * scales.astype(images.dtype)[:, np.newaxis, np.newaxis]
        return scaled


def _require_given_once(
    name: str, grid: Any, kind: type[VolumeGrid | ImageGrid], shorts: dict[str, Any]
) -> None:
    """Raise if a grid has the wrong type, or comes together with its short forms."""
    if grid is None:
        return
    require_kind(grid, kind, name)
    if any(value is not None for value in shorts.values()):
        raise ValueError(
            f"pass {name}, or {' and '.join(shorts)}, not both; "
            f"to change the latter with evolve, also pass {name}=None"
        )


@attrs.frozen(unsafe_hash=False)
class AdjointProjector:
    """The adjoint of a projector, as a callable object.

    Parameters
    ----------
    projector : Projector
        The projector to transpose.

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

    @property
    def domain(self) -> ImageGrid:
        """Grid of the images."""
        return self.projector.range

    @property
    def range(self) -> VolumeGrid:
        """Grid of the volume."""
        return self.projector.domain

    def __call__(self, tilt_series: TiltSeries | ArrayLike) -> Volume:
        """Backproject a tilt series, as `Projector.adjoint`."""
        return self.projector.adjoint(tilt_series)

    def __matmul__(self, tilt_series: TiltSeries | ArrayLike) -> Volume:
        """Backproject a tilt series, as `Projector.adjoint`."""
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
        operator = self.projector.linear_operator(dtype)
        transposed = operator.H
        transposed.dims, transposed.dimsd = operator.dimsd, operator.dims
        return transposed
