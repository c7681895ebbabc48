"""Parsing of SerialEM's ``.mdoc`` into titles, keys, and sections of images."""

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
    """A section such as ``[ZValue = 3]`` or ``[FrameSet = 0]``, its first line, and its keys."""

    kind: str
    number: int
    line: int
    keys: Keys = attrs.field(factory=dict)


@attrs.frozen
class MdocContent:
    """The parts of an ``.mdoc``, as parsed."""

    header: Keys = attrs.field(factory=dict)
    titles: list[str] = attrs.field(factory=list)
    title_lines: list[int] = attrs.field(factory=list)
    sections: list[Section] = attrs.field(factory=list)


def read_sections(path: str | Path) -> MdocContent:
    """Parse an ``.mdoc``.

    Lines without ``=`` continue a value, a title extends to its closing bracket, and ``#`` starts a
    comment line. Errors name the file and the line.
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
            raise ValueError(f"{where}, {key}: expected the section in brackets, as [{text}]")
        if key in keys and key in _USED:
            raise ValueError(f"{where}: {key} appears twice in one section")
        keys[key] = _CHECKS.get(key, _unchanged)(value, f"{where}, {key}")
    return content


def _joined_lines(path: str | Path) -> list[tuple[int, str]]:
    """Return titles, sections and ``key = value``, each joined with its continuation lines."""
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
    """Parse ``[key = value]`` and return the dict for the keys below it."""
    match = re.fullmatch(r"\[\s*([^=\[\]]+?)\s*=\s*(.*?)\s*\]", text, re.DOTALL)
    if match is None:
        raise ValueError(f"{where}: expected [key = value], got {text[:80]!r}")
    name, value = match.groups()
    if name == "T":
        content.titles.append(value)
        content.title_lines.append(line)
        return content.sections[-1].keys if content.sections else content.header
    if name not in ("ZValue", "FrameSet"):
        # Other sections, such as montages, are irrelevant for a tilt series.
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
        raise ValueError(f"{where}: expected an image index from 0, got {text!r}")
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
    """Return one section per image, in stack order.

    ``ZValue`` sections are used if there are any. A ``FrameSet`` directly before the ``ZValue`` of
    the same image is merged into it; other frame sets belong to movies. Raises a ValueError for
    missing sections or tilt angles, duplicates, and montages.
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
        raise ValueError(f"{path} has no [ZValue = ...]: it is not the mdoc of an image stack")
    if not of_stack and len({section.number for section in images}) < len(images):
        # In concatenated mdoc files of movies, every file counts from 0.
        images = [attrs.evolve(one, number=place) for place, one in enumerate(images)]
    _require_sound(images, path)
    return sorted(images, key=lambda section: section.number)


def _same_image(frames: Keys, image: Keys) -> bool:
    """Whether the tilt angles of a frame set and an image agree, if both are given."""
    angle = frames.get("TiltAngle")
    return angle is None or abs(float(angle) - float(image.get("TiltAngle", angle))) < 0.05


def _require_sound(images: list[Section], path: str | Path) -> None:
    seen: dict[int, int] = {}
    pieces: dict[str, int] = {}
    for section in images:
        where = f"{path}, line {section.line}"
        if section.number in seen:
            raise ValueError(
                f"{where}: {section.kind} {section.number} is already on line "
                f"{seen[section.number]}"
            )
        seen[section.number] = section.line
        if "TiltAngle" not in section.keys:
            raise ValueError(f"{where}: section {section.number} has no TiltAngle")
        keys = section.keys
        place = (keys.get("PieceCoordinates") or keys.get("AlignedPieceCoords", "")).split()
        if place and pieces.setdefault(place[2], section.line) != section.line:
            raise ValueError(
                f"{where}: the view with z = {place[2]} (PieceCoordinates) already has a piece "
                f"on line {pieces[place[2]]}; montages are not supported, blend them first "
                "(IMOD's blendmont)"
            )
