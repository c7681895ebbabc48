"""Writer of napari image layers as MRC files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libtilt.errors import OutputExistsError, UnsupportedLayerError
from libtilt.errors.checks import Float64Array
from libtilt.geometry import ImageGrid, TiltGeometry
from libtilt.geometry.tolerances import same_spacing
from libtilt.io.image_checks import angstroms_of
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume

# Of an angstrom: what rounding leaves of a position is no displacement.
_DECIMALS = 6


def write_image(path: str | Path, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write an image layer as an MRC file, with its spacing and origin in angstroms.

    A layer that libtilt opened as a tilt series is written with its geometry, as
    `TiltSeries.save` does; any other is written as a volume.

    Parameters
    ----------
    path : path
        File name with a suffix as in `Volume.save`.
    data : array_like, shape (d, h, w) or (h, w), or list of array_like
        Data of the layer; of several levels, the first is written.
    attributes : dict
        Attributes of the layer, as napari passes them to a writer.

    Returns
    -------
    list of str
        The path.

    Raises
    ------
    FileExistsError
        If the file exists. It is never replaced.
    TypeError
        If an axis has no unit of length; or if the layer is in color, has other than two or three
        dimensions, is rotated, sheared or mirrored, or has values that do not fit into float32.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from libtilt import Volume
    >>> from libtilt.napari import write_image
    >>> attributes = {"name": "map", "scale": (0.5, 0.5, 0.5), "units": ("nm", "nm", "nm")}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (path,) = write_image(f"{folder}/map.mrc", np.zeros((2, 3, 4)), attributes)
    ...     Volume.open(path).voxel_size.tolist()
    [5.0, 5.0, 5.0]
    """
    image = np.asarray(data[0] if attributes.get("multiscale") else data)
    try:
        return [str(_content(image, attributes).save(path))]
    except ValueError as error:
        # napari hides a ValueError behind "not a valid writer".
        raise UnsupportedLayerError(str(error)) from error
    except OutputExistsError as error:
        # The dialog of napari does not ask about a name that is typed without its suffix.
        raise OutputExistsError(
            f"{path}, or a file of its tilt series, already exists; files are not replaced from "
            "napari: choose another name or delete it first"
        ) from error


def _require_aligned(attributes: dict[str, Any], name: str) -> None:
    """Raise if the layer's axes are not those of its data: a file could not hold the difference."""
    for key in ("rotate", "affine", "shear"):
        value = np.asarray(attributes.get(key, 0.0), dtype=np.float64)
        identity = np.eye(len(value)) if value.ndim == 2 else np.zeros(value.shape)
        if not np.allclose(value, identity):
            raise ValueError(
                f"{name} has a transform ({key}) that MRC files cannot hold: reset it first"
            )
    if min(attributes.get("scale", [1.0])) <= 0:
        raise ValueError(f"{name} must have positive scales, got {attributes['scale']}")


def _content(image: NDArray[Any], attributes: dict[str, Any]) -> Volume | TiltSeries:
    """Return the volume or tilt series that the layer shows."""
    name = f"layer {attributes.get('name', '')!r}"
    if attributes.get("rgb"):
        raise ValueError(f"{name} is in color; MRC files hold gray values: split its channels")
    if image.ndim not in (2, 3):
        raise ValueError(
            f"{name} must have two or three dimensions, got shape {image.shape}: save a part of it"
        )
    _require_aligned(attributes, name)
    geometry = attributes.get("metadata", {}).get("geometry")
    if isinstance(geometry, str) and image.ndim == 3:
        tilts = TiltGeometry.from_json(geometry)
        if len(tilts) == len(image):
            (height, width), corner = _lengths(attributes, name, "yx")
            if not same_spacing(height, width):
                raise ValueError(f"{name} must have square pixels, got {height:g} x {width:g} Å")
            if "translate" in attributes:
                x, y = ImageGrid(image.shape[1:], width).axes
                tilts = _moved(tilts, corner[::-1] - [x[0], y[0]])
            return TiltSeries(image, tilts, pixel_size=width)
    spacing, origin = _lengths(attributes, name, "zyx"[-image.ndim :])
    if image.ndim == 2:
        image, spacing, origin = image[np.newaxis], np.r_[spacing[-1], spacing], np.r_[0.0, origin]
    # Part of a layer, or a binned one, lies elsewhere about the rotation center.
    middle = origin + spacing * (np.array(image.shape) // 2)
    rotation_center = attributes.get("metadata", {}).get("rotation_center", middle[::-1])
    center = (middle[::-1] - rotation_center).round(_DECIMALS)
    return Volume(image, voxel_size=spacing[::-1], origin=origin[::-1], center=center)


def _moved(geometry: TiltGeometry, center: Float64Array) -> TiltGeometry:
    """Return a geometry for images whose center lies at x, y on the detector, in angstroms."""
    center = center.round(_DECIMALS)
    return geometry.evolve(shifts=geometry.shifts - center) if center.any() else geometry


def _lengths(attributes: dict[str, Any], name: str, axes: str) -> tuple[Float64Array, Float64Array]:
    """Return scale and translation of the last axes in angstroms."""
    count = len(axes)
    units = [str(unit) for unit in attributes.get("units") or ["pixel"] * count][-count:]
    lengths = np.array([angstroms_of(unit) or 0.0 for unit in units])
    if not lengths.all():
        raise ValueError(
            f"{name} must have a unit of length on the axes {', '.join(axes)}, got "
            f"{', '.join(units)}: set it first, for example layer.units = {('angstrom',) * count}"
        )
    scale = np.asarray(attributes.get("scale", [1.0] * count), dtype=np.float64)
    translate = np.asarray(attributes.get("translate", [0.0] * count), dtype=np.float64)
    return scale[-count:] * lengths, translate[-count:] * lengths
