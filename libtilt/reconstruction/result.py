"""`Reconstruction`: the volume that an iterative method found, and how it got there."""

from __future__ import annotations

import attrs

from libtilt._checks import Float64Array
from libtilt.volume import Volume


@attrs.frozen(eq=False)
class Reconstruction:
    """What an iterative reconstruction returns.

    Attributes
    ----------
    volume : Volume
        Of the projector's `volume_type`.
    residuals : ndarray, shape (iterations + 1,)
        Norm of images minus projections, over that of the images: of the start, and after each
        iteration.
    stopped_by : {"iterations", "callback", "tolerance"}
        Why there were no more.

    Examples
    --------
    >>> from libtilt import GaussianBlobs, TiltGeometry
    >>> from libtilt.reconstruction import sirt
    >>> blobs = GaussianBlobs([[2, -1, 1], [-2, 1, -1]], sigmas=1.5)
    >>> series = blobs.tilt_series(TiltGeometry.from_tilt_angles(range(-60, 61, 10)), (16, 16))
    >>> result = sirt(series, volume_shape=(16, 16, 16), iterations=3)
    >>> result.residuals.shape, result.stopped_by
    ((4,), 'iterations')
    """

    volume: Volume
    residuals: Float64Array
    stopped_by: str

    @property
    def iterations(self) -> int:
        """How many were done."""
        return len(self.residuals) - 1
