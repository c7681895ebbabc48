"""`Volume`: a density map that knows its voxel size and its place."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import attrs
import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

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
from libtilt.geometry import VolumeGrid
from libtilt.geometry.frozen_classes import frozen
from libtilt.geometry.image_data import ImageData, spacing_text, standardize
from libtilt.geometry.per_tilt import describe_array
from libtilt.geometry.rotations import as_rotation_matrices, require_rotations
from libtilt.geometry.window import Window
from libtilt.resampling.volumes import resample_volume

if TYPE_CHECKING:
    from scipy.spatial.transform import Rotation

    from libtilt.io.image_content import ImageContent


class CentralSlices(NamedTuple):
    """The three slices through the center of a volume.

    Attributes
    ----------
    xy : ndarray, shape (h, w)
        Perpendicular to z.
    xz : ndarray, shape (d, w)
        Perpendicular to y.
    yz : ndarray, shape (d, h)
        Perpendicular to x.
    """

    xy: NDArray[Any]
    xz: NDArray[Any]
    yz: NDArray[Any]


def _data_converter(value: ArrayLike) -> NDArray[Any]:
    if isinstance(value, ImageData):
        raise TypeError(
            f"data must be an array, got a {type(value).__name__}, whose sizes and place would be "
            "lost: use its evolve, or numpy.asarray on it if that is meant"
        )
    return real_data(value, "data", 3)


def _places(content: ImageContent, voxel_size: Float64Array) -> dict[str, Any]:
    """Return voxel size, center and origin; our own places are counted in voxels."""
    factor = np.ones(3)
    if content.is_from_libtilt and content.voxel_size.all():
        factor = voxel_size / content.voxel_size
    places = {"center": content.center * factor, "origin": content.origin * factor}
    return {"voxel_size": voxel_size} | places


@frozen
class Volume(ImageData):
    """A three-dimensional density map, indexed z, y, x.

    Parameters
    ----------
    data : array_like, shape (d, h, w)
        Real numbers of any type. Held as a read-only view, not copied.
    voxel_size : float or (3,), optional
        Angstroms, for all axes or for x, y, z.
    center : (3,), optional
        Where the voxel at ``shape // 2`` lies in the specimen: x, y, z in angstroms from the
        rotation center. It decides where the volume projects to.
    origin : (3,), optional
        Where voxel (0, 0, 0) lies in the frame of a file or a viewer, x, y, z in angstroms; by
        default that frame is the specimen's. It does not decide anything.

    Raises
    ------
    TypeError
        If the data are complex or not numbers.
    ValueError
        If the data are not three-dimensional, or a spacing is not positive.

    Notes
    -----
    Slices, crops and binned volumes keep their place: their voxels project where they did. An
    index that is made of slices gives a `Volume`, any other one the plain numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt import Volume
    >>> volume = Volume(np.ones((4, 6, 8), dtype=np.float32), voxel_size=2.5)
    >>> volume
    Volume(data=(4, 6, 8) float32, voxel_size=[2.5, 2.5, 2.5], center=[0.0, 0.0, 0.0])
    >>> volume[2:].center.tolist()
    [0.0, 0.0, 2.5]
    >>> (volume * 2).voxel_size.tolist()
    [2.5, 2.5, 2.5]
    >>> float(np.mean(volume * 2))
    2.0
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
        """Shape, voxel size and place of the voxels."""
        return VolumeGrid(self.shape, self.voxel_size, self.center)

    @property
    def origin(self) -> Float64Array:
        """Where voxel (0, 0, 0) lies in the frame of its file, else of the specimen, `(3,)`."""
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
            Angstroms; in place of what the header says.
        memmap : bool, optional
            Whether to map the file into memory instead of reading it.
        **fields
            Fields that a subclass adds.

        Returns
        -------
        Volume
            With axes z, y, x whatever the order in the file. The origin is the header's, or the
            start indices times the voxel size where that is zero.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it is not an image file that is read, is cut short, or holds complex data.

        Warns
        -----
        UserWarning
            Once, if the header is odd, or does not know the voxel size and none is given.

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
            # Where only z is not known, as in stacks of pages, cubes are likelier than 1 A.
            size = spacing[0] if spacing[:2].all() else 1.0
            notes.append(
                f"it does not know the voxel size{' along z' if spacing[:2].all() else ''}, "
                f"{size:g} A is taken: pass voxel_size=..."
            )
            spacing = np.where(spacing > 0, spacing, size)
        elif voxel_size is None and content.has_placeholder and not content.is_from_libtilt:
            notes.append(PLACEHOLDER)
        if notes:
            warnings.warn(f"{path} has an odd header: {'; '.join(notes)}", stacklevel=2)
        return cls(
            content.data,
            **_places(content, spacing if voxel_size is None else to_voxel_size(voxel_size))
            | fields,
        )

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the volume as an MRC file, all or nothing.

        Parameters
        ----------
        path : path
            Ends with ``.mrc .map .st .ali .rec`` or ``.mrcs``, and ``.gz`` or ``.bz2`` to compress.
        overwrite : bool, optional
            Whether an existing file may be replaced.

        Returns
        -------
        pathlib.Path
            The path.

        Raises
        ------
        FileExistsError
            If the file exists and `overwrite` is false.
        ValueError
            If the name is not that of an MRC file, or a value does not fit into float32.
        OSError
            If the file cannot be written; nothing half-written is left.

        Notes
        -----
        float64 is stored as float32, the widest type that MRC has.

        Examples
        --------
        See `open`.
        """
        return self._save(path, overwrite=overwrite)

    def _save(self, path: str | Path, *, overwrite: bool, made: str = "") -> Path:
        """Write the volume, with how it was made in the labels of the header."""
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
            Voxel z, y, x that becomes the center ``shape // 2`` of the box; by default the
            volume's own center.

        Returns
        -------
        Volume
            A view; its center and origin are those of the box.

        Raises
        ------
        ValueError
            If the box reaches outside the volume.

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
        """Surround the volume so that its center ``shape // 2`` stays the center.

        Parameters
        ----------
        shape : tuple of int
            ``(d, h, w)`` of the result.
        value : float, optional
            What to fill with.

        Returns
        -------
        Volume
            Its center is the same, its origin moves along.

        Raises
        ------
        ValueError
            If `shape` is smaller than the volume's, or an integer volume cannot hold `value`.

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

        Voxels at the end that do not fill a block are dropped. The new voxels lie at the centers
        of the blocks, so every feature keeps its place: `center` says by how much the voxel
        ``shape // 2`` has moved, half an old voxel for a factor of 2.

        Parameters
        ----------
        factor : int or tuple of int
            Voxels along each side of a block, or along z, y, x.

        Returns
        -------
        Volume
            Projected onto images of `TiltSeries.bin`, it gives what those of the finer volume
            give when they are binned, but for the interpolation.

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
        return self._within(window, window.mean(self.data, floating_dtype(self.dtype)))

    def resample(self, grid: VolumeGrid | Volume, *, order: int = 1, fill: float = 0.0) -> Self:
        """Sample the volume at the voxels of another grid, so that the two can be compared.

        Parameters
        ----------
        grid : VolumeGrid or Volume
            Where values are wanted.
        order : {0, 1, 3}, optional
            Of the interpolating spline. Where voxels lie on each other, nothing is interpolated.
        fill : float, optional
            What stands beyond this volume.

        Returns
        -------
        Volume
            On that grid; float32, or float64 where this volume is.

        Raises
        ------
        TypeError
            If `grid` is neither of the two.
        ValueError
            If `order` is another one, or there are NaN.

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
        return self._on(target, resample_volume(data, self.grid, target, order=order, fill=fill))

    def rotate(self, rotation: Rotation | ArrayLike, *, order: int = 1) -> Self:
        """Turn the specimen about its rotation center, which is that of projections.

        Parameters
        ----------
        rotation : scipy.spatial.transform.Rotation or array_like, shape (3, 3)
            Acts on x, y, z from the specimen's center: a point ``p`` moves to ``rotation @ p``.
        order : {0, 1, 3}, optional
            Of the interpolating spline.

        Returns
        -------
        Volume
            Of the same shape; what turns out of the box is lost, what turns in is zero.

        Raises
        ------
        ValueError
            If it is not one rotation.

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
        # The index of the rotation center, which need not lie in the volume.
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
            float32, or float64 where the volume is.

        Raises
        ------
        ValueError
            If all values are the same, or some are NaN or infinite.

        Examples
        --------
        >>> import numpy as np
        >>> from libtilt import Volume
        >>> float(Volume(np.arange(8.0).reshape(2, 2, 2)).normalize().data.std())
        1.0
        """
        require_finite(self.data, "data")
        data = self.data.astype(floating_dtype(self.dtype), copy=False)
        # The deviation of equal values need not be zero: their mean is rounded.
        if data.min() == data.max():
            raise ValueError(f"data cannot be normalized: all values are {data.flat[0]}")
        return self.evolve(data=standardize(data, (0, 1, 2)))

    @property
    def central_slices(self) -> CentralSlices:
        """The slices through ``shape // 2``, perpendicular to z, y and x."""
        z, y, x = (n // 2 for n in self.shape)
        return CentralSlices(self.data[z], self.data[:, y], self.data[:, :, x])

    def to_layer_data(self) -> tuple[NDArray[Any], dict[str, Any], str]:
        """Return what napari needs for an image layer.

        Returns
        -------
        data : ndarray, shape (d, h, w)
        options : dict
            Scale and translation in angstroms, in napari's order z, y, x.
        kind : str
            ``"image"``.

        Examples
        --------
        In napari: ``viewer.add_layer(napari.layers.Layer.create(*volume.to_layer_data()))``.

        >>> import numpy as np
        >>> from libtilt import Volume
        >>> _, options, kind = Volume(np.zeros((2, 3, 4)), voxel_size=(1, 2, 3)).to_layer_data()
        >>> kind, options["scale"]
        ('image', (3.0, 2.0, 1.0))
        """
        options = {
            "name": type(self).__name__,
            "scale": tuple(self.voxel_size[::-1].tolist()),
            "translate": tuple(self.origin[::-1].tolist()),
            "metadata": {"units": "angstrom"},
        }
        return self.data, options, "image"

    def _pictures(self) -> list[NDArray[Any]]:
        return [self.data[len(self.data) // 2], self.data[:, self.shape[1] // 2]]

    def _facts(self) -> dict[str, str]:
        return super()._facts() | {"voxel size (x, y, z)": f"{spacing_text(self.voxel_size)} Å"}

    def __getitem__(self, index: Any) -> Any:
        parts = index if isinstance(index, tuple) else (index,)
        if not all(isinstance(part, slice) or part is Ellipsis for part in parts):
            return self.data[index]
        window = Window.of(self.shape, index)
        return self._within(window, self.data[window.slices])

    def _within(self, window: Window, data: NDArray[Any]) -> Self:
        """Return the volume of a window, at its place."""
        return self._on(self.grid.within(window), data)

    def _on(self, grid: VolumeGrid, data: NDArray[Any]) -> Self:
        """Return other data on a grid in the same specimen, with the origin moved along."""
        origin = self._origin
        if origin is not None:
            origin = origin + grid.origin - self.grid.origin
        return self.evolve(data=data, voxel_size=grid.voxel_size, center=grid.center, origin=origin)

    def _check_compatible(self, other: Any) -> None:
        if difference := self.grid.difference(other.grid):
            raise ValueError(f"{difference}; use numpy.asarray on one of them if that is meant")
