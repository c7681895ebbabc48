"""What is not clean yet, with the reason; a case that has become clean must leave this list."""

from __future__ import annotations

BAD_INPUTS: dict[str, str] = {}
FORKS: dict[str, str] = {}
