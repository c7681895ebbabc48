"""`Volume`: a density map with its voxel size and position."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import attrs
import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from libtilt.errors import LibtiltWarning
from libtilt.errors.checks import (
    Float64Array,
    floating_dtype,
    one_of,
    real_data,
    require_finite,
    require_representable,
    to_center,
    to_origin,
    to_voxel_size,
)
from libtilt.errors.warning import warn
from libtilt.geometry import VolumeGrid
from libtilt.geometry.frozen_classes import added_facts, frozen
from libtilt.geometry.image_data import ImageData, format_spacing, standardize
from libtilt.geometry.per_tilt import describe_array
from libtilt.geometry.rotations import as_rotation_matrices, require_rotations
from libtilt.geometry.window import Window

if TYPE_CHECKING:
    from scipy.spatial.transform import Rotation
    from xarray import DataArray

    from libtilt.io.image_content import ImageContent


class CentralSlices(NamedTuple):
    """Slices through the center of a volume: xy `(h, w)`, xz `(d, w)` and yz `(d, h)`."""

    xy: NDArray[Any]
    xz: NDArray[Any]
    yz: NDArray[Any]


def _data_converter(value: ArrayLike) -> NDArray[Any]:
    if isinstance(value, ImageData):
        raise TypeError(
            f"data must be an array, got a {type(value).__name__}, whose voxel size and position "
            "would be lost: use its evolve() to keep them, or pass numpy.asarray(...) to drop them"
        )
    return real_data(value, "data", 3)


def _spacing_and_position(content: ImageContent, voxel_size: Float64Array) -> dict[str, Any]:
    """Return voxel size, center and origin; in libtilt's own files they scale with `voxel_size`."""
    factor = np.ones(3)
    if content.is_from_libtilt and content.voxel_size.all():
        factor = voxel_size / content.voxel_size
    position = {"center": content.center * factor, "origin": content.origin * factor}
    return {"voxel_size": voxel_size} | position


@frozen
class Volume(ImageData):
    """A three-dimensional density map, indexed z, y, x.

    Parameters
    ----------
    data : array_like, shape (d, h, w)
        Real numbers of any dtype. Stored as a read-only view, not copied.
    voxel_size : float or (3,), optional
        Voxel size in angstroms, for all axes or for x, y, z.
    center : (3,), optional
        Position of the voxel ``shape // 2`` in the specimen: x, y, z in angstroms from the
        rotation center. It determines where the volume projects to.
    origin : (3,), optional
        Position of voxel (0, 0, 0) in the coordinates of a file or viewer, x, y, z in angstroms; by
        default in the specimen frame. It does not affect projections.

    Raises
    ------
    TypeError
        If the data are complex or not numbers.
    ValueError
        If the data are not three-dimensional, or the voxel size is not positive.

    Notes
    -----
    Slices, crops and binned volumes keep their position: every feature projects where it did
    before. Indexing with slices of positive steps gives a `Volume`, with voxels enlarged by the
    steps; negative steps and empty slices are an error. Any other index, such as ``volume[3]`` or a
    mask, gives what the plain array gives.

    NumPy functions that act on each value, such as `numpy.sqrt`, give a `Volume`; statistics, such
    as ``volume.mean()``, and all other NumPy functions give plain numbers and arrays.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt import Volume
    >>> volume = Volume(np.ones((4, 6, 8), dtype=np.float32), voxel_size=2.5)
    >>> volume
    Volume(data=(4, 6, 8) float32, voxel_size=[2.5, 2.5, 2.5], center=[0.0, 0.0, 0.0])
    >>> volume[2:].center.tolist()
    [0.0, 0.0, 2.5]
    >>> volume[2].shape
    (6, 8)
    >>> np.sqrt(volume * 4).voxel_size.tolist()
    [2.5, 2.5, 2.5]
    >>> float((volume * 2).mean()), volume.sum(axis=0).shape
    (2.0, (6, 8))
    """

    _array_name: ClassVar[str] = "data"

    data: NDArray[Any] = attrs.field(converter=_data_converter, repr=describe_array)
    voxel_size: Float64Array = attrs.field(
        default=1.0,
        kw_only=True,
        converter=to_voxel_size,
        repr=np.ndarray.tolist,
    )
    center: Float64Array = attrs.field(
        default=(0.0, 0.0, 0.0), kw_only=True, converter=to_center, repr=np.ndarray.tolist
    )
    _origin: Float64Array | None = attrs.field(
        default=None, kw_only=True, converter=attrs.converters.optional(to_origin), repr=False
    )

    @property
    def grid(self) -> VolumeGrid:
        """Shape, voxel size and center of the volume."""
        return VolumeGrid(self.shape, self.voxel_size, self.center)

    @property
    def origin(self) -> Float64Array:
        """Position of voxel (0, 0, 0), `(3,)`, in coordinates of its file or the specimen."""
        return self.grid.origin if self._origin is None else self._origin

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        voxel_size: ArrayLike | None = None,
        memmap: bool = False,
        **fields: Any,
    ) -> Self:
        """Open an MRC file (``.mrc .map .rec ...``, also ``.gz`` and ``.bz2``) as a volume.

        TIFF and HDF5 files (``.tif .hdf .emd ...``) are read with the extra ``formats``.

        Parameters
        ----------
        path : path
            The file.
        voxel_size : float or (3,), optional
            Voxel size in angstroms, instead of the header's.
        memmap : bool, optional
            Whether to memory-map the file instead of reading it.
        **fields
            Fields that a subclass adds.

        Returns
        -------
        Volume
            Volume with axes z, y, x, whatever the order in the file. The origin is the header's,
            or, if that is zero, the start indices times the voxel size.

        Raises
        ------
        FileNotFoundError
            If the file does not exist.
        ValueError
            If the file is not a supported image file, is truncated, or has complex data.

        Warns
        -----
        UserWarning
            Once, if the header is unusual, or lacks a voxel size and none is passed.

        Examples
        --------
        >>> import tempfile, numpy as np
        >>> from libtilt import Volume
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Volume(np.zeros((4, 4, 4)), voxel_size=7.9).save(f"{folder}/map.mrc")
        ...     Volume.open(path).voxel_size.round(3).tolist()
        [7.9, 7.9, 7.9]
        """
        from libtilt.io.image_files import read_image
        from libtilt.io.mrc import PLACEHOLDER

        content = read_image(path, memmap=memmap)
        notes = list(content.notes)
        spacing = content.voxel_size
        if voxel_size is None and not spacing.all():
            # If only z is missing, as in multi-page files, cubic voxels are likelier than 1 Å.
            size = spacing[0] if spacing[:2].all() else 1.0
            notes.append(
                f"no voxel size{' along z' if spacing[:2].all() else ''} in the header; "
                f"assuming {size:g} Å. Pass voxel_size= to set it."
            )
            spacing = np.where(spacing > 0, spacing, size)
        elif voxel_size is None and content.has_placeholder_size and not content.is_from_libtilt:
            notes.append(PLACEHOLDER)
        if notes:
            message = f"{path}: {'; '.join(notes)}"
            assumed = ("voxel_size",) if len(notes) > len(content.notes) else ()
            warn(LibtiltWarning(message, arguments=assumed))
        size = spacing if voxel_size is None else to_voxel_size(voxel_size)
        return cls(content.data, **_spacing_and_position(content, size) | fields)

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the volume as an MRC file.

        Parameters
        ----------
        path : path
            File name ending with ``.mrc .map .st .ali .rec`` or ``.mrcs``, and ``.gz`` or ``.bz2``
            to compress.
        overwrite : bool, optional
            Whether to replace an existing file.

        Returns
        -------
        pathlib.Path
            The path.

        Raises
        ------
        FileExistsError
            If the file exists and `overwrite` is false.
        ValueError
            If the file name has another suffix, or a value does not fit into float32.
        OSError
            If the file cannot be written. No partial file is left.

        Notes
        -----
        float64 is stored as float32, the widest type of MRC. Fields that a subclass adds are not
        stored: pass them to `open`.

        Examples
        --------
        See `open`.
        """
        return self._save(path, overwrite=overwrite)

    def _save(self, path: str | Path, *, overwrite: bool, made: str = "") -> Path:
        """Write the volume; `made` is the history to write into the header's labels.

        `save` of this class and of `libtilt.reconstruction.Reconstruction` call it.
        """
        from libtilt.io.mrc_writing import write_mrc

        write_mrc(
            path,
            self.data,
            voxel_size=self.voxel_size,
            origin=self.origin,
            center=self.center,
            is_image_stack=False,
            made=made,
            overwrite=overwrite,
        )
        return Path(path)

    def crop(self, shape: tuple[int, ...], *, center: tuple[int, ...] | None = None) -> Self:
        """Cut out a box.

        Parameters
        ----------
        shape : tuple of int
            ``(d, h, w)`` of the box.
        center : tuple of int, optional
            Index z, y, x of the voxel that becomes the center ``shape // 2`` of the box; by
            default the volume's center.

        Returns
        -------
        Volume
            A view, with the center and origin of the box.

        Raises
        ------
        ValueError
            If the box extends outside the volume.

        Examples
        --------
        >>> import numpy as np
        >>> from libtilt import Volume
        >>> volume = Volume(np.arange(64.0).reshape(4, 4, 4))
        >>> volume.crop((2, 2, 2), center=(1, 2, 3)).center.tolist()
        [1.0, 0.0, -1.0]
        """
        window = Window.crop(self.shape, shape, center, "volume")
        return self._within(window, self.data[window.slices])

    def pad(self, shape: tuple[int, ...], *, value: float = 0.0) -> Self:
        """Pad the volume on all sides; the voxel ``shape // 2`` stays the center.

        Parameters
        ----------
        shape : tuple of int
            Shape ``(d, h, w)`` of the result.
        value : float, optional
            Fill value.

        Returns
        -------
        Volume
            Volume with the same center, and the origin of the new voxel (0, 0, 0).

        Raises
        ------
        ValueError
            If `shape` is smaller than the volume, or its integer dtype cannot represent `value`.

        Examples
        --------
        >>> import numpy as np
        >>> from libtilt import Volume
        >>> int(Volume(np.ones((2, 2, 2))).pad((4, 4, 5)).data.sum())
        8
        """
        window = Window.pad(self.shape, shape)
        require_representable(value, self.dtype, "the volume's type")
        return self._within(window, np.pad(self.data, window.margins, constant_values=value))

    def bin(self, factor: int | tuple[int, ...]) -> Self:
        """Average blocks of voxels.

        Voxels at the end that do not fill a block are dropped. The new voxels lie at the centers of
        the blocks, so features keep their positions: `center` moves with the voxel
        ``shape // 2``, by half an old voxel for a factor of 2.

        Parameters
        ----------
        factor : int or tuple of int
            Side of a block in voxels, or its sides along z, y, x.

        Returns
        -------
        Volume
            Binned volume. Its projections equal the binned projections (`TiltSeries.bin`) of this
            volume, except for interpolation.

        Raises
        ------
        ValueError
            If `factor` is not positive or larger than the volume.

        Examples
        --------
        >>> import numpy as np
        >>> from libtilt import Volume
        >>> binned = Volume(np.ones((4, 4, 4)), voxel_size=2.0).bin(2)
        >>> binned.shape, binned.voxel_size.tolist(), binned.center.tolist()
        ((2, 2, 2), [4.0, 4.0, 4.0], [1.0, 1.0, 1.0])
        """
        window = Window.bin(self.shape, factor)
        return self._within(window, window.block_means(self.data, floating_dtype(self.dtype)))

    def resample(self, grid: VolumeGrid | Volume, *, order: int = 1, fill: float = 0.0) -> Self:
        """Resample the volume onto another grid, for example to compare two volumes.

        Parameters
        ----------
        grid : VolumeGrid or Volume
            Target grid.
        order : {0, 1, 3}, optional
            Order of the interpolating spline. Voxels that coincide are copied.
        fill : float, optional
            Value outside this volume.

        Returns
        -------
        Volume
            Volume on the target grid; float64 for float64 data, else float32.

        Raises
        ------
        TypeError
            If `grid` is neither a `VolumeGrid` nor a `Volume`.
        ValueError
            If `order` is not 0, 1 or 3, or the data have NaN or infinite values.

        Examples
        --------
        A crop, on the grid of the whole:

        >>> import numpy as np
        >>> from libtilt import Volume
        >>> volume = Volume(np.arange(64.0).reshape(4, 4, 4))
        >>> crop = volume[1:3, :2, 3:]
        >>> np.argwhere(crop.resample(volume).data).tolist()
        [[1, 0, 3], [1, 1, 3], [2, 0, 3], [2, 1, 3]]
        """
        target = grid.grid if isinstance(grid, Volume) else grid
        if not isinstance(target, VolumeGrid):
            raise TypeError(f"grid must be a VolumeGrid or a Volume, got {type(grid).__name__}")
        one_of(order, "order", (0, 1, 3))
        require_finite(self.data, "data")
        data = self.data.astype(floating_dtype(self.dtype), copy=False)
        from libtilt.resampling.volumes import resample_volume

        return self._on(target, resample_volume(data, self.grid, target, order=order, fill=fill))

    def rotate(self, rotation: Rotation | ArrayLike, *, order: int = 1) -> Self:
        """Rotate the density about the rotation center; the grid stays.

        Parameters
        ----------
        rotation : scipy.spatial.transform.Rotation or array_like, shape (3, 3)
            Acts on x, y, z from the rotation center: a point ``p`` moves to ``rotation @ p``.
        order : {0, 1, 3}, optional
            Order of the interpolating spline.

        Returns
        -------
        Volume
            Volume of the same shape; zero where it would need values from outside.

        Raises
        ------
        ValueError
            If `rotation` is not a single rotation.

        Examples
        --------
        >>> import numpy as np
        >>> from scipy.spatial.transform import Rotation
        >>> from libtilt import Volume
        >>> data = np.zeros((3, 3, 3))
        >>> data[1, 1, 2] = 1  # one step along x from the center
        >>> turned = Volume(data).rotate(Rotation.from_euler("z", 90, degrees=True))
        >>> np.argwhere(turned.data > 0.5).tolist()  # one step along y
        [[1, 2, 1]]
        """
        matrices = as_rotation_matrices(rotation, "rotation")
        if len(matrices) != 1:
            raise ValueError(f"rotation must be one rotation, got {len(matrices)}")
        require_rotations(matrices, "rotation")
        one_of(order, "order", (0, 1, 3))
        require_finite(self.data, "data")
        backward = matrices[0].T * self.voxel_size / self.voxel_size[:, np.newaxis]
        # Index of the rotation center, which may lie outside the volume.
        center = self.grid.indices([0, 0, 0])[::-1]
        data = scipy.ndimage.affine_transform(
            self.data.astype(floating_dtype(self.dtype), copy=False),
            backward[::-1, ::-1],
            (center - backward @ center)[::-1],
            order=order,
            mode="grid-constant",
        )
        return self.evolve(data=data)

    def normalize(self) -> Self:
        """Shift and scale the values to mean 0 and standard deviation 1.

        Returns
        -------
        Volume
            float64 for float64 data, else float32.

        Raises
        ------
        ValueError
            If all values are equal, or some are NaN or infinite.

        Examples
        --------
        >>> import numpy as np
        >>> from libtilt import Volume
        >>> float(Volume(np.arange(8.0).reshape(2, 2, 2)).normalize().data.std())
        1.0
        """
        require_finite(self.data, "data")
        data = self.data.astype(floating_dtype(self.dtype), copy=False)
        # Not by the standard deviation: rounding can make that of equal values nonzero.
        if data.min() == data.max():
            raise ValueError(f"data cannot be normalized: all values are {data.flat[0]}")
        return self.evolve(data=standardize(data, (0, 1, 2)))

    @property
    def central_slices(self) -> CentralSlices:
        """The slices through ``shape // 2``, perpendicular to z, y and x."""
        z, y, x = (n // 2 for n in self.shape)
        return CentralSlices(self.data[z], self.data[:, y], self.data[:, :, x])

    def to_layer_data(self) -> tuple[NDArray[Any], dict[str, Any], str]:
        """Return the data of a napari image layer.

        Returns
        -------
        data : ndarray, shape (d, h, w)
        options : dict
            Name, axis labels, units, scale and translation in angstroms, in napari's order z, y, x;
            contrast limits from a few slices, so that a memory-mapped file is not read whole.
        kind : str
            ``"image"``.

        Examples
        --------
        In napari: ``viewer.add_layer(napari.layers.Layer.create(*volume.to_layer_data()))``.

        >>> import numpy as np
        >>> from libtilt import Volume
        >>> _, options, kind = Volume(np.zeros((2, 3, 4)), voxel_size=(1, 2, 3)).to_layer_data()
        >>> kind, options["scale"], options["units"]
        ('image', (3.0, 2.0, 1.0), ('angstrom', 'angstrom', 'angstrom'))
        """
        from libtilt.exchange.layers import layer_options

        options = layer_options(
            self.data,
            name=type(self).__name__,
            axes={"z": "angstrom", "y": "angstrom", "x": "angstrom"},
            scale=self.voxel_size[::-1],
            translate=self.origin[::-1],
            metadata={"rotation_center": (self.origin - self.grid.origin).tolist()},
        )
        return self.data, options, "image"

    def to_xarray(self) -> DataArray:
        """Return the volume as an `xarray.DataArray` (extra ``xarray``).

        Returns
        -------
        xarray.DataArray, shape (d, h, w)
            Dimensions z, y, x, with voxel positions in angstroms from the rotation center as
            coordinates; also ``file_z``, ``file_y``, ``file_x`` if the volume has an origin of its
            own. The data are shared and read-only: ``.copy()`` them to change values.

        Raises
        ------
        ImportError
            If xarray is not installed.

        Examples
        --------
        >>> import numpy as np
        >>> from libtilt import Volume
        >>> volume = Volume(np.ones((2, 4, 4)), voxel_size=2.5)
        >>> upper = volume.to_xarray().sel(y=slice(0, None))
        >>> upper.y.values.tolist(), upper.y.units
        ([0.0, 2.5], 'angstrom')
        >>> Volume.from_xarray(upper).center.tolist()
        [0.0, 2.5, 0.0]
        """
        from libtilt.exchange.data_arrays import volume_array

        return volume_array(self.data, self.grid.axes, self.voxel_size, self._origin)

    @classmethod
    def from_xarray(cls, array: DataArray, **fields: Any) -> Self:
        """Return the volume in an `xarray.DataArray`: the inverse of `to_xarray`.

        Parameters
        ----------
        array : xarray.DataArray
            Dimensions z, y, x in any order, each with evenly increasing positions and their unit
            (``array.x.attrs["units"]``), a length such as ``"angstrom"`` or ``"nm"``.
        **fields
            Fields that a subclass adds, or that replace those of the array.

        Returns
        -------
        Volume
            Volume whose voxels lie where the coordinates say, also after xarray has selected,
            transposed or averaged some.

        Raises
        ------
        ImportError
            If xarray is not installed.
        TypeError
            If `array` is not a `DataArray`, or is complex.
        ValueError
            If dimensions, positions or units are missing or invalid.

        Examples
        --------
        See `to_xarray`.
        """
        from libtilt.exchange.data_arrays import volume_fields

        return cls(**volume_fields(array) | fields)

    def _thumbnails(self) -> list[NDArray[Any]]:
        return [self.data[len(self.data) // 2], self.data[:, self.shape[1] // 2]]

    def _thumbnail_captions(self) -> list[str]:
        d, h, _ = self.shape
        return [f"slice z = {d // 2} of {d}", f"slice y = {h // 2} of {h}"]

    def _summary(self) -> dict[str, str]:
        size = {"voxel size (x, y, z)": f"{format_spacing(self.voxel_size)} Å"}
        return super()._summary() | size | added_facts(self, Volume)

    def __getitem__(self, index: Any) -> Any:
        parts = index if isinstance(index, tuple) else (index,)
        if not all(isinstance(part, slice) or part is Ellipsis for part in parts):
            return self.data[index]
        window = Window.from_index(self.shape, index)
        return self._within(window, self.data[window.slices])

    def _within(self, window: Window, data: NDArray[Any]) -> Self:
        """Return the part of the volume in a window, with its position."""
        return self._on(self.grid.from_window(window), data)

    def _on(self, grid: VolumeGrid, data: NDArray[Any]) -> Self:
        """Return new data on a grid in the same specimen, with the origin of that grid."""
        origin = self._origin
        if origin is not None:
            origin = origin + grid.origin - self.grid.origin
        return self.evolve(data=data, voxel_size=grid.voxel_size, center=grid.center, origin=origin)

    def _check_compatible(self, other: Any) -> None:
        if difference := self.grid.describe_difference(other.grid):
            raise ValueError(f"{difference}; pass numpy.asarray(...) of one of them to ignore it")
