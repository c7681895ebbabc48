"""Which file a name in a STAR file is: RELION names files from the folder of its project."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import attrs

# Every project of RELION-5 has this file in its uppermost folder.
_MARK = "default_pipeline.star"
_JOB = re.compile(r"job\d{3,}")


@attrs.frozen
class ResolvedFile:
    """A file that a STAR file names, and what had to be taken for granted to find it."""

    path: Path
    warning: str | None = None


def resolve_star_name(name: str, star: Path, where: str) -> ResolvedFile:
    """Return the file that a STAR file names.

    A name belongs to the project of the STAR file: it is looked up from the file's folder and from
    the folders above it, the nearest first, up to the uppermost folder of the project where that is
    known. An absolute name of another machine is looked up by its tail. The working folder comes
    last, and only for a file that lies in no project.

    Parameters
    ----------
    name : str
        As it stands.
    star : path
        The file that holds it.
    where : str
        The place in that file, for messages.

    Returns
    -------
    ResolvedFile

    Raises
    ------
    FileNotFoundError
        If there is no such file; the message names the place and where it was looked for.
    ValueError
        If the name is not one of a STAR file, or leads out of the project.
    """
    wanted = PurePosixPath(name)
    if wanted.suffix.lower() != ".star" or not name.isprintable():
        raise ValueError(f"{where}: expected the name of a .star file, got {name[:200]!r}")
    if wanted.is_absolute() and ".." not in wanted.parts and _is_file(Path(wanted)):
        return ResolvedFile(Path(wanted))
    parts = _plain_parts(wanted, where)
    folders, known = project_folders(star, parts[0])
    for start in range(len(parts)):
        tail = parts[start:]
        # A part of a name says less: only where the name is of another machine, or right here.
        near = start and (len(tail) == 1 or not wanted.is_absolute())
        for folder in folders[:1] if near else folders:
            path = folder.joinpath(*tail)
            if _is_file(path) and _same_job(parts, path):
                return ResolvedFile(
                    path, f"{where}: {name} was taken to be {path}" if near else None
                )
    path = Path(*parts)
    if not (known or wanted.is_absolute()) and _is_file(path):
        warning = (
            f"{where}: {name} lies in no folder above the file and was taken from the working "
            f"folder {Path.cwd()}: check that it is of the same project"
        )
        return ResolvedFile(path, warning)
    raise FileNotFoundError(
        f"{where}: names {name}, which is not there: looked for it from {folders[0]} up to "
        f"{folders[-1]}; put it back below the folder of its project, or open its file itself"
    )


def project_folders(star: Path, first: str = "") -> tuple[list[Path], bool]:
    """Return the folders from that of a file up to its project's, and whether that one is known.

    It is the one with RELION's pipeline, or that in which a job's folder lies (``Import/job001``),
    or that in which `first`, which a name begins with, lies above the file.
    """
    folders = list(star.resolve().parents)
    roots = [place for place, folder in enumerate(folders) if _is_file(folder / _MARK)]
    roots += [
        place + 2
        for place, folder in enumerate(folders[:-2])
        if _JOB.fullmatch(folder.name) is not None
    ][:1]
    roots += [place + 1 for place, folder in enumerate(folders[:-1]) if folder.name == first]
    return (folders[: roots[0] + 1], True) if roots else (folders, False)


def same_file(one: Path, other: Path) -> bool:
    """Whether two paths are one file."""
    try:
        return one.samefile(other)
    except OSError:
        return False


def find_tables_above(star: Path, names: tuple[str, ...]) -> Iterator[Path]:
    """Yield files with these names beside a file and above it, in its project, nearest first."""
    for folder in project_folders(star)[0][:4]:
        for name in names:
            path = folder / name
            if _is_file(path) and not same_file(path, star):
                yield path


def _plain_parts(wanted: PurePosixPath, where: str) -> tuple[str, ...]:
    """Return the parts of a name without its root and without ``..``, which must stay inside."""
    parts: list[str] = []
    for part in wanted.parts[1:] if wanted.is_absolute() else wanted.parts:
        if part != "..":
            parts.append(part)
        elif parts:
            parts.pop()
        else:
            raise ValueError(
                f"{where}: {wanted} leads out of the folder of the project: only files below it "
                "are opened; write the name from there, without '..'"
            )
    return tuple(parts)


def _same_job(parts: tuple[str, ...], path: Path) -> bool:
    """Whether the name and the file are of one job, where both say which."""
    named, there = ([p for p in some if _JOB.fullmatch(p)] for some in (parts, path.parts))
    return not named or not there or named[-1] == there[-1]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
