"""An object-oriented geometry framework for electron tomography."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from libtilt.geometry import ImageGrid, TiltGeometry, VolumeGrid
    from libtilt.geometry.frozen_classes import frozen as frozen
    from libtilt.phantoms import GaussianBlobs
    from libtilt.projector import Projector
    from libtilt.tilt_series import TiltSeries
    from libtilt.volume import Volume

__all__ = [
    "GaussianBlobs",
    "ImageGrid",
    "Projector",
    "TiltGeometry",
    "TiltSeries",
    "Volume",
    "VolumeGrid",
    "frozen",
]

_HOMES = {
    "GaussianBlobs": "libtilt.phantoms",
    "ImageGrid": "libtilt.geometry",
    "Projector": "libtilt.projector",
    "TiltGeometry": "libtilt.geometry",
    "TiltSeries": "libtilt.tilt_series",
    "Volume": "libtilt.volume",
    "VolumeGrid": "libtilt.geometry",
    "frozen": "libtilt.geometry.frozen_classes",
}
_SUBMODULES = (
    *("alignment", "animations", "backends", "drawing", "errors", "geometry", "io", "phantoms"),
    *("plot", "preparation", "progress", "projector", "quality", "real_space", "reconstruction"),
    *("resampling", "testing"),
)


def __getattr__(name: str) -> Any:
    """Import a public name or a submodule at its first use."""
    if name == "__version__":
        return import_module("importlib.metadata").version("libtilt")
    if name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    if name in _SUBMODULES:
        return import_module(f"libtilt.{name}")
    raise AttributeError(f"module 'libtilt' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_SUBMODULES, "__doc__", "__version__"])
