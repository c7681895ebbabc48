"""`NumbaBackend`: compiled kernels, for any geometry."""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs

from libtilt.backends.base import Plan, PlannedBackend, SamplingSpec
from libtilt.backends.numba.exact import ExactPlan
from libtilt.backends.numba.factorized import FactorizedPlan
from libtilt.backends.numba.row_sums import RowSumsPlan
from libtilt.backends.numba.warming import compile_once
from libtilt.backends.single_axis import SingleAxisLayout
from libtilt.backends.threads import check_threads
from libtilt.errors.checks import one_of

MODES = ("auto", "rows", "exact", "factorized")


@attrs.frozen
class NumbaBackend(PlannedBackend):
    """Kernels compiled by Numba: the fastest here, for any geometry. Needs the extra ``fast``.

    All kernels are compiled when one is first used on a machine, which takes some seconds, and kept
    on disk; ``libtilt warm`` does it ahead. The logger "libtilt" tells it.

    Parameters
    ----------
    mode : {"auto", "rows", "exact", "factorized"}, optional
        "rows": weighted sums of whole rows of voxels, for rays that stay in planes of the volume
        (single-axis series with the tilt axis along an axis of volume and images). "exact":
        trilinear samples along each ray, for any grids. "auto" (the default): rows where they
        apply, else exact; the operator is the same one, that of ``SciPyBackend(order=1)``.
        "factorized": another operator for any grids, more than ten times as fast as "exact" where
        rows do not apply; see Notes.
    threads : int, optional
        By default as many as there are processors. The number does not change a bit of the result.

    Raises
    ------
    ValueError
        If there is no such mode, or `threads` is not positive.

    Notes
    -----
    Mode "factorized" takes the rays of a tilt on a grid of their own: one voxel apart across the
    beam, in the plane of two volume axes, and by whole voxels along the third: y, or where the beam
    of a tilt is less than 45 degrees from it, the axis that it is least parallel to. Nothing of a
    tilt depends on the others. There everything is a sum of rows. The images are then
    resampled on the detector by a cubic B-spline (shear-warp, Lacroute and Levoy 1994). Samples
    along a ray are those of the plain operator up to a shift along the ray of less than a step;
    the resampling between rays is sharper than linear interpolation. On objects that are smooth
    over a voxel the two differ by some 2e-4 (relative, L2); on noise they are two interpolations.
    The adjoint is the exact transpose of this operator. Where the tilt axis runs along y of
    volume and images, and shifts along it are whole pixels, it is the plain operator itself.

    Examples
    --------
    >>> from libtilt import GaussianBlobs, Projector, TiltGeometry
    >>> from libtilt.backends.numba import NumbaBackend
    >>> volume = GaussianBlobs.random((16, 16, 16), n=5, seed=0).volume((16, 16, 16))
    >>> geometry = TiltGeometry.from_tilt_angles([-30, 0, 30], tilt_axis_angle=85)
    >>> Projector(geometry, backend=NumbaBackend(mode="factorized")).forward(volume).shape
    (3, 16, 16)
    """

    name: ClassVar[str] = "numba"

    mode: str = attrs.field(
        default="auto",
        kw_only=True,
        validator=lambda _, field, value: one_of(value, field.name, MODES),
    )
    threads: int | None = attrs.field(default=None, kw_only=True, validator=check_threads)

    @property
    def trilinear(self) -> bool:
        """Whether it computes the plain operator: in every mode but "factorized"."""
        return self.mode != "factorized"

    @property
    def local(self) -> Literal["none", "tilts", "full"]:
        """What can be cut: tilts alone where images are resampled by splines, else everything."""
        return "tilts" if self.mode == "factorized" else "full"

    def unsupported(self, spec: SamplingSpec) -> str | None:
        """Return why it does not take `spec`, or None if it does."""
        if self.mode == "rows" and SingleAxisLayout.find(spec) is None:
            return (
                "the rays leave the planes of the volume (the tilt axis is not along an axis of "
                "volume and images, or it differs between tilts); use NumbaBackend(mode='auto')"
            )
        return None

    def plan(self, spec: SamplingSpec) -> Plan:
        """Return the plan of the kernel that mode and spec ask for."""
        self.require_supported(spec)
        compile_once()
        if self.mode == "factorized":
            return FactorizedPlan(spec, self.threads)
        layout = None if self.mode == "exact" else SingleAxisLayout.find(spec)
        return RowSumsPlan(layout, self.threads) if layout else ExactPlan(spec, self.threads)
