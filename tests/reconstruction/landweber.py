"""A minimal custom method, and a small series for tests of methods."""

import attrs
import pytest
from helpers import BLOBS

from libtilt import TiltGeometry
from libtilt.reconstruction import METHODS, Method

GEOMETRY = TiltGeometry.from_tilt_angles(range(-60, 61, 20), tilt_axis_angle=8)
SHAPE = (6, 12, 14)
EVERY = pytest.mark.parametrize("name", METHODS)


def series(dtype="float64"):
    return BLOBS.tilt_series(GEOMETRY, (13, 15)).astype(dtype)


@attrs.frozen(kw_only=True)
class Landweber(Method):
    """Steepest descent with a fixed step."""

    steps: int = 4

    def _solve(self, problem, progress):
        volume, pace = problem.initial_volume(), 1 / problem.norm() ** 2
        for _ in range(self.steps):
            residual = problem.residual(volume)
            volume += pace * problem.descent(residual)
            if progress.step(volume, problem.misfit(problem.residual(volume))):
                break
        return volume
