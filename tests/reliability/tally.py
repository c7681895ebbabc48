"""What was tried, what was not clean, and the table of both."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType


@dataclasses.dataclass(frozen=True)
class Unclean:
    """One case, what came and what should have come."""

    case: str
    came: str
    should: str


@dataclasses.dataclass
class Tally:
    """The count of one kind of trial."""

    kind: str
    tried: int = 0
    cases: set[str] = dataclasses.field(default_factory=set)
    unclean: list[Unclean] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)

    def add(self, case: str, faults: list[str], should: str) -> None:
        """Count a case that is clean where it has no faults."""
        self.tried += 1
        self.cases.add(case)
        if faults:
            self.unclean.append(Unclean(case, "; ".join(faults), should))

    @property
    def clean(self) -> int:
        return self.tried - len(self.unclean)

    def require_clean(self, known: Mapping[str, str] = MappingProxyType({})) -> None:
        """Fail with every case that is not clean, unless it is known, and known ones that are."""
        listed = "\n".join(map(_told, (one for one in self.unclean if one.case not in known)))
        assert not listed, f"of {self.tried}, not clean:\n{listed}"
        mended = known.keys() & self.cases - {one.case for one in self.unclean}
        assert not mended, f"clean now, to be taken off the list of known ones: {sorted(mended)}"


def _told(one: Unclean) -> str:
    return f"{one.case}\n  came: {one.came}\n  should: {one.should}"


def table(tallies: list[Tally]) -> str:
    """Return the counts as a table, then every case that is not clean."""
    rows = ["| tried | count | clean | not clean | |", "| --- | ---: | ---: | ---: | --- |"]
    rows += [
        f"| {one.kind} | {one.tried} | {one.clean} | {len(one.unclean)} | {'; '.join(one.notes)} |"
        for one in tallies
    ]
    for one in tallies:
        rows += [f"\n{one.kind}: {_told(wrong)}" for wrong in one.unclean]
    return "\n".join(rows)
