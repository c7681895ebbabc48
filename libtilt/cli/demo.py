"""``libtilt demo``."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from libtilt.animations import Spin
from libtilt.cli.errors import one_line_errors
from libtilt.cli.messages import echo, shows_progress
from libtilt.cli.options import (
    backend_option,
    input_file,
    overwrite_option,
    refuse_both,
    voxel_size_option,
    with_options,
)
from libtilt.cli.series import tilt_angle_range
from libtilt.drawing import Style
from libtilt.errors.checks import positive_float, require_finite
from libtilt.geometry import TiltGeometry
from libtilt.geometry.image_data import format_shape, format_spacing
from libtilt.io.atomic import atomic_writes, require_writable, scratch_folder
from libtilt.io.downloads import fetch_emdb
from libtilt.phantoms import GaussianBlobs
from libtilt.projector import Projector
from libtilt.reconstruction import wbp
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume

SERIES_FILES = ("tilt_series.mrc", "tilt_series.json", "tilt_series.rawtlt")
GIF_FILES = ("volume.gif", "tilt_series.gif", "tomogram.gif")
_SURFACE = Spin(render="surface", count=60, dust=0.1)
FILES = ("volume.mrc", *SERIES_FILES, "tomogram.mrc", *GIF_FILES)


@click.command()
@click.option("--map", type=input_file, help="Your own map, instead of a phantom.")
@click.option(
    "--emdb", type=int, help="EMDB entry to download, such as 13234, instead of a phantom."
)
@click.option(
    "--size",
    type=click.IntRange(min=16, max=1024),
    default=160,
    show_default=True,
    help="Voxels along each side of the phantom.",
)
@click.option(
    "--bin", "factor", type=click.IntRange(min=1), default=1, help="Bin the map by this factor."
)
@with_options(voxel_size_option, backend_option)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("libtilt-demo"),
    show_default=True,
    help="Folder to write to.",
)
@overwrite_option
@one_line_errors
def demo(output: Path, **options: Any) -> None:
    """Project a map to a tilt series, reconstruct a tomogram, and animate all three.

    The tilts are -60 to 60 degrees about y in steps of 3; the tomogram is reconstructed by
    weighted back-projection.

    \b
    Examples:
      libtilt demo
      libtilt demo --map map.mrc --bin 2 -o my-demo
      libtilt demo --emdb 13234
    """
    refuse_both(options, "map", "emdb")
    targets = [output / name for name in FILES]
    overwrite = options["overwrite"]
    if output.exists():
        for path in targets:
            require_writable(path, overwrite=overwrite)
    with _step("volume"):
        volume = _volume(options)
    echo(f"  {format_shape(volume.shape)} voxels of {format_spacing(volume.voxel_size)} Å")
    side = max(volume.shape)
    progress = shows_progress()
    projector = Projector(
        TiltGeometry.from_tilt_angles(tilt_angle_range(-60, 60, 3)),
        volume_shape=volume.shape,
        image_shape=(side, side),
        voxel_size=volume.voxel_size,
        backend=options["backend"],
    )
    _compile_kernels(projector)
    with _step("tilt series"):
        tilt_series = projector.forward(volume, progress=progress)
    echo(f"  {len(tilt_series)} images of {side} x {side} pixels, from -60 to 60 degrees")
    with _step("tomogram"):
        tomogram = wbp(tilt_series, projector=projector, progress=progress).volume
    echo(f"  {format_shape(tomogram.shape)} voxels, by weighted back-projection")
    output.mkdir(parents=True, exist_ok=True)
    # Written to a scratch folder, then moved to their places, all or none.
    with scratch_folder(output) as scratch:
        with _step("GIFs"):
            _write(scratch, volume, tilt_series, tomogram)
        with atomic_writes(*targets, overwrite=overwrite) as temporaries:
            for name, temporary in zip(FILES, temporaries, strict=True):
                (scratch / name).replace(temporary)
    for path in targets:
        if path.suffix in (".mrc", ".gif"):
            echo(f"{path}  {path.stat().st_size / 1e6:.1f} MB")


def _compile_kernels(projector: Projector) -> None:
    """Compile what the next steps use, unless that was done before, as a step of its own."""
    if projector.backend.name not in ("auto", "numba"):
        return
    try:
        from libtilt.backends.numba.warming import compile_once, is_compiled
    except Exception:  # A broken numba raises anything; a warning follows where it is used.
        return
    if not is_compiled():
        with _step("compiling kernels (once)"):
            compile_once()


def _write(folder: Path, volume: Volume, tilt_series: TiltSeries, tomogram: Volume) -> None:
    shown: dict[str, Any] = {"style": Style(annotate=True), "progress": shows_progress()}
    volume.save(folder / "volume.mrc")
    tilt_series.save(folder / "tilt_series.mrc")
    tomogram.save(folder / "tomogram.mrc")
    volume.to_gif(folder / "volume.gif", look=_SURFACE, **shown)
    tilt_series.to_gif(folder / "tilt_series.gif", **shown)
    tomogram.to_gif(folder / "tomogram.gif", **shown)


def _volume(options: dict[str, Any]) -> Volume:
    """Return the map of the options in float32, by default the phantom."""
    size, voxel_size, factor = options["size"], options["voxel_size"], options["factor"]
    source = options["map"]
    if options["emdb"] is not None:
        source = fetch_emdb(options["emdb"], progress=shows_progress())
    if source is None:
        spacing = 320.0 / size if voxel_size is None else positive_float(voxel_size, "--voxel-size")
        shape = (size, size, size)
        volume = GaussianBlobs.ribosome_like().volume(shape, voxel_size=spacing)
    else:
        volume = Volume.open(source, voxel_size=voxel_size)
    volume = (volume.bin(factor) if factor > 1 else volume).astype("float32")
    require_finite(volume.data, str(source or "phantom"))
    if volume.min() == volume.max():
        raise ValueError(f"{source} is flat: all voxels are {volume.max():g}; pass another map")
    return volume


@contextmanager
def _step(name: str) -> Iterator[None]:
    # On its own line, because a bar on stderr may follow.
    echo(f"{name} ...")
    sys.stdout.flush()
    start = time.perf_counter()
    yield
    echo(f"  {time.perf_counter() - start:.1f} s")
