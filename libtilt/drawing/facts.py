"""A table of facts for notebooks."""

from __future__ import annotations

import html


def facts_table(name: str, facts: dict[str, str]) -> str:
    """Return HTML with a heading and one row for each fact."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{html.escape(key)}</th>"
        f"<td style='text-align:left'>{html.escape(value)}</td></tr>"
        for key, value in facts.items()
    )
    return f"<div><b>{html.escape(name)}</b><table>{rows}</table></div>"
