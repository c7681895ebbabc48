"""`TiltSeries`: images of one specimen with the geometry in which they were taken."""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from libtilt.errors.checks import (
    floating_dtype,
    real_data,
    require_finite,
    require_representable,
    to_pixel_size,
)
from libtilt.geometry import ImageGrid, TiltGeometry, require_geometry
from libtilt.geometry.frozen_classes import frozen
from libtilt.geometry.image_data import ImageData, standardize
from libtilt.geometry.per_tilt import PER_TILT, describe_array, per_tilt_fields, tilt_index
from libtilt.geometry.window import Window

if TYPE_CHECKING:
    from libtilt.alignment import Alignment

# How often a series is read again that a writer may be replacing meanwhile, and how long between.
_ATTEMPTS, _PAUSE = 5, 0.02


def _images_converter(value: ArrayLike) -> NDArray[Any]:
    images = np.asarray(value)
    return real_data(images[np.newaxis] if images.ndim == 2 else images, "images", 3)


@frozen
class TiltSeries(ImageData):
    """A stack of images, one per tilt, with its geometry.

    Parameters
    ----------
    images : array_like, shape (n, h, w) or (h, w)
        Real numbers of any type, indexed tilt, y, x. Held as a read-only view, not copied.
    geometry : TiltGeometry
        With n tilts.
    pixel_size : float, optional
        Angstroms.

    Raises
    ------
    TypeError
        If the images are complex or not numbers, or `geometry` is not a geometry.
    ValueError
        If the counts of images and tilts differ.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt import TiltGeometry, TiltSeries
    >>> geometry = TiltGeometry.from_tilt_angles([-60, 0, 60])
    >>> tilt_series = TiltSeries(np.ones((3, 8, 8)), geometry, pixel_size=2.0)
    >>> len(tilt_series[1:])
    2
    >>> (tilt_series / 2).pixel_size
    2.0
    """

    _array_name: ClassVar[str] = "images"
    geometry_type: ClassVar[type[TiltGeometry]] = TiltGeometry

    images: NDArray[Any] = attrs.field(
        converter=_images_converter, repr=describe_array, metadata=PER_TILT
    )
    geometry: TiltGeometry = attrs.field(validator=require_geometry, metadata=PER_TILT)
    pixel_size: float = attrs.field(default=1.0, kw_only=True, converter=to_pixel_size)

    @geometry.validator
    def _check_counts(self, _: Any, value: TiltGeometry) -> None:
        if len(value) != len(self.images):
            raise ValueError(
                f"geometry must have one tilt per image: expected {len(self.images)} "
                f"for images {self.images.shape}, got {len(value)}"
            )

    @property
    def grid(self) -> ImageGrid:
        """Shape and pixel size of the images; where they lie is in the geometry's shifts."""
        return ImageGrid(self.shape[1:], self.pixel_size)

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        geometry: TiltGeometry | Alignment | ArrayLike | str | Path | None = None,
        tilt_axis_angle: float | None = None,
        pixel_size: float | None = None,
        memmap: bool = False,
        **fields: Any,
    ) -> Self:
        """Open a stack (``.st .mrc .ali .mrcs ...``, also ``.gz`` and ``.bz2``) and its geometry.

        TIFF and HDF5 files (``.tif .hdf .emd ...``) are read with the extra ``formats``. Where no
        geometry is given, the file of the same name that ends with ``.json``, else ``.tlt``, else
        ``.rawtlt``, else ``.mdoc`` is taken, else the angles in the stack itself.

        Parameters
        ----------
        path : path
            The stack. A single image is a stack of one.
        geometry : TiltGeometry, Alignment, array_like of shape (n,), or path, optional
            The geometry, tilt angles in degrees, or a file of any format that
            `libtilt.alignment.open_alignment` takes. Images that an alignment leaves out are left
            out.
        tilt_axis_angle : float, optional
            Degrees from the images' y axis, in place of what a file says. Lists of tilt angles do
            not say it: without it, it is taken along y, with a warning unless the stack is an
            aligned one by its name (``.ali``).
        pixel_size : float, optional
            Angstroms; in place of what the header says. Where neither knows it, 1 is taken with a
            warning, but with an alignment it has to be given.
        memmap : bool, optional
            Whether to map the file into memory instead of reading it.
        **fields
            Fields that a subclass adds; the others are options of the file's reader, such as
            ``name="TS_1"``, ``aligned=True``, ``format="angles"``, ``volume_shape=(d, h, w)``.

        Returns
        -------
        TiltSeries

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If there is no geometry, its count is not that of the images, the file is not a sound
            image file, or an alignment needs a pixel size that neither file knows.

        Warns
        -----
        UserWarning
            Once, if the header is odd, or does not know the pixel size and none is given; and for
            each thing that was taken for granted of the geometry, such as a tilt axis, or files
            beside the stack that are not used.

        Examples
        --------
        >>> import tempfile, numpy as np
        >>> from libtilt import TiltGeometry, TiltSeries
        >>> geometry = TiltGeometry.from_tilt_angles([-3, 0, 3])
        >>> tilt_series = TiltSeries(np.zeros((3, 4, 4)), geometry)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = tilt_series.save(f"{folder}/tilts.st")
        ...     TiltSeries.open(path).geometry == geometry
        True
        """
        from libtilt.alignment.stack_geometry import UNKNOWN_PIXEL_SIZE, StackFile
        from libtilt.errors import MixedSeriesError
        from libtilt.io.image_files import read_image
        from libtilt.io.mrc import PLACEHOLDER

        own = {field.name for field in attrs.fields(cls)}
        options = {name: fields.pop(name) for name in set(fields) - own}
        told = {"pixel_size": pixel_size, "tilt_axis_angle": tilt_axis_angle}
        for last in (*[False] * _ATTEMPTS, True):
            content = read_image(path, memmap=memmap)
            stack = StackFile(path, content, **told, kind=cls.geometry_type)
            try:
                found = stack.geometry(geometry, **options)
                break
            except MixedSeriesError:
                # A writer may be replacing the series right now.
                if last:
                    raise
                time.sleep(_PAUSE)
        images, notes = content.data, list(content.notes)
        if found.views is not None and not np.array_equal(found.views, np.arange(len(images))):
            images = images[found.views]
        if len(found.geometry) != len(images):
            raise ValueError(
                f"{path} has {len(images)} images, but {found.source} has "
                f"{len(found.geometry)} tilts"
            )
        known = found.pixel_size or stack.known_pixel_size()
        if known is None and not (content.has_placeholder and content.is_from_libtilt):
            notes.append(PLACEHOLDER if content.has_placeholder else UNKNOWN_PIXEL_SIZE)
        if notes:
            warnings.warn(f"{path} has an odd header: {'; '.join(notes)}", stacklevel=2)
        for text in found.warnings:
            warnings.warn(text, stacklevel=2)
        return cls(images, found.geometry, pixel_size=known or 1.0, **fields)

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the stack, and beside it the geometry as ``.json`` and the angles as ``.rawtlt``.

        Parameters
        ----------
        path : path
            Ends with ``.mrc .map .st .ali .rec`` or ``.mrcs``, and ``.gz`` or ``.bz2`` to compress.
        overwrite : bool, optional
            Whether existing files may be replaced.

        Returns
        -------
        pathlib.Path
            The path of the stack.

        Raises
        ------
        FileExistsError
            If one of the three files exists and `overwrite` is false.
        ValueError
            If the name is not that of an MRC file, or a value does not fit into float32.
        OSError
            If a file cannot be written; nothing half-written is left.

        Examples
        --------
        See `open`.
        """
        from libtilt.alignment.beside_stack import beside
        from libtilt.geometry.json_file import with_series
        from libtilt.io.atomic import atomic_writes
        from libtilt.io.mrc_writing import compression, write_new_mrc

        compression(path)
        targets = (path, beside(path, ".json"), beside(path, ".rawtlt"))
        geometry, series = with_series(self.geometry.to_json())
        with atomic_writes(*targets, overwrite=overwrite) as (stack, json, rawtlt):
            json.write_text(geometry, encoding="utf-8")
            angles = "".join(f"{angle:.6f}\n" for angle in self.geometry.tilt_angles)
            rawtlt.write_text(angles, encoding="utf-8")
            write_new_mrc(
                stack,
                self.images,
                voxel_size=np.full(3, self.pixel_size),
                origin=np.zeros(3),
                is_image_stack=True,
                series=series,
            )
        return Path(path)

    def subset(self, index: Any) -> Self:
        """Return the tilts that an int, slice, mask or index array selects.

        Parameters
        ----------
        index : int, slice or array_like
            Into the tilts.

        Returns
        -------
        TiltSeries
            With the geometry in step; ``tilt_series[index]`` is the same.

        Raises
        ------
        IndexError
            If the index does not fit, or selects nothing.

        Examples
        --------
        >>> import numpy as np
        >>> from libtilt import TiltGeometry, TiltSeries
        >>> geometry = TiltGeometry.from_tilt_angles([-60, 0, 60])
        >>> tilt_series = TiltSeries(np.zeros((3, 4, 4)), geometry)
        >>> low = tilt_series.subset(np.abs(geometry.tilt_angles) < 45)
        >>> low.geometry.tilt_angles.tolist()
        [0.0]
        """
        return self.evolve(**per_tilt_fields(self, tilt_index(index, len(self))))

    def sort(self) -> Self:
        """Return the tilts in the order of rising tilt angle.

        Returns
        -------
        TiltSeries

        Examples
        --------
        >>> import numpy as np
        >>> from libtilt import TiltGeometry, TiltSeries
        >>> geometry = TiltGeometry.from_tilt_angles([0, 3, -3])
        >>> tilt_series = TiltSeries(np.arange(3.0).reshape(3, 1, 1), geometry)
        >>> tilt_series.sort().images.ravel().tolist()
        [2.0, 0.0, 1.0]
        """
        return self.subset(np.argsort(self.geometry.tilt_angles, kind="stable"))

    def bin(self, factor: int) -> Self:
        """Average blocks of ``factor`` x ``factor`` pixels, and divide by `factor`.

        Values are line integrals over the pixel size, before and after: so a volume that is
        reconstructed from binned images has the same density. Pixels at the end that do not fill a
        block are dropped. The shifts of the geometry take up the half pixels by which the center
        ``shape // 2`` moves, so that every point of the specimen still projects onto its own image.

        Parameters
        ----------
        factor : int
            At least 1.

        Returns
        -------
        TiltSeries

        Raises
        ------
        ValueError
            If `factor` is not positive or larger than the images.

        Examples
        --------
        >>> import numpy as np
        >>> from libtilt import TiltGeometry, TiltSeries
        >>> geometry = TiltGeometry.from_tilt_angles([0])
        >>> binned = TiltSeries(np.ones((1, 8, 8)), geometry, pixel_size=2.0).bin(2)
        >>> binned.shape, binned.pixel_size, binned.geometry.shifts.tolist()
        ((1, 4, 4), 4.0, [[-1.0, -1.0]])
        """
        window = Window.bin(self.shape[1:], factor)
        self.grid.within(window)  # Pixels must stay squares.
        images = window.mean(self.images, floating_dtype(self.dtype))
        images /= window.steps[0]
        return self._within(window, images)

    def crop(self, shape: tuple[int, ...], *, center: tuple[int, ...] | None = None) -> Self:
        """Cut the same box out of each image.

        Parameters
        ----------
        shape : tuple of int
            ``(h, w)`` of the box.
        center : tuple of int, optional
            Pixel y, x that becomes the center ``shape // 2`` of the box; by default the images'
            own center.

        Returns
        -------
        TiltSeries
            A view; the shifts of its geometry say where the rotation center now lies.

        Raises
        ------
        ValueError
            If the box reaches outside the images.

        Examples
        --------
        >>> import numpy as np
        >>> from libtilt import TiltGeometry, TiltSeries
        >>> series = TiltSeries(np.ones((1, 8, 8)), TiltGeometry.from_tilt_angles([0]))
        >>> series.crop((4, 4), center=(4, 6)).geometry.shifts.tolist()
        [[-2.0, 0.0]]
        """
        window = Window.crop(self.shape[1:], shape, center, "image")
        return self._within(window, self.images[(slice(None), *window.slices)])

    def pad(self, shape: tuple[int, ...], *, value: float = 0.0) -> Self:
        """Surround each image so that its center ``shape // 2`` stays the center.

        Parameters
        ----------
        shape : tuple of int
            ``(h, w)`` of the result.
        value : float, optional
            What to fill with.

        Returns
        -------
        TiltSeries

        Raises
        ------
        ValueError
            If `shape` is smaller than the images', or integer images cannot hold `value`.

        Examples
        --------
        >>> import numpy as np
        >>> from libtilt import TiltGeometry, TiltSeries
        >>> series = TiltSeries(np.ones((1, 2, 2)), TiltGeometry.from_tilt_angles([0]))
        >>> series.pad((4, 5)).shape
        (1, 4, 5)
        """
        window = Window.pad(self.shape[1:], shape)
        require_representable(value, self.dtype, "the images' type")
        return self._within(
            window, np.pad(self.images, [(0, 0), *window.margins], constant_values=value)
        )

    def align(
        self,
        *,
        image_shape: tuple[int, ...] | None = None,
        order: int = 3,
        fill: str | float = "mean",
    ) -> Self:
        """Resample the images to the canonical frame: tilt axis along y, no shifts.

        Then the tomogram is a stack of independent slices, which is the fastest case of every
        backend. It costs one interpolation: where that is not needed, reconstruct from the images
        as they are.

        Parameters
        ----------
        image_shape, order, fill : optional
            As `libtilt.resampling.align_stack` takes them.

        Returns
        -------
        TiltSeries
            With the geometry that fits the new images.

        Raises
        ------
        ValueError
            If there are NaN, or an option does not fit.

        Examples
        --------
        >>> from libtilt import GaussianBlobs, TiltGeometry
        >>> blobs = GaussianBlobs([[5, -4, 3]], sigmas=3)
        >>> turned = TiltGeometry.from_tilt_angles([-30, 30], tilt_axis_angle=85, shifts=(2.5, 1))
        >>> aligned = blobs.tilt_series(turned, (48, 48)).align()
        >>> aligned.geometry.tilt_axis_angles.round(9).tolist(), aligned.geometry.shifts.tolist()
        ([0.0, 0.0], [[0.0, 0.0], [0.0, 0.0]])
        """
        from libtilt.resampling import align_stack

        images, geometry = align_stack(
            self.images,
            self.geometry,
            pixel_size=self.pixel_size,
            image_shape=image_shape,
            order=order,
            fill=fill,
        )
        return self.evolve(images=images, geometry=geometry)

    def extract(
        self,
        points_xyz: ArrayLike,
        size: int | tuple[int, ...],
        *,
        outside: str = "drop",
        fill: str | float = "mean",
        resample: bool = False,
        order: int = 3,
    ) -> list[Self]:
        """Cut a small tilt series about each point of the specimen.

        Pixels are copied as they are; the parts of a pixel that remain are in the shifts.

        Parameters
        ----------
        points_xyz : array_like, shape (m, 3) or (3,)
            Angstroms from the specimen's center.
        size : int or tuple of int
            Pixels of a box, ``(h, w)`` or a square.
        outside, fill, resample, order : optional
            As `libtilt.resampling.extract_patches` takes them; by default, tilts on which the box
            does not lie in the image are left out.

        Returns
        -------
        list of TiltSeries
            One per point, which is the center of the specimen in its geometry.

        Raises
        ------
        ValueError
            If an argument does not fit, or no image shows a point in a whole box.

        Examples
        --------
        >>> from libtilt import GaussianBlobs, TiltGeometry
        >>> blobs = GaussianBlobs([[9, -7.25, 4]], sigmas=2)
        >>> series = blobs.tilt_series(TiltGeometry.from_tilt_angles([-40, 0, 40]), (48, 48))
        >>> small, = series.extract([9, -7.25, 4], 16)
        >>> small.shape, small.geometry.shifts[1].round(6).tolist()
        ((3, 16, 16), [0.0, -0.25])
        """
        from libtilt.resampling import extract_patches

        patches = extract_patches(
            self.images,
            self.geometry,
            points_xyz,
            size,
            pixel_size=self.pixel_size,
            outside=outside,
            fill=fill,
            resample=resample,
            order=order,
        )
        # Other fields follow the tilts; the large images do not need to.
        return [
            self.evolve(
                **per_tilt_fields(self, patch.tilts, but=("images", "geometry")),
                images=patch.images,
                geometry=patch.geometry,
            )
            for patch in patches
        ]

    def normalize(self) -> Self:
        """Shift and scale each image to mean 0 and standard deviation 1.

        Returns
        -------
        TiltSeries
            float32, or float64 where the images are.

        Raises
        ------
        ValueError
            If an image is flat, or some values are NaN or infinite; the message names the tilt.

        Examples
        --------
        >>> import numpy as np
        >>> from libtilt import TiltGeometry, TiltSeries
        >>> geometry = TiltGeometry.from_tilt_angles([0, 3])
        >>> tilt_series = TiltSeries(np.arange(8.0).reshape(2, 2, 2), geometry)
        >>> tilt_series.normalize().images.mean(axis=(1, 2)).tolist()
        [0.0, 0.0]
        """
        require_finite(self.images, "images")
        images = self.images.astype(floating_dtype(self.dtype), copy=False)
        # The deviation of equal values need not be zero: their mean is rounded.
        if (flat := np.flatnonzero(images.min(axis=(1, 2)) == images.max(axis=(1, 2)))).size:
            raise ValueError(
                f"images[{flat[0]}] cannot be normalized: "
                f"all its values are {images[flat[0], 0, 0]}"
            )
        return self.evolve(images=standardize(images, (1, 2)))

    def to_layer_data(self) -> tuple[NDArray[Any], dict[str, Any], str]:
        """Return what napari needs for an image layer, in the order of the series.

        Returns
        -------
        data : ndarray, shape (n, h, w)
        options : dict
            Scale in angstroms, 1 along the tilts; the tilt angles are in ``metadata``.
        kind : str
            ``"image"``.

        Examples
        --------
        >>> import numpy as np
        >>> from libtilt import TiltGeometry, TiltSeries
        >>> geometry = TiltGeometry.from_tilt_angles([-3, 0, 3])
        >>> series = TiltSeries(np.zeros((3, 4, 4)), geometry, pixel_size=2.0)
        >>> series.to_layer_data()[1]["scale"]
        (1.0, 2.0, 2.0)
        """
        angles = self.geometry.tilt_angles.round(6).tolist()
        options = {
            "name": type(self).__name__,
            "scale": (1.0, self.pixel_size, self.pixel_size),
            "metadata": {"units": "angstrom", "tilt_angles": angles},
        }
        return self.images, options, "image"

    def _pictures(self) -> list[NDArray[Any]]:
        angles = self.geometry.tilt_angles
        places = dict.fromkeys([angles.argmin(), abs(angles).argmin(), angles.argmax()])
        return [self.images[place] for place in places]

    def _facts(self) -> dict[str, str]:
        angles = self.geometry.tilt_angles
        return super()._facts() | {
            "pixel size": f"{self.pixel_size:.4g} Å",
            "tilt angles": f"{angles.min():.1f}° to {angles.max():.1f}°",
        }

    def __getitem__(self, index: Any) -> Self:
        return self.subset(index)

    def _within(self, window: Window, images: NDArray[Any]) -> Self:
        """Return the series of a window of each image, whose geometry finds the same specimen."""
        shifts = self.geometry.shifts - window.moved * self.pixel_size
        return self.evolve(
            images=images,
            geometry=self.geometry.evolve(shifts=shifts),
            pixel_size=self.grid.within(window).pixel_size,
        )

    def _check_compatible(self, other: Any) -> None:
        if difference := self.grid.difference(other.grid):
            raise ValueError(difference)
        if self.geometry is not other.geometry and self.geometry != other.geometry:
            raise ValueError(
                "geometries differ, image by image these are other tilts; "
                "use numpy.asarray on one of them if that is meant"
            )
