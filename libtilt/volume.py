"""`Volume`: a density map with its voxel size and origin."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from libtilt._checks import (
    Float64Array,
    finite_array,
    floating_dtype,
    integers_of,
    one_of,
    positive_integer,
    real_data,
    require_finite,
    shape_of,
    to_voxel_size,
)
from libtilt.grids import centre_xyz
from libtilt.image_data import ImageData, standardized
from libtilt.image_files import read_image
from libtilt.mrc import PLACEHOLDER
from libtilt.mrc_writing import write_mrc
from libtilt.per_tilt import summary
from libtilt.rotations import as_rotation_matrices, require_rotations


class CentralSlices(NamedTuple):
    """The three slices through the centre of a volume.

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
    return real_data(value, "data", 3)


def _origin_converter(value: ArrayLike) -> Float64Array:
    origin = finite_array(value, "origin")
    if origin.shape != (3,):
        raise ValueError(f"origin must be three numbers x, y, z, got shape {origin.shape}")
    return origin


def _is_held(value: float, dtype: np.dtype[Any]) -> bool:
    limits = np.iinfo(dtype)
    return float(value).is_integer() and limits.min <= value <= limits.max


@attrs.frozen(slots=False, eq=False)
class Volume(ImageData):
    """A three-dimensional density map, indexed z, y, x.

    Parameters
    ----------
    data : array_like, shape (d, h, w)
        Real numbers of any type. Held as a read-only view, not copied.
    voxel_size : float or (3,), optional
        Angstroms, for all axes or for x, y, z.
    origin : (3,), optional
        Where voxel (0, 0, 0) lies, x, y, z in angstroms.

    Raises
    ------
    TypeError
        If the data are complex or not numbers.
    ValueError
        If the data are not three-dimensional, or a spacing is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> from libtilt import Volume
    >>> volume = Volume(np.ones((4, 6, 8), dtype=np.float32), voxel_size=2.5)
    >>> volume
    Volume(data=(4, 6, 8) float32, voxel_size=[2.5, 2.5, 2.5], origin=[0.0, 0.0, 0.0])
    >>> (volume * 2).voxel_size.tolist()
    [2.5, 2.5, 2.5]
    >>> float(np.mean(volume * 2))
    2.0
    """

    _array_name: ClassVar[str] = "data"

    data: NDArray[Any] = attrs.field(converter=_data_converter, repr=summary)
    voxel_size: Float64Array = attrs.field(
        default=1.0,
        kw_only=True,
        converter=to_voxel_size,
        repr=np.ndarray.tolist,
    )
    origin: Float64Array = attrs.field(
        default=(0.0, 0.0, 0.0), kw_only=True, converter=_origin_converter, repr=np.ndarray.tolist
    )

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
        content = read_image(path, memmap=memmap)
        notes = list(content.notes)
        spacing = content.voxel_size
        if voxel_size is None and not spacing.all():
            # Where only z is not known, as in stacks of pages, cubes are likelier than 1 A.
            size = spacing[0] if spacing[:2].all() else 1.0
            notes.append(
                f"it does not know the voxel size{' along z' if spacing[:2].all() else ''}, "
                f"{size:g} A is taken: set voxel_size (--voxel-size)"
            )
            spacing = np.where(spacing > 0, spacing, size)
        elif voxel_size is None and content.has_placeholder and not content.is_own:
            notes.append(PLACEHOLDER)
        if notes:
            warnings.warn(f"{path} has an odd header: {'; '.join(notes)}", stacklevel=2)
        return cls(
            content.data,
            voxel_size=spacing if voxel_size is None else voxel_size,
            origin=content.origin,
            **fields,
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
        write_mrc(
            path,
            self.data,
            voxel_size=self.voxel_size,
            origin=self.origin,
            is_image_stack=False,
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
            Voxel z, y, x that becomes the centre ``shape // 2`` of the box; by default the
            volume's own centre.

        Returns
        -------
        Volume
            A view, with the origin moved along.

        Raises
        ------
        ValueError
            If the box reaches outside the volume.

        Examples
        --------
        >>> import numpy as np
        >>> from libtilt import Volume
        >>> volume = Volume(np.arange(64.0).reshape(4, 4, 4))
        >>> volume.crop((2, 2, 2)).origin.tolist()
        [1.0, 1.0, 1.0]
        """
        box = shape_of(shape, 3, "shape")
        own = tuple(n // 2 for n in self.shape)
        middle = own if center is None else integers_of(center, 3, "center")
        starts = [c - n // 2 for c, n in zip(middle, box, strict=True)]
        stops = [start + n for start, n in zip(starts, box, strict=True)]
        if min(starts) < 0 or any(s > n for s, n in zip(stops, self.shape, strict=True)):
            raise ValueError(
                f"shape must lie inside the volume {self.shape}: the box would run from "
                f"{tuple(starts)} to {tuple(stops)}; use pad for a larger one"
            )
        window = tuple(slice(start, stop) for start, stop in zip(starts, stops, strict=True))
        return self.evolve(data=self.data[window], origin=self._position(starts))

    def pad(self, shape: tuple[int, ...], *, value: float = 0.0) -> Self:
        """Surround the volume so that its centre ``shape // 2`` stays the centre.

        Parameters
        ----------
        shape : tuple of int
            ``(d, h, w)`` of the result.
        value : float, optional
            What to fill with.

        Returns
        -------
        Volume
            With the origin moved along.

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
        target = shape_of(shape, 3, "shape")
        before = [t // 2 - n // 2 for t, n in zip(target, self.shape, strict=True)]
        after = [t - n - b for t, n, b in zip(target, self.shape, before, strict=True)]
        if min(before + after) < 0:
            raise ValueError(f"shape must be at least {self.shape}, got {target}; use crop")
        if self.dtype.kind in "ui" and not _is_held(value, self.dtype):
            raise ValueError(f"value must fit the volume's type {self.dtype}, got {value}")
        widths = list(zip(before, after, strict=True))
        data = np.pad(self.data, widths, constant_values=value)
        return self.evolve(data=data, origin=self._position([-b for b in before]))

    def bin(self, factor: int) -> Self:
        """Average blocks of ``factor`` x ``factor`` x ``factor`` voxels.

        Voxels at the end that do not fill a block are dropped. The origin follows the centres of
        the blocks, so every feature keeps its position in angstroms; the rotation centre
        ``shape // 2`` falls on another point of the specimen, half an old voxel away for a
        factor of 2.

        Parameters
        ----------
        factor : int
            At least 1.

        Returns
        -------
        Volume

        Raises
        ------
        ValueError
            If `factor` is not positive or larger than the volume.

        Examples
        --------
        >>> import numpy as np
        >>> from libtilt import Volume
        >>> binned = Volume(np.ones((4, 4, 4)), voxel_size=2.0).bin(2)
        >>> binned.shape, binned.voxel_size.tolist(), binned.origin.tolist()
        ((2, 2, 2), [4.0, 4.0, 4.0], [1.0, 1.0, 1.0])
        """
        f = positive_integer(factor, "factor")
        if f > min(self.shape):
            raise ValueError(f"factor must be at most {min(self.shape)} for {self.shape}, got {f}")
        d, h, w = (n // f for n in self.shape)
        blocks = self.data[: d * f, : h * f, : w * f].reshape(d, f, h, f, w, f)
        data = blocks.mean(axis=(1, 3, 5), dtype=floating_dtype(self.dtype))
        offset = [(f - 1) / 2] * 3
        return self.evolve(data=data, voxel_size=self.voxel_size * f, origin=self._position(offset))

    def rotate(self, rotation: Rotation | ArrayLike, *, order: int = 1) -> Self:
        """Turn the specimen about the volume's centre ``shape // 2``.

        Parameters
        ----------
        rotation : scipy.spatial.transform.Rotation or array_like, shape (3, 3)
            Acts on x, y, z from the specimen's centre: a point ``p`` moves to ``rotation @ p``.
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
        >>> data[1, 1, 2] = 1  # one step along x from the centre
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
        centre = centre_xyz(self.shape)
        data = ndimage.affine_transform(
            self.data.astype(floating_dtype(self.dtype), copy=False),
            backward[::-1, ::-1],
            (centre - backward @ centre)[::-1],
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
        return self.evolve(data=standardized(data, (0, 1, 2)))

    @property
    def central_slices(self) -> CentralSlices:
        """The slices through ``shape // 2``, perpendicular to z, y and x."""
        z, y, x = (n // 2 for n in self.shape)
        return CentralSlices(self.data[z], self.data[:, y], self.data[:, :, x])

    def to_gif(self, path: str | Path, *, kind: str = "slices", **options: Any) -> Path:
        """Write an animation of the volume.

        Parameters
        ----------
        path : path
            Ends with ``.gif``, ``.png`` or ``.apng`` (animated PNG), or ``.mp4`` (extra ``video``).
        kind : {"slices", "spin"}, optional
            A walk through slices, or pictures over a full turn: projections, maxima, or a surface.
        **options
            Of `libtilt.animations.volume_panel` (``annotate``, and those of `slice_frames` or
            `spin_frames`) and of `libtilt.gif.save_gif`.

        Returns
        -------
        pathlib.Path
            The path.

        Raises
        ------
        ValueError
            If an option does not fit, or the volume holds nothing finite.
        FileExistsError
            If the file exists and ``overwrite=True`` is not given.

        Examples
        --------
        >>> import tempfile
        >>> from libtilt import GaussianBlobs
        >>> volume = GaussianBlobs.random((16, 16, 16), n=5, seed=0).volume((16, 16, 16))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = volume.to_gif(f"{folder}/spin.gif", kind="spin", count=12)
        """
        # Spinning needs a projector, which stands above this module.
        from libtilt.animations.objects import save_object

        return save_object(path, self, kind=kind, **options)

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
        sizes = [f"{size:.4g}" for size in self.voxel_size]
        text = sizes[0] if len(set(sizes)) == 1 else " x ".join(sizes)
        return super()._facts() | {"voxel size (x, y, z)": f"{text} Å"}

    def __getitem__(self, index: Any) -> Any:
        return self.data[index]

    def _position(self, zyx: list[int] | list[float]) -> Float64Array:
        """Return the position x, y, z in angstroms of a voxel index z, y, x."""
        return self.origin + np.array(zyx[::-1]) * self.voxel_size

    def _check_compatible(self, other: Any) -> None:
        if not np.allclose(self.voxel_size, other.voxel_size, rtol=1e-4):
            raise ValueError(
                f"voxel sizes differ: {self.voxel_size.tolist()} and {other.voxel_size.tolist()}; "
                "use numpy.asarray on one of them if that is meant"
            )
