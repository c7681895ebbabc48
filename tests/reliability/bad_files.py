"""Files that no command can take: empty, cut short, foreign, absurd, no files at all."""

from __future__ import annotations

import bz2
import functools
import gzip
import json
import os
import socket
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from libtilt import GaussianBlobs, TiltGeometry, Volume
from libtilt.alignment import Alignment, save_alignment

COUNT, HEIGHT, WIDTH = 5, 20, 24
ODD_NAMES = {
    "newline": "odd\nname.mrc",
    "escape": "odd\x1b[31mname.mrc",
    "bell": "odd\x07name.mrc",
    "direction": "odd\u202ename.mrc",
    "not UTF-8": "odd\udcff\udcfename.mrc",
    "dash": "./-odd-name.mrc",
    "percent": "odd%s%n{0}name.mrc",
    "long": "odd" + "x" * 240 + "name.mrc",
}


def good_files(folder: Path) -> None:
    """Write a map, a tilt series and its alignment in each format."""
    blobs = GaussianBlobs.random((16, HEIGHT, WIDTH), n=5, seed=0)
    volume = blobs.volume((16, HEIGHT, WIDTH), voxel_size=2.0).astype("float32")
    volume.save(folder / "map.mrc")
    geometry = TiltGeometry.from_tilt_angles(np.linspace(-30, 30, COUNT))
    series = blobs.tilt_series(geometry, (HEIGHT, WIDTH), pixel_size=2.0).astype("float32")
    series.save(folder / "tilts.mrc")
    (folder / "good.tlt").write_text("-30\n-15\n0\n15\n30\n")
    alignment = Alignment(
        TiltGeometry.from_tilt_angles(
            geometry.tilt_angles, tilt_axis_angle=85.0, shifts=np.arange(10).reshape(5, 2)
        ),
        views=range(COUNT),
        stack_shape=(COUNT, HEIGHT, WIDTH),
        pixel_size=2.0,
        volume_shape=(16, HEIGHT, WIDTH),
        voxel_size=2.0,
    )
    for name in ("good.aln", "good.star", "good.xml", "good.mdoc", "good.json"):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".* files cannot hold")
            save_alignment(alignment, folder / name, tolerance=1e9)
    (folder / "etomo").mkdir()
    save_alignment(alignment, folder / "etomo" / "good.xf")


def header(shape: tuple[int, int, int] = (4, 4, 4), mode: int = 2, extended: int = 0) -> bytes:
    """Return the header of an MRC file that says what it is told."""
    content = bytearray(1024)
    depth, height, width = shape
    content[0:16] = struct.pack("<4i", width, height, depth, mode)
    content[28:52] = struct.pack("<3i3f", width, height, depth, *[8.0] * 3)
    content[52:64] = struct.pack("<3f", 90, 90, 90)
    content[64:76] = struct.pack("<3i", 1, 2, 3)
    content[88:96] = struct.pack("<2i", 1, extended)
    content[208:216] = b"MAP DD\0\0"
    return bytes(content)


@functools.cache
def _packed_zeros(kind: str, start: bytes, megabytes: int) -> bytes:
    """Return some bytes and zeros behind them, packed: a stream may have many parts."""
    pack = {"gzip": gzip.compress, "bzip2": bz2.compress}[kind]
    return pack(start) + pack(bytes(2**24)) * (megabytes // 16)


def _bomb(kind: str, start: bytes, megabytes: int) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(_packed_zeros(kind, start, megabytes)) and None


def _hdf5(path: Path) -> None:
    h5py = __import__("h5py")
    with h5py.File(path, "w") as file:
        file["a"] = np.ones((4, 5, 6), np.float32)


def _hdf5_absurd(path: Path) -> None:
    h5py = __import__("h5py")
    with h5py.File(path, "w") as file:
        file.create_dataset("a", (10**4, 10**4, 10**4), "f4", chunks=(1, 64, 64))


def _hdf5_bomb(path: Path) -> None:
    h5py = __import__("h5py")
    with h5py.File(path, "w") as file:
        data = file.create_dataset(
            "a", (64, 4096, 4096), "f4", chunks=(1, 4096, 4096), compression=9
        )
        data.id.write_direct_chunk((0, 0, 0), b"no stream")


def _tiff(path: Path) -> None:
    __import__("tifffile").imwrite(path, np.ones((3, 20, 24), np.float32), photometric="minisblack")


def _tiff_absurd(path: Path) -> None:
    tags = [(256, 2**31 - 1), (257, 2**31 - 1), (258, 8), (259, 1), (262, 1)]
    tags += [(273, 8), (277, 1), (278, 2**31 - 1), (279, 2**32 - 1)]
    content = b"II*\0" + struct.pack("<IH", 8, len(tags))
    for tag, value in tags:
        content += struct.pack("<HHII", tag, 4, 1, value)
    path.write_bytes(content + bytes(4))


def _cut(make: Callable[[Path], None], part: float) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        make(path)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * part)])

    return write


def _content(content: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content) and None


def _picture(path: Path) -> None:
    import imageio.v3

    imageio.v3.imwrite(path, np.zeros((8, 8), np.uint8), extension=".png")


def _archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.mrc", header())


def _volume(value: float, shape: tuple[int, int, int] = (4, 4, 4)) -> Callable[[Path], None]:
    return lambda path: Volume(np.full(shape, value, np.float32)).save(path) and None


def _array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros((4, 4, 4)))


def pipe(path: Path) -> None:
    """Make a pipe that nobody writes into."""
    os.mkfifo(path)


def bound_socket(path: Path) -> None:
    """Make a socket; the process must be in its folder, for names of sockets are short."""
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path.name)


def link_to_a_pipe(path: Path) -> None:
    """Make a link to a pipe."""
    os.mkfifo(path.with_name(f"pipe-of-{path.name}"))
    path.symlink_to(f"pipe-of-{path.name}")


NO_FILES: dict[str, Callable[[Path], None]] = {
    "folder": lambda path: path.mkdir(),
    "pipe": pipe,
    "socket": bound_socket,
    "link to a pipe": link_to_a_pipe,
    "dangling link": lambda path: path.symlink_to("nowhere.mrc"),
    "link to itself": lambda path: path.symlink_to(path.name),
    "absent": lambda path: None,
}
FOREIGN: dict[str, Callable[[Path], None]] = {
    "empty": _content(b""),
    "one byte": _content(b"a"),
    "a line of text": _content(b"what is this\n"),
    "zero bytes": _content(bytes(5000)),
    "0xff bytes": _content(b"\xff" * 5000),
    "picture": _picture,
    "archive": _archive,
    "NumPy file": _array,
    "JSON": _content(json.dumps({"a": [1, 2]}).encode()),
    "script": _content(b"#!/bin/sh\nexit 0\n" * 200),
    "noise": _content(np.random.default_rng(0).bytes(5000)),
}
"""What is an image file for no command, whatever its suffix, and no alignment either."""
_FULL = header() + bytes(256)
IMAGES: dict[str, tuple[str, Callable[[Path], None]]] = {
    **{name: (".mrc", make) for name, make in (NO_FILES | FOREIGN).items()},
    "header cut short": (".mrc", _content(_FULL[:1023])),
    "header alone": (".mrc", _content(_FULL[:1024])),
    "data cut short": (".mrc", _content(_FULL[:-1])),
    "terabytes": (".mrc", _content(header((2**15, 2**15, 2**10)) + bytes(256))),
    "largest sizes": (".mrc", _content(header((2**31 - 1,) * 3) + bytes(256))),
    "no sizes": (".mrc", _content(header((0, 0, 0)) + bytes(256))),
    "sizes below zero": (".mrc", _content(header((-4, 4, 4)) + bytes(256))),
    "unknown mode": (".mrc", _content(header(mode=99) + bytes(256))),
    "complex data": (".mrc", _content(header(mode=4) + bytes(512))),
    "colors": (".mrc", _content(header(mode=16) + bytes(192))),
    "extended header of 2 GB": (".mrc", _content(header(extended=2**31 - 1) + bytes(256))),
    "extended header of 500 MB": (".mrc", _content(header(extended=2**29) + bytes(200))),
    "gzip cut short": (".mrc.gz", _content(gzip.compress(_FULL)[:-9])),
    "gzip with a wrong sum": (".mrc.gz", _content(gzip.compress(_FULL)[:-8] + bytes(8))),
    "gzip of text": (".mrc.gz", _content(gzip.compress(b"what is this"))),
    "gzip of nothing": (".mrc.gz", _content(gzip.compress(b""))),
    "gzip of noise": (".mrc.gz", _content(b"\x1f\x8b\x08" + bytes(range(256)) * 9)),
    "bzip2 cut short": (".mrc.bz2", _content(bz2.compress(_FULL)[:-9])),
    "bzip2 of noise": (".mrc.bz2", _content(b"BZh9" + bytes(range(256)) * 9)),
    "bomb that claims 3 GB": (
        ".mrc.gz",
        _bomb("gzip", header((2**10, 2**10, 768)), 3072),
    ),
    "bomb that claims terabytes": (
        ".mrc.gz",
        _bomb("gzip", header((2**15, 2**15, 2**10)), 3072),
    ),
    "bomb with a huge extended header": (
        ".mrc.gz",
        _bomb("gzip", header(extended=2**30 - 1), 3072),
    ),
    "bzip2 bomb that claims 4 GB": (
        ".mrc.bz2",
        _bomb("bzip2", header((2**10, 2**10, 2**10)), 3072),
    ),
    "TIFF cut short": (".tif", _cut(_tiff, 0.5)),
    "TIFF of absurd size": (".tif", _tiff_absurd),
    "TIFF of text": (".tif", _content(b"what is this" * 50)),
    "TIFF that is a pipe": (".tif", pipe),
    "TIFF that is a folder": (".tif", lambda path: path.mkdir()),
    "HDF5 cut short": (".h5", _cut(_hdf5, 0.7)),
    "HDF5 of absurd size": (".h5", _hdf5_absurd),
    "HDF5 of unsound chunks": (".h5", _hdf5_bomb),
    "HDF5 of text": (".h5", _content(b"what is this" * 50)),
    "HDF5 that is a pipe": (".h5", pipe),
    "EM file": (".em", _content(bytes(600))),
    "EER movie": (".eer", _content(b"II*\0" + bytes(600))),
    "compressed TIFF": (".tif.gz", _content(gzip.compress(b"II*\0"))),
}
BOMBS: dict[str, tuple[str, Callable[[Path], None]]] = {
    f"{kind} bomb with a small header": (suffix, _bomb(kind, _FULL, 3072))
    for kind, suffix in (("gzip", ".mrc.gz"), ("bzip2", ".mrc.bz2"))
}
"""A sound file of 64 values, and 3 GB behind them that nobody needs: read or refused."""
BAD_VALUES: dict[str, Callable[[Path], None]] = {
    "values that are NaN": _volume(np.nan, (COUNT, HEIGHT, WIDTH)),
    "values that are infinite": _volume(np.inf, (COUNT, HEIGHT, WIDTH)),
}
_DEEP = 100_000
SIDECARS: dict[str, Callable[[Path], None]] = {
    "too few": _content(b"-3\n0\n3\n"),
    "too many": _content(b"".join(b"%d\n" % n for n in range(9))),
    "no numbers": _content(b"a\nb\nc\nd\ne\n"),
    "NaN": _content(b"-30\n-15\nnan\n15\n30\n"),
    "infinite": _content(b"-30\n-15\ninf\n15\n30\n"),
    "huge": _content(b"-30\n-15\n1e300\n15\n30\n"),
    "underscore": _content(b"-30\n-1_5\n0\n15\n30\n"),
    "Arabic digits": _content(b"-30\n-15\n\xd9\xa0\n15\n30\n"),
    "zero bytes": _content(b"-30\n-15\n\0\n15\n30\n"),
    **{name: make for name, make in FOREIGN.items() if name not in ("one byte",)},
}
ALIGNMENTS: dict[str, tuple[str, Callable[[Path], None]]] = {
    **{
        f"{name} as {suffix}": (suffix, make)
        for suffix in (".aln", ".star", ".xml", ".mdoc", ".json", ".xf", ".tlt", ".com")
        for name, make in (NO_FILES | FOREIGN).items()
        if name != "folder"
    },
    "deep XML": (".xml", _content(b"<a>" * _DEEP + b"</a>" * _DEEP)),
    "deep XML that is cut short": (".xml", _content(b"<a>" * _DEEP)),
    "XML with a document type": (
        ".xml",
        _content(
            b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><TiltSeries>&c;</TiltSeries>'
        ),
    ),
    "XML with a file of the system": (
        ".xml",
        _content(
            b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><TiltSeries>&b;</TiltSeries>'
        ),
    ),
    "XML of a million elements": (".xml", _content(b"<a>" + b"<b/>" * 10**6 + b"</a>")),
    "deep JSON": (".json", _content(b"[" * _DEEP + b"]" * _DEEP)),
    "deep JSON object": (".json", _content(b'{"a":' * _DEEP + b"1" + b"}" * _DEEP)),
    "JSON of a huge number": (".json", _content(b'{"format": ' + b"1" * 10**5 + b"}")),
    "JSON that is null": (".json", _content(b"null")),
    "JSON of NaN": (
        ".json",
        _content(b'{"format": "libtilt geometry", "version": 1, "rotation_matrices": [[NaN]]}'),
    ),
    "STAR of 20,000 labels": (
        ".star",
        _content(b"data_\nloop_\n" + b"".join(b"_l%d\n" % n for n in range(20_000)) + b"1\n"),
    ),
    "STAR that opens another file": (
        ".star",
        _content(
            b"data_global\nloop_\n_rlnTomoName #1\n_rlnTomoTiltSeriesStarFile #2\n"
            b"TS_01 ../../../../../etc/hostname\n"
        ),
    ),
    "STAR without an end": (".star", _content(b"data_\nloop_\n_rlnTomoYTilt #1\n_rlnA #2\n1\n")),
    "AreTomo with a huge count": (
        ".aln",
        _content(
            b"# AreTomo Alignment / Priims bprmMn\n# RawSize = 999999999 99999999 9999999999\n"
        ),
    ),
    "list of a huge number": (".tlt", _content(b"1" * 10**5 + b"\n")),
    "list of one line without end": (".tlt", _content(b"1 " * 10**6)),
}
