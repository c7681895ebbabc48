"""Reading of image files in every supported format: MRC, TIFF and HDF5."""

from __future__ import annotations

from pathlib import Path

from libtilt.errors import RefusedImageError
from libtilt.io.hdf5 import SIGNATURE as HDF5_SIGNATURE
from libtilt.io.hdf5 import SUFFIXES as HDF5_SUFFIXES
from libtilt.io.hdf5 import read_hdf5
from libtilt.io.image_checks import first_bytes
from libtilt.io.image_content import ImageContent
from libtilt.io.mrc import read_mrc, read_mrc_header
from libtilt.io.mrc_writing import SUFFIXES as MRC_SUFFIXES
from libtilt.io.tiff import SIGNATURES as TIFF_SIGNATURES
from libtilt.io.tiff import SUFFIXES as TIFF_SUFFIXES
from libtilt.io.tiff import read_tiff

_ARTICLES = {"TIFF": "a TIFF", "HDF5": "an HDF5"}
_COMPRESSED = (".gz", ".bz2")
# Pre-aligned stacks of IMOD are read; files are written under the other names.
_MRC_INPUTS = (*MRC_SUFFIXES, ".preali")
_ARRAYS = "pass the array to libtilt.Volume or libtilt.TiltSeries"
_REFUSED = {
    ".em": ("EM files", "convert to MRC first, for example with EMAN2's e2proc3d.py"),
    ".ser": ("SER files of TIA", "export as TIFF or MRC first"),
    ".dm3": ("DM3 files", "convert to MRC first, for example with IMOD's dm2mrc"),
    ".dm4": ("DM4 files", "convert to MRC first, for example with IMOD's dm2mrc"),
    ".spi": ("SPIDER files", "convert to MRC first, for example with EMAN2's e2proc3d.py"),
    ".raw": ("raw files", "convert to MRC first, for example with IMOD's raw2mrc"),
    ".eer": (
        "EER movies",
        "align and sum the movie frames into MRC files first, for example with RELION or "
        "MotionCor3",
    ),
    ".zarr": ("Zarr stores", f"open it with the package zarr and {_ARRAYS}"),
    ".zst": ("files compressed with Zstandard", "decompress it first, with zstd -d"),
    ".npy": ("NumPy files", f"open it with numpy.load and {_ARRAYS}"),
    ".png": ("PNG pictures", f"open it with imageio and {_ARRAYS}"),
    ".jpg": ("JPEG pictures", f"open it with imageio and {_ARRAYS}"),
    ".jpeg": ("JPEG pictures", f"open it with imageio and {_ARRAYS}"),
}


def read_image(path: str | Path, *, memmap: bool = False) -> ImageContent:
    """Read an MRC, TIFF or HDF5 file; suffix and first bytes decide the format.

    Parameters
    ----------
    path : path
        The file. Without a known suffix it is read as MRC, unless its first bytes are those of
        TIFF or HDF5.
    memmap : bool, optional
        Whether to map the data into memory instead of reading them.

    Returns
    -------
    ImageContent
        Data and metadata.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    ImportError
        If the package that reads the format is not installed.
    ValueError
        If the format is not supported or does not match the suffix, or the file is cut short or
        cannot be mapped.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from libtilt import Volume
    >>> from libtilt.io.image_files import read_image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Volume(np.zeros((3, 4, 5)), voxel_size=2.0).save(f"{folder}/map.mrc")
    ...     read_image(path).data.shape
    (3, 4, 5)
    """
    path = Path(path)
    kind = _kind(path)
    if kind == "MRC":
        return read_mrc(path, memmap=memmap)
    return _read_other(path, kind, memmap=memmap)


def read_image_header(path: str | Path) -> ImageContent:
    """Read the metadata of an image file, without its data.

    Parameters
    ----------
    path : path
        As in `read_image`.

    Returns
    -------
    ImageContent
        Zeros of the right shape and dtype replace the data.

    Raises
    ------
    FileNotFoundError, ImportError, ValueError
        As in `read_image`.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from libtilt import Volume
    >>> from libtilt.io.image_files import read_image_header
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Volume(np.zeros((3, 4, 5)), voxel_size=2.0).save(f"{folder}/map.mrc")
    ...     read_image_header(path).data.shape
    (3, 4, 5)
    """
    path = Path(path)
    kind = _kind(path)
    if kind == "MRC":
        return read_mrc_header(path)
    return _read_other(path, kind, header_only=True)


def has_image_suffix(path: str | Path) -> bool:
    """Return whether a file name has the suffix of a supported image format.

    Parameters
    ----------
    path : path
        The file, which need not exist.

    Returns
    -------
    bool

    Examples
    --------
    >>> from libtilt.io.image_files import has_image_suffix
    >>> has_image_suffix("map.mrc.gz"), has_image_suffix("picture.jpg")
    (True, False)
    """
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    if suffixes and suffixes[-1] in _COMPRESSED:
        return suffixes[-2:-1] != [] and suffixes[-2] in _MRC_INPUTS
    return bool(suffixes) and suffixes[-1] in (*_MRC_INPUTS, *TIFF_SUFFIXES, *HDF5_SUFFIXES)


def _kind(path: Path) -> str:
    """Return the format of a file; raise if it is not supported."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    last = suffixes[-1] if suffixes else ""
    if last in _REFUSED and path.exists():
        what, hint = _REFUSED[last]
        raise ValueError(f"{path}: {what} are not supported; {hint}")
    if last in _COMPRESSED and set(suffixes[-2:-1]) & {*TIFF_SUFFIXES, *HDF5_SUFFIXES}:
        raise ValueError(
            f"{path} is compressed with gzip or bzip2, which libtilt reads for MRC files only; "
            "decompress it first"
        )
    start = first_bytes(path, 8)
    found = _kind_of_bytes(start)
    if last in TIFF_SUFFIXES:
        return _require_kind(path, "TIFF", found, start)
    if last in HDF5_SUFFIXES:
        # A user block may precede the signature.
        return "HDF5" if found is None else _require_kind(path, "HDF5", found, start)
    return "MRC" if found is None or last in MRC_SUFFIXES else found


def _kind_of_bytes(start: bytes) -> str | None:
    if start.startswith(TIFF_SIGNATURES):
        return "TIFF"
    return "HDF5" if start == HDF5_SIGNATURE else None


def _require_kind(path: Path, kind: str, found: str | None, start: bytes) -> str:
    if found == kind:
        return kind
    what = f"they are {start!r}"
    if found is not None:
        what = f"they are those of {_ARTICLES[found]} file; rename it"
    raise ValueError(f"{path} is not {_ARTICLES[kind]} file by its first bytes: {what}")


def _read_other(
    path: Path, kind: str, *, memmap: bool = False, header_only: bool = False
) -> ImageContent:
    """Read a TIFF or HDF5 file, and turn all errors of its library into ValueErrors."""
    read = read_tiff if kind == "TIFF" else read_hdf5
    try:
        return read(path, memmap=memmap, header_only=header_only)
    except (RefusedImageError, ImportError):
        raise
    except MemoryError as error:
        raise MemoryError(
            f"{path} does not fit into memory; pass memmap=True if the file is not compressed"
        ) from error
    except OSError as error:
        # Errors of the operating system name a file; those of the libraries concern its content.
        if error.filename is not None:
            raise
        raise _corrupt(path, kind, error) from error
    except Exception as error:
        # For a damaged file the libraries raise anything: KeyError, struct.error, ...
        raise _corrupt(path, kind, error) from error


def _corrupt(path: Path, kind: str, error: Exception) -> ValueError:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return ValueError(f"{path} is not {_ARTICLES[kind]} file, or is cut short or corrupt: {reason}")
