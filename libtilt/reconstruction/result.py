"""`Reconstruction`: a volume with the history of its reconstruction."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import attrs
import numpy as np
from numpy.typing import ArrayLike

from libtilt.errors.checks import Float64Array, finite_array
from libtilt.geometry.frozen_classes import frozen
from libtilt.volume import Volume


def _residuals(value: ArrayLike) -> Float64Array:
    return finite_array(value, "residuals")


@frozen(repr=False)
class Reconstruction(Volume):
    """The result of a reconstruction: a volume with its history.

    It can be used wherever a `Volume` is expected. Derived volumes (sums, crops, ...) are plain
    volumes of the projector's type, since the history describes the whole.

    Attributes
    ----------
    residuals : ndarray, shape (iterations + 1,)
        Weighted norm of images minus projections, relative to that of the images: for the start
        and after each iteration. Empty for methods without iterations.
    method : Method
        The method with its options.
    stop_reason : {"iterations", "callback", "tolerance", "direct"}
        Why the method stopped; "direct" for methods without iterations.
    iterations : int
        Number of completed iterations.

    Examples
    --------
    >>> from libtilt import GaussianBlobs, TiltGeometry
    >>> from libtilt.reconstruction import sirt
    >>> blobs = GaussianBlobs([[2, -1, 1], [-2, 1, -1]], sigmas=1.5)
    >>> series = blobs.tilt_series(TiltGeometry.from_tilt_angles(range(-60, 61, 10)), (16, 16))
    >>> result = sirt(series, volume_shape=(16, 16, 16), iterations=3)
    >>> result.shape, result.residuals.shape, result.stop_reason, result.method.iterations
    ((16, 16, 16), (4,), 'iterations', 3)
    >>> type(result - blobs.volume((16, 16, 16))).__name__
    'Volume'
    """

    _kind: type[Volume] = attrs.field(kw_only=True)
    residuals: Float64Array = attrs.field(kw_only=True, converter=_residuals, repr=False)
    # A `Method`, whose module imports this one.
    method: Any = attrs.field(kw_only=True, repr=False)
    stop_reason: str = attrs.field(kw_only=True, repr=False)
    iterations: int = attrs.field(kw_only=True, repr=False)

    @classmethod
    def from_volume(
        cls, volume: Volume, *, residuals: ArrayLike, method: Any, stop_reason: str, iterations: int
    ) -> Self:
        """Return a volume with its history.

        Parameters
        ----------
        volume : Volume
            The reconstructed volume.
        residuals, method, stop_reason, iterations
            The attributes of the same names.

        Examples
        --------
        >>> import numpy as np
        >>> from libtilt import Volume
        >>> from libtilt.reconstruction import Reconstruction, WBP
        >>> found = Volume(np.zeros((2, 3, 4)), voxel_size=2)
        >>> Reconstruction.from_volume(
        ...     found, residuals=[], method=WBP(), stop_reason="direct", iterations=0
        ... ).voxel_size.tolist()
        [2.0, 2.0, 2.0]
        """
        return cls(
            volume.data,
            voxel_size=volume.voxel_size,
            center=volume.center,
            origin=volume._origin,
            kind=type(volume),
            residuals=residuals,
            method=method,
            stop_reason=stop_reason,
            iterations=iterations,
        )

    @classmethod
    def open(cls, path: str | Path, **_: Any) -> Self:
        """Raise a TypeError: files hold only the volume, which `libtilt.Volume.open` reads."""
        raise TypeError(
            f"files do not hold the history of a reconstruction: open {path} with Volume.open"
        )

    @property
    def volume(self) -> Volume:
        """The volume without its history, of the projector's `volume_type`, sharing the data."""
        return self._kind(
            self.data, voxel_size=self.voxel_size, center=self.center, origin=self._origin
        )

    @property
    def made(self) -> str:
        """One-line history: the method, its iterations and residual, the version of libtilt."""
        return ", ".join([*self._history(), f"libtilt {version('libtilt')}"])

    def _history(self) -> list[str]:
        """Return the method, and its iterations and residual if it has some."""
        parts = [describe_method(self.method)]
        if self.residuals.size:
            parts += [f"{self.iterations} iterations", f"residual {self.residuals[-1]:.4g}"]
        return parts

    def evolve(self, **changes: Any) -> Any:
        """Return `volume`, without history, with some fields changed."""
        return self.volume.evolve(**changes)

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Save the volume as `libtilt.Volume.save` does, with `made` in the labels of the header.

        Examples
        --------
        ``libtilt info`` shows this label too:

        >>> import tempfile
        >>> from libtilt import GaussianBlobs, TiltGeometry
        >>> from libtilt.io.image_files import read_image
        >>> from libtilt.reconstruction import cgls
        >>> blobs = GaussianBlobs([[2, -1, 1], [-2, 1, -1]], sigmas=1.5)
        >>> series = blobs.tilt_series(TiltGeometry.from_tilt_angles([-20, 0, 20]), (16, 16))
        >>> result = cgls(series, volume_shape=(8, 16, 16), iterations=2)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = result.save(f"{folder}/tomogram.mrc")
        ...     print(read_image(path).made)
        CGLS(iterations=2), 2 iterations, residual ..., libtilt ...
        """
        return self.volume._save(path, overwrite=overwrite, made=self.made)

    def __repr__(self) -> str:
        stop = f"stop_reason={self.stop_reason!r}"
        return f"Reconstruction({', '.join([repr(self.volume), *self._history(), stop])})"

    def _summary(self) -> dict[str, str]:
        facts = {"method": describe_method(self.method)}
        if self.residuals.size:
            facts["residual"] = f"{self.residuals[-1]:.4g} after {self.iterations} iterations"
        return super()._summary() | facts


def describe_method(method: Any) -> str:
    """Return the call that makes a method, without options that equal their defaults."""
    if not attrs.has(type(method)):
        return repr(method)
    changed = [
        f"{field.alias}={getattr(method, field.name)!r}"
        for field in attrs.fields(type(method))
        if not _is_default(getattr(method, field.name), field)
    ]
    return f"{type(method).__name__}({', '.join(changed)})"


def _is_default(value: Any, field: attrs.Attribute[Any]) -> bool:
    if field.default is attrs.NOTHING or isinstance(field.default, attrs.Factory):  # type: ignore[arg-type]
        return False
    return bool(np.all(value == field.default))
