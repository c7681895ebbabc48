"""Which options are of panels, and which of the file that shows them."""

from __future__ import annotations

import inspect
from typing import Any

from libtilt.gif import Panel, save_animation

OF_PANELS = frozenset(inspect.signature(Panel).parameters) - {"frames"}
OF_FILES = frozenset(inspect.signature(save_animation).parameters) - {"path", "panels"}


def saving_options(options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options of `save_animation`, and all others."""
    saving = {name: value for name, value in options.items() if name in OF_FILES}
    return saving, {name: value for name, value in options.items() if name not in OF_FILES}


def panel_options(
    options: dict[str, Any], *, what: str = "a panel", also: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """Return options as they are; raise a ValueError where no panel has one of them."""
    if unknown := sorted(set(options) - OF_PANELS - also):
        known = ", ".join(sorted(OF_PANELS | also))
        raise ValueError(f"options of {what} are {known}; got {', '.join(unknown)}")
    return options
