"""Every format is read by one function, and what is not read is refused by name."""

import re
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from libtilt import TiltGeometry, TiltSeries, Volume
from libtilt.alignment.beside_stack import sibling_path
from libtilt.cli import app
from libtilt.errors.installing import pip_install
from libtilt.io import image_files
from libtilt.io.image_files import has_image_suffix, read_image, read_image_header
from libtilt.napari.reader import get_reader, read

h5py = pytest.importorskip("h5py")
tifffile = pytest.importorskip("tifffile")

DATA = np.arange(60, dtype=np.float32).reshape(3, 4, 5)


def save_tiff(path, data=DATA, **options):
    tifffile.imwrite(path, data, photometric="minisblack", **options)
    return path


def save_hdf5(path, data=DATA, **options):
    with h5py.File(path, "w") as file:
        file.create_dataset("volume", data=data, **options)
    return path


def save_tilts(path):
    """A tilt series as tomviz saves it."""
    with h5py.File(path, "w") as file:
        group = file.create_group("data/tomography")
        group.attrs["emd_group_type"] = np.uint32(1)
        group["data"] = DATA
        for n, (name, unit) in enumerate([("angles", "[deg]"), ("y", "[n_m]"), ("x", "[n_m]")]):
            group[f"dim{n + 1}"] = np.arange(DATA.shape[n], dtype=np.float32) * (0.2 if n else 3)
            # Of fixed length, as tomviz writes them; the HDF5 library can hang on damaged others.
            group[f"dim{n + 1}"].attrs.update(name=np.bytes_(name), units=np.bytes_(unit))
    return path


@pytest.mark.parametrize("name", ["a.mrc", "a.map.gz", "a"])
def test_mrc_files_and_names_without_a_known_suffix_are_read_as_mrc(tmp_path, name):
    saved = Volume(DATA, voxel_size=2.0).save(tmp_path / "a.map.gz")
    path = tmp_path / name
    if name != "a.map.gz":
        Volume(DATA, voxel_size=2.0).save(tmp_path / "b.mrc").rename(path)
    for content in (read_image(path), read_image_header(str(path)), read_image(saved)):
        assert content.data.shape == DATA.shape
        assert content.voxel_size.tolist() == [2.0, 2.0, 2.0]


@pytest.mark.parametrize("save", [save_tiff, save_hdf5])
def test_files_without_a_suffix_are_read_by_their_first_bytes(tmp_path, save):
    np.testing.assert_array_equal(read_image(save(tmp_path / "stack")).data, DATA)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.em", "EM files are not supported; convert to MRC first, for example with EMAN2"),
        ("a.ser", "SER files of TIA are not supported"),
        ("a.dm3", "DM3 files are not supported; .* dm2mrc"),
        ("a.DM4", "DM4 files are not supported; .* dm2mrc"),
        ("a.spi", "SPIDER files are not supported"),
        ("a.raw", "raw files are not supported; .* raw2mrc"),
        ("a.eer", "EER movies are not supported"),
        ("a.mrc.zst", "compressed with Zstandard are not supported; decompress it first"),
        ("a.npy", "NumPy files are not supported; open it with numpy.load"),
        ("a.png", "PNG pictures are not supported"),
        ("a.jpg", "JPEG pictures are not supported"),
        ("a.tif.gz", "gzip or bzip2, which libtilt reads for MRC files only; decompress"),
    ],
)
def test_unsupported_formats_are_refused_with_a_hint(tmp_path, name, message):
    path = tmp_path / name
    path.write_bytes(bytes(2000))
    for function in (read_image, read_image_header, Volume.open):
        with pytest.raises(ValueError, match=message) as caught:
            function(path)
        assert str(path) in str(caught.value)


def test_a_folder_of_zarr_is_refused_by_name(tmp_path):
    (tmp_path / "a.zarr").mkdir()
    with pytest.raises(ValueError, match=r"a\.zarr: Zarr stores are not supported"):
        read_image(tmp_path / "a.zarr")


@pytest.mark.parametrize("name", ["a.em", "a.tif", "a.h5", "a.mrc", "a"])
def test_missing_files_are_not_found(tmp_path, name):
    for function in (read_image, read_image_header):
        with pytest.raises(FileNotFoundError, match=name):
            function(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tif", b"some text", "is not a TIFF file by its first bytes: they are b'some"),
        ("a.tif", b"", "is not a TIFF file by its first bytes: they are b''"),
        ("a.tif", b"\x89HDF\r\n\x1a\n" + bytes(9), "they are those of an HDF5 file; rename it"),
        ("a.tif", b"II*\0", "is not a TIFF file, or is cut short or corrupt"),
        ("a.hdf", b"II*\0" + bytes(99), "they are those of a TIFF file; rename it"),
        ("a.emd", b"some text", "is not an HDF5 file, or is cut short or corrupt"),
        ("a.nxs", b"", "is not an HDF5 file, or is cut short or corrupt"),
    ],
)
def test_files_with_a_wrong_suffix_are_refused(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    for function in (read_image, read_image_header):
        with pytest.raises(ValueError, match=message) as caught:
            function(path)
        assert str(path) in str(caught.value)


@pytest.mark.parametrize(("package", "name"), [("tifffile", "a.tif"), ("h5py", "a.hdf5")])
def test_a_missing_package_is_named_with_its_extra(tmp_path, monkeypatch, package, name):
    path = (save_tiff if package == "tifffile" else save_hdf5)(tmp_path / name)
    monkeypatch.setitem(sys.modules, package, None)
    for function in (read_image, read_image_header):
        with pytest.raises(ImportError, match=re.escape(f"'{package}': {pip_install('formats')}")):
            function(path)


def raise_error(error):
    def read(*_, **__):
        raise error

    return read


def test_errors_that_are_not_the_files_fault_pass_unchanged(tmp_path, monkeypatch):
    path = save_tiff(tmp_path / "a.tif")
    monkeypatch.setattr(image_files, "read_tiff", raise_error(MemoryError()))
    with pytest.raises(MemoryError, match=r"a\.tif does not fit into memory; pass memmap=True"):
        read_image(path)
    gone = FileNotFoundError(2, "No such file or directory", str(path))
    monkeypatch.setattr(image_files, "read_tiff", raise_error(gone))
    with pytest.raises(FileNotFoundError, match=r"a\.tif"):
        read_image(path)


def test_volumes_open_from_tiff_with_the_pixel_size_along_z_too(tmp_path):
    path = save_tiff(tmp_path / "a.tif", resolution=(1e8 / 4, 1e8 / 4), resolutionunit=3)
    with pytest.warns(UserWarning, match="no voxel size along z in the header; assuming 4 Å"):
        volume = Volume.open(path)
    assert volume.voxel_size.tolist() == [4.0, 4.0, 4.0]
    np.testing.assert_array_equal(volume.data, DATA)


def test_tilt_series_open_with_the_angles_of_the_file(tmp_path):
    path = save_tilts(tmp_path / "a.emd")
    with pytest.warns(UserWarning, match=r"a\.emd"):
        series = TiltSeries.open(path)
    np.testing.assert_allclose(series.geometry.tilt_angles, [0, 3, 6])
    assert series.pixel_size == pytest.approx(2.0)
    np.testing.assert_array_equal(series.images, DATA)


def test_the_geometry_beside_a_tiff_stack_is_found(tmp_path):
    geometry = TiltGeometry.from_tilt_angles([-3, 0, 3])
    for name in ("a.tif", "b.ome.tif", "c.hdf"):
        path = tmp_path / name
        (save_hdf5 if name == "c.hdf" else save_tiff)(path)
        geometry.to_json(sibling_path(path, ".json"))
        assert sibling_path(path, ".json").name == f"{name[0]}.json"
        with pytest.warns(UserWarning, match="no pixel size in the header; assuming 1 Å"):
            assert TiltSeries.open(path).geometry == geometry


@pytest.mark.parametrize("save", [save_tiff, save_hdf5])
def test_header_reading_gives_shape_and_type(tmp_path, save):
    content = read_image_header(save(tmp_path / "a", np.ones((30, 200, 100), np.int16)))
    assert content.data.shape == (30, 200, 100)
    assert content.data.dtype == np.int16
    assert content.data.strides == (0, 0, 0)


def test_commands_take_the_new_formats(tmp_path):
    tilts, volume = save_tilts(tmp_path / "t.emd"), save_tiff(tmp_path / "v.tif")
    run = CliRunner().invoke
    assert "tilt series, geometry from" in run(app, ["info", str(tilts)]).output
    assert "3 x 4 x 5" in run(app, ["info", str(volume)]).output
    out = ["-o", str(tmp_path / "p.mrc"), "--tilt-range", "-3", "3", "3"]
    assert "is a tilt series; expected a volume" in run(app, ["project", str(tilts), *out]).output
    result = run(app, ["project", str(volume), "--voxel-size", "2", *out])
    assert (result.exit_code, TiltSeries.open(tmp_path / "p.mrc").pixel_size) == (0, 2.0)
    angles = tmp_path / "p.rawtlt"
    result = run(app, ["info", str(angles.rename(tmp_path / "p.txt"))])
    assert result.exit_code == 1


def test_napari_opens_the_new_formats(tmp_path):
    path = save_tilts(tmp_path / "t.emd")
    assert get_reader([str(path), "a.tiff"]) is read
    assert get_reader("a.png") is None
    with pytest.warns(UserWarning, match="tilt axis"):
        ((_, options, _),) = read(str(path))
    assert options["name"] == "t"


def test_names_of_images():
    assert all(map(has_image_suffix, ["a.MRC", "a.st.bz2", "a.ome.tif", "a.nxs"]))
    assert not any(map(has_image_suffix, ["a", "a.gz", "a.tif.gz", "a.npy"]))


def mutations(content, rng):
    """The bytes of a file with some of them changed, lost or repeated."""
    changed = bytearray(content)
    kind = rng.integers(4)
    if kind == 0:
        return bytes(changed[: rng.integers(len(changed))])
    for _ in range(rng.integers(1, 12)):
        # Most of what can go wrong stands at the ends, where formats have their tables.
        span = min(len(changed), int(rng.choice([64, 512, len(changed)])))
        place = int(rng.integers(span)) if rng.random() < 0.5 else -1 - int(rng.integers(span))
        changed[place] = int(rng.choice([0, 1, 255, rng.integers(256)]))
    if kind == 1:
        place = int(rng.integers(len(changed)))
        changed[place:place] = rng.bytes(int(rng.integers(1, 9)))
    return bytes(changed)


def outcome(path, options):
    """The error that a file raises, or its name where it is read."""
    try:
        return f"{path}: {len(read_image(path, **options).data.tobytes())} bytes"
    except (ValueError, OSError) as error:
        return str(error)


def sources(tmp_path):
    yield save_tiff(tmp_path / "plain.tif")
    yield save_tiff(tmp_path / "packed.tif", compression="zlib", tile=(16, 16))
    yield save_tiff(tmp_path / "big.tif", bigtiff=True)
    yield save_tiff(tmp_path / "imagej.tif", imagej=True, metadata={"unit": "nm", "spacing": 2})
    yield save_tiff(tmp_path / "x.ome.tif", metadata={"PhysicalSizeX": 1, "PhysicalSizeY": 1})
    yield save_hdf5(tmp_path / "plain.h5")
    yield save_hdf5(tmp_path / "packed.h5", compression="gzip", chunks=(1, 4, 5))
    yield save_tilts(tmp_path / "tilts.emd")


@pytest.mark.parametrize("number", range(8))
def test_damaged_files_raise_one_kind_of_error_that_names_them(tmp_path, number):
    source = list(sources(tmp_path))[number]
    content, rng = source.read_bytes(), np.random.default_rng(number)
    for count in range(80):
        path = tmp_path / f"damaged{count}{''.join(source.suffixes)}"
        path.write_bytes(mutations(content, rng))
        for options in ({}, {"memmap": True}):
            assert str(path) in outcome(path, options)
