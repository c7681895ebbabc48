"""IMOD: ``.xf``, ``.tlt``, ``.xtilt``, ``tilt.com`` and ``newst.com``, which belong together."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

import attrs
import numpy as np

from libtilt.alignment.alignment import Alignment
from libtilt.alignment.angle_lists import angles_text, read_angle_list
from libtilt.alignment.base import AlignmentFile, to_numbers
from libtilt.alignment.imod_files import ImodFiles, require_own_folder
from libtilt.alignment.imod_newstack import NewstackSetup
from libtilt.alignment.imod_read import angles_of, require_counts, setups_of
from libtilt.alignment.imod_reduction import AlignedStack
from libtilt.alignment.imod_stack import (
    completed,
    excluded_tilts,
    require_volume,
    size_notes,
    stack_without_newst,
)
from libtilt.alignment.imod_tables import read_xf, xf_text
from libtilt.alignment.imod_tilt import TiltLayout, TiltSetup, whole_binning
from libtilt.alignment.sizes import Sizes
from libtilt.alignment.text import save_texts
from libtilt.errors.checks import Float64Array


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
    warnings : tuple of str, optional
        Which file was taken in place of one that is named and is not there.

    Examples
    --------
    >>> from libtilt.alignment import ImodAlignment, Sizes
    >>> file = ImodAlignment([[[1, 0, 4], [0, 1, 0]]], tilt_angles=[30], x_tilts=[0])
    >>> sizes = Sizes(stack_shape=(1, 64, 65), pixel_size=2.0, volume_shape=(32, 64, 65))
    >>> alignment = file.alignment(sizes)
    >>> alignment.geometry.tilt_angles.round(6).tolist()
    [30.0]

    IMOD's center lies half a voxel beside ``shape // 2``, and the shift takes that up:

    >>> (alignment.projection_matrices() @ [31.5, 31.5, 15.5, 1]).round(6).tolist()
    [[28.0, 31.5]]
    """

    format: ClassVar[str] = "imod"
    keeps_excluded: ClassVar[bool] = True

    transforms: Float64Array | None = attrs.field(converter=attrs.converters.optional(to_numbers))
    tilt_angles: Float64Array = attrs.field(kw_only=True, converter=to_numbers)
    x_tilts: Float64Array = attrs.field(kw_only=True, converter=to_numbers)
    tilt: TiltSetup = attrs.field(kw_only=True, factory=TiltSetup)
    newstack: NewstackSetup | None = attrs.field(kw_only=True, default=None)
    name: str = attrs.field(kw_only=True, default="the IMOD alignment")
    warnings: tuple[str, ...] = attrs.field(kw_only=True, default=())

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
        angles = angles_of(files)
        x_tilts = (
            np.zeros(len(angles)) if files.xtilt is None else read_angle_list(files.xtilt).angles
        )
        transforms = None if files.xf is None else read_xf(files.xf)
        require_counts(files, angles, {files.xtilt: x_tilts, files.xf: transforms})
        tilt, newstack = setups_of(files, len(angles))
        return cls(
            transforms,
            tilt_angles=angles,
            x_tilts=x_tilts,
            tilt=tilt,
            newstack=newstack,
            name=str(files.shown),
            warnings=files.warnings,
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
        save_texts(texts, overwrite=overwrite)
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
        require_volume(layout, made.tilt, sizes, self.name)
        views = self.tilt.views(count)
        aligned = made._aligned_matrices(layout)
        stack = made._aligned_stack(image_shape)
        matrices = (
            stack.to_raw(aligned, self.transforms) if self.transforms is not None else aligned
        )
        open_depth = self.tilt.thickness is None and sizes.volume_shape is None
        notes = size_notes(stack if raw else None, made.tilt, made.newstack, open_depth=open_depth)
        plain = Alignment.from_matrices(
            matrices[views],
            source=self.name,
            views=views,
            stack_shape=(count, *image_shape),
            pixel_size=pixel_size,
            volume_shape=layout.volume_shape,
            voxel_size=pixel_size * (made.tilt.binning if raw else 1),
            left_out=self.tilt.left_out,
            notes=tuple(notes),
            warnings=self.warnings,
        )
        angles = self.tilt_angles + self.tilt.offset[0]
        tilts = excluded_tilts(plain, matrices, angles) if plain.excluded.size else None
        return attrs.evolve(plain, excluded_tilts=tilts)

    def _completed(self, sizes: Sizes, image_shape: tuple[int, ...], pixel_size: float) -> Self:
        """Return itself with the thickness and binning that no file says."""
        tilt, newstack = completed(
            (self.tilt, self.newstack),
            sizes,
            image_shape,
            pixel_size,
            self.name,
            raw=self.transforms is not None,
        )
        return attrs.evolve(self, tilt=tilt, newstack=newstack)

    def _aligned_stack(self, image_shape: tuple[int, ...]) -> AlignedStack:
        """Return how the aligned stack lies on raw images, or on itself."""
        if self.transforms is None:
            return NewstackSetup().aligned(image_shape)
        if self.newstack is not None:
            return self.newstack.aligned(image_shape)
        return stack_without_newst(self.tilt, image_shape, self.name)

    def _layout(self, image_shape: tuple[int, ...]) -> TiltLayout:
        return self.tilt.layout(self._aligned_stack(image_shape).shape)

    def _aligned_matrices(self, layout: TiltLayout) -> Float64Array:
        beta = self.tilt_angles + self.tilt.offset[0]
        return layout.matrices(beta, self.x_tilts - self.tilt.x_axis_tilt)

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
        excluded = frozenset((alignment.excluded + 1).tolist())
        tilt = attrs.evolve(base.tilt, excluded=excluded, included=frozenset())
        made = attrs.evolve(base, tilt=tilt)
        # A file to be like has rows of its own for views that are left out.
        return made._with(alignment.with_excluded() if like is None else alignment, layout)

    @classmethod
    def _plain(cls, alignment: Alignment) -> Self:
        """Return files of the right sizes, with plausible rows for views that are left out."""
        count, (depth, height, width) = alignment.stack_shape[0], alignment.volume_shape
        b = whole_binning(alignment.voxel_size / alignment.pixel_size)
        tilt = TiltSetup(b, depth * b, width * b, full_image=(width * b, height * b))
        return cls(
            np.tile(np.eye(2, 3), (count, 1, 1)),
            tilt_angles=alignment.every_tilt_angle(),
            x_tilts=np.zeros(count),
            tilt=tilt,
            newstack=NewstackSetup((width, height), b),
        )

    def _with(self, alignment: Alignment, layout: TiltLayout) -> Self:
        """Return itself with the angles and transforms of an alignment, in its own sizes."""
        assert self.transforms is not None
        geometry, views = alignment.geometry, alignment.views
        angles, x_tilts, transforms = (
            np.array(table) for table in (self.tilt_angles, self.x_tilts, self.transforms)
        )
        angles[views] = geometry.tilt_angles - self.tilt.offset[0]
        x_tilts[views] = geometry.x_tilts + self.tilt.x_axis_tilt
        made = attrs.evolve(self, tilt_angles=angles, x_tilts=x_tilts)
        transforms[views] = self._aligned_stack(alignment.stack_shape[1:]).transforms(
            alignment.projection_matrices(), made._aligned_matrices(layout)[views], views
        )
        return attrs.evolve(made, transforms=transforms)
