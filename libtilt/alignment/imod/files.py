"""Finding the files of an IMOD alignment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

import attrs
import numpy as np

from libtilt.alignment.angles import read_angle_list
from libtilt.alignment.imod.commands import CommandFile
from libtilt.alignment.imod.newstack import NewstackSetup
from libtilt.alignment.imod.options import NEWSTACK, TILT
from libtilt.alignment.imod.tilt import TiltSetup
from libtilt.alignment.plausible import parse_tilt_angle
from libtilt.errors import ArgumentError, MissingFileError
from libtilt.errors.checks import Float64Array

TILT_COMMANDS = ("tilt.com", "tilta.com", "tiltb.com")
NEWSTACK_COMMANDS = ("newst.com", "newsta.com", "newstb.com")


@attrs.frozen
class ImodFiles:
    """The files of one alignment, None if absent; warnings name replaced files."""

    tlt: Path | None
    xf: Path | None
    xtilt: Path | None
    tilt: CommandFile | None
    newst: CommandFile | None
    shown: Path
    warnings: tuple[str, ...] = ()

    @classmethod
    def find(cls, path: str | Path, *, aligned: bool) -> Self:
        """Return the files that belong to a folder, a ``tilt.com`` or an ``.xf``.

        Raises a FileNotFoundError if a required file is missing, a ValueError if several match or
        ``blendmont`` makes the aligned stack.
        """
        given = Path(path)
        if not given.exists():
            raise FileNotFoundError(f"no such file or folder: {path}")
        if given.is_dir():
            given = _in_folder(given)
        if given.suffix.lower() == ".com":
            return cls._from_command(given, aligned=aligned)
        tlt, xtilt = given.with_suffix(".tlt"), given.with_suffix(".xtilt")
        if not tlt.exists():
            for name in TILT_COMMANDS:
                files = cls._listing_angles(given.with_name(name), given, aligned=aligned)
                if files is not None:
                    return files
        command = _command_for(_require_file(tlt, f"the tilt angles of {given.name}"))
        return cls(
            tlt=tlt,
            xf=None if aligned else given,
            xtilt=xtilt if xtilt.exists() else None,
            tilt=command,
            newst=None if aligned else _newst_for_xf(given, command),
            shown=given,
        )

    @classmethod
    def _listing_angles(cls, command: Path, xf: Path, *, aligned: bool) -> Self | None:
        """Return the files of a command file that itself lists the tilt angles for an ``.xf``."""
        if not command.exists() or CommandFile.read(command, TILT).find("ANGLES") is None:
            return None
        files = cls._from_command(command, aligned=aligned)
        return files if files.xf is None or files.xf.name == xf.name else None

    @classmethod
    def _from_command(cls, path: Path, *, aligned: bool) -> Self:
        command = CommandFile.read(path, TILT)
        newst = None if aligned else find_newst(path, command.text("InputProjections"))
        named = command.text("TILTFILE")
        if named is None and command.find("ANGLES") is None:
            raise ValueError(f"{path} has no tilt angles: add TILTFILE or ANGLES")
        stack = command.text("InputProjections") or named
        transforms = (newst and newst.text("TransformFile")) or (
            stack and _root_name(stack) + ".xf"
        )
        if transforms is None and not aligned:
            raise ValueError(
                f"{path} has no InputProjections, which names the aligned stack and thus the "
                ".xf: add it"
            )
        wanted = {
            "tlt": _resolve_named(named, path, ".tlt", "TILTFILE"),
            "xf": None if aligned else _resolve_named(transforms, path, ".xf", "the transforms"),
            "xtilt": _resolve_named(command.text("XTILTFILE"), path, ".xtilt", "XTILTFILE"),
        }
        names = {"tlt": named, "xf": transforms, "xtilt": command.text("XTILTFILE")}
        warnings = tuple(
            f"{path} names {_basename(names[kind])}, which does not exist; using {file.name}"
            for kind, file in wanted.items()
            if file is not None and file.name != _basename(names[kind])
        )
        return cls(**wanted, tilt=command, newst=newst, shown=path, warnings=warnings)


def _in_folder(folder: Path) -> Path:
    """Return the command file in a folder, else the transforms."""
    commands = [folder / name for name in TILT_COMMANDS if (folder / name).exists()]
    commands = commands or sorted(folder.glob("*tilt*.com"))
    found = commands or sorted(folder.glob("*.xf"))
    found = [xf for xf in found if xf.suffix == ".com" or xf.with_suffix(".tlt").exists()]
    missing = f"{folder} holds no IMOD alignment: expected tilt.com, or .xf with .tlt"
    return _only(found, missing, folder)


def _only(found: Iterable[Path], missing: str, folder: Path) -> Path:
    listed = list(found)
    if not listed:
        raise FileNotFoundError(missing)
    if len(listed) > 1:
        names = ", ".join(file.name for file in listed)
        raise ValueError(
            f"{folder} holds several candidates: {names}; pass the path of one of them"
        )
    return listed[0]


def _resolve_named(text: str | None, command: Path, suffix: str, what: str) -> Path | None:
    """Return the file that a command names, or the only one of its kind if it was renamed."""
    if text is None:
        return None
    folder, name = command.parent, _basename(text)
    if name and (folder / name).is_file():
        return folder / name
    others = sorted(folder.glob(f"*{suffix}"))
    missing = (
        f"{command} names {name} ({what}), which does not exist, and {folder} holds no "
        f"other {suffix} file"
    )
    if suffix == ".xf" and not others:
        raise MissingFileError(
            f"{missing}; for an aligned stack (.ali), which needs no .xf, pass aligned=True",
            arguments=("aligned",),
        )
    return _only(others, missing, folder)


def _basename(text: str | None) -> str:
    """Return a file name without its folder and quotes."""
    return Path((text or "").strip().strip("\"'")).name


def _root_name(stack: str) -> str:
    name = Path(stack).name
    for ending in (".ali", "_ali.mrc", ".mrc", ".st", ".tlt"):
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return Path(name).stem


def _require_file(path: Path, what: str) -> Path:
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; it must hold {what}")
    return path


def find_newst(tilt: Path, stack: str | None) -> CommandFile | None:
    """Return the command file that makes the aligned stack of a ``tilt.com``, or None.

    This is ``newst.com``, or ``newsta.com`` for ``tilta.com``; else another of these that has the
    stack as output. Raises a ValueError if ``blendmont`` makes it.
    """
    pair = tilt.with_name(tilt.name.replace("tilt", "newst"))
    if pair.exists() and pair != tilt:
        return CommandFile.read(pair, NEWSTACK)
    blend = tilt.with_name(tilt.name.replace("tilt", "blend"))
    if blend.exists() and blend != tilt:
        raise ArgumentError(
            f"{blend} makes the aligned stack from a montage (blendmont), which is not "
            "supported; open the aligned stack itself (.ali) with aligned=True",
            arguments=("aligned",),
        )
    for name in NEWSTACK_COMMANDS if stack else ():
        other = tilt.with_name(name)
        found = CommandFile.read(other, NEWSTACK) if other.exists() else None
        if found is not None and _basename(found.text("OutputFile")) == _basename(stack):
            return found
    return None


def _newst_for_xf(xf: Path, tilt: CommandFile | None) -> CommandFile | None:
    """Return the ``newst.com`` beside an ``.xf``, unless it belongs to another series."""
    if tilt is not None:
        newst = find_newst(Path(tilt.path), tilt.text("InputProjections"))
        named = _basename(newst.text("TransformFile")) if newst else ""
        return None if named not in ("", xf.name) and xf.with_name(named).exists() else newst
    for name in NEWSTACK_COMMANDS:
        path = xf.with_name(name)
        found = CommandFile.read(path, NEWSTACK) if path.exists() else None
        if found is not None and _basename(found.text("TransformFile")) == xf.name:
            return found
    return None


def _command_for(tlt: Path) -> CommandFile | None:
    """Return the ``tilt.com`` beside a ``.tlt`` that names it, or None."""
    for name in TILT_COMMANDS:
        path = tlt.with_name(name)
        if path.exists():
            command = CommandFile.read(path, TILT)
            if _basename(command.text("TILTFILE")) == tlt.name:
                return command
    return None


def require_own_folder(xf: Path, *, others: bool) -> None:
    """Raise if command files in the folder of an ``.xf`` belong to another series.

    With `others`, an existing ``newst.com`` would remain and is an error, too.
    """
    tilt, newst = xf.with_name("tilt.com"), xf.with_name("newst.com")
    if tilt.exists():
        named = CommandFile.read(tilt, TILT).text("TILTFILE")
        other = tilt.with_name(_basename(named) or xf.name)
        if named and other.name != xf.with_suffix(".tlt").name and other.exists():
            raise FileExistsError(
                f"{tilt} belongs to {other.name}, and IMOD keeps one series per folder; write "
                f"{xf.name} to another folder"
            )
    if others and newst.exists():
        raise FileExistsError(
            f"{newst} would be applied to {xf.name}, but was not made for it; remove it, or "
            "write to another folder"
        )


def holds_imod(folder: Path) -> bool:
    """Whether a folder holds a ``tilt.com``, or an ``.xf`` with its ``.tlt``."""
    return any((folder / name).exists() for name in TILT_COMMANDS) or any(
        xf.with_suffix(".tlt").exists() for xf in folder.glob("*.xf")
    )


def read_angles(files: ImodFiles) -> Float64Array:
    """Return the tilt angles of the ``.tlt``, or of ANGLES in ``tilt.com``."""
    listed = [] if files.tilt is None else files.tilt.all("ANGLES")
    if files.tilt is None or not listed:
        assert files.tlt is not None
        return read_angle_list(files.tlt).angles
    if files.tilt.find("TILTFILE") is not None:
        raise ValueError(
            f"{files.tilt.where(listed[0])}: tilt accepts either ANGLES or TILTFILE, got both; "
            "remove one of them"
        )
    return np.array(
        [
            parse_tilt_angle(angle, files.tilt.where(entry))
            for entry in listed
            for angle in files.tilt.all_numbers(entry)
        ]
    )


def require_counts(
    files: ImodFiles, angles: Float64Array, tables: Mapping[Path | None, Float64Array | None]
) -> None:
    """Raise a ValueError if a file has another number of views than there are tilt angles."""
    source = files.tlt
    if source is None:
        assert files.tilt is not None
        source = Path(files.tilt.path)
    for file, table in tables.items():
        if file is not None and table is not None and len(table) != len(angles):
            raise ValueError(
                f"{file} has {len(table)} views, but {source} has {len(angles)}; use files of "
                "one series"
            )


def read_setups(files: ImodFiles, count: int) -> tuple[TiltSetup, NewstackSetup | None]:
    """Return the settings of the command files, checked against each other and the views."""
    tilt = TiltSetup() if files.tilt is None else TiltSetup.from_command(files.tilt)
    newst = files.newst
    newstack = None if newst is None else NewstackSetup.from_command(newst, count)
    if newstack is not None and files.tilt is None:
        tilt = attrs.evolve(tilt, binning=newstack.binning)
    if newstack is not None and newst is not None and newstack.binning != tilt.binning:
        raise ValueError(
            f"{files.shown} has IMAGEBINNED {tilt.binning}, but {Path(newst.path).name} has "
            f"BinByFactor {newstack.binning}; use command files of one run"
        )
    beyond = max(tilt.excluded | tilt.included, default=0)
    if beyond > count:
        raise ValueError(
            f"{files.shown} names view {beyond} in EXCLUDELIST or INCLUDE, but the series has "
            f"{count} views"
        )
    if not tilt.views(count):
        raise ValueError(f"{files.shown} excludes all {count} views")
    return tilt, newstack
