"""Which STAR tables belong to a tilt series of RELION."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import attrs

from libtilt.alignment.star import StarBlock, read_star

FILE, NAME = "rlnTomoTiltSeriesStarFile", "rlnTomoName"
SIZES = ("rlnTomoSizeZ", "rlnTomoSizeY", "rlnTomoSizeX")


@attrs.frozen
class RelionTables:
    """The table of the tilts, and the sizes that another table knows."""

    tilts: StarBlock
    pixel_size: float | None = None
    volume_shape: tuple[int, ...] | None = None

    @classmethod
    def find(cls, path: str | Path, name: str | None) -> Self:
        """Return what belongs to the series `name`, or to the only one."""
        given = Path(path)
        blocks = read_star(given)
        series = blocks.get("global")
        if series is None or NAME not in series:
            tilts = _only_table(blocks, given, name)
            return cls._with_sizes(tilts, *_named_above(given))
        row = _row_of(series, name)
        block = blocks.get(series.column(NAME)[row])
        if block is None:
            file = _follow(series.column(FILE)[row], given)
            block = _only_table(read_star(file), file, None)
        return cls._with_sizes(block, series, row)

    @classmethod
    def _with_sizes(cls, tilts: StarBlock, series: StarBlock | None, row: int) -> Self:
        if not tilts.rows:
            raise ValueError(f"{tilts.path} has no rows in data_{tilts.name}")
        if series is None:
            return cls(tilts)
        shape = None
        if all(label in series for label in SIZES):
            shape = tuple(series.integers(label)[row] for label in SIZES)
            if min(shape) < 1:
                raise ValueError(
                    f"{series.path}, line {series.lines[row]}: rlnTomoSizeX, Y, Z must be positive"
                )
        pixel = None
        for label in ("rlnTomoTiltSeriesPixelSize", "rlnMicrographOriginalPixelSize"):
            if pixel is None and label in series:
                pixel = series.numbers(label)[row]
        if pixel is not None and pixel <= 0:
            raise ValueError(
                f"{series.path}, line {series.lines[row]}: the pixel size must be positive"
            )
        return cls(tilts, pixel, shape)


def _row_of(series: StarBlock, name: str | None) -> int:
    names = series.column(NAME)
    if name is None and len(names) == 1:
        return 0
    if name not in names:
        what = "has several series" if name is None else f"has no series {name!r}"
        raise ValueError(f"{series.path} {what}: name one of {', '.join(names)} (name=, --name)")
    return names.index(name)


def _only_table(blocks: dict[str, StarBlock], path: Path, name: str | None) -> StarBlock:
    """Return the block with the tilts of one series."""
    tilts = [
        block for block in blocks.values() if "rlnTomoYTilt" in block or "rlnTomoProjX" in block
    ]
    if name is not None:
        tilts = [block for block in tilts if block.name == name]
    if not tilts:
        raise ValueError(
            f"{path} has no table with _rlnTomoYTilt: it is no tilt series of RELION-5"
        )
    if len(tilts) > 1:
        names = ", ".join(block.name for block in tilts)
        raise ValueError(f"{path} has several series: name one of {names} (name=, --name)")
    return tilts[0]


def _follow(name: str, star: Path) -> Path:
    """Return the file that a STAR file names: from the project's folder, which lies above it."""
    wanted = Path(name)
    folders = [Path(), *star.resolve().parents]
    candidates = [wanted] if wanted.is_absolute() else [folder / wanted for folder in folders]
    for candidate in [*candidates, star.parent / wanted.name]:
        if candidate.is_file():
            return candidate
    raise FileNotFoundError(f"{star} names {name}, which is not there")


def _named_above(star: Path) -> tuple[StarBlock | None, int]:
    """Return the row of a ``tomograms.star`` beside a file or above it that names it."""
    for folder in star.resolve().parents[:4]:
        path = folder / "tomograms.star"
        if not path.is_file() or path == star.resolve():
            continue
        series = read_star(path).get("global")
        if series is not None and FILE in series:
            for row, name in enumerate(series.column(FILE)):
                if Path(name).name == star.name:
                    return series, row
    return None, 0
