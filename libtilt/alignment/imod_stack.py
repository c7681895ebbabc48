"""What follows for IMOD's aligned stack where its files leave something open."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from libtilt.alignment.alignment import Alignment
from libtilt.alignment.excluded import ExcludedTilts
from libtilt.alignment.imod_newstack import NewstackSetup
from libtilt.alignment.imod_reduction import AlignedStack, reduced
from libtilt.alignment.imod_tilt import TiltLayout, TiltSetup, require_binning, whole_binning
from libtilt.alignment.matrices import geometry_from_matrices
from libtilt.alignment.sizes import Sizes
from libtilt.errors.checks import Float64Array


def stack_without_newst(tilt: TiltSetup, image_shape: tuple[int, ...], name: str) -> AlignedStack:
    """Return the aligned stack that no ``newst.com`` says more of.

    It is as large as FULLIMAGE, else as the raw images, where SUBSETSTART says no other, and binned
    as ``newstack`` bins. Its middle is that of the raw images.

    Parameters
    ----------
    tilt : TiltSetup
        What ``tilt.com`` says.
    image_shape : tuple of int
        ``(h, w)`` of the raw images.
    name : str
        For messages.

    Raises
    ------
    ValueError
        If SUBSETSTART leaves nothing.
    """
    full = tilt.full_image or image_shape[::-1]
    # Etomo has the subset begin at half of what the aligned stack is larger or smaller.
    unbinned = [n - 2 * first for n, first in zip(full, tilt.subset_start, strict=True)]
    if min(unbinned) < 1:
        raise ValueError(
            f"{name} has SUBSETSTART {tilt.subset_start}, which leaves nothing of images of "
            f"(x, y) = {full}"
        )
    size = tuple(reduced(side, tilt.binning, antialias=False)[0] for side in unbinned)
    return NewstackSetup(size, tilt.binning).aligned(image_shape)


def completed(
    setups: tuple[TiltSetup, NewstackSetup | None],
    sizes: Sizes,
    image_shape: tuple[int, ...],
    pixel_size: float,
    name: str,
    *,
    raw: bool,
) -> tuple[TiltSetup, NewstackSetup | None]:
    """Return setups with the thickness and binning that no file says.

    Parameters
    ----------
    setups : tuple of TiltSetup and NewstackSetup
        What the files say.
    sizes : Sizes
        What the user says.
    image_shape : tuple of int
        ``(h, w)`` of the stack.
    pixel_size : float
        Of the stack, in angstroms.
    name : str
        For messages.
    raw : bool
        Whether the stack is the raw one.

    Returns
    -------
    tuple of TiltSetup and NewstackSetup
    """
    tilt, newstack = setups
    alone = tilt == TiltSetup() and newstack is None
    ratio = (sizes.voxel_size or pixel_size) / pixel_size
    if raw and alone:
        # No command file says how the aligned stack is binned.
        tilt = attrs.evolve(tilt, binning=whole_binning(ratio))
    b = tilt.binning
    if sizes.voxel_size is not None:
        # An aligned stack is binned already.
        require_binning(ratio, b if raw else 1, name)
    if tilt.thickness is None:
        depth = sizes.volume_shape[0] if sizes.volume_shape else image_shape[1] // b
        tilt = attrs.evolve(tilt, thickness=depth * b)
    if alone and sizes.volume_shape is not None:
        # Without command files the aligned images are as large as the tomogram.
        newstack = NewstackSetup(sizes.volume_shape[:0:-1], b)
    return tilt, newstack


def require_volume(layout: TiltLayout, tilt: TiltSetup, sizes: Sizes, name: str) -> None:
    """Raise a ValueError where ``tilt`` makes another tomogram than the user says, or none."""
    shape = layout.volume_shape
    if sizes.volume_shape not in (None, shape):
        raise ValueError(
            f"{name} makes a tomogram (z, y, x) of {shape}, but volume_shape is "
            f"{sizes.volume_shape}"
        )
    if min(shape) < 1:
        raise ValueError(
            f"{name} makes a tomogram (z, y, x) of {shape}: THICKNESS, WIDTH or SLICE do not fit "
            f"IMAGEBINNED {tilt.binning} and its images"
        )
    if tilt.slices is not None and tilt.binning == 1 and tilt.slices[1] >= layout.rows:
        raise ValueError(
            f"{name} has SLICE {tilt.slices[0]} {tilt.slices[1]}, but the aligned images have "
            f"{layout.rows} rows, from 0"
        )


def size_notes(
    stack: AlignedStack | None,
    tilt: TiltSetup,
    newstack: NewstackSetup | None,
    *,
    open_depth: bool,
) -> Iterator[str]:
    """Yield what was concluded of sizes that no file says.

    Parameters
    ----------
    stack : AlignedStack or None
        What is made of the raw images; None where they are aligned already.
    tilt, newstack : TiltSetup, NewstackSetup
        What the files say.
    open_depth : bool
        Whether nobody says how deep the tomogram is.

    Yields
    ------
    str
    """
    if open_depth and tilt.thickness is not None:
        depth = tilt.thickness // tilt.binning
        yield f"the tomogram is {depth} voxels deep, as the images are wide: no file says THICKNESS"
    sized = newstack is not None and newstack.size is not None and all(newstack.size)
    if stack is None or sized:
        return
    source = "the raw images"
    if newstack is None and tilt.full_image is not None:
        source = "FULLIMAGE and SUBSETSTART in tilt.com"
    how = "as they are"
    if stack.binning > 1:
        how = f"binned by {stack.binning}, which keeps even sizes even and odd ones odd"
        if newstack is not None and newstack.antialias:
            how = f"reduced by {stack.binning} with an antialias filter, to whole pixels"
    if newstack is None:
        how += ", about the middle of the raw images"
    yield f"the aligned stack has (h, w) = {stack.shape}, which no file says: {source}, {how}"


def excluded_tilts(plain: Alignment, matrices: Float64Array, angles: Float64Array) -> ExcludedTilts:
    """Return the tilts of views that are left out, from matrices and angles of all views."""
    try:
        geometry = geometry_from_matrices(
            matrices[plain.excluded],
            volume_shape=plain.volume_shape,
            image_shape=plain.stack_shape[1:],
            voxel_size=plain.voxel_size,
            pixel_size=plain.pixel_size,
        )
    except ValueError:
        # Rows of views that are left out may be of no use; their angles still are.
        return ExcludedTilts(angles[plain.excluded])
    return ExcludedTilts.from_geometry(geometry)
