"""Line-by-line parser of AreTomo's ``.aln``."""

from __future__ import annotations

import attrs

from libtilt.alignment.plausible import parse_tilt_angle
from libtilt.alignment.text import parse_integer, parse_number, parse_number_or_nan

COLUMNS = ("SEC", "ROT", "GMAG", "TX", "TY", "SMEAN", "SFIT", "SCALE", "BASE", "TILT")

# Columns without a reader are statistics, which may be missing.
_READERS = {
    "SEC": parse_number,
    "ROT": parse_number,
    "TX": parse_number,
    "TY": parse_number,
    "TILT": parse_tilt_angle,
}


@attrs.frozen
class DarkFrame:
    """An image that AreTomo excluded: rank by tilt angle from 0, section, tilt angle."""

    frame: int
    section: int
    tilt_angle: float


def infer_first_section(sections: list[int], dark_frames: list[DarkFrame], count: int) -> int:
    """Infer whether SEC counts from 0 or 1, by the sections, else by AreTomo's own rule.

    AreTomo 3 counts from 0 if a dark frame has section 0.
    """
    dark = [frame.section for frame in dark_frames]
    known = set(sections) | (set(dark) if len(set(dark)) == len(dark) else set())
    if 0 in known or count in known:
        return 0 if 0 in known else 1
    return 0 if 0 in dark else 1


def sections_skip_dark_frames(
    sections: list[int], dark_frames: list[DarkFrame], count: int
) -> bool:
    """Whether SEC counts only the images that are not dark.

    If so, SEC runs over them without gaps, and repeats numbers of dark sections, which otherwise
    have no row.
    """
    dark = {frame.section for frame in dark_frames}
    whole = len(dark) == len(dark_frames) and len(sections) + len(dark) == count
    runs = sections == list(range(sections[0], sections[0] + len(sections)))
    return whole and runs and sections[0] in (0, 1) and bool(dark & set(sections))


class AlnParser:
    """Parser of the lines of an ``.aln``."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.raw_size: tuple[int, int, int] | None = None
        self.dark_frames: list[DarkFrame] = []
        self.dark_lines: list[int] = []
        self.header: list[str] = []
        self.rows: list[list[float]] = []
        self.row_lines: list[int] = []
        self.local: list[str] = []
        self.in_local = False
        self.last_line = 0

    def parse_line(self, line: int, text: str) -> None:
        """Parse one stripped line that is not blank."""
        where = f"{self.path}, line {line}"
        self.last_line = line
        if text.startswith("#"):
            self._header(text, where)
        elif self.in_local:
            words = text.split()
            if len(words) != 7:
                raise ValueError(f"{where}: expected 7 numbers of a local shift, got {text!r}")
            for word in words:
                parse_number_or_nan(word, where)
            self.local.append(text)
        else:
            words = text.split()
            if self.raw_size is None:
                raise ValueError(
                    f"{where}: expected '# RawSize =' before the first row of an AreTomo .aln file"
                )
            if len(words) != len(COLUMNS):
                raise ValueError(f"{where}: expected {' '.join(COLUMNS)}, got {text!r}")
            parse_integer(words[0], f"{where}, SEC")
            self.rows.append(
                [
                    _READERS.get(name, parse_number_or_nan)(word, f"{where}, {name}")
                    for name, word in zip(COLUMNS, words, strict=True)
                ]
            )
            self.row_lines.append(line)

    def _header(self, text: str, where: str) -> None:
        name, _, value = text.lstrip("# ").partition("=")
        name = name.strip()
        if name == "RawSize":
            if self.raw_size is not None:
                raise ValueError(
                    f"{where}: RawSize is given a second time; split the file if it holds two "
                    "alignments"
                )
            size = [parse_integer(word, f"{where}, RawSize") for word in value.split()]
            if len(size) != 3 or min(size) < 1:
                raise ValueError(f"{where}: RawSize must be three positive integers, got {value!r}")
            self.raw_size = (size[0], size[1], size[2])
        elif name == "DarkFrame":
            words = value.split()
            if len(words) != 3:
                raise ValueError(f"{where}: DarkFrame must be three numbers, got {value!r}")
            self.dark_frames.append(
                DarkFrame(
                    parse_integer(words[0], where),
                    parse_integer(words[1], where),
                    parse_number_or_nan(words[2], where),
                )
            )
            self.dark_lines.append(self.last_line)
        elif name == "Local Alignment":
            self.in_local = True
        elif value:
            self.header.append(text)

    def require_sections(self, first: int) -> None:
        """Raise a ValueError if a section lies outside the stack, or is dark but has a row."""
        assert self.raw_size is not None
        dark = [frame.section for frame in self.dark_frames]
        # Older files give every dark frame section 0, which identifies none.
        known = dark if len(set(dark)) == len(dark) else []
        rows = [int(row[0]) for row in self.rows]
        for section, line in [
            *zip(rows, self.row_lines, strict=True),
            *zip(known, self.dark_lines, strict=False),
        ]:
            if not 0 <= section - first < self.raw_size[2]:
                raise ValueError(
                    f"{self.path}, line {line}: SEC {section} lies outside the {self.raw_size[2]} "
                    f"images of RawSize (sections count from {first})"
                )
        for section, line in zip(known, self.dark_lines, strict=False):
            if section in rows:
                raise ValueError(
                    f"{self.path}, line {line}: section {section} is dark, but has a row on line "
                    f"{self.row_lines[rows.index(section)]}"
                )

    def finish(self) -> tuple[int, int, int]:
        """Check the complete file and return its RawSize."""
        if self.raw_size is None or not self.rows:
            raise ValueError(
                f"{self.path} is not an AreTomo .aln file: it has no "
                + ("'# RawSize ='" if self.raw_size is None else "rows")
            )
        seen: dict[float, int] = {}
        for row, line in zip(self.rows, self.row_lines, strict=True):
            if row[0] in seen:
                raise ValueError(
                    f"{self.path}, line {line}: SEC {int(row[0])} is already on line {seen[row[0]]}"
                )
            seen[row[0]] = line
        expected = self.raw_size[2] - len(self.dark_frames)
        if len(self.rows) > expected or (len(self.rows) < expected and not self.in_local):
            raise ValueError(
                f"{self.path}, line {self.last_line}: expected {expected} rows (RawSize has "
                f"{self.raw_size[2]} images, {len(self.dark_frames)} are dark), "
                f"got {len(self.rows)}: the file is truncated or belongs to another stack"
            )
        return self.raw_size
