"""Resolution of file names in STAR files, which are relative to a RELION project."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import attrs

# Every RELION-5 project has this file in its root folder.
_MARK = "default_pipeline.star"
_JOB = re.compile(r"job\d{3,}")


@attrs.frozen
class ResolvedFile:
    """A file that a STAR file names, and a warning if it is not where the name says."""

    path: Path
    warning: str | None = None


def resolve_star_name(name: str, star: Path, where: str) -> ResolvedFile:
    """Return the file that a STAR file names (`where` is its location, for messages).

    The name is looked up in the folders above the STAR file, nearest first, up to the project's
    root if known; an absolute name from another machine by its tail; and in the working folder
    only if there is no project. Raises a FileNotFoundError that lists the folders searched, and a
    ValueError for names that are not of STAR files or that leave the project.
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
        # A tail alone is ambiguous: only for absolute names, or beside the STAR file.
        near = start and (len(tail) == 1 or not wanted.is_absolute())
        for folder in folders[:1] if near else folders:
            path = folder.joinpath(*tail)
            if _is_file(path) and _same_job(parts, path):
                return ResolvedFile(path, f"{where}: using {path} for {name}" if near else None)
    path = Path(*parts)
    if not (known or wanted.is_absolute()) and _is_file(path):
        warning = (
            f"{where}: {name} is in no folder above the file; using the one in the working "
            f"folder {Path.cwd()}. Check that it belongs to the same project."
        )
        return ResolvedFile(path, warning)
    raise FileNotFoundError(
        f"{where}: {name} does not exist in any folder from {folders[0]} up to {folders[-1]}; "
        "move it into the folder of its project, or open it directly"
    )


def project_folders(star: Path, first: str = "") -> tuple[list[Path], bool]:
    """Return the folders from a file up to its project's root, and whether that root is known.

    The root holds RELION's pipeline file, or a job's folder (``Import/job001``), or `first`, the
    beginning of a name, above the file.
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
    """Whether two paths are the same file."""
    try:
        return one.samefile(other)
    except OSError:
        return False


def find_named_image(name: str, star: Path) -> Path | None:
    """Return an image file that a STAR file names, looked up as its STAR files are, or None."""
    wanted = PurePosixPath(name)
    try:
        parts = _plain_parts(wanted, str(star))
    except ValueError:
        return None
    if not parts or wanted.is_absolute():
        return Path(wanted) if _is_file(Path(wanted)) else None
    folders, known = project_folders(star, parts[0])
    candidates = [folder.joinpath(*parts) for folder in folders] + [Path(*parts)] * (not known)
    return next((path for path in candidates if _is_file(path)), None)


def name_in_project(name: str, table: Path) -> str:
    """Return the name of a file as a table of a project names it.

    It is relative to the project's root, in which RELION runs, else to the folder of the table;
    absolute if the file lies elsewhere. Names of files that do not exist are kept.
    """
    folders, known = project_folders(table)
    root = folders[-1] if known else folders[0]
    if not Path(name).is_absolute() and _is_file(root / name):
        return name
    if not _is_file(Path(name)):
        return name
    real = Path(name).resolve()
    return real.relative_to(root).as_posix() if real.is_relative_to(root) else str(real)


def find_tables_above(star: Path, names: tuple[str, ...]) -> Iterator[Path]:
    """Yield files with these names beside or above a file in its project, nearest first."""
    for folder in project_folders(star)[0][:4]:
        for name in names:
            path = folder / name
            if _is_file(path) and not same_file(path, star):
                yield path


def _plain_parts(wanted: PurePosixPath, where: str) -> tuple[str, ...]:
    """Return the parts of a name without root and ``..``, which must stay inside the project."""
    parts: list[str] = []
    for part in wanted.parts[1:] if wanted.is_absolute() else wanted.parts:
        if part != "..":
            parts.append(part)
        elif parts:
            parts.pop()
        else:
            raise ValueError(
                f"{where}: {wanted} is outside the project's folder, and only files inside are "
                "opened; write the name relative to that folder, without '..'"
            )
    return tuple(parts)


def _same_job(parts: tuple[str, ...], path: Path) -> bool:
    """Whether the name and the file belong to the same job, if both have one."""
    named, there = ([p for p in some if _JOB.fullmatch(p)] for some in (parts, path.parts))
    return not named or not there or named[-1] == there[-1]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
