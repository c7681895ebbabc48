"""Finding the STAR tables of a RELION tilt series."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import attrs

from libtilt.alignment.acquisition import Acquisition
from libtilt.alignment.relion.columns import TILT_LABELS, positive, read_acquisition
from libtilt.alignment.relion.paths import find_tables_above, resolve_star_name, same_file
from libtilt.alignment.relion.star import StarBlock, read_star
from libtilt.errors import ArgumentError

FILE, NAME = "rlnTomoTiltSeriesStarFile", "rlnTomoName"
SIZES = ("rlnTomoSizeZ", "rlnTomoSizeY", "rlnTomoSizeX")
PIXEL_SIZE, MOVIE_PIXEL_SIZE = "rlnTomoTiltSeriesPixelSize", "rlnMicrographOriginalPixelSize"
# Names of the table of all series in RELION-5 jobs, last job first.
GLOBAL_TABLES = (
    "tomograms.star",
    "aligned_tilt_series.star",
    "selected_tilt_series.star",
    "tilt_series_ctf.star",
    "corrected_tilt_series.star",
    "tilt_series.star",
)


@attrs.frozen
class RelionTables:
    """The table of the tilts, and the metadata of the series in another table."""

    tilts: StarBlock
    pixel_size: float | None = None
    volume_shape: tuple[int, ...] | None = None
    acquisition: Acquisition = attrs.field(factory=Acquisition)
    series: StarBlock | None = None
    warnings: tuple[str, ...] = ()

    @classmethod
    def find(cls, path: str | Path, name: str | None) -> Self:
        """Return the tables of the series `name`, or of the only one."""
        given = Path(path)
        blocks = read_star(given)
        series = blocks.get("global")
        if series is None or NAME not in series:
            tilts = _only_table(blocks, given, name)
            return cls._with_sizes(tilts, *_row_in_global_table(given))
        row = _row_of(series, name)
        own_name = series.column(NAME)[row]
        block, warnings = blocks.get(own_name), []
        if block is None:
            found = resolve_star_name(series.column(FILE)[row], given, series.where(row))
            inside = read_star(found.path)
            block = inside.get(own_name) or _only_table(inside, found.path, None)
            warnings = [found.warning] if found.warning else []
        made = cls._with_sizes(block, series, row)
        return attrs.evolve(made, warnings=(*warnings, *made.warnings))

    @classmethod
    def _with_sizes(cls, tilts: StarBlock, series: StarBlock | None, row: int) -> Self:
        if not tilts.rows:
            raise ValueError(f"{tilts.path} has no rows in data_{tilts.name}")
        acquisition = read_acquisition(tilts, series, row)
        if series is None:
            return cls(tilts, acquisition=acquisition)
        shape, warnings = None, []
        if all(label in series for label in SIZES):
            shape = tuple(series.integers(label)[row] for label in SIZES)
            if min(shape) < 1:
                raise ValueError(f"{series.where(row)}: rlnTomoSizeX, Y, Z must be positive")
        pixel = None
        for label in (PIXEL_SIZE, MOVIE_PIXEL_SIZE):
            if pixel is None and label in series:
                pixel = positive(series.column(label)[row], series.where(row, label))
                if label == MOVIE_PIXEL_SIZE:
                    warnings.append(
                        f"{series.path} has no {PIXEL_SIZE}; using {pixel:.6g} Å, the "
                        f"{MOVIE_PIXEL_SIZE} of the movies, which differs if motion correction "
                        "binned them"
                    )
        only = attrs.evolve(series, rows=(series.rows[row],), lines=(series.lines[row],))
        return cls(tilts, pixel, shape, acquisition, only, tuple(warnings))


def _row_of(series: StarBlock, name: str | None) -> int:
    names = series.column(NAME)
    if name is None and len(names) == 1:
        return 0
    if not names:
        raise ValueError(f"{series.path} has no rows in data_{series.name}")
    if name not in names:
        found = ", ".join(names)
        what = f"has several series: pass name=..., one of {found}"
        if name is not None:
            what = f"has no series {name!r}; series in the file: {found} (name=...)"
        raise ArgumentError(f"{series.path} {what}", arguments=("name",))
    if names.count(name) > 1:
        raise ValueError(f"{series.path} lists the series {name!r} twice: rename one of them")
    return names.index(name)


def _only_table(blocks: dict[str, StarBlock], path: Path, name: str | None) -> StarBlock:
    """Return the block with the tilts of one series."""
    tilts = [block for block in blocks.values() if any(label in block for label in TILT_LABELS)]
    if name is not None:
        tilts = [block for block in tilts if block.name == name]
    if not tilts:
        of_name = "" if name is None else f" of data_{name}"
        raise ValueError(
            f"{path} has no table{of_name} with _rlnTomoYTilt or _rlnTomoNominalStageTiltAngle: "
            "it is not a tilt series of RELION-5"
        )
    if len(tilts) > 1:
        names = ", ".join(block.name for block in tilts)
        raise ArgumentError(
            f"{path} has several series: pass name=..., one of {names}", arguments=("name",)
        )
    return tilts[0]


def _row_in_global_table(star: Path) -> tuple[StarBlock | None, int]:
    """Return the row that names a file in a table of all series beside it or above it."""
    for path in find_tables_above(star, GLOBAL_TABLES):
        series = read_star(path).get("global")
        if series is None or NAME not in series or FILE not in series:
            continue
        for row, name in enumerate(series.column(FILE)):
            if Path(name).name == star.name and _refers_to(name, path, series.where(row), star):
                return series, row
    return None, 0


def _refers_to(name: str, table: Path, where: str, star: Path) -> bool:
    """Whether the name of a file in a table refers to `star`."""
    try:
        return same_file(resolve_star_name(name, table, where).path, star)
    except (FileNotFoundError, ValueError):
        return False
