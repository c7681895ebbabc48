"""Damaged files of every format: each is read, or refused in an error that names it."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from isolated import environment
from tally import Tally

SHOULD = "read, or a ValueError or OSError that names the file, within 5 s and 200 MB"
SECONDS, MEMORY = 5, 200 * 10**6
TOKENS = (
    *(b"nan", b"-inf", b"1e999", b"-", b"1_0", b"0x1F", b"3,5", b"1e5", b"-1", b"0", b"9" * 12),
    *(b"#", b"$", b"[", b"]", b"=", b"\n", b"\r", b"\t", b"\0", b"\xef\xbb\xbf", b"\xff\xfe", b'"'),
    *(b"loop_", b"data_", b"<", b"</", b"{", b"}", b"\xd9\xa3", b"..", b"/", b"5-3", b"@"),
    *(b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff", b"\0\0\0\0", b"\0\0\0\x80", b"\x1f\x8b", b"II*\0"),
    *(b"\0\0\xc0\x7f", b"\0\0\x80\x7f", b"MAP ", b"DD\0\0", b"SERI", b"FEI1", b"<!DOCTYPE a>"),
)
ALIGNMENTS = {
    "a.xf": ("a.xf", "a.tlt", "tilt.com", "newst.com"),
    **{name: (name,) for name in ("a.aln", "a.star", "a.xml", "a.mdoc", "a.tlt", "a.json")},
    "tomograms.star": ("tomograms.star", "tilt_series/a.star"),
}
IMAGES = (
    *("i1.mrc", "i2.mrc", "f4.mrc", "u2.mrc", "f2.mrc", "big.mrc", "packed.mrc", "own.mrc"),
    *(
        "seri.mrc",
        "fei1.mrc",
        "gz.mrc.gz",
        "bz2.mrc.bz2",
        "stack.st",
        "a.tif",
        "big.tif",
        "a.ome.tif",
    ),
    *("lzw.tif", "a.h5", "chunks.h5", "tomviz.emd", "eman.hdf", "user.h5"),
)
# Formats that hold a series beside them: the stack, its geometry and its angles.
SERIES = ("tilts.mrc", "tilts.json", "tilts.rawtlt")
KINDS = (
    *(f"image {name}" for name in IMAGES),
    *(f"alignment {name}: {part}" for name, parts in ALIGNMENTS.items() for part in parts),
    *(f"series {name}" for name in SERIES),
    *("geometry a.json", "angles a.tlt"),
)


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Return some bytes changed, cut out, doubled or put in; now and then cut off."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, 3)):
        # Headers are where it bites: half of all places are among the first bytes.
        size = len(changed) if rng.random() < 0.5 else min(len(changed), 1100)
        place = rng.randrange(size + 1)
        end = min(len(changed), place + rng.choice([1, 1, 2, 4, 5, 20, 80]))
        kind = rng.randrange(6)
        if kind == 0:
            changed[place:end] = rng.choice(TOKENS)
        elif kind == 1:
            changed[place:place] = rng.choice(TOKENS)
        elif kind == 2:
            changed[place:place] = changed[place:end]
        elif kind == 3:
            del changed[place:end]
        elif kind == 4:
            token = rng.choice(TOKENS)
            changed[place : place + len(token)] = token
        else:
            changed[place:end] = rng.randbytes(end - place)
    return bytes(changed[: rng.randrange(len(changed) + 1)] if rng.random() < 0.1 else changed)


class _TooSlowError(BaseException):
    """A file took longer than it may."""


def _stop(*_: object) -> None:
    raise _TooSlowError


def _mrc(folder: Path) -> None:
    import mrcfile
    import numpy as np
    from bad_files import header

    from libtilt import Volume

    data = np.arange(4 * 5 * 6).reshape(4, 5, 6)
    for name, dtype in (("i1", "i1"), ("i2", "<i2"), ("f4", "<f4"), ("u2", "<u2"), ("f2", "<f2")):
        with mrcfile.new(folder / f"{name}.mrc", data.astype(dtype)) as file:
            file.voxel_size = 2.0
    with mrcfile.new(folder / "big.mrc", data.astype(">f4")):
        pass
    (folder / "packed.mrc").write_bytes(header((4, 5, 6), mode=101) + bytes(4 * 5 * 3))
    Volume(data.astype(np.float32), voxel_size=2.0).save(folder / "own.mrc")
    for name, kind, each in (("seri", b"SERI", 10), ("fei1", b"FEI1", 768)):
        content = bytearray(header((4, 5, 6), extended=4 * each) + bytes(range(256)) * 12)
        content[104:108] = kind
        if kind == b"SERI":  # Bytes of a section and the bits of what it holds.
            content[128:132] = (each).to_bytes(2, "little") + (1 + 2 + 8).to_bytes(2, "little")
        needed = 1024 + 4 * each + 4 * 120
        (folder / f"{name}.mrc").write_bytes(bytes(content[:needed].ljust(needed, b"\0")))
    plain = (folder / "f4.mrc").read_bytes()
    (folder / "gz.mrc.gz").write_bytes(gzip.compress(plain))
    (folder / "bz2.mrc.bz2").write_bytes(bz2.compress(plain))
    with mrcfile.new(folder / "stack.st", data.astype("<f4")) as file:
        file.set_image_stack()


def _others(folder: Path) -> None:
    import numpy as np

    data = np.arange(4 * 20 * 24, dtype=np.uint16).reshape(4, 20, 24)
    with contextlib.suppress(ImportError):
        import tifffile

        gray: dict[str, Any] = {"photometric": "minisblack"}
        tifffile.imwrite(folder / "a.tif", data, **gray)
        tifffile.imwrite(folder / "big.tif", data, bigtiff=True, byteorder=">", **gray)
        tifffile.imwrite(folder / "a.ome.tif", data, metadata={"axes": "ZYX"}, **gray)
        tifffile.imwrite(folder / "lzw.tif", data, compression="zlib", **gray)
    with contextlib.suppress(ImportError):
        import h5py

        images = data.astype(np.float32)
        with h5py.File(folder / "a.h5", "w") as file:
            file["a"] = images
            file["a"].attrs["unit"] = np.bytes_(b"angstrom")
            file["a"].attrs["size"] = 2.0
        with h5py.File(folder / "chunks.h5", "w") as file:
            file.create_dataset("a/b", data=images, chunks=(1, 20, 24), compression="gzip")
        with h5py.File(folder / "tomviz.emd", "w") as file:
            group = file.create_group("data/tomography")
            group.attrs["emd_group_type"] = np.uint32(1)
            group["data"] = images
            for number, size in enumerate(images.shape, start=1):
                group[f"dim{number}"] = np.arange(size, dtype=np.float32)
                group[f"dim{number}"].attrs["name"] = np.bytes_("zyx"[number - 1].encode())
                group[f"dim{number}"].attrs["units"] = np.bytes_(b"[n_m]")
        with h5py.File(folder / "eman.hdf", "w") as file:
            for number in range(3):
                image = file.create_dataset(f"MDF/images/{number}/image", data=images[number])
                image.parent.attrs["EMAN.apix_x"] = 2.0
                image.parent.attrs["EMAN.source"] = np.bytes_(b"a.hdf")
        with h5py.File(folder / "user.h5", "w", userblock_size=512) as file:
            file["a"] = images


def _alignments(folder: Path) -> None:
    import numpy as np

    from libtilt import TiltGeometry
    from libtilt.alignment import Alignment, save_alignment

    made = Alignment(
        TiltGeometry.from_tilt_angles(
            [-30, -15, 0, 15, 30], tilt_axis_angle=85.0, shifts=np.arange(10).reshape(5, 2)
        ),
        views=range(5),
        stack_shape=(5, 36, 40),
        pixel_size=1.5,
        volume_shape=(16, 36, 40),
        voxel_size=1.5,
    )
    for name in ALIGNMENTS:
        own = folder / name.replace(".", "-")
        own.mkdir()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".* files cannot hold")
            save_alignment(made, own / name, tolerance=1e9)
        # The series of a project is called after its tomogram.
        if name == "tomograms.star":
            series = next((own / "tilt_series").iterdir())
            if series.name != "a.star":
                text = (own / name).read_text().replace(series.name, "a.star")
                (own / name).write_text(text)
                series.rename(series.with_name("a.star"))


def originals(folder: Path) -> None:
    """Write a sound file of each format."""
    import numpy as np

    from libtilt import TiltGeometry, TiltSeries

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _mrc(folder)
        _others(folder)
        _alignments(folder)
        geometry = TiltGeometry.from_tilt_angles([-30, -15, 0, 15])
        TiltSeries(np.ones((4, 5, 6), np.float32), geometry, pixel_size=2.0).save(
            folder / "tilts.mrc"
        )
        (folder / "a.json").write_text(geometry.to_json())
        (folder / "a.tlt").write_text("-30\n-15\n0\n15\n")


def _reader(kind: str, folder: Path) -> tuple[Path, Callable[[], object]]:
    """Return the file of a kind that is damaged, and what reads it."""
    from libtilt import TiltGeometry, TiltSeries
    from libtilt.alignment import read_alignment_file
    from libtilt.alignment.beside_stack import read_tilt_angles
    from libtilt.alignment.sizes import Sizes
    from libtilt.io.image_files import read_image, read_image_header

    what, _, name = kind.partition(" ")
    if what == "image":
        path = folder / name

        def read() -> None:
            read_image_header(path)
            read_image(path)

        return path, read
    if what == "series":
        return folder / name, lambda: TiltSeries.open(folder / "tilts.mrc")
    if what == "geometry":
        return folder / name, lambda: TiltGeometry.from_json(folder / name)
    if what == "angles":
        return folder / name, lambda: read_tilt_angles(folder / name)
    name, _, part = name.partition(": ")
    own = folder / name.replace(".", "-")
    sizes = Sizes(stack_shape=(5, 36, 40), pixel_size=1.5, volume_shape=(16, 36, 40))
    return own / part, lambda: read_alignment_file(own / name).alignment(sizes)


def _trial(read: Callable[[], object], folder: Path) -> tuple[bool, list[str]]:
    """Return whether a damaged file was refused, and what is wrong with how."""
    import resource

    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    signal.alarm(SECONDS)
    refused, found = True, []
    try:
        read()
        refused = False
    except (ValueError, OSError) as error:
        if str(folder) not in str(error):
            found.append(f"names no file: {type(error).__name__}: {str(error)[:200]!r}")
    except _TooSlowError:
        found.append(f"more than {SECONDS} s")
    except BaseException as error:
        found.append(f"{type(error).__name__}: {str(error)[:200]!r}")
    finally:
        signal.alarm(0)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    if grown * 1024 > MEMORY:
        found.append(f"{grown / 1000:.0f} MB, {time.perf_counter() - start:.1f} s")
    return refused, found


def work(
    folder: Path, seed: int, first: int, count: int, kinds: tuple[str, ...]
) -> Iterator[dict[str, Any]]:
    """Damage a file of each kind so many times, from some trial on; give what came of each."""
    signal.signal(signal.SIGALRM, _stop)
    warnings.simplefilter("ignore")
    for index in range(first, count * len(kinds)):
        kind, number = kinds[index // count], index % count
        if index == first or number == 0:
            path, read = _reader(kind, folder)
            good = path.read_bytes()
        path.write_bytes(damaged(good, random.Random(f"{kind} {seed} {number}")))
        yield {"index": index}
        was_refused, found = _trial(read, folder)
        yield {"index": index, "refused": was_refused, "found": found}
        path.write_bytes(good)


def run(folder: Path, count: int, seed: int = 0, kinds: tuple[str, ...] = KINDS) -> Tally:
    """Damage a file of each kind so many times; a process that ends is a fault, and replaced."""
    tally, refused, first = Tally("damaged files"), 0, 0
    originals(folder)
    # Those whose package is not installed are not there.
    kinds = tuple(kind for kind in kinds if _reader(kind, folder)[0].exists())
    good = [_reader(kind, folder)[0].read_bytes() for kind in kinds]
    while first < count * len(kinds):
        code, said = _process(folder, seed, first, count, kinds)
        trials = {one["index"]: one for one in said}
        if code:
            last = max(trials, default=first)
            trials[last] = {"refused": False, "found": [f"the process ended with {code}"]}
            _reader(kinds[last // count], folder)[0].write_bytes(good[last // count])
        for index, one in sorted(trials.items()):
            case = f"{kinds[index // count]}, seed {seed}, number {index % count}"
            tally.add(case, one["found"], SHOULD)
            refused += one["refused"]
        first += len(trials)
    tally.notes.append(f"{refused} refused, {tally.tried - refused} read")
    return tally


def _process(
    folder: Path, seed: int, first: int, count: int, kinds: tuple[str, ...]
) -> tuple[int, list[dict[str, Any]]]:
    command = [sys.executable, __file__, str(folder), str(seed), str(first), str(count), *kinds]
    with tempfile.TemporaryFile("w+") as said:
        ended = subprocess.run(
            command, stdout=said, stderr=subprocess.DEVNULL, env=environment(), timeout=1200
        )
        said.seek(0)
        return ended.returncode, [json.loads(line) for line in said if line.startswith("{")]


if __name__ == "__main__":
    _, told_folder, *told = sys.argv
    for said in work(Path(told_folder), *map(int, told[:3]), tuple(told[3:])):
        print(json.dumps(said), flush=True)
