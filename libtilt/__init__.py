"""An object-oriented geometry framework for electron tomography."""

from importlib.metadata import version

from libtilt.geometry import TiltGeometry
from libtilt.phantoms import GaussianBlobs
from libtilt.projector import Projector
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume

__version__ = version("libtilt")

__all__ = ["GaussianBlobs", "Projector", "TiltGeometry", "TiltSeries", "Volume"]
