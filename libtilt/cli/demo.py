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
from libtilt.cli.messages import say
from libtilt.cli.progress import adjoint_with_progress, forward_with_progress
from libtilt.cli.running import (
    backend_option,
    input_file,
    one_line_errors,
    overwrite_option,
    require_backend,
    spacing_option,
    tilt_angles,
    with_options,
)
from libtilt.drawing import Style
from libtilt.errors.checks import positive_float, require_finite
from libtilt.geometry import TiltGeometry
from libtilt.geometry.image_data import format_shape, format_spacing
from libtilt.io.atomic import atomic_writes, require_writable, scratch_folder
from libtilt.io.downloads import fetch_emdb
from libtilt.phantoms import GaussianBlobs
from libtilt.projector import Projector
from libtilt.tilt_series import TiltSeries
from libtilt.volume import Volume

FILES = (
    *("volume.mrc", "tilt_series.mrc", "tilt_series.json", "tilt_series.rawtlt", "tomogram.mrc"),
    *("volume.gif", "tilt_series.gif", "tomogram.gif"),
)
GIF_WIDTH = 320
GIF_BYTES = 5_000_000


@click.command()
@click.option("--map", "map_file", type=input_file, help="A map of yours, in place of a phantom.")
@click.option("--emdb", type=int, help="A map of the EMDB, by number; needs the network.")
@click.option(
    "--size",
    type=click.IntRange(min=16, max=1024),
    default=160,
    show_default=True,
    help="Voxels along each side of the phantom.",
)
@click.option(
    "--bin", "factor", type=click.IntRange(min=1), default=1, help="Average the map first."
)
@with_options(spacing_option, backend_option)
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
def demo(
    map_file: Path | None, emdb: int | None, size: int, factor: int, output: Path, **options: Any
) -> None:
    """Go from a map to its tilt series and back to a tomogram, with a GIF of each.

    Projects every 3 degrees over +-60 about y and backprojects without any filter.

    \b
    Examples:
      libtilt demo
      libtilt demo --map map.mrc --bin 2 -o my-demo
      libtilt demo --emdb 13234
    """
    if map_file is not None and emdb is not None:
        raise click.UsageError("give --map or --emdb, not both")
    backend = require_backend(options["backend"])
    targets = [output / name for name in FILES]
    overwrite = options["overwrite"]
    if output.exists():
        for path in targets:
            require_writable(path, overwrite=overwrite)
    with _step("volume"):
        volume = _volume(map_file, emdb, size, factor, options["voxel_size"])
    say(f"  {format_shape(volume.shape)} voxels of {format_spacing(volume.voxel_size)} A")
    side = max(volume.shape)
    projector = Projector(
        TiltGeometry.from_tilt_angles(tilt_angles(-60, 60, 3)),
        volume_shape=volume.shape,
        image_shape=(side, side),
        voxel_size=volume.voxel_size,
        backend=backend,
    )
    with _step("tilt series"):
        tilt_series = forward_with_progress(projector, volume)
    say(f"  {len(tilt_series)} images of {side} x {side} pixels, every 3 degrees over +-60")
    with _step("tomogram"):
        tomogram = adjoint_with_progress(projector.evolve(driven="voxel"), tilt_series)
    say(f"  {format_shape(tomogram.shape)} voxels, backprojected without a filter")
    output.mkdir(parents=True, exist_ok=True)
    # Made where nobody sees them, and all put in their places at the end, or none.
    with scratch_folder(output) as scratch:
        with _step("GIFs"):
            _write(scratch, volume, tilt_series, tomogram)
        with atomic_writes(*targets, overwrite=overwrite) as temporaries:
            for name, temporary in zip(FILES, temporaries, strict=True):
                (scratch / name).replace(temporary)
    for path in targets:
        if path.suffix in (".mrc", ".gif"):
            say(f"{path}  {path.stat().st_size / 1e6:.1f} MB")


def _write(folder: Path, volume: Volume, tilt_series: TiltSeries, tomogram: Volume) -> None:
    shown: dict[str, Any] = {
        "style": Style(annotate=True),
        "width": GIF_WIDTH,
        "max_bytes": GIF_BYTES,
    }
    volume.save(folder / "volume.mrc")
    tilt_series.save(folder / "tilt_series.mrc")
    tomogram.save(folder / "tomogram.mrc")
    volume.to_gif(folder / "volume.gif", look=Spin(count=60), **shown)
    tilt_series.to_gif(folder / "tilt_series.gif", **shown)
    tomogram.to_gif(folder / "tomogram.gif", fps=25, **shown)


def _volume(
    map_file: Path | None,
    emdb: int | None,
    size: int,
    factor: int,
    voxel_size: float | None,
) -> Volume:
    """Return the map that is asked for, float32, or the phantom."""
    if emdb is not None:
        map_file = fetch_emdb(emdb)
    if map_file is None:
        spacing = 320.0 / size if voxel_size is None else positive_float(voxel_size, "--voxel-size")
        shape = (size, size, size)
        volume = GaussianBlobs.ribosome_like().volume(shape, voxel_size=spacing)
    else:
        volume = Volume.open(map_file, voxel_size=voxel_size)
    volume = (volume.bin(factor) if factor > 1 else volume).astype("float32")
    require_finite(volume.data, str(map_file or "phantom"))
    return volume


@contextmanager
def _step(name: str) -> Iterator[None]:
    # A line of its own: a bar on stderr may follow.
    say(f"{name} ...")
    sys.stdout.flush()
    start = time.perf_counter()
    yield
    say(f"  {time.perf_counter() - start:.1f} s")
