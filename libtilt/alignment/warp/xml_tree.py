"""Reading of XML with limits on depth and size, and without document types."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from libtilt.io.inputs import read_input

DEEPEST = 64
MOST_ELEMENTS = 1_000_000


class _Limited(ElementTree.TreeBuilder):
    """A tree builder that stops at files deeper or larger than any alignment.

    It refuses document types, which declare entities: without one, nothing can expand.
    """

    def __init__(self) -> None:
        super().__init__()
        self.depth = self.count = 0

    def start(self, tag: str, attributes: dict[str, str], /) -> ElementTree.Element:
        self.depth += 1
        self.count += 1
        if self.depth > DEEPEST:
            raise ValueError(f"elements are nested more than {DEEPEST} deep")
        if self.count > MOST_ELEMENTS:
            raise ValueError(f"there are more than {MOST_ELEMENTS} elements")
        return super().start(tag, attributes)

    def end(self, tag: str, /) -> ElementTree.Element:
        self.depth -= 1
        return super().end(tag)

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        raise ValueError(f"document types (<!DOCTYPE {name} ...>) are not supported")


def read_xml(path: str | Path) -> tuple[ElementTree.Element, bytes]:
    """Return the root element of a file, and its bytes; errors name the file and the line."""
    content = read_input(path)
    if not content.strip():
        raise ValueError(f"{path} is empty")
    try:
        parser = ElementTree.XMLParser(target=_Limited())
        parser.feed(content)
        root: ElementTree.Element = parser.close()
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        line = getattr(error, "position", (None, 0))[0]
        place = path if line is None else f"{path}, line {line}"
        what = "not XML: " if isinstance(error, ElementTree.ParseError) else ""
        raise ValueError(f"{place}: {what}{error}") from error
    return root, content
