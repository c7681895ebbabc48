"""Layouts of HDF5 image files: EMAN2, EMD, NeXus, and any file with a single 3D dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libtilt.errors import RefusedImageError
from libtilt.errors.checks import Float64Array
from libtilt.io.hdf5_nodes import (
    MAX_LISTED,
    ImageLayout,
    ambiguity_error,
    axis_values,
    is_dataset,
    number_attribute,
    text_attribute,
    unknown_xyz,
    valid_angles,
)
from libtilt.io.image_checks import angstroms_of, degrees_of, known_lengths

_PROJECTION = 0
_TOMVIZ = "data/tomography"
_SPACING_TOLERANCE = 1e-2


def find_layout(file: Any, path: Path) -> ImageLayout:
    """Return the layout of an open HDF5 file; raise if it holds no images or several sets."""
    for layout in (_eman_layout, _emd_layout, _nexus_layout):
        found: ImageLayout | None = layout(file, path)
        if found is not None:
            return found
    return _generic_layout(file, path)


def _eman_layout(file: Any, path: Path) -> ImageLayout | None:
    """EMAN2: ``MDF/images/N/image``, with the header as attributes of group N."""
    images = file.get("MDF/images")
    if images is None:
        return None
    numbers = sorted((name for name in images if name.isdigit()), key=int)
    groups = [images[name] for name in numbers]
    datasets = tuple(group["image"] for group in groups if "image" in group)
    if not datasets or len(datasets) < len(groups):
        raise RefusedImageError(
            f"{path} lists {len(groups)} images in MDF/images, but only {len(datasets)} of them "
            "have data"
        )
    shapes = sorted({dataset.shape for dataset in datasets})
    if len(shapes) > 1:
        raise RefusedImageError(
            f"{path} holds images of {len(shapes)} shapes, such as {shapes[0]} and {shapes[1]}; "
            "save the images of one shape to their own file first"
        )
    if len(datasets) > 1 and len(shapes[0]) > 2 and shapes[0][0] > 1:
        raise RefusedImageError(
            f"{path} holds a stack of {len(datasets)} volumes with shape {shapes[0]}; save one "
            "volume to its own file first, for example with EMAN2's e2proc3d.py --first 0 "
            "--last 0"
        )
    head = groups[0].attrs
    if number_attribute(head, "EMAN.is_complex"):
        raise RefusedImageError(f"{path} holds complex data; only real data can be read")
    ranges = tuple(_range(group.attrs) for group in groups)
    sizes = (number_attribute(head, f"EMAN.apix_{axis}") for axis in "xyz")
    origin = np.array([number_attribute(head, f"EMAN.origin_{axis}") for axis in "xyz"])
    return ImageLayout(
        datasets,
        ranges=ranges if any(ranges) else None,
        voxel_size=known_lengths(*(float(f"{size:.6g}") for size in sizes)),
        origin=origin if np.isfinite(origin).all() and len(datasets) == 1 else unknown_xyz(),
    )


def _range(head: Any) -> tuple[float, float, float] | None:
    """Return smallest and largest value of an image that EMAN2 packed, and its largest integer."""
    bits = number_attribute(head, "EMAN.stored_renderbits")
    low, high = (number_attribute(head, f"EMAN.stored_render{end}") for end in ("min", "max"))
    if not 0 < bits <= 32 or low == high or not np.isfinite([low, high]).all():
        return None
    return low, high, 2.0 ** int(bits) - 1


def _emd_layout(file: Any, path: Path) -> ImageLayout | None:
    """EMD 0.2, as tomviz writes it: a group of type 1 with ``data``, ``dim1``, ``dim2``, ..."""
    if "Data/Image" in file:
        raise RefusedImageError(
            f"{path} is a Velox file, which is not supported; export its images as TIFF or MRC"
        )
    groups: list[Any] = []

    def collect(_: str, node: Any) -> None:
        if (
            not is_dataset(node)
            and number_attribute(node.attrs, "emd_group_type") == 1
            and "data" in node
        ):
            groups.append(node)

    file.visititems(collect)
    main = [group for group in groups if group.name == f"/{_TOMVIZ}"]
    groups = main or groups
    if not groups:
        return None
    if len(groups) > 1:
        raise ambiguity_error(path, "EMD groups", [group.name for group in groups])
    return _emd_group_layout(groups[0], path)


def _emd_group_layout(group: Any, path: Path) -> ImageLayout:
    data = group["data"]
    if not is_dataset(data) or len(data.shape) not in (2, 3):
        shape = data.shape if is_dataset(data) else "a group"
        raise RefusedImageError(
            f"{path} must hold one image or one stack of images, got {shape} in {data.name}"
        )
    dims = [group.get(f"dim{n + 1}") for n in range(len(data.shape))]
    dims = [dim if dim is not None and is_dataset(dim) else None for dim in dims]
    names = [text_attribute(dim, "name").lower() if dim is not None else "" for dim in dims]
    units = [text_attribute(dim, "units") if dim is not None else "" for dim in dims]
    tilts = [n for n, unit in enumerate(units) if degrees_of(unit) is not None]
    tilts = tilts or [n for n, name in enumerate(names) if "angle" in name or "tilt" in name]
    axes, notes = _order(names, tilts[0] if tilts else None)
    angles = None
    if tilts:
        angles, note = _angles(dims[tilts[0]], units[tilts[0]], data.shape[tilts[0]])
        notes += [note] if note else []
    lengths = [_spacing(dims[n], units[n], data.shape[n]) if n not in tilts else 0.0 for n in axes]
    sizes = [*lengths[::-1], 0.0][:3]
    return ImageLayout(
        (data,),
        axes=tuple(axes) if axes != sorted(axes) else None,
        voxel_size=known_lengths(*sizes),
        tilt_angles=angles,
        notes=tuple(notes),
    )


def _order(names: list[str], tilt: int | None) -> tuple[list[int], list[str]]:
    """Return the axes in the order z or tilt, y, x, by name if they are named x, y, z."""
    rest = [n for n in range(len(names)) if n != tilt]
    first = [] if tilt is None else [tilt]
    wanted = ["z", "y", "x"][-len(rest) :]
    if sorted(names[n] for n in rest) == sorted(wanted):
        return first + [names.index(name) for name in wanted], []
    listed = ", ".join(repr(name) for name in names)
    order = "tilt, y, x" if first else "z, y, x"
    return first + rest, [f"axes are named {listed}, not x, y, z; assuming the order {order}"]


def _spacing(dim: Any, unit: str, count: int) -> float:
    """Return the spacing along an axis in angstroms, 0 if unknown or uneven."""
    factor, values = angstroms_of(unit), axis_values(dim, count)
    if factor is None or values is None or len(values) < 2:
        return 0.0
    steps = np.diff(values)
    mean = float(steps.mean())
    if not np.isfinite(mean) or abs(steps - mean).max() > _SPACING_TOLERANCE * abs(mean):
        return 0.0
    return float(f"{abs(mean) * factor:.6g}")


def _angles(dim: Any, unit: str, count: int) -> tuple[Float64Array | None, str | None]:
    """Return tilt angles in degrees, or a note on why they are not read."""
    factor, values = degrees_of(unit), axis_values(dim, count)
    if factor is None:
        return None, f"tilt angles have the unit {unit!r}, not deg or rad; ignored"
    return valid_angles(values if values is None else values * factor, count)


def _nexus_layout(file: Any, path: Path) -> ImageLayout | None:
    """NXtomo: ``instrument/detector/data`` or ``data/data`` of the entry, with rotation angles."""
    entries = []
    for name in file:
        entry = file.get(name)
        if entry is None or is_dataset(entry):
            continue
        data = _first_dataset(entry, "instrument/detector/data", "data/data")
        angles = _first_dataset(entry, "sample/rotation_angle", "data/rotation_angle")
        if data is not None and angles is not None:
            entries.append((entry, data, angles))
    if not entries:
        return None
    if len(entries) > 1:
        raise ambiguity_error(path, "NeXus entries", [entry.name for entry, _, _ in entries])
    entry, data, angles = entries[0]
    count = data.shape[0] if data.shape else 0
    keep, left_out = _projections(entry, count, path)
    values = axis_values(angles, count)
    unit = text_attribute(angles, "units") or "deg"
    factor = degrees_of(unit)
    notes = [left_out] if left_out else []
    if values is not None and keep is not None and len(values) == count:
        values = values[keep]
    valid: Float64Array | None = None
    note: str | None = f"tilt angles have the unknown unit {unit!r}; ignored"
    if factor is not None:
        kept = count if keep is None else len(keep)
        valid, note = valid_angles(None if values is None else values * factor, kept)
    notes += [note] if note else []
    return ImageLayout((data,), keep=keep, tilt_angles=valid, notes=tuple(notes))


def _first_dataset(entry: Any, *names: str) -> Any:
    nodes = [entry.get(name) for name in names]
    return next((node for node in nodes if node is not None and is_dataset(node)), None)


def _projections(entry: Any, count: int, path: Path) -> tuple[NDArray[np.intp] | None, str | None]:
    """Return the indices of the projections (None for all), and a note on the other images."""
    keys = _first_dataset(entry, "instrument/detector/image_key", "data/image_key")
    if keys is None:
        return None, None
    if keys.shape != (count,) or keys.dtype.kind not in "uif":
        raise RefusedImageError(
            f"{path} must have one image_key per image: expected ({count},), got {keys.shape}"
        )
    keep = np.flatnonzero(keys[()] == _PROJECTION)
    if len(keep) == 0:
        raise RefusedImageError(f"{path} holds no projections (no image_key is {_PROJECTION})")
    if len(keep) == count:
        return None, None
    return keep, f"{count - len(keep)} images are not projections (image_key); left out"


def _generic_layout(file: Any, path: Path) -> ImageLayout:
    """Any other file with exactly one 3D dataset."""
    sets: list[Any] = []
    file.visititems(lambda _, node: sets.append(node) if is_dataset(node) else None)
    found = [one for one in sets if len(one.shape or ()) == 3]
    numbers = [one for one in found if one.dtype.kind in "buifc"] or found
    if not numbers:
        names = ", ".join(f"{one.name} {one.shape}" for one in sets[:MAX_LISTED]) or "none"
        raise RefusedImageError(f"{path} must hold a three-dimensional dataset, got {names}")
    if len(numbers) > 1:
        raise ambiguity_error(path, "three-dimensional datasets", [one.name for one in numbers])
    note = f"layout is unknown; reading the dataset {numbers[0].name} as z, y, x"
    return ImageLayout((numbers[0],), notes=(note,))
