"""`TiltSeries`: images of one specimen with their tilt geometry."""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from libtilt.errors import LibtiltWarning
from libtilt.errors.checks import (
    floating_dtype,
    real_data,
    require_finite,
    require_kind,
    require_representable,
    to_pixel_size,
)
from libtilt.errors.log import logger
from libtilt.geometry import ImageGrid, TiltGeometry
from libtilt.geometry.frozen_classes import frozen
from libtilt.geometry.image_data import ImageData, standardize
from libtilt.geometry.per_tilt import (
    PER_TILT,
    describe_array,
    per_tilt_fields,
    require_per_tilt,
    tilt_index,
)
from libtilt.geometry.window import Window

if TYPE_CHECKING:
    from xarray import DataArray

    from libtilt.alignment import Alignment
    from libtilt.alignment.stack_geometry import StackFile, StackGeometry

# Retries of reading a series that a writer may be replacing, and the pause between, in seconds.
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
        Real numbers of any dtype, indexed tilt, y, x. Stored as a read-only view, not copied.
    geometry : TiltGeometry
        Geometry of the n tilts.
    pixel_size : float, optional
        Pixel size in angstroms.

    Raises
    ------
    TypeError
        If the images are complex or not numbers, or `geometry` is not a `TiltGeometry`.
    ValueError
        If the numbers of images and tilts differ, or a field per tilt of a subclass does not have
        one entry per tilt.

    Notes
    -----
    An index selects tilts: ``tilt_series[3]`` and ``tilt_series[3:5]`` are tilt series with their
    geometry. NumPy functions that act on each value, such as `numpy.sqrt`, give a `TiltSeries`;
    statistics, such as ``tilt_series.mean(axis=(1, 2))`` of each image, and all other NumPy
    functions give plain numbers and arrays.

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
    >>> tilt_series.mean(axis=(1, 2)).tolist()
    [1.0, 1.0, 1.0]
    """

    _array_name: ClassVar[str] = "images"
    geometry_type: ClassVar[type[TiltGeometry]] = TiltGeometry

    images: NDArray[Any] = attrs.field(
        converter=_images_converter, repr=describe_array, metadata=PER_TILT
    )
    geometry: TiltGeometry = attrs.field(metadata=PER_TILT)
    pixel_size: float = attrs.field(default=1.0, kw_only=True, converter=to_pixel_size)

    # Of the images, since a subclass may declare a geometry of its own type.
    @images.validator
    def _check_counts(self, _: Any, images: NDArray[Any]) -> None:
        require_kind(self.geometry, TiltGeometry, "geometry")
        if len(self.geometry) != len(images):
            raise ValueError(
                f"geometry must have one tilt per image: expected {len(images)} "
                f"for images {images.shape}, got {len(self.geometry)}"
            )
        require_per_tilt(self, len(images))

    @property
    def grid(self) -> ImageGrid:
        """Shape and pixel size of the images; the geometry's shifts give their position."""
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

        TIFF and HDF5 files (``.tif .hdf .emd ...``) are read with the extra ``formats``. By
        default, the geometry is read from the file of the same name with the suffix ``.json``,
        else ``.tlt``, ``.rawtlt`` or ``.mdoc``, else from the header of the stack. Fields that a
        subclass adds are read with a geometry from that ``.json``, as `save` writes it.

        Parameters
        ----------
        path : path
            The stack. A single image is a stack of one.
        geometry : TiltGeometry, Alignment, array_like of shape (n,), or path, optional
            The geometry, tilt angles in degrees, or a file of any format that
            `libtilt.alignment.open_alignment` reads. Views that an alignment excludes are dropped.
        tilt_axis_angle : float, optional
            Angle from the images' y axis to the tilt axis in degrees, instead of the one in a
            file. Lists of tilt angles do not include it: by default the axis is then along y, with
            a warning unless the suffix marks the stack as aligned (``.ali``).
        pixel_size : float, optional
            Pixel size in angstroms, instead of the header's. If both are missing, 1 is assumed
            with a warning; with an alignment, an error is raised.
        memmap : bool, optional
            Whether to memory-map the file instead of reading it.
        **fields
            Fields that a subclass adds, instead of those saved beside the stack, and options of
            the geometry's reader, such as ``name="TS_1"``, ``aligned=True``, ``format="angles"``,
            ``volume_shape=(d, h, w)``.

        Returns
        -------
        TiltSeries

        Raises
        ------
        FileNotFoundError
            If the file does not exist.
        ValueError
            If there is no geometry, the numbers of tilts and images differ, the file is not a
            valid image file, or an alignment requires a pixel size that neither file has.

        Warns
        -----
        UserWarning
            Once, if the header is unusual, or lacks a pixel size and none is passed; and for each
            assumption about the geometry, such as the tilt axis, and each unused file beside the
            stack.

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
        from libtilt.alignment.stack_geometry import UNKNOWN_PIXEL_SIZE
        from libtilt.io.mrc import PLACEHOLDER

        own = {field.alias for field in attrs.fields(cls)}
        options = {name: fields.pop(name) for name in set(fields) - own}
        given = {"pixel_size": pixel_size, "tilt_axis_angle": tilt_axis_angle}
        stack, found = cls._read_stack(path, memmap, given, geometry, options)
        content = stack.content
        images, notes = content.data, list(content.notes)
        if found.views is not None and not np.array_equal(found.views, np.arange(len(images))):
            images = images[found.views]
        if len(found.geometry) != len(images):
            raise ValueError(
                f"{path} has {len(images)} images, but {found.source} has "
                f"{len(found.geometry)} tilts"
            )
        known = found.pixel_size or stack.find_pixel_size()
        if known is None and not (content.has_placeholder_size and content.is_from_libtilt):
            notes.append(PLACEHOLDER if content.has_placeholder_size else UNKNOWN_PIXEL_SIZE)
        if notes:
            message = f"{path}: {'; '.join(notes)}"
            assumed = ("pixel_size",) if len(notes) > len(content.notes) else ()
            warnings.warn(LibtiltWarning(message, arguments=assumed), stacklevel=2)
        for text in found.warnings:
            warnings.warn(text, LibtiltWarning, stacklevel=2)
        logger.info("%s: tilts and axis from %s", path, found.source)
        for note in found.notes:
            logger.info("%s: %s", path, note)
        added = own - {field.alias for field in attrs.fields(TiltSeries)}
        if lacking := ", ".join(sorted(set(found.fields) - added)):
            message = (
                f"{found.source} also has {lacking}, which {cls.__name__} has no field for: open "
                "it with the class that saved it"
            )
            warnings.warn(message, LibtiltWarning, stacklevel=2)
        saved = {name: value for name, value in found.fields.items() if name in added}
        return cls(images, found.geometry, pixel_size=known or 1.0, **saved | fields)

    @classmethod
    def _read_stack(
        cls,
        path: str | Path,
        memmap: bool,
        given: dict[str, float | None],
        geometry: Any,
        options: dict[str, Any],
    ) -> tuple[StackFile, StackGeometry]:
        """Read a stack and its geometry, again while a writer replaces the two."""
        from libtilt.alignment.stack_geometry import StackFile
        from libtilt.errors import MixedSeriesError
        from libtilt.io.image_files import read_image

        for last in (*[False] * _ATTEMPTS, True):
            content = read_image(path, memmap=memmap)
            stack = StackFile(path, content, **given, kind=cls.geometry_type)
            try:
                return stack, stack.geometry(geometry, **options)
            except MixedSeriesError:
                if last:
                    raise
                time.sleep(_PAUSE)
        raise AssertionError("unreachable")

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the stack, and beside it the geometry (``.json``) and tilt angles (``.rawtlt``).

        The ``.json`` also holds the fields that a subclass adds, which its `open` gives back.

        Parameters
        ----------
        path : path
            File name of the stack, with a suffix as in `Volume.save`.
        overwrite : bool, optional
            Whether to replace existing files.

        Returns
        -------
        pathlib.Path
            The path of the stack.

        Raises
        ------
        FileExistsError
            If one of the three files exists and `overwrite` is false.
        ValueError
            If the file name has another suffix, or a value does not fit into float32.
        TypeError
            If a field of a subclass holds what JSON cannot; the message names the field.
        OSError
            If a file cannot be written. No partial files are left.

        Examples
        --------
        See `open`.
        """
        from libtilt.alignment.beside_stack import sibling_path
        from libtilt.geometry.json_file import add_series, plain_fields
        from libtilt.io.atomic import atomic_writes
        from libtilt.io.mrc_writing import compression, write_new_mrc

        compression(path)
        targets = (path, sibling_path(path, ".json"), sibling_path(path, ".rawtlt"))
        own = [field.name for field in attrs.fields(TiltSeries)]
        geometry, series = add_series(self.geometry.to_json(), plain_fields(self, exclude=own))
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
        """Select tilts by an integer, slice, boolean mask or index array.

        Parameters
        ----------
        index : int, slice or array_like
            Index of the tilts.

        Returns
        -------
        TiltSeries
            The selected images with their geometry; the same as ``tilt_series[index]``.

        Raises
        ------
        IndexError
            If the index is out of range, or selects no tilts.

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
        """Sort the tilts by increasing tilt angle.

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

        Values remain line integrals over the pixel size, so a reconstruction from binned images
        has the same density. Pixels at the end that do not fill a block are dropped. The shifts of
        the geometry compensate for the move of the center ``shape // 2``, so that features project
        where they did.

        Parameters
        ----------
        factor : int
            Side of a block in pixels, at least 1.

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
        self.grid.from_window(window)  # Raises if pixels would not stay square.
        images = window.block_means(self.images, floating_dtype(self.dtype))
        images /= window.steps[0]
        return self._within(window, images)

    def crop(self, shape: tuple[int, ...], *, center: tuple[int, ...] | None = None) -> Self:
        """Cut the same box out of each image.

        Parameters
        ----------
        shape : tuple of int
            ``(h, w)`` of the box.
        center : tuple of int, optional
            Index y, x of the pixel that becomes the center ``shape // 2`` of the box; by default
            the center of the images.

        Returns
        -------
        TiltSeries
            A view, with the shifts of its geometry relative to the box.

        Raises
        ------
        ValueError
            If the box extends outside the images.

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
        """Pad each image on all sides; the pixel ``shape // 2`` stays the center.

        Parameters
        ----------
        shape : tuple of int
            ``(h, w)`` of the result.
        value : float, optional
            Fill value.

        Returns
        -------
        TiltSeries

        Raises
        ------
        ValueError
            If `shape` is smaller than the images, or their integer dtype cannot represent `value`.

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

        The tomogram then consists of independent slices, the fastest case of every backend. This
        costs one interpolation; to avoid it, reconstruct from the original images.

        Parameters
        ----------
        image_shape, order, fill : optional
            As in `libtilt.resampling.align_stack`.

        Returns
        -------
        TiltSeries
            The aligned images with their geometry.

        Raises
        ------
        ValueError
            If the images have NaN or infinite values, or an option is invalid.

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
        """Extract a small tilt series about each point of the specimen.

        Pixels are copied without interpolation; the subpixel offsets are in the shifts.

        Parameters
        ----------
        points_xyz : array_like, shape (m, 3) or (3,)
            Positions x, y, z in angstroms from the rotation center.
        size : int or tuple of int
            Box size in pixels, one number or ``(h, w)``.
        outside, fill, resample, order : optional
            As in `libtilt.resampling.extract_patches`; by default, tilts whose box extends outside
            the image are dropped.

        Returns
        -------
        list of TiltSeries
            One series per point, with its rotation center at the point.

        Raises
        ------
        ValueError
            If an argument is invalid, or no image has the whole box of a point.

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
        # Fields of subclasses are indexed by tilt; the images are not, to avoid a copy.
        return [
            self.evolve(
                **per_tilt_fields(self, patch.tilts, exclude=("images", "geometry")),
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
            float64 for float64 images, else float32.

        Raises
        ------
        ValueError
            If an image is constant, or some values are NaN or infinite; the message names the tilt.

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
        # Not by the standard deviation: rounding can make that of equal values nonzero.
        if (flat := np.flatnonzero(images.min(axis=(1, 2)) == images.max(axis=(1, 2)))).size:
            raise ValueError(
                f"images[{flat[0]}] cannot be normalized: "
                f"all its values are {images[flat[0], 0, 0]}"
            )
        return self.evolve(images=standardize(images, (1, 2)))

    def to_layer_data(self) -> tuple[NDArray[Any], dict[str, Any], str]:
        """Return the data of a napari image layer.

        Returns
        -------
        data : ndarray, shape (n, h, w)
        options : dict
            Name, axis labels, units, and scale in angstroms from the center of the images; the
            first axis counts tilts, in pixels. ``metadata`` has the tilt angles, and the geometry
            as JSON. Contrast limits are as in `Volume.to_layer_data`.
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
        from libtilt.exchange.layers import layer_options

        x, y = self.grid.axes
        options = layer_options(
            self.images,
            name=type(self).__name__,
            axes={"tilt": "pixel", "y": "angstrom", "x": "angstrom"},
            scale=(1.0, self.pixel_size, self.pixel_size),
            translate=(0.0, y[0], x[0]),
            metadata={
                "tilt_angles": self.geometry.tilt_angles.round(6).tolist(),
                "geometry": self.geometry.to_json(),
            },
        )
        return self.images, options, "image"

    def to_xarray(self) -> DataArray:
        """Return the tilt series as an `xarray.DataArray` (extra ``xarray``).

        Returns
        -------
        xarray.DataArray, shape (n, h, w)
            Dimensions tilt, y, x, with pixel positions in angstroms from the center of the images,
            and ``tilt_angle`` in degrees along the tilts, as coordinates. The coordinate ``tilt``
            numbers the tilts, and has the geometry as JSON in its attributes. The data are shared
            and read-only. Fields that a subclass adds are not included.

        Raises
        ------
        ImportError
            If xarray is not installed.

        Examples
        --------
        >>> import numpy as np
        >>> from libtilt import TiltGeometry, TiltSeries
        >>> geometry = TiltGeometry.from_tilt_angles([3, -3, 0])
        >>> series = TiltSeries(np.ones((3, 4, 4)), geometry, pixel_size=2.0)
        >>> array = series.to_xarray().sortby("tilt_angle")
        >>> array.tilt_angle.values.round(6).tolist(), array.x.values.tolist()
        ([-3.0, 0.0, 3.0], [-4.0, -2.0, 0.0, 2.0])
        >>> TiltSeries.from_xarray(array).geometry.tilt_angles.round(9).tolist()
        [-3.0, 0.0, 3.0]
        """
        from libtilt.exchange.data_arrays import series_array

        return series_array(self.images, self.grid.axes, self.pixel_size, self.geometry)

    @classmethod
    def from_xarray(
        cls, array: DataArray, *, geometry: TiltGeometry | None = None, **fields: Any
    ) -> Self:
        """Return the tilt series in an `xarray.DataArray`: the inverse of `to_xarray`.

        Parameters
        ----------
        array : xarray.DataArray
            Dimensions tilt, y, x in any order; y and x as in `Volume.from_xarray`.
        geometry : TiltGeometry, optional
            Geometry of the n tilts, with shifts relative to the position x = y = 0, instead of the
            one in the array.
        **fields
            Fields that a subclass adds, or that replace those of the array.

        Returns
        -------
        TiltSeries
            Series with the geometry of the tilts that the array still has. Features project where
            they did if xarray has cut or averaged pixels; `bin` also divides by its factor.

        Raises
        ------
        ImportError
            If xarray is not installed.
        TypeError
            If `array` is not a `DataArray`, or is complex.
        ValueError
            If dimensions, positions, units or the geometry are missing or invalid.

        Examples
        --------
        See `to_xarray`.
        """
        from libtilt.exchange.data_arrays import series_fields

        return cls(**series_fields(array, cls.geometry_type, geometry) | fields)

    def _thumbnails(self) -> list[NDArray[Any]]:
        angles = self.geometry.tilt_angles
        places = dict.fromkeys([angles.argmin(), abs(angles).argmin(), angles.argmax()])
        return [self.images[place] for place in places]

    def _summary(self) -> dict[str, str]:
        size = {"pixel size": f"{self.pixel_size:.4g} Å"}
        return super()._summary() | size | self.geometry._summary()

    def __getitem__(self, index: Any) -> Self:
        if isinstance(index, tuple) and len(index) > 1:
            raise IndexError(
                f"index must select from {len(self)} tilts, got {index!r}: select several tilts "
                "with a list, and cut windows out of the images with crop"
            )
        return self.subset(index)

    def _within(self, window: Window, images: NDArray[Any]) -> Self:
        """Return a window of each image, with shifts that keep the projections of the specimen."""
        shifts = self.geometry.shifts - window.center_shift * self.pixel_size
        return self.evolve(
            images=images,
            geometry=self.geometry.evolve(shifts=shifts),
            pixel_size=self.grid.from_window(window).pixel_size,
        )

    def _check_compatible(self, other: Any) -> None:
        if difference := self.grid.describe_difference(other.grid):
            raise ValueError(difference)
        if self.geometry is not other.geometry and self.geometry != other.geometry:
            raise ValueError(
                "geometries differ, so the images are of different tilts; "
                "use numpy.asarray on one of them to ignore this"
            )
