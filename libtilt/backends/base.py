"""The backend contract: `SamplingSpec`, `Backend` and `Plan`."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.backends.memory import bytes_held
from libtilt.errors import UnsupportedSpecError
from libtilt.errors.checks import (
    Float64Array,
    finite_array,
    one_of,
    to_image_shape,
    to_volume_shape,
)
from libtilt.geometry.per_tilt import describe_array

DRIVEN = ("ray", "voxel")


def _grids_converter(value: Any) -> Float64Array:
    grids = finite_array(value, "grids")
    if grids.ndim != 3 or grids.shape[1:] != (3, 4) or len(grids) == 0:
        raise ValueError(f"grids must have shape (n, 3, 4) with n >= 1, got {grids.shape}")
    return grids


def _dtype_converter(value: Any) -> np.dtype[Any]:
    dtype: np.dtype[Any] = np.dtype(value)
    one_of(dtype.name, "dtype", ("float32", "float64"))
    return dtype


@attrs.frozen(kw_only=True, unsafe_hash=False)
class SamplingSpec:
    """The complete input of a backend, apart from the data.

    Parameters
    ----------
    grids : array_like, shape (n, 3, 4)
        Index grids: matrices from ``(u, v, k, 1)`` (pixel column, pixel row, depth step) to a
        voxel index ``(x, y, z)``.
    volume_shape : tuple of int
        ``(d, h, w)``.
    image_shape : tuple of int
        ``(h, w)``.
    dtype : dtype, optional
        float32 (the default) or float64.
    driven : {"ray", "voxel"}, optional
        Whether the forward samples the volume along rays, or the adjoint samples the images at
        projected voxels.

    Raises
    ------
    ValueError
        If a shape, the dtype or `driven` is invalid.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt.backends import SamplingSpec
    >>> spec = SamplingSpec(grids=np.eye(3, 4)[None], volume_shape=(4, 5, 6), image_shape=(5, 6))
    >>> spec.images_shape
    (1, 5, 6)
    """

    grids: Float64Array = attrs.field(
        converter=_grids_converter, eq=attrs.cmp_using(eq=np.array_equal), repr=describe_array
    )
    volume_shape: tuple[int, ...] = attrs.field(converter=to_volume_shape)
    image_shape: tuple[int, ...] = attrs.field(converter=to_image_shape)
    dtype: np.dtype[Any] = attrs.field(default=np.float32, converter=_dtype_converter)
    driven: str = attrs.field(
        default="ray", validator=lambda _, field, value: one_of(value, field.name, DRIVEN)
    )

    __hash__: ClassVar[None]  # type: ignore[assignment]

    @property
    def key(self) -> bytes:
        """Digest that identifies the spec: equal for equal specs only."""
        parts = (self.volume_shape, self.image_shape, self.dtype.name, self.driven)
        # Adding zero turns -0.0 into 0.0, which equals it.
        return hashlib.sha256(repr(parts).encode() + (self.grids + 0.0).tobytes()).digest()

    @property
    def images_shape(self) -> tuple[int, ...]:
        """Shape ``(n, h, w)`` of the image stack."""
        return (len(self.grids), *self.image_shape)


class Plan(ABC):
    """Work prepared once for one spec. A plan need not be picklable."""

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays that the plan holds now."""
        return bytes_held(self)

    @abstractmethod
    def forward(self, volume: NDArray[Any]) -> NDArray[Any]:
        """Project ``(d, h, w)`` to ``(n, h, w)``, both C-contiguous and of the spec's dtype."""

    @abstractmethod
    def adjoint(self, images: NDArray[Any]) -> NDArray[Any]:
        """Backproject ``(n, h, w)`` to ``(d, h, w)`` by the exact transpose of `forward`."""


@attrs.frozen
class BoundPlan(Plan):
    """The plan of a backend without preparation: it binds the backend to a spec."""

    backend: Backend
    spec: SamplingSpec

    def forward(self, volume: NDArray[Any]) -> NDArray[Any]:
        """Project with the backend."""
        return self.backend.forward(self.spec, volume)

    def adjoint(self, images: NDArray[Any]) -> NDArray[Any]:
        """Backproject with the backend."""
        return self.backend.adjoint(self.spec, images)


class Backend(ABC):
    """An algorithm for projections and their adjoint, with its options as fields.

    A backend knows arrays and index grids, not angles, angstroms or files. Subclasses are frozen
    and picklable. A simple backend implements `forward` and `adjoint`; one that benefits from
    preparation overrides `plan`.

    Attributes
    ----------
    name : str
        Name that selects the backend.
    """

    name: ClassVar[str]

    @property
    def trilinear(self) -> bool:
        """Whether the backend interpolates linearly: along rays in 3-D, on images in 2-D."""
        return True

    @property
    def local(self) -> Literal["none", "tilts", "full"]:
        """Kinds of blocks on which the operator equals the whole operator, restricted to the block.

        "tilts": subsets of the tilts. "full": also boxes of the volume and windows of the images,
        whose grids differ in the last column alone: the window's corner is added, the box's origin
        subtracted. "none" (the default): no blocks. The results of blocks add up to the whole.
        """
        return "none"

    def unsupported(self, spec: SamplingSpec) -> str | None:
        """Return why `spec` is not supported and which backend supports it; None if it is."""
        return None

    @abstractmethod
    def forward(self, spec: SamplingSpec, volume: NDArray[Any]) -> NDArray[Any]:
        """Project a volume of shape `spec.volume_shape` to images of `spec.images_shape`.

        Arrays are C-contiguous and of the spec's dtype. The argument must not be modified.

        Raises
        ------
        UnsupportedSpecError
            If the spec is not supported.
        """

    @abstractmethod
    def adjoint(self, spec: SamplingSpec, images: NDArray[Any]) -> NDArray[Any]:
        """Backproject images by the exact transpose of `forward`, under the same conditions."""

    def plan(self, spec: SamplingSpec) -> Plan:
        """Prepare for many calls with one spec, or raise an `UnsupportedSpecError`."""
        self.require_supported(spec)
        return BoundPlan(self, spec)

    def require_supported(self, spec: SamplingSpec) -> None:
        """Raise an `UnsupportedSpecError` if `unsupported` gives a reason."""
        if reason := self.unsupported(spec):
            raise UnsupportedSpecError(
                f"backend {self.name!r} does not support this projection: {reason}"
            )


class PlannedBackend(Backend):
    """A backend that always computes through a plan: subclasses implement `plan` only."""

    def forward(self, spec: SamplingSpec, volume: NDArray[Any]) -> NDArray[Any]:
        """Project a volume with a new plan."""
        return self.plan(spec).forward(volume)

    def adjoint(self, spec: SamplingSpec, images: NDArray[Any]) -> NDArray[Any]:
        """Backproject images with a new plan."""
        return self.plan(spec).adjoint(images)

    @abstractmethod
    def plan(self, spec: SamplingSpec) -> Plan:
        """Prepare for many calls with one spec; see `Backend.plan`."""
