"""Writing of RELION-5 projects: ``tomograms.star`` and the series that it lists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import numpy as np

from libtilt.alignment.acquisition import Acquisition
from libtilt.alignment.relion.columns import (
    ANGLES,
    MICROGRAPH,
    OPTICS,
    PRE_EXPOSURE,
    STAGE_AXIS,
    STAGE_TILT,
    stack_name_from,
)
from libtilt.alignment.relion.paths import name_in_project, project_folders
from libtilt.alignment.relion.star import StarBlock, block_from_columns, read_star, star_text
from libtilt.alignment.relion.tables import FILE, MOVIE_PIXEL_SIZE, NAME, PIXEL_SIZE, SIZES
from libtilt.alignment.text import write_texts
from libtilt.errors import OutputExistsError

DEFOCUS = ("rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle")
_OPTICS_DESCRIPTIONS = {
    "rlnVoltage": "the voltage in kilovolts",
    "rlnSphericalAberration": "the spherical aberration in millimeters",
    "rlnAmplitudeContrast": "the amplitude contrast, between 0 and 1",
    "rlnTomoHand": "the handedness of the defocus, 1 or -1",
}


@attrs.frozen
class RelionProject:
    """One tilt series and its entry in ``tomograms.star``.

    The labels are those read by ``TomogramSet::loadTomogram`` of RELION-5
    (``src/jaz/tomography/tomogram_set.cpp``), and those written by its jobs.
    """

    tilts: StarBlock
    pixel_size: float | None
    volume_shape: tuple[int, ...] | None
    acquisition: Acquisition
    series: StarBlock | None = None

    def series_text(self, name: str) -> str:
        """Return the STAR file of the series alone, with its sizes if known."""
        blocks = [attrs.evolve(self.tilts, name=name)]
        if self.pixel_size is not None and self.volume_shape is not None:
            sizes = {NAME: [name], PIXEL_SIZE: [f"{self.pixel_size:.10g}"]} | self._sizes()
            blocks.insert(0, block_from_columns("global", sizes))
        return star_text(blocks)

    def write(self, path: Path, *, overwrite: bool, append: bool = False) -> Path:
        """Write ``tomograms.star`` and ``tilt_series/NAME.star`` beside it, both or none."""
        name = self._name(path)
        series = path.parent / "tilt_series" / f"{name}.star"
        table_of_all = self._global(name, series)
        append = append and path.exists()
        if append:
            table_of_all = _appended(path, table_of_all)
        _require_replaceable(path, overwrite=overwrite or append)
        tilts = self._tilts(name, path)
        # The list is renamed last, so that it never names a missing file.
        texts = {
            series: star_text([tilts], version=True),
            path: star_text([table_of_all], version=True),
        }
        with _folders(path.parent, series.parent):
            write_texts(texts, overwrite=(overwrite, overwrite or append))
        return path

    @property
    def missing(self) -> tuple[str, ...]:
        """Descriptions of missing values that RELION-5 needs."""
        return tuple(self._missing())

    def _missing(self) -> Iterator[str]:
        for label, what in _OPTICS_DESCRIPTIONS.items():
            field = OPTICS[label]
            if getattr(self.acquisition, field) is None:
                yield f"{label}: {what} (acquisition.{field})"
        if self.pixel_size is None or self.volume_shape is None:
            yield f"{PIXEL_SIZE}, {', '.join(SIZES[::-1])}: pixel size and tomogram shape"
        if PRE_EXPOSURE not in self.tilts and self._pre_exposures() is None:
            yield (
                f"{PRE_EXPOSURE}: exposure before each image, in electrons per square angstrom "
                "(acquisition.pre_exposures, or times and exposures)"
            )
        if not all(label in self.tilts for label in DEFOCUS):
            yield f"{', '.join(DEFOCUS)}: the defocus of each image, from CTF estimation"
        if STAGE_TILT not in self.tilts:
            yield (
                f"{STAGE_TILT}, {STAGE_AXIS}: nominal stage angles; the angles of the alignment "
                "are written instead"
            )
        names = self.tilts.column(MICROGRAPH) if MICROGRAPH in self.tilts else []
        if not names or any("@" in name for name in names):
            yield (
                f"{MICROGRAPH}: one file per image, as RELION's jobs write it; images of one "
                f"stack are written instead, N@{stack_name_from(self.tilts) or 'stack'}"
            )

    def _pre_exposures(self) -> list[str] | None:
        values = self.acquisition.accumulated().pre_exposures
        if values is None or not np.isfinite(values).all():
            return None
        return [f"{value:.6g}" for value in values]

    def _name(self, path: Path) -> str:
        """Return the name of the series, else of its stack, else of the project."""
        name, stack = self.tilts.name, stack_name_from(self.tilts)
        if not name and stack not in (None, "stack.mrc"):
            name = Path(stack or "").name.partition(".")[0]
        name = re.sub(r"[^\w.+-]", "_", name or path.resolve().parent.name) or "series"
        return f"{name}_1" if name.lower() == "global" or name.startswith(".") else name

    def _global(self, name: str, star: Path) -> StarBlock:
        kept = self.series
        columns = {} if kept is None else {label: kept.column(label) for label in kept.labels}
        folders, known = project_folders(star)
        root = folders[-1] if known else folders[1]
        columns |= {NAME: [name], FILE: [star.resolve().relative_to(root).as_posix()]}
        for label, field in OPTICS.items():
            value = getattr(self.acquisition, field)
            if value is not None:
                columns[label] = [f"{value:.10g}"]
        columns.setdefault("rlnOpticsGroupName", ["opticsGroup1"])
        if self.pixel_size is not None:
            columns[PIXEL_SIZE] = [f"{self.pixel_size:.10g}"]
            # Without movies, the project starts from the images of the stack.
            columns.setdefault(MOVIE_PIXEL_SIZE, columns[PIXEL_SIZE])
        return block_from_columns("global", columns | self._sizes())

    def _sizes(self) -> dict[str, list[str]]:
        shape = self.volume_shape or ()
        return {label: [str(size)] for label, size in zip(SIZES[::-1], shape[::-1], strict=False)}

    def _tilts(self, name: str, table: Path) -> StarBlock:
        columns = {label: self.tilts.column(label) for label in self.tilts.labels}
        if MICROGRAPH in columns:
            parts = [text.rpartition("@") for text in columns[MICROGRAPH]]
            names = {name: name_in_project(name, table) for _, _, name in parts}
            columns[MICROGRAPH] = [number + at + names[name] for number, at, name in parts]
        axis, tilt = ANGLES[:2]
        for label, source in ((STAGE_TILT, tilt), (STAGE_AXIS, axis)):
            if label not in columns and source in columns:
                columns[label] = columns[source]
        exposures = self._pre_exposures()
        if exposures is not None:
            columns[PRE_EXPOSURE] = exposures
        return block_from_columns(name, columns)


def _appended(path: Path, row: StarBlock) -> StarBlock:
    """Return the table in a file with one more row."""
    blocks = read_star(path)
    there = blocks.get("global")
    if there is None or len(blocks) > 1:
        raise ValueError(
            f"{path}: expected data_global as the only block, to append a row, got "
            f"{', '.join(blocks)}"
        )
    other = sorted(set(there.labels) ^ set(row.labels))
    if other:
        raise ValueError(
            f"{path} and the appended series must have the same labels; found in one of them "
            f"only: {', '.join(other)}"
        )
    name = row.column(NAME)[0]
    if name in there.column(NAME):
        raise FileExistsError(f"{path} already has a series {name}; choose another name")
    columns = {label: there.column(label) + row.column(label) for label in there.labels}
    return block_from_columns("global", columns)


def _require_replaceable(path: Path, *, overwrite: bool) -> None:
    """Raise a FileExistsError that lists the series in an existing table."""
    if overwrite or not path.is_file():
        return
    try:
        series = read_star(path).get("global")
        names = series.column(NAME) if series is not None else []
    except ValueError:
        names = []
    listed = f" and lists the series {', '.join(names[:8])}" if names else ""
    raise OutputExistsError(
        f"{path} already exists{listed}; pass overwrite=True to replace it, or write to another "
        "folder",
        arguments=("overwrite",),
    )


@contextmanager
def _folders(*folders: Path) -> Iterator[None]:
    """Create folders, outermost first, and remove them if the block fails."""
    made: list[Path] = []
    try:
        for folder in folders:
            if folder.parent.is_dir() and not folder.exists():
                folder.mkdir()
                made.append(folder)
        yield
    except BaseException:
        for folder in reversed(made):
            if not any(folder.iterdir()):
                folder.rmdir()
        raise
