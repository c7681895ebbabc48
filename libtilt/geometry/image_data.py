"""`ImageData`: the base of `Volume` and `TiltSeries`, which behave like NumPy arrays."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import attrs
import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import DTypeLike, NDArray

from libtilt.progress import ProgressOption

if TYPE_CHECKING:
    from libtilt.animations import Look
    from libtilt.drawing import Style


Axis = int | tuple[int, ...] | None
"""Axes of a reduction, as NumPy takes them."""


def standardize(array: NDArray[Any], axes: tuple[int, ...]) -> NDArray[Any]:
    """Return floating data scaled to mean 0 and standard deviation 1 over `axes`.

    Statistics are float64. Extreme values are first scaled to about 1, since their squares would
    overflow or underflow.
    """
    largest = np.abs(array).max(axis=axes, keepdims=True).astype(np.float64)
    near = array / largest if not 1e-100 < largest.min() <= largest.max() < 1e100 else array
    means = near.mean(axis=axes, dtype=np.float64, keepdims=True)
    deviations = near.std(axis=axes, dtype=np.float64, keepdims=True)
    normalized: NDArray[Any] = ((near - means) / deviations).astype(array.dtype, copy=False)
    return normalized


def format_shape(shape: tuple[int, ...]) -> str:
    """Return a shape as ``64 x 128 x 128``."""
    return " x ".join(map(str, shape))


def format_spacing(sizes: Iterable[float]) -> str:
    """Return sizes with four digits: ``2.5`` if all are equal, else ``2.5 x 2.5 x 5``."""
    texts = [f"{size:.4g}" for size in sizes]
    return texts[0] if len(set(texts)) == 1 else " x ".join(texts)


class ImageData(NDArrayOperatorsMixin):
    """Base of the classes that hold a three-dimensional, read-only array of image data.

    Arithmetic and NumPy ufuncs, such as `numpy.sqrt`, return an object of the same class with the
    same metadata; comparisons, reductions (``volume.sum()`` or ``numpy.sum(volume)``) and other
    NumPy functions return plain arrays and numbers. `numpy.asarray` returns the data without a
    copy. A subclass names its array attribute in `_array_name`, and refuses operands with
    other metadata in `_check_compatible`.
    """

    _array_name: ClassVar[str]

    @property
    def _array(self) -> NDArray[Any]:
        array: NDArray[Any] = getattr(self, self._array_name)
        return array

    def _like(self, array: NDArray[Any]) -> Self:
        """Return a copy of this object with another array of the same shape."""
        return self.evolve(**{self._array_name: array})

    def evolve(self, **changes: Any) -> Self:
        """Return a copy with some fields changed, as `attrs.evolve` does.

        Examples
        --------
        >>> import numpy as np
        >>> from libtilt import Volume
        >>> Volume(np.zeros((2, 2, 2))).evolve(voxel_size=3.0).voxel_size.tolist()
        [3.0, 3.0, 3.0]
        """
        return attrs.evolve(self, **changes)  # type: ignore[misc]

    def _check_compatible(self, other: Any) -> None:
        """Raise a ValueError if the metadata of `other` differ from this object's."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the data."""
        return self._array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type of the array."""
        return self._array.dtype

    @property
    def ndim(self) -> int:
        """Number of dimensions, always three."""
        return self._array.ndim

    @property
    def size(self) -> int:
        """Number of voxels or pixels."""
        return self._array.size

    def astype(self, dtype: DTypeLike) -> Self:
        """Return the same object with its data in another real dtype.

        Examples
        --------
        >>> import numpy as np
        >>> from libtilt import Volume
        >>> Volume(np.zeros((2, 2, 2))).astype("float32").dtype
        dtype('float32')
        """
        return self._like(self._array.astype(dtype, copy=False))

    def sum(self, axis: Axis = None, **options: Any) -> Any:
        """Return the sum of all values, or the sums along some axes.

        Parameters
        ----------
        axis : int or tuple of int, optional
            Axes of the array: 0, 1, 2 are z, y, x of a volume, and tilt, y, x of a tilt series.
        **options
            Other options of the method of `numpy.ndarray`, such as ``dtype=`` and ``keepdims=``.

        Returns
        -------
        number or ndarray
            As for the plain array: a NumPy number, or with `axis` an array without those axes.

        Raises
        ------
        numpy.exceptions.AxisError
            If the data do not have the axis.

        Examples
        --------
        >>> import numpy as np
        >>> from libtilt import Volume
        >>> volume = Volume(np.ones((2, 3, 4)))
        >>> float(volume.sum()), volume.sum(axis=0).shape
        (24.0, (3, 4))
        """
        return self._array.sum(axis, **options)

    def mean(self, axis: Axis = None, **options: Any) -> Any:
        """Return the mean; arguments and result as those of `sum`.

        Examples
        --------
        >>> import numpy as np
        >>> from libtilt import Volume
        >>> Volume(np.arange(8.0).reshape(2, 2, 2)).mean(axis=(1, 2)).tolist()
        [1.5, 5.5]
        """
        return self._array.mean(axis, **options)

    def std(self, axis: Axis = None, **options: Any) -> Any:
        """Return the standard deviation; arguments and result as those of `sum`.

        Examples
        --------
        >>> from libtilt import Volume
        >>> float(Volume([[[1.0, 3.0]]]).std())
        1.0
        """
        return self._array.std(axis, **options)

    def min(self, axis: Axis = None, **options: Any) -> Any:
        """Return the smallest value; arguments and result as those of `sum`.

        Examples
        --------
        >>> from libtilt import Volume
        >>> float(Volume([[[1.0, 3.0]]]).min())
        1.0
        """
        return self._array.min(axis, **options)

    def max(self, axis: Axis = None, **options: Any) -> Any:
        """Return the largest value; arguments and result as those of `sum`.

        Examples
        --------
        >>> from libtilt import Volume
        >>> float(Volume([[[1.0, 3.0]]]).max())
        3.0
        """
        return self._array.max(axis, **options)

    def to_gif(
        self,
        path: str | Path,
        *,
        look: str | type[Look] | Look | None = None,
        style: Style | None = None,
        fps: float = 15.0,
        loop: int = 0,
        width: int | None = None,
        max_size: int | None = None,
        max_bytes: int | None = 5_000_000,
        overwrite: bool = False,
        progress: ProgressOption = False,
    ) -> Path:
        """Write an animation as a GIF, or in the format of the path's suffix.

        Parameters
        ----------
        path : path
            The suffix is ``.gif``, ``.png`` or ``.apng`` (animated PNG), ``.webp``, or ``.mp4``
            (extra ``video``).
        look : {"slices", "spin", "tilts"}, type or Look, optional
            Frames to show; see `libtilt.animations`. By default the z slices of a volume, and the
            images of a tilt series in order of tilt angle.
        style : libtilt.drawing.Style, optional
            Contrast, colors, scale bar and labels.
        fps, loop, width, max_size, max_bytes : optional
            As in `libtilt.drawing.Animation`.
        overwrite, progress : optional
            As in `libtilt.drawing.Animation.save`.

        Returns
        -------
        pathlib.Path
            The path written to.

        Raises
        ------
        ValueError
            If an option is invalid, or no value of the data is finite.
        FileExistsError
            If the file exists and `overwrite` is false.

        Examples
        --------
        >>> import tempfile
        >>> from libtilt import GaussianBlobs
        >>> from libtilt.animations import Spin
        >>> from libtilt.drawing import Style
        >>> volume = GaussianBlobs.random((16, 16, 16), n=5, seed=0).volume((16, 16, 16))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     slices = volume.to_gif(f"{folder}/slices.gif")
        ...     spin = volume.to_gif(
        ...         f"{folder}/spin.webp", look=Spin(count=12), style=Style(annotate=True), fps=12
        ...     )
        """
        # The one import from a higher layer: looks build on the classes that they show.
        from libtilt.animations.single import animate

        animation = animate(
            self,
            look=look,
            style=style,
            fps=fps,
            loop=loop,
            width=width,
            max_size=max_size,
            max_bytes=max_bytes,
        )
        return animation.save(path, overwrite=overwrite, progress=progress)

    def _thumbnails(self) -> list[NDArray[Any]]:
        """Return the slices or images that represent the data in a notebook."""
        return [self._array[len(self._array) // 2]]

    def _thumbnail_captions(self) -> list[str]:
        """Return what the thumbnails show, one text for each."""
        return [f"{len(self._array) // 2} of {len(self._array)}"]

    def _summary(self) -> dict[str, str]:
        """Return the properties that a notebook lists."""
        return {"shape": format_shape(self.shape), "type": str(self.dtype)}

    def _repr_png_(self) -> bytes:
        # Imported here because only notebooks need Pillow.
        from libtilt.drawing.thumbnails import thumbnail

        return thumbnail(self._thumbnails())

    def _repr_html_(self) -> str:
        from libtilt.drawing.thumbnails import notebook_card, value_range

        shown = {"shown": ", ".join(self._thumbnail_captions())}
        values = {"range": value_range(self._array, self._thumbnails())}
        summary = self._summary() | values | shown
        return notebook_card(type(self).__name__, summary, self._repr_png_())

    def __len__(self) -> int:
        return len(self._array)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        wanted = self._array.dtype if dtype is None else np.dtype(dtype)
        if copy is False and wanted != self._array.dtype:
            raise ValueError(
                f"copy must not be False: converting {self._array.dtype} to {wanted} needs a copy"
            )
        return self._array.astype(wanted, copy=bool(copy))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        kind = type(self).__name__
        known = (ImageData, np.ndarray, np.generic)
        if any(hasattr(v, "__array_ufunc__") and not isinstance(v, known) for v in inputs):
            return NotImplemented  # Let another library's array handle the operation.
        if any(isinstance(out, ImageData) for out in kwargs.get("out", ())):
            raise TypeError(f"{kind} is read-only: write `a = a + b` instead of `a += b`")
        first = next(value for value in inputs if isinstance(value, ImageData))
        for value in inputs:
            if isinstance(value, ImageData) and value is not first:
                first._check_same_kind(value)
        arrays = [value._array if isinstance(value, ImageData) else value for value in inputs]
        result = getattr(ufunc, method)(*arrays, **kwargs)
        if method != "__call__" or "out" in kwargs:
            return result
        if isinstance(result, tuple):
            return tuple(first._wrap_result(part, ufunc) for part in result)
        return first._wrap_result(result, ufunc)

    def _check_same_kind(self, other: ImageData) -> None:
        if self._array_name != other._array_name:
            raise TypeError(
                f"cannot combine {type(self).__name__} and {type(other).__name__}; "
                "to combine their values, pass numpy.asarray(...) of one of them"
            )
        if self.shape != other.shape:
            raise ValueError(f"shapes differ: {self.shape} and {other.shape}")
        self._check_compatible(other)

    def _wrap_result(self, result: NDArray[Any], ufunc: np.ufunc) -> Any:
        if result.shape != self.shape:
            raise ValueError(
                f"{ufunc.__name__} must keep the shape {self.shape}, but gives {result.shape}; "
                "use numpy.asarray for arrays of other shapes"
            )
        return result if result.dtype == np.bool_ else self._like(result)
