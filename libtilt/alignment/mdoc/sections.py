"""The lines of SerialEM's ``.mdoc``: titles, keys, and the sections of the images."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import attrs

from libtilt.alignment.plausible import MAX_IMAGES, parse_tilt_angle
from libtilt.alignment.text import (
    parse_integer,
    parse_number,
    parse_number_or_nan,
    read_numbered_lines,
    replace_decimal_comma,
)

Keys = dict[str, str]

AXIS = re.compile(
    r"(tilt[ \t_]*axis[ \t_]*(?:rotation[ \t_]*)?angle\s*[=:]\s*)"
    r"(\S*?)(?=[,;\])]*(?:\s|$)|[,;][^\d\s])",
    re.IGNORECASE,
)
_TITLE = re.compile(r"\[\s*T\s*=")
_USED = ("TiltAngle", "ExposureDose", "PriorRecordDose", "DateTime", "PixelSpacing", "ImageSize")


@attrs.frozen
class Section:
    """What stands under one ``[ZValue = 3]`` or ``[FrameSet = 0]``, and on which line it begins."""

    kind: str
    number: int
    line: int
    keys: Keys = attrs.field(factory=dict)


@attrs.frozen
class MdocContent:
    """The parts of an ``.mdoc``, before they are put together."""

    header: Keys = attrs.field(factory=dict)
    titles: list[str] = attrs.field(factory=list)
    title_lines: list[int] = attrs.field(factory=list)
    sections: list[Section] = attrs.field(factory=list)


def read_sections(path: str | Path) -> MdocContent:
    """Read an ``.mdoc`` line by line.

    A value goes on over lines that have no ``=``, a title until its bracket closes, and a line that
    begins with ``#`` is a comment.

    Raises
    ------
    ValueError
        If a line is no ``key = value``, or a value that is used makes no sense; the message names
        the file and the line.
    """
    content = MdocContent()
    keys = content.header
    for line, text in _joined_lines(path):
        where = f"{path}, line {line}"
        if text.startswith("["):
            keys = _open_section(text, line, where, content)
            continue
        pair = _key_and_value(text)
        assert pair is not None
        key, value = pair
        if key in ("ZValue", "FrameSet"):
            raise ValueError(f"{where}, {key}: expected a section in brackets, [{text}]")
        if key in keys and key in _USED:
            raise ValueError(f"{where}: {key} stands twice in one section")
        keys[key] = _CHECKS.get(key, _unchanged)(value, f"{where}, {key}")
    return content


def _joined_lines(path: str | Path) -> list[tuple[int, str]]:
    """Return titles, sections and ``key = value``, each joined with the lines it goes on over."""
    joined: list[tuple[int, str]] = []
    for line, text in read_numbered_lines(path):
        if text.startswith("#"):
            continue
        first, last = joined[-1] if joined else (0, "[]")
        in_title = _TITLE.match(last) is not None and not last.endswith("]")
        if in_title and text.startswith("["):
            raise ValueError(f"{path}, line {first}: the title is not closed by ]")
        if not in_title and (text.startswith("[") or _key_and_value(text)):
            joined.append((line, text))
        elif in_title or not last.startswith("["):
            joined[-1] = (first, f"{last}\n{text}")
        else:
            raise ValueError(f"{path}, line {line}: expected key = value, got {text[:80]!r}")
    return joined


def _open_section(text: str, line: int, where: str, content: MdocContent) -> Keys:
    """Take ``[key = value]`` and return where the keys below it go."""
    match = re.fullmatch(r"\[\s*([^=\[\]]+?)\s*=\s*(.*?)\s*\]", text, re.DOTALL)
    if match is None:
        raise ValueError(f"{where}: expected [key = value], got {text[:80]!r}")
    name, value = match.groups()
    if name == "T":
        content.titles.append(value)
        content.title_lines.append(line)
        return content.sections[-1].keys if content.sections else content.header
    if name not in ("ZValue", "FrameSet"):
        # Montages and the like say nothing of a tilt series.
        return {}
    content.sections.append(Section(name, _section_number(value, where), line))
    return content.sections[-1].keys


def _key_and_value(text: str) -> tuple[str, str] | None:
    match = re.fullmatch(r"([^=]+?)\s*=\s*(.*)", text, re.DOTALL)
    if match is None and AXIS.match(text):
        match = re.fullmatch(r"([^:]+?)\s*:\s*(.*)", text, re.DOTALL)
    return None if match is None else (match[1], match[2])


def _section_number(text: str, where: str) -> int:
    value = parse_integer(text, where)
    if not 0 <= value < MAX_IMAGES:
        raise ValueError(f"{where}: expected an image counted from 0, got {text!r}")
    return value


def _tilt_angle(text: str, where: str) -> str:
    plain = replace_decimal_comma(text)
    parse_tilt_angle(plain, where)
    return plain


def _number_or_nan(text: str, where: str) -> str:
    plain = replace_decimal_comma(text)
    parse_number_or_nan(plain, where)
    return plain


def _length(text: str, where: str) -> str:
    plain = _number_or_nan(text, where)
    if parse_number_or_nan(plain, where) <= 0:
        raise ValueError(f"{where}: expected a positive number, got {text!r}")
    return plain


def image_size(text: str, where: str) -> tuple[int, ...]:
    """Return width and height."""
    sizes = tuple(parse_integer(word, where) for word in text.split())
    if len(sizes) != 2 or min(sizes) < 1:
        raise ValueError(f"{where}: expected two positive integers, got {text!r}")
    return sizes


def _image_size(text: str, where: str) -> str:
    image_size(text, where)
    return text


def _piece(text: str, where: str) -> str:
    words = text.split()
    if len(words) != 3:
        raise ValueError(f"{where}: expected three numbers x y z, got {text!r}")
    for word in words:
        parse_number(word, where)
    return text


def _unchanged(text: str, where: str) -> str:
    return text


_CHECKS: dict[str, Callable[[str, str], str]] = {
    "TiltAngle": _tilt_angle,
    "RotationAngle": _number_or_nan,
    "ExposureDose": _number_or_nan,
    "PriorRecordDose": _number_or_nan,
    "Voltage": _number_or_nan,
    "PixelSpacing": _length,
    "ImageSize": _image_size,
    "PieceCoordinates": _piece,
    "AlignedPieceCoords": _piece,
}


def image_sections(content: MdocContent, path: str | Path) -> list[Section]:
    """Return the sections of the images, one for each, sorted as the stack is.

    Sections ``ZValue`` count where there are some. What a ``FrameSet`` right before one says of the
    same image is added to it; other frame sets are of movies, not of images in the stack.

    Raises
    ------
    ValueError
        If there are none, one stands twice, has no tilt angle, or is one piece of a montage.
    """
    images: list[Section] = []
    before: Section | None = None
    of_stack = any(section.kind == "ZValue" for section in content.sections)
    for section in content.sections:
        if of_stack and section.kind == "FrameSet":
            before = section
            continue
        if before is not None and _same_image(before.keys, section.keys):
            section = attrs.evolve(section, keys=before.keys | section.keys)
        before = None
        images.append(section)
    if not images:
        raise ValueError(f"{path} has no [ZValue = ...]: it is not the mdoc of a stack")
    if not of_stack and len({section.number for section in images}) < len(images):
        # Mdoc files of movies, one after the other, each count from 0.
        images = [attrs.evolve(one, number=place) for place, one in enumerate(images)]
    _require_sound(images, path)
    return sorted(images, key=lambda section: section.number)


def _same_image(frames: Keys, image: Keys) -> bool:
    """Whether a section of frames says nothing else of the tilt angle than one of an image."""
    angle = frames.get("TiltAngle")
    return angle is None or abs(float(angle) - float(image.get("TiltAngle", angle))) < 0.05


def _require_sound(images: list[Section], path: str | Path) -> None:
    seen: dict[int, int] = {}
    pieces: dict[str, int] = {}
    for section in images:
        where = f"{path}, line {section.line}"
        if section.number in seen:
            raise ValueError(
                f"{where}: a second {section.kind} {section.number}, the first stands on line "
                f"{seen[section.number]}"
            )
        seen[section.number] = section.line
        if "TiltAngle" not in section.keys:
            raise ValueError(f"{where}: section {section.number} has no TiltAngle")
        keys = section.keys
        place = (keys.get("PieceCoordinates") or keys.get("AlignedPieceCoords", "")).split()
        if place and pieces.setdefault(place[2], section.line) != section.line:
            raise ValueError(
                f"{where}: a second piece of the view with z = {place[2]} (PieceCoordinates), the "
                f"first stands on line {pieces[place[2]]}: montages are not read, blend them first "
                "(IMOD's blendmont)"
            )
