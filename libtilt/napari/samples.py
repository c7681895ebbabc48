"""Sample data of the napari plugin: a phantom and its tilt series."""

from __future__ import annotations

from typing import Any

import numpy as np

from libtilt.geometry import TiltGeometry
from libtilt.phantoms import GaussianBlobs

_SHAPE = (96, 96, 96)
_VOXEL_SIZE = 4.0

Layers = list[tuple[Any, dict[str, Any], str]]


def sample_volume() -> Layers:
    """Return the ribosome-like phantom as a layer: 96 voxels of 4 Å a side.

    Examples
    --------
    >>> from libtilt.napari import sample_volume
    >>> ((data, options, kind),) = sample_volume()
    >>> data.shape, options["scale"], kind
    ((96, 96, 96), (4.0, 4.0, 4.0), 'image')
    """
    volume = GaussianBlobs.ribosome_like().volume(_SHAPE, voxel_size=_VOXEL_SIZE)
    data, options, kind = volume.astype(np.float32).to_layer_data()
    return [(data, options | {"name": "ribosome-like phantom"}, kind)]


def sample_tilt_series() -> Layers:
    """Return 41 projections of the phantom from -60 to 60 degrees as a layer.

    Examples
    --------
    >>> from libtilt.napari import sample_tilt_series
    >>> ((data, options, kind),) = sample_tilt_series()
    >>> data.shape, options["metadata"]["tilt_angles"][:2]
    ((41, 96, 96), [-60.0, -57.0])
    """
    geometry = TiltGeometry.from_tilt_angles(np.arange(-60, 61, 3))
    phantom = GaussianBlobs.ribosome_like()
    series = phantom.tilt_series(geometry, _SHAPE[1:], pixel_size=_VOXEL_SIZE)
    data, options, kind = series.astype(np.float32).to_layer_data()
    return [(data, options | {"name": "tilt series of the phantom"}, kind)]
