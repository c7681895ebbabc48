"""IMOD: ``.xf``, ``.tlt``, ``.xtilt``, ``tilt.com`` and ``newst.com``, which belong together."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar, Self

import attrs
import numpy as np

from libtilt._checks import Float64Array
from libtilt.alignment.alignment import Alignment
from libtilt.alignment.angle_lists import angles_text, read_angle_list
from libtilt.alignment.base import AlignmentFile, to_numbers
from libtilt.alignment.imod_files import ImodFiles, require_own_folder
from libtilt.alignment.imod_tables import read_xf, xf_text
from libtilt.alignment.imod_tilt import (
    NewstackSetup,
    TiltLayout,
    TiltSetup,
    require_binning,
    whole_binning,
)
from libtilt.alignment.sizes import Sizes
from libtilt.files import atomic_write, require_writable


@attrs.frozen(eq=False)
class ImodAlignment(AlignmentFile):
    """An alignment as IMOD keeps it, for every view of the raw stack.

    The transforms move the raw images, ``X' = A (X - c) + d + c'``, and ``tilt`` turns the
    tomogram about the axis along y of the aligned ones. Tomograms are meant as ``trimvol -rx``
    gives them, z, y, x; of IMOD's own file with y first, ``rec.transpose(1, 0, 2)[::-1]``.

    Parameters
    ----------
    transforms : array_like, shape (n, 2, 3), optional
        ``[A | d]`` in raw pixels; None for an aligned stack, which needs none.
    tilt_angles : array_like, shape (n,)
        ``.tlt``, in degrees.
    x_tilts : array_like, shape (n,)
        ``.xtilt``, in degrees.
    tilt : TiltSetup, optional
        What ``tilt.com`` says.
    newstack : NewstackSetup, optional
        What ``newst.com`` says.
    name : str, optional
        For messages.

    Examples
    --------
    >>> from libtilt.alignment import ImodAlignment, Sizes
    >>> file = ImodAlignment([[[1, 0, 4], [0, 1, 0]]], tilt_angles=[30], x_tilts=[0])
    >>> sizes = Sizes(stack_shape=(1, 64, 65), pixel_size=2.0, volume_shape=(32, 64, 65))
    >>> alignment = file.alignment(sizes)
    >>> alignment.geometry.tilt_angles.round(6).tolist()
    [30.0]

    IMOD's centre lies half a voxel beside ``shape // 2``, and the shift takes that up:

    >>> (alignment.projection_matrices() @ [31.5, 31.5, 15.5, 1]).round(6).tolist()
    [[28.0, 31.5]]
    """

    format: ClassVar[str] = "imod"

    transforms: Float64Array | None = attrs.field(converter=attrs.converters.optional(to_numbers))
    tilt_angles: Float64Array = attrs.field(kw_only=True, converter=to_numbers)
    x_tilts: Float64Array = attrs.field(kw_only=True, converter=to_numbers)
    tilt: TiltSetup = attrs.field(kw_only=True, factory=TiltSetup)
    newstack: NewstackSetup | None = attrs.field(kw_only=True, default=None)
    name: str = attrs.field(kw_only=True, default="the IMOD alignment")

    @classmethod
    def read(cls, path: str | Path, *, aligned: bool = False) -> Self:
        """Read an alignment from ``tilt.com``, from an ``.xf`` file, or from their folder.

        Parameters
        ----------
        path : path
            One of them; the others are found by what ``tilt.com`` says, or by their name.
        aligned : bool, optional
            Whether the stack is the aligned one (``.ali``), for which no ``.xf`` is needed.

        Returns
        -------
        ImodAlignment

        Raises
        ------
        FileNotFoundError
            If one of the files is missing.
        ValueError
            If a file is not sound, or their counts differ; the message names file and line.
        """
        files = ImodFiles.find(path, aligned=aligned)
        angles = read_angle_list(files.tlt).angles
        x_tilts = (
            np.zeros(len(angles)) if files.xtilt is None else read_angle_list(files.xtilt).angles
        )
        transforms = None if files.xf is None else read_xf(files.xf)
        for file, table in ((files.xtilt, x_tilts), (files.xf, transforms)):
            if table is not None and len(table) != len(angles):
                raise ValueError(
                    f"{file} has {len(table)} views, but {files.tlt} has {len(angles)}: "
                    "they do not belong together"
                )
        made = cls(
            transforms,
            tilt_angles=angles,
            x_tilts=x_tilts,
            tilt=TiltSetup() if files.tilt is None else TiltSetup.from_command(files.tilt),
            newstack=None if files.newst is None else NewstackSetup.from_command(files.newst),
            name=str(files.shown),
        )
        made._check_consistency()
        return made

    def _check_consistency(self) -> None:
        if self.newstack is not None and self.newstack.binning != self.tilt.binning:
            raise ValueError(
                f"{self.name} has IMAGEBINNED {self.tilt.binning}, but newst.com has BinByFactor "
                f"{self.newstack.binning}: they do not belong together"
            )
        if not self.tilt.views(len(self.tilt_angles)):
            raise ValueError(f"{self.name} leaves out all {len(self.tilt_angles)} views")
        beyond = max(self.tilt.excluded | self.tilt.included, default=0)
        if beyond > len(self.tilt_angles):
            raise ValueError(
                f"{self.name} names view {beyond} in EXCLUDELIST or INCLUDE, "
                f"but there are {len(self.tilt_angles)}"
            )

    def write(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write ``.xf``, and beside it ``.tlt``, ``.xtilt``, ``tilt.com`` and ``newst.com``.

        A folder has one ``tilt.com``, and so one series: that of another one is never replaced.

        Parameters
        ----------
        path : path
            Of the ``.xf`` file.
        overwrite : bool, optional
            Whether existing files may be replaced.

        Returns
        -------
        pathlib.Path
            Of the ``.xf`` file.
        """
        target = Path(path)
        if target.suffix.lower() != ".xf":
            raise ValueError(f"{path} must end with .xf: the other files are written beside it")
        if self.transforms is None:
            raise ValueError(f"{self.name} is of an aligned stack and has no transforms to write")
        texts = {
            target.with_suffix(".tlt"): angles_text(self.tilt_angles),
            target.with_suffix(".xtilt"): angles_text(self.x_tilts),
            target.with_name("tilt.com"): self.tilt.text(target.stem),
            target: xf_text(self.transforms),
        }
        if self.newstack is not None:
            texts[target.with_name("newst.com")] = self.newstack.text(target.stem)
        require_own_folder(target, others=self.newstack is None)
        for file in texts:
            require_writable(file, overwrite=overwrite)
        with ExitStack() as stack:
            for file, text in texts.items():
                temporary = stack.enter_context(atomic_write(file, overwrite=overwrite))
                temporary.write_text(text, encoding="utf-8")
        return target

    def _image_count(self, given: int | None) -> int:
        return len(self.tilt_angles)

    def _used_count(self) -> int:
        return len(self.tilt.views(len(self.tilt_angles)))

    def _alignment(self, sizes: Sizes) -> Alignment:
        """Return the geometry of the raw stack, or of the aligned one where it has no transforms.

        IMOD's center depends on whether its sizes are even, so that the thickness and the binning
        are asked for by ``volume_shape`` and ``voxel_size`` where no ``tilt.com`` says them.
        """
        count, *sides = sizes.need("stack_shape", self.name)
        image_shape = tuple(sides)
        pixel_size = sizes.need("pixel_size", self.name)
        raw = self.transforms is not None
        made = self._completed(sizes, image_shape, pixel_size)
        layout = made._layout(image_shape)
        if sizes.volume_shape not in (None, layout.volume_shape):
            raise ValueError(
                f"{self.name} makes a tomogram (z, y, x) of {layout.volume_shape}, but "
                f"volume_shape is {sizes.volume_shape}"
            )
        if min(layout.volume_shape) < 1:
            raise ValueError(
                f"{self.name} makes a tomogram (z, y, x) of {layout.volume_shape}: THICKNESS, "
                f"WIDTH or SLICE do not fit IMAGEBINNED {made.tilt.binning} and its images"
            )
        views = self.tilt.views(count)
        matrices = made._aligned_matrices(layout)
        return Alignment.from_matrices(
            (made._to_raw(matrices, image_shape) if raw else matrices)[views],
            source=self.name,
            views=views,
            stack_shape=(count, *image_shape),
            pixel_size=pixel_size,
            volume_shape=layout.volume_shape,
            voxel_size=pixel_size * (made.tilt.binning if raw else 1),
            left_out=self.tilt.left_out,
        )

    def _completed(self, sizes: Sizes, image_shape: tuple[int, ...], pixel_size: float) -> Self:
        """Return itself with the thickness and binning that no file says."""
        tilt, raw = self.tilt, self.transforms is not None
        ratio = (sizes.voxel_size or pixel_size) / pixel_size
        if raw and tilt == TiltSetup() and self.newstack is None:
            # No command file says how the aligned stack is binned.
            tilt = attrs.evolve(tilt, binning=whole_binning(ratio))
        b = tilt.binning
        if sizes.voxel_size is not None:
            # An aligned stack is binned already.
            require_binning(ratio, b if raw else 1, self.name)
        if tilt.thickness is None:
            depth = sizes.volume_shape[0] if sizes.volume_shape else image_shape[1] // b
            tilt = attrs.evolve(tilt, thickness=depth * b)
        newstack = self.newstack
        if self.tilt == TiltSetup() and newstack is None and sizes.volume_shape is not None:
            # Without command files the aligned images are as large as the tomogram.
            newstack = NewstackSetup(sizes.volume_shape[:0:-1], b)
        return attrs.evolve(self, tilt=tilt, newstack=newstack)

    def _aligned_shape(self, image_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of the aligned stack, binned."""
        if self.transforms is None:
            return image_shape
        if self.newstack is not None and self.newstack.size is not None:
            return self.newstack.size[::-1]
        b, full = self.tilt.binning, self.tilt.full_image or image_shape[::-1]
        # Etomo has the subset begin at half of what the aligned stack is larger or smaller.
        unbinned = [n - 2 * first for n, first in zip(full, self.tilt.subset_start, strict=True)]
        return tuple(size // b for size in unbinned[::-1])

    def _layout(self, image_shape: tuple[int, ...]) -> TiltLayout:
        return self.tilt.layout(self._aligned_shape(image_shape))

    def _aligned_matrices(self, layout: TiltLayout) -> Float64Array:
        beta = self.tilt_angles + self.tilt.offset[0]
        return layout.matrices(beta, self.x_tilts - self.tilt.x_axis_tilt)

    def _to_raw(self, matrices: Float64Array, image_shape: tuple[int, ...]) -> Float64Array:
        """Return matrices to the raw images from those to the aligned ones.

        ``X = inv(A) (b (X' - c') - d) + c``, with `b` the binning of the aligned images.
        """
        assert self.transforms is not None
        middle = (np.array(self._aligned_shape(image_shape)[::-1]) - 1) / 2
        moved = matrices.copy()
        moved[:, :, 3] -= middle
        moved *= self.tilt.binning
        moved[:, :, 3] -= self.transforms[:, :, 2]
        raw = np.linalg.inv(self.transforms[:, :, :2]) @ moved
        raw[:, :, 3] += (np.array(image_shape[::-1]) - 1) / 2
        return raw

    @classmethod
    def from_alignment(cls, alignment: Alignment, *, like: Self | None = None) -> Self:
        """Return IMOD's files for an alignment; they can hold all of it.

        Parameters
        ----------
        alignment : Alignment
            Its voxels must be a whole number of pixels wide.
        like : ImodAlignment, optional
            Whose OFFSET, SHIFT, XAXISTILT, sizes and left out views are kept.

        Returns
        -------
        ImodAlignment

        Raises
        ------
        ValueError
            If the voxel size is no multiple of the pixel size, or `like` is of another tomogram.
        """
        base = cls._plain(alignment) if like is None else like
        alignment.sizes.count(len(base.tilt_angles), "like")
        if base.transforms is None:
            raise ValueError("like is of an aligned stack and has no transforms to change")
        image_shape = alignment.stack_shape[1:]
        base = base._completed(alignment.sizes, image_shape, alignment.pixel_size)
        layout = base._layout(image_shape)
        if layout.volume_shape != alignment.volume_shape:
            raise ValueError(
                f"like is of a tomogram of {layout.volume_shape}, the alignment is of "
                f"{alignment.volume_shape}"
            )
        return base._with(alignment, layout)

    @classmethod
    def _plain(cls, alignment: Alignment) -> Self:
        """Return files of the right sizes, with plausible rows for views that are left out."""
        count = alignment.stack_shape[0]
        binning = whole_binning(alignment.voxel_size / alignment.pixel_size)
        depth, height, width = alignment.volume_shape
        order = np.argsort(alignment.views)
        angles = np.interp(
            np.arange(count), alignment.views[order], alignment.geometry.tilt_angles[order]
        )
        return cls(
            np.tile(np.eye(2, 3), (count, 1, 1)),
            tilt_angles=angles,
            x_tilts=np.zeros(count),
            tilt=TiltSetup(
                binning=binning,
                thickness=depth * binning,
                width=width * binning,
                full_image=(width * binning, height * binning),
            ),
            newstack=NewstackSetup((width, height), binning),
        )

    def _with(self, alignment: Alignment, layout: TiltLayout) -> Self:
        """Return itself with the angles and transforms of an alignment, in its own sizes."""
        assert self.transforms is not None
        geometry, views, b = alignment.geometry, alignment.views, self.tilt.binning
        image_shape = alignment.stack_shape[1:]
        angles, x_tilts, transforms = (
            np.array(table) for table in (self.tilt_angles, self.x_tilts, self.transforms)
        )
        angles[views] = geometry.tilt_angles - self.tilt.offset[0]
        x_tilts[views] = geometry.x_tilts + self.tilt.x_axis_tilt
        made = attrs.evolve(self, tilt_angles=angles, x_tilts=x_tilts)
        aligned = made._aligned_matrices(layout)[views]
        aligned[:, :, 3] -= (np.array(self._aligned_shape(image_shape)[::-1]) - 1) / 2
        raw = alignment.projection_matrices()
        raw[:, :, 3] -= (np.array(image_shape[::-1]) - 1) / 2
        linear = np.linalg.inv((raw[:, :, :3] @ np.linalg.pinv(aligned[:, :, :3])) / b)
        transforms[views, :, :2] = linear
        moved = linear @ raw[:, :, 3:]
        transforms[views, :, 2] = b * aligned[:, :, 3] - moved[:, :, 0]
        excluded = frozenset((alignment.excluded + 1).tolist())
        tilt = attrs.evolve(self.tilt, excluded=excluded, included=frozenset())
        return attrs.evolve(made, transforms=transforms, tilt=tilt)
