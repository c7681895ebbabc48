"""IMOD: ``.xf``, ``.tlt``, ``.xtilt``, ``tilt.com`` and ``newst.com``, read together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Self

import attrs
import numpy as np

from libtilt.alignment.alignment import Alignment
from libtilt.alignment.angles import angles_text, read_angle_list
from libtilt.alignment.base import MatrixFile
from libtilt.alignment.excluded import ExcludedTilts
from libtilt.alignment.imod.edf import edf_warnings
from libtilt.alignment.imod.files import (
    ImodFiles,
    read_angles,
    read_setups,
    require_counts,
    require_own_folder,
)
from libtilt.alignment.imod.newstack import AlignedStack, NewstackSetup, read_xf, xf_text
from libtilt.alignment.imod.tilt import TiltLayout, TiltSetup, require_binning, whole_binning
from libtilt.alignment.matrices import geometry_from_matrices
from libtilt.alignment.sizes import KnownSizes, Sizes
from libtilt.errors import LibtiltWarning
from libtilt.errors.checks import Float64Array, finite_array


def _numbers(value: Any) -> Float64Array:
    return finite_array(value, "alignment")


@attrs.frozen(eq=False)
class ImodAlignment(MatrixFile):
    """An IMOD alignment, with one row for every view of the raw stack.

    The transforms map raw to aligned images, ``X' = A (X - c) + d + c'``, in which ``tilt`` rotates
    the tomogram about y. Tomograms are indexed z, y, x, as after ``trimvol -rx``; from IMOD's own
    file with y first this is ``rec.transpose(1, 0, 2)[::-1]``.

    `read` takes ``tilt.com``, an ``.xf`` file or their folder; the other files are found by their
    names in ``tilt.com``, or beside it. With ``aligned=True`` the stack is the aligned one
    (``.ali``), which needs no ``.xf``. `write` takes the ``.xf`` and writes ``.tlt``, ``.xtilt``,
    ``tilt.com`` and ``newst.com`` beside it. A folder has one ``tilt.com`` and thus one series;
    the ``tilt.com`` of another series is never replaced. `from_alignment` needs an integer binning,
    and keeps OFFSET, SHIFT, XAXISTILT, sizes and rows of excluded views of `like`.

    Parameters
    ----------
    transforms : array_like, shape (n, 2, 3), optional
        ``[A | d]`` in raw pixels; None for an aligned stack.
    tilt_angles : array_like, shape (n,)
        Angles of the ``.tlt``, in degrees.
    x_tilts : array_like, shape (n,)
        Angles of the ``.xtilt``, in degrees.
    tilt : TiltSetup, optional
        Settings of ``tilt.com``.
    newstack : NewstackSetup, optional
        Settings of ``newst.com``.
    name : str, optional
        Name of the file, for messages.
    warnings : tuple of LibtiltWarning or str, optional
        Files used in place of ones that are named but missing, and views excluded by etomo alone.

    Examples
    --------
    >>> from libtilt.alignment import ImodAlignment, Sizes
    >>> file = ImodAlignment([[[1, 0, 4], [0, 1, 0]]], tilt_angles=[30], x_tilts=[0])
    >>> sizes = Sizes(stack_shape=(1, 64, 65), pixel_size=2.0, volume_shape=(32, 64, 65))
    >>> alignment = file.alignment(sizes)
    >>> alignment.geometry.tilt_angles.round(6).tolist()
    [30.0]

    IMOD's center is half a voxel off ``shape // 2``; the shift compensates for it:

    >>> (alignment.projection_matrices() @ [31.5, 31.5, 15.5, 1]).round(6).tolist()
    [[28.0, 31.5]]
    """

    format: ClassVar[str] = "imod"
    reader_options = ("aligned",)
    writes_excluded: ClassVar[bool] = True

    transforms: Float64Array | None = attrs.field(converter=attrs.converters.optional(_numbers))
    tilt_angles: Float64Array = attrs.field(kw_only=True, converter=_numbers)
    x_tilts: Float64Array = attrs.field(kw_only=True, converter=_numbers)
    tilt: TiltSetup = attrs.field(kw_only=True, factory=TiltSetup)
    newstack: NewstackSetup | None = attrs.field(kw_only=True, default=None)
    name: str = attrs.field(kw_only=True, default="the IMOD alignment")
    warnings: tuple[LibtiltWarning | str, ...] = attrs.field(kw_only=True, default=())

    @property
    def views(self) -> list[int]:
        """The views that ``tilt`` uses, from 0."""
        return self.tilt.views(len(self.tilt_angles))

    @property
    def image_count(self) -> int:
        """Number of raw images, one per tilt angle."""
        return len(self.tilt_angles)

    @classmethod
    def _parse(cls, path: Path, *, aligned: bool = False) -> Self:
        files = ImodFiles.find(path, aligned=aligned)
        angles = read_angles(files)
        x_tilts = (
            np.zeros(len(angles)) if files.xtilt is None else read_angle_list(files.xtilt).angles
        )
        transforms = None if files.xf is None else read_xf(files.xf)
        require_counts(files, angles, {files.xtilt: x_tilts, files.xf: transforms})
        tilt, newstack = read_setups(files, len(angles))
        has_commands = files.tilt is not None
        found = edf_warnings(files.shown, tilt.views(len(angles)), has_commands=has_commands)
        return cls(
            transforms,
            tilt_angles=angles,
            x_tilts=x_tilts,
            tilt=tilt,
            newstack=newstack,
            name=str(files.shown),
            warnings=(*files.warnings, *found),
        )

    def _texts(self, path: Path) -> dict[Path, str]:
        if path.suffix.lower() != ".xf":
            raise ValueError(f"{path} must end with .xf: the other files are written beside it")
        if self.transforms is None:
            raise ValueError(
                f"{self.name} is for the aligned stack and has no transforms to write; open it "
                "without aligned=True"
            )
        texts = {
            path.with_suffix(".tlt"): angles_text(self.tilt_angles),
            path.with_suffix(".xtilt"): angles_text(self.x_tilts),
            path.with_name("tilt.com"): self.tilt.text(path.stem),
            path: xf_text(self.transforms),
        }
        if self.newstack is not None:
            texts[path.with_name("newst.com")] = self.newstack.text(path.stem)
        require_own_folder(path, others=self.newstack is None)
        return texts

    def _complete_sizes(self, sizes: Sizes) -> KnownSizes:
        """Return all sizes; without ``tilt.com``, the user's give thickness and binning."""
        known = super()._complete_sizes(sizes)
        made = self._with_sizes(sizes)
        layout = made._layout(known.image_shape)
        made.tilt.require_volume(layout, sizes.volume_shape, self.name)
        binning = 1 if self.transforms is None else made.tilt.binning
        return attrs.evolve(
            known, volume_shape=layout.volume_shape, voxel_size=known.pixel_size * binning
        )

    def _with_sizes(self, sizes: Sizes) -> Self:
        """Return a copy with the thickness and binning that no file holds."""
        raw, tilt, newstack = self.transforms is not None, self.tilt, self.newstack
        alone = tilt == TiltSetup() and newstack is None
        pixel_size = sizes.require("pixel_size", self.name)
        ratio = (sizes.voxel_size or pixel_size) / pixel_size
        if raw and alone:
            # Without command files, the user's sizes give the binning.
            tilt = attrs.evolve(tilt, binning=whole_binning(ratio))
        b = tilt.binning
        if sizes.voxel_size is not None:
            # An aligned stack is binned already.
            require_binning(ratio, b if raw else 1, self.name)
        if tilt.thickness is None:
            width = sizes.require("stack_shape", self.name)[2]
            depth = sizes.volume_shape[0] if sizes.volume_shape else sizes.thickness or width // b
            tilt = attrs.evolve(tilt, thickness=depth * b)
        if alone and sizes.volume_shape is not None:
            # Without command files the aligned images are as large as the tomogram.
            newstack = NewstackSetup(sizes.volume_shape[:0:-1], b)
        return attrs.evolve(self, tilt=tilt, newstack=newstack)

    def _aligned_stack(self, image_shape: tuple[int, ...]) -> AlignedStack:
        """Return the mapping from the aligned stack to raw images, or to itself."""
        if self.transforms is None:
            return NewstackSetup().aligned(image_shape)
        if self.newstack is not None:
            return self.newstack.aligned(image_shape)
        size = self.tilt.aligned_size(image_shape, self.name)
        return NewstackSetup(size, self.tilt.binning).aligned(image_shape)

    def _layout(self, image_shape: tuple[int, ...]) -> TiltLayout:
        return self.tilt.layout(self._aligned_stack(image_shape).shape)

    def _aligned_matrices(self, layout: TiltLayout) -> Float64Array:
        beta = self.tilt_angles + self.tilt.offset[0]
        return layout.matrices(beta, self.x_tilts - self.tilt.x_axis_tilt)

    def _matrices(self, sizes: KnownSizes) -> Float64Array:
        return self._all_matrices(sizes)[self.views]

    def _all_matrices(self, sizes: KnownSizes) -> Float64Array:
        """Return `(n, 2, 4)` matrices from voxel index to pixel index, also of excluded views."""
        made = self._with_sizes(sizes)
        aligned = made._aligned_matrices(made._layout(sizes.image_shape))
        if self.transforms is None:
            return aligned
        return made._aligned_stack(sizes.image_shape).to_raw(aligned, self.transforms)

    def _extra_fields(self, sizes: KnownSizes, given: Sizes) -> dict[str, Any]:
        return {
            "unsupported": self.tilt.unsupported,
            "notes": tuple(self._size_notes(sizes, given)),
            "warnings": self.warnings,
        }

    def _size_notes(self, sizes: KnownSizes, given: Sizes) -> Iterator[str]:
        """Yield notes on sizes that no file holds."""
        if self.tilt.thickness is given.thickness is None and given.volume_shape is None:
            depth = sizes.volume_shape[0]
            yield (
                "no THICKNESS in any file; assuming that the tomogram is as deep as the images "
                f"are wide, {depth} voxels"
            )
        made = self._with_sizes(given)
        newstack = made.newstack
        sized = newstack is not None and newstack.size is not None and all(newstack.size)
        if self.transforms is None or sized:
            return
        stack = made._aligned_stack(sizes.image_shape)
        source = "the raw images"
        if newstack is None and self.tilt.full_image is not None:
            source = "FULLIMAGE and SUBSETSTART in tilt.com"
        how = "unbinned"
        if stack.binning > 1:
            how = f"binned by {stack.binning} (even sizes stay even, odd sizes odd)"
            if newstack is not None and newstack.antialias:
                how = f"reduced by {stack.binning} with an antialias filter, without partial pixels"
        if newstack is None:
            how += ", centered"
        size = f"(h, w) = {stack.shape} from {source}, {how}"
        yield f"no size of the aligned stack in any file; assuming {size}"

    def _excluded_tilts(self, made: Alignment) -> ExcludedTilts:
        try:
            matrices = self._all_matrices(made.sizes)[made.excluded]
            geometry = geometry_from_matrices(matrices, made.sizes)
        except ValueError:
            # Transforms of excluded views may be singular; their angles are still valid.
            return ExcludedTilts((self.tilt_angles + self.tilt.offset[0])[made.excluded])
        return ExcludedTilts.from_geometry(geometry)

    @classmethod
    def _from_alignment(cls, alignment: Alignment, like: Self | None) -> Self:
        base = cls._default_files(alignment) if like is None else like
        alignment.sizes.require_count(len(base.tilt_angles), "like")
        if base.transforms is None:
            raise ValueError(
                "like is for the aligned stack and has no transforms to change; open it without "
                "aligned=True"
            )
        image_shape = alignment.stack_shape[1:]
        base = base._with_sizes(alignment.sizes)
        layout = base._layout(image_shape)
        if layout.volume_shape != alignment.volume_shape:
            raise ValueError(
                "like must be for a tomogram of the same shape: expected "
                f"{alignment.volume_shape}, got {layout.volume_shape}"
            )
        excluded = frozenset((alignment.excluded + 1).tolist())
        tilt = attrs.evolve(base.tilt, excluded=excluded, included=frozenset())
        made = attrs.evolve(base, tilt=tilt)
        # With `like`, the rows of excluded views are kept.
        return made._with_alignment(
            alignment.include_excluded() if like is None else alignment, layout
        )

    @classmethod
    def _default_files(cls, alignment: Alignment) -> Self:
        """Return files of the right sizes, with plausible rows for excluded views."""
        count, (depth, height, width) = alignment.stack_shape[0], alignment.volume_shape
        b = whole_binning(alignment.voxel_size / alignment.pixel_size)
        tilt = TiltSetup(b, depth * b, width * b, full_image=(width * b, height * b))
        return cls(
            np.tile(np.eye(2, 3), (count, 1, 1)),
            tilt_angles=alignment.all_tilt_angles(),
            x_tilts=np.zeros(count),
            tilt=tilt,
            newstack=NewstackSetup((width, height), b),
        )

    def _with_alignment(self, alignment: Alignment, layout: TiltLayout) -> Self:
        """Return a copy with the angles and transforms of an alignment."""
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
