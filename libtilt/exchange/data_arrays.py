"""Volumes and tilt series as `xarray.DataArray`, and back.

Positions are coordinates and not attributes, so they stay true when xarray selects, sorts or
averages. An attribute keeps each spacing to the last bit, as long as the positions agree with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from libtilt.errors.checks import Float64Array
from libtilt.errors.installing import pip_install
from libtilt.geometry import TiltGeometry
from libtilt.geometry.tilt_geometry import as_geometry_type
from libtilt.geometry.tolerances import POSITION_TOLERANCE, same_spacing
from libtilt.io.image_checks import angstroms_of

if TYPE_CHECKING:
    from xarray import DataArray

_FILE_PREFIX = "file_"


def volume_array(
    data: NDArray[Any],
    axes: Iterable[Float64Array],
    voxel_size: Float64Array,
    origin: Float64Array | None,
) -> DataArray:
    """Return a volume with its positions in the specimen, and in a file if it has an origin.

    Parameters
    ----------
    data : ndarray, shape (d, h, w)
        Density.
    axes : iterable of ndarray
        Voxel positions along x, y and z in angstroms from the rotation center.
    voxel_size : ndarray, shape (3,)
        x, y, z in angstroms.
    origin : ndarray, shape (3,), or None
        Position of voxel (0, 0, 0) in the coordinates of a file, x, y, z in angstroms.
    """
    coords = {}
    for index, (name, places) in enumerate(zip("xyz", axes, strict=True)):
        coords[name] = _lengths(name, places, voxel_size[index], "position in the specimen")
        if origin is not None:
            steps = voxel_size[index] * np.arange(len(places))
            coords[_FILE_PREFIX + name] = _lengths(
                name, origin[index] + steps, voxel_size[index], "position in the file"
            )
    return _xarray().DataArray(data, coords, ("z", "y", "x"), name="density")


def series_array(
    images: NDArray[Any],
    axes: Iterable[Float64Array],
    pixel_size: float,
    geometry: TiltGeometry,
) -> DataArray:
    """Return images with positions on the detector, tilt angles, and the geometry as JSON.

    Parameters
    ----------
    images : ndarray, shape (n, h, w)
        Images.
    axes : iterable of ndarray
        Pixel positions along x and y in angstroms from the center of the images.
    pixel_size : float
        Angstroms.
    geometry : TiltGeometry
        Geometry of the n tilts.
    """
    coords: dict[str, Any] = {
        name: _lengths(name, places, pixel_size, "position on the detector")
        for name, places in zip("xy", axes, strict=True)
    }
    known = {"long_name": "index of the tilt in the geometry", "geometry": geometry.to_json()}
    coords["tilt"] = ("tilt", np.arange(len(geometry)), known)
    coords["tilt_angle"] = ("tilt", geometry.tilt_angles, {"units": "degree"})
    return _xarray().DataArray(images, coords, ("tilt", "y", "x"), name="projection")


def volume_fields(array: Any) -> dict[str, Any]:
    """Return the fields of the volume in a `DataArray`; raise where it is not one of a volume."""
    array = _with_dims(array, ("z", "y", "x"))
    spacings, centers = zip(*(_spacing_and_center(array, name) for name in "xyz"), strict=True)
    fields = {"data": array.values, "voxel_size": spacings, "center": centers}
    if all(_FILE_PREFIX + name in array.coords for name in "xyz"):
        fields["origin"] = [_positions(array, _FILE_PREFIX + name)[0] for name in "xyz"]
    return fields


def series_fields(
    array: Any, kind: type[TiltGeometry], geometry: TiltGeometry | None
) -> dict[str, Any]:
    """Return the fields of the tilt series in a `DataArray`, with the geometry of its tilts."""
    array = _with_dims(array, ("tilt", "y", "x"))
    spacings, centers = zip(*(_spacing_and_center(array, name) for name in "xy"), strict=True)
    if not same_spacing(*spacings):
        raise ValueError(
            f"array must have equal spacings along x and y, got {spacings[0]:g} and "
            f"{spacings[1]:g} Å: average or select both axes alike"
        )
    known = _stored_geometry(array, kind) if geometry is None else geometry
    if isinstance(known, TiltGeometry):
        known = as_geometry_type(known, kind)
    if any(centers):
        known = known.evolve(shifts=known.shifts - centers)
    return {"images": array.values, "geometry": known, "pixel_size": spacings[0]}


def _stored_geometry(array: Any, kind: type[TiltGeometry]) -> TiltGeometry:
    """Return the geometry of the tilts that the array still has, in their order."""
    indices = array.coords["tilt"].values if "tilt" in array.coords else None
    text = None if indices is None else array.coords["tilt"].attrs.get("geometry")
    if indices is None or text is None:
        raise ValueError(
            "array has no attribute 'geometry' on its coordinate 'tilt': pass geometry="
        )
    stored = kind.from_json(text)
    whole = indices.dtype.kind in "iu" and indices.size
    if not whole or (indices < 0).any() or (indices >= len(stored)).any():
        raise ValueError(
            f"array must have integers from 0 to {len(stored) - 1} on its coordinate 'tilt', "
            f"which number the tilts of its geometry, got {indices.tolist()}: pass geometry="
        )
    return stored[indices]


def _lengths(
    dim: str, places: Float64Array, spacing: float, long_name: str
) -> tuple[str, Float64Array, dict[str, Any]]:
    attributes = {"units": "angstrom", "spacing": float(spacing), "long_name": long_name}
    return dim, places, attributes


def _with_dims(array: Any, dims: tuple[str, ...]) -> Any:
    if not isinstance(array, _xarray().DataArray):
        raise TypeError(
            f"array must be an xarray.DataArray, got {type(array).__name__}: pass other arrays to "
            "Volume or TiltSeries, with their spacing"
        )
    if set(array.dims) != set(dims):
        raise ValueError(
            f"array must have the dimensions {', '.join(dims)}, got "
            f"{', '.join(map(str, array.dims))}: rename or select them first"
        )
    return array.transpose(*dims)


def _positions(array: Any, name: str) -> Float64Array:
    """Return a coordinate in angstroms; raise unless it increases evenly."""
    if name not in array.coords:
        raise ValueError(
            f"array must have a coordinate {name!r}, its positions: set it with assign_coords, "
            "and its attribute 'units'"
        )
    values = array.coords[name].values
    if values.dtype.kind not in "iuf" or not values.size:
        raise ValueError(
            f"array must have one number or more on its coordinate {name!r}, its positions, got "
            f"{values.size} of {values.dtype}: select at least one, or set them with assign_coords"
        )
    places: Float64Array = values.astype(np.float64) * _unit(array, name)
    steps = np.diff(places)
    if steps.size and not (
        np.isfinite(places).all()
        and steps.min() > 0
        and np.ptp(places - np.linspace(places[0], places[-1], len(places)))
        <= POSITION_TOLERANCE * steps.mean()
    ):
        raise ValueError(
            f"array must have evenly increasing positions on its coordinate {name!r}, got steps of "
            f"{steps.min():g} to {steps.max():g} Å: sort or interpolate them first"
        )
    return places


def _unit(array: Any, name: str) -> float:
    unit = array.coords[name].attrs.get("units")
    length = angstroms_of(str(unit))
    if length is None:
        raise ValueError(
            f"array must have a unit of length on its coordinate {name!r}, got {unit!r}: set "
            f"array.{name}.attrs['units'] = 'angstrom'"
        )
    return length


def _spacing_and_center(array: Any, name: str) -> tuple[float, float]:
    """Return the spacing along an axis, and the position of the sample in the middle."""
    places = _positions(array, name)
    stored = array.coords[name].attrs.get("spacing")
    stored = None if stored is None else float(stored) * _unit(array, name)
    if len(places) > 1:
        measured = float(places[-1] - places[0]) / (len(places) - 1)
        spacing = stored if stored is not None and same_spacing(stored, measured) else measured
    elif stored is None:
        raise ValueError(
            f"array must have a spacing, and its coordinate {name!r} has one position: set "
            f"array.{name}.attrs['spacing']"
        )
    else:
        spacing = stored
    return spacing, float(places[len(places) // 2])


def _xarray() -> Any:
    try:
        import xarray
    except ImportError as error:
        raise ImportError(
            f"to_xarray and from_xarray require xarray; install it with: {pip_install('xarray')}",
            name="xarray",
        ) from error
    return xarray
