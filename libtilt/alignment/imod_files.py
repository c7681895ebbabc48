"""Which of IMOD's files belong together."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Self

import attrs

from libtilt.alignment.imod_com import CommandFile

TILT_COMMANDS = ("tilt.com", "tilta.com", "tiltb.com")


@attrs.frozen
class ImodFiles:
    """The files of one alignment; None for those that it does not have."""

    tlt: Path
    xf: Path | None
    xtilt: Path | None
    tilt: CommandFile | None
    newst: CommandFile | None
    shown: Path

    @classmethod
    def find(cls, path: str | Path, *, aligned: bool) -> Self:
        """Return the files that belong to a folder, a ``tilt.com`` or an ``.xf``.

        Raises
        ------
        FileNotFoundError
            If one that is needed is missing.
        ValueError
            If there are several to choose from.
        """
        given = Path(path)
        if not given.exists():
            raise FileNotFoundError(f"no such file or folder: {path}")
        if given.is_dir():
            given = _in_folder(given)
        if given.suffix.lower() == ".com":
            return cls._from_command(given, aligned=aligned)
        xf = None if aligned else given
        tlt = _need(given.with_suffix(".tlt"), f"the tilt angles of {given.name}")
        command = _command_for(tlt)
        return cls(
            tlt=tlt,
            xf=xf,
            xtilt=_optional(given.with_suffix(".xtilt")),
            tilt=command,
            newst=_newst_of(given, command),
            shown=given,
        )

    @classmethod
    def _from_command(cls, path: Path, *, aligned: bool) -> Self:
        command = CommandFile.read(path, "tilt")
        newst = _newst_beside(path)
        tlt = _named(command.text("TILTFILE"), path, ".tlt", "TILTFILE")
        if tlt is None:
            raise ValueError(f"{path} has no TILTFILE: the tilt angles are not known")
        stack = command.text("InputProjections") or tlt.name
        transforms = (newst and newst.text("TransformFile")) or _root(stack) + ".xf"
        return cls(
            tlt=tlt,
            xf=None if aligned else _named(transforms, path, ".xf", "the transforms"),
            xtilt=_named(command.text("XTILTFILE"), path, ".xtilt", "XTILTFILE"),
            tilt=command,
            newst=newst,
            shown=path,
        )


def _in_folder(folder: Path) -> Path:
    """Return the command file, else the transforms, that a folder holds."""
    commands = [folder / name for name in TILT_COMMANDS if (folder / name).exists()]
    commands = commands or sorted(folder.glob("*tilt*.com"))
    found = commands or sorted(folder.glob("*.xf"))
    found = [xf for xf in found if xf.suffix == ".com" or xf.with_suffix(".tlt").exists()]
    return _only(found, f"{folder} holds no tilt.com and no .xf with its .tlt", folder)


def _only(found: Iterable[Path], missing: str, folder: Path) -> Path:
    listed = list(found)
    if not listed:
        raise FileNotFoundError(missing)
    if len(listed) > 1:
        names = ", ".join(file.name for file in listed)
        raise ValueError(f"{folder} holds several: {names}; name the one that is meant")
    return listed[0]


def _named(text: str | None, command: Path, suffix: str, what: str) -> Path | None:
    """Return the file that a command names, or the only one of its kind where it was renamed."""
    if text is None:
        return None
    folder, name = command.parent, Path(text.strip().strip("\"'")).name
    if (folder / name).exists():
        return folder / name
    others = sorted(folder.glob(f"*{suffix}"))
    missing = f"{command} names {name} ({what}), and {folder} holds no {suffix} file"
    if suffix == ".xf":
        missing += "; for an aligned stack (.ali), which needs none, pass aligned=True (--aligned)"
    return _only(others, missing, folder)


def _root(stack: str) -> str:
    name = Path(stack).name
    for ending in (".ali", "_ali.mrc", ".mrc", ".st", ".tlt"):
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return Path(name).stem


def _need(path: Path, what: str) -> Path:
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist: it should hold {what}")
    return path


def _optional(path: Path) -> Path | None:
    return path if path.exists() else None


def _newst_beside(tilt: Path) -> CommandFile | None:
    """Return what ``newst.com`` (``newsta.com`` for ``tilta.com``) says, or None."""
    path = tilt.with_name(tilt.name.replace("tilt", "newst"))
    return CommandFile.read(path, "newstack") if path.exists() and path != tilt else None


def _newst_of(xf: Path, tilt: CommandFile | None) -> CommandFile | None:
    """Return the ``newst.com`` beside a ``tilt.com``, but not one of another series."""
    newst = None if tilt is None else _newst_beside(Path(tilt.path))
    named = None if newst is None else newst.text("TransformFile")
    if named is not None:
        of = xf.with_name(Path(named).name)
        return None if of.name != xf.name and of.exists() else newst
    return newst


def _command_for(tlt: Path) -> CommandFile | None:
    """Return the ``tilt.com`` beside some tilt angles that names them, or None."""
    for name in TILT_COMMANDS:
        path = tlt.with_name(name)
        if path.exists():
            command = CommandFile.read(path, "tilt")
            if Path(command.text("TILTFILE") or "").name == tlt.name:
                return command
    return None


def require_own_folder(xf: Path, *, others: bool) -> None:
    """Raise where command files in the folder of an ``.xf`` would not fit it.

    Parameters
    ----------
    xf : pathlib.Path
        What is to be written, with its ``tilt.com``.
    others : bool
        Whether a ``newst.com`` that is there already would stay.
    """
    tilt, newst = xf.with_name("tilt.com"), xf.with_name("newst.com")
    if tilt.exists():
        named = CommandFile.read(tilt, "tilt").text("TILTFILE")
        other = tilt.with_name(Path(named or "").name)
        if named and other.name != xf.with_suffix(".tlt").name and other.exists():
            raise FileExistsError(
                f"{tilt} is of {other.name}: IMOD keeps one series in a folder, write {xf.name} "
                "into another one"
            )
    if others and newst.exists():
        raise FileExistsError(
            f"{newst} would change what {xf.name} means: remove it, or write into another folder"
        )


def holds_imod(folder: Path) -> bool:
    """Whether a folder holds a ``tilt.com``, or an ``.xf`` with its ``.tlt``."""
    return any((folder / name).exists() for name in TILT_COMMANDS) or any(
        xf.with_suffix(".tlt").exists() for xf in folder.glob("*.xf")
    )
