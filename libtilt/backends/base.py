"""The backend contract: what a backend is told, and what it must do."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal

import attrs
import numpy as np
from numpy.typing import NDArray

from libtilt.backends.memory import bytes_held
from libtilt.errors.checks import (
    Float64Array,
    finite_array,
    one_of,
    to_image_shape,
    to_volume_shape,
)
from libtilt.geometry.per_tilt import describe_array

DRIVEN = ("ray", "voxel")


class UnsupportedSpecError(ValueError):
    """A backend was asked for grids or a `driven` that it does not compute."""


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
    """All that a backend is told.

    Parameters
    ----------
    grids : array_like, shape (n, 3, 4)
        Matrices from ``(u, v, k, 1)``, pixel column, pixel row and depth step, to a voxel index
        ``(x, y, z)``.
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
        If a shape, the dtype or `driven` does not fit.

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
        """A digest that equal specs share, and others do not."""
        parts = (self.volume_shape, self.image_shape, self.dtype.name, self.driven)
        # Adding zero makes -0.0, which is equal to it, the same.
        return hashlib.sha256(repr(parts).encode() + (self.grids + 0.0).tobytes()).digest()

    @property
    def images_shape(self) -> tuple[int, ...]:
        """Shape ``(n, h, w)`` of the stack of images."""
        return (len(self.grids), *self.image_shape)


class Plan(ABC):
    """The work prepared once for one spec. Need not be picklable."""

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays that it holds now."""
        return bytes_held(self)

    @abstractmethod
    def forward(self, volume: NDArray[Any]) -> NDArray[Any]:
        """Project: ``(d, h, w)`` to ``(n, h, w)``, both C-contiguous and of the spec's dtype."""

    @abstractmethod
    def adjoint(self, images: NDArray[Any]) -> NDArray[Any]:
        """Backproject by the exact transpose: ``(n, h, w)`` to ``(d, h, w)``."""


@attrs.frozen
class BoundPlan(Plan):
    """The plan of a backend that prepares nothing."""

    backend: Backend
    spec: SamplingSpec

    def forward(self, volume: NDArray[Any]) -> NDArray[Any]:
        """Project by the backend's `forward`."""
        return self.backend.forward(self.spec, volume)

    def adjoint(self, images: NDArray[Any]) -> NDArray[Any]:
        """Backproject by the backend's `adjoint`."""
        return self.backend.adjoint(self.spec, images)


class Backend(ABC):
    """A way to compute projections and their adjoint: the choice and its options.

    A backend knows arrays and index grids, and nothing of angles, angstroms or files. Subclasses
    are frozen and picklable. A simple one writes `forward` and `adjoint`; one that gains from
    preparing overrides `plan`.

    Attributes
    ----------
    name : str
        By which it is asked for.
    """

    name: ClassVar[str]

    @property
    def trilinear(self) -> bool:
        """Whether it computes the plain operator: trilinear along rays, bilinear on images."""
        return True

    @property
    def local(self) -> Literal["none", "tilts", "full"]:
        """What of a spec can be cut, so that the operator on a part is the whole one restricted.

        "tilts": some of the tilts; "full": also a box of the volume, whose origin is taken from the
        last column of the grids, and a window of the images, whose corner is added there; "none"
        (the default): nothing. What is cut then sums and stacks to the whole, to rounding.
        """
        return "none"

    def unsupported(self, spec: SamplingSpec) -> str | None:
        """Return why it does not take `spec`, naming a backend that does, or None if it does."""
        return None

    @abstractmethod
    def forward(self, spec: SamplingSpec, volume: NDArray[Any]) -> NDArray[Any]:
        """Project a volume of shape `spec.volume_shape` to images of `spec.images_shape`.

        Arrays are C-contiguous and of the spec's dtype; what is passed is not to be written to.

        Raises
        ------
        UnsupportedSpecError
            If it does not take the spec.
        """

    @abstractmethod
    def adjoint(self, spec: SamplingSpec, images: NDArray[Any]) -> NDArray[Any]:
        """Backproject images by the exact transpose of `forward`, under the same terms."""

    def plan(self, spec: SamplingSpec) -> Plan:
        """Prepare for many calls with one spec, or raise an `UnsupportedSpecError`."""
        self.require_supported(spec)
        return BoundPlan(self, spec)

    def require_supported(self, spec: SamplingSpec) -> None:
        """Raise an `UnsupportedSpecError` where `unsupported` gives a reason."""
        if reason := self.unsupported(spec):
            raise UnsupportedSpecError(f"backend {self.name!r} does not take this: {reason}")


class PlannedBackend(Backend):
    """A backend that prepares for whatever it computes: subclasses write `plan` alone."""

    def forward(self, spec: SamplingSpec, volume: NDArray[Any]) -> NDArray[Any]:
        """Project a volume, preparing anew."""
        return self.plan(spec).forward(volume)

    def adjoint(self, spec: SamplingSpec, images: NDArray[Any]) -> NDArray[Any]:
        """Backproject images, preparing anew."""
        return self.plan(spec).adjoint(images)

    @abstractmethod
    def plan(self, spec: SamplingSpec) -> Plan:
        """Prepare for many calls with one spec; see `Backend.plan`."""
