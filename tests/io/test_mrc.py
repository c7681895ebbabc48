import itertools

import mrcfile
import numpy as np
import pytest

from libtilt import TiltGeometry, TiltSeries, Volume
from libtilt.io.image_content import ImageContent
from libtilt.io.mrc import read_mrc
from libtilt.io.mrc_writing import write_mrc

DATA = np.arange(120, dtype=np.float32).reshape(6, 5, 4)
VOXEL_SIZE = np.array([1.5, 2.5, 3.5])
ORIGIN = np.array([-3.0, 4.0, 5.0])
COMPRESSED = [".mrc", ".mrc.gz", ".mrc.bz2"]


def save(path, data=DATA, **options):
    metadata = {"voxel_size": VOXEL_SIZE, "origin": ORIGIN, "is_image_stack": False}
    write_mrc(path, data, **(metadata | options))
    return path


@pytest.mark.parametrize("suffix", COMPRESSED)
@pytest.mark.parametrize("is_image_stack", [True, False])
def test_data_and_metadata_survive_a_round_trip(tmp_path, suffix, is_image_stack):
    content = read_mrc(save(tmp_path / f"map{suffix}", is_image_stack=is_image_stack))
    assert np.array_equal(content.data, DATA)
    assert np.array_equal(content.voxel_size, VOXEL_SIZE)
    assert np.array_equal(content.origin, ORIGIN)
    assert content.is_image_stack is is_image_stack
    assert content.notes == ()


def test_a_compressed_file_is_compressed(tmp_path):
    plain, *packed = (save(tmp_path / f"map{suffix}") for suffix in COMPRESSED)
    assert plain.stat().st_size == 1024 + DATA.nbytes
    assert [path.read_bytes()[:2] for path in packed] == [b"\x1f\x8b", b"BZ"]


@pytest.mark.parametrize(
    ("given_dtype", "stored_dtype"),
    [
        ("int8", "int8"),
        ("uint8", "uint16"),
        ("int16", "int16"),
        ("uint16", "uint16"),
        ("float16", "float16"),
        ("float32", "float32"),
        ("float64", "float32"),
        ("int32", "float32"),
        ("bool", "float32"),
        (">f4", "float32"),
        (">i2", "int16"),
    ],
)
def test_every_type_is_stored_in_the_type_that_the_format_has(tmp_path, given_dtype, stored_dtype):
    data = (DATA % 2 if given_dtype == "bool" else DATA).astype(given_dtype)
    stored = read_mrc(save(tmp_path / "map.mrc", data)).data
    assert stored.dtype == stored_dtype
    assert stored.dtype.isnative
    assert np.array_equal(stored, data)


def test_values_over_the_range_of_float32_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"data must fit into float32.*scale them down first"):
        save(tmp_path / "map.mrc", DATA.astype("float64") * 1e300)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_that_are_not_finite_are_saved_as_they_are(tmp_path, dtype):
    data = DATA.astype(dtype)
    data[0, 0, :3] = np.nan, np.inf, -np.inf
    assert np.array_equal(read_mrc(save(tmp_path / "map.mrc", data)).data, data, equal_nan=True)


@pytest.mark.parametrize("name", ["map", "map.tif", "map.gz", "map.mrc.zip", "mrc.gz.png"])
def test_a_name_that_is_not_of_an_mrc_file_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match=f"{name} must end with one of .mrc, .map, .st"):
        save(tmp_path / name)


@pytest.mark.parametrize("name", ["a.st", "a.rec", "a.MRC", "a.1.ali", "a.mrcs", "a.MAP.GZ"])
def test_the_names_that_the_field_uses_are_taken(tmp_path, name):
    assert np.array_equal(read_mrc(save(tmp_path / name)).data, DATA)


def test_a_full_disk_leaves_the_old_file_and_names_it(tmp_path):
    resource = pytest.importorskip("resource", reason="file sizes can be limited on Unix only")
    path = save(tmp_path / "map.mrc")
    old = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(OSError, match=r"cannot write .*map\.mrc: File too large"):
            save(path, np.zeros((20, 20, 20), np.float32), overwrite=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("order", list(itertools.permutations((0, 1, 2))))
def test_data_come_out_as_z_y_x_whatever_the_order_in_the_file(tmp_path, order):
    path, starts = tmp_path / "map.mrc", (10, -20, 30)
    columns, rows, sections = order
    with mrcfile.new(path, DATA.transpose(2 - sections, 2 - rows, 2 - columns)) as file:
        file.set_volume()
        file.header.mapc, file.header.mapr, file.header.maps = (axis + 1 for axis in order)
        file.header.mx, file.header.my, file.header.mz = DATA.shape[::-1]
        file.header.cella = tuple(DATA.shape[::-1] * VOXEL_SIZE)
        for name, axis in zip(("nxstart", "nystart", "nzstart"), order, strict=True):
            file.header[name] = starts[axis]
    content = read_mrc(path)
    assert np.array_equal(content.data, DATA)
    assert np.allclose(content.voxel_size, VOXEL_SIZE, rtol=1e-6)
    assert np.allclose(content.origin, starts * VOXEL_SIZE, rtol=1e-6)
    assert content.notes == ()


@pytest.mark.parametrize("dtype", [">f4", ">i2"])
def test_big_endian_files_come_out_in_native_order(tmp_path, dtype):
    path = tmp_path / "map.mrc"
    with mrcfile.new(path, DATA.astype(dtype)) as file:
        file.voxel_size = 2.0
    assert path.read_bytes()[212:214] == b"\x11\x11"
    content = read_mrc(path)
    assert content.data.dtype.isnative
    assert np.array_equal(content.data, DATA)
    assert np.array_equal(read_mrc(path, memmap=True).data, DATA)
    assert content.notes == ()


def test_an_image_is_a_series_of_one_and_a_volume_of_one_section(tmp_path):
    path = tmp_path / "image.mrc"
    with mrcfile.new(path, DATA[0]) as file:
        file.voxel_size = 2.0
    assert read_mrc(path).is_image_stack
    assert Volume.open(path).shape == (1, 5, 4)
    series = TiltSeries.open(path, geometry=TiltGeometry.from_tilt_angles([3]))
    assert np.array_equal(series.images, DATA[:1])


def test_a_missing_file_and_a_folder_are_errors_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.mrc"):
        read_mrc(tmp_path / "absent.mrc")
    with pytest.raises(OSError, match=tmp_path.name):
        read_mrc(tmp_path)


def backing(array):
    while isinstance(array, np.ndarray) and not isinstance(array, np.memmap):
        array = array.base
    return array


def test_a_mapped_file_is_not_read_and_outlives_its_opening(tmp_path):
    path = save(tmp_path / "map.mrc")
    volume = Volume.open(path, memmap=True)
    assert isinstance(backing(volume.data), np.memmap)
    assert not isinstance(backing(Volume.open(path).data), np.memmap)
    assert np.array_equal(volume.crop((2, 2, 2)).data, DATA[2:4, 1:3, 1:3])


@pytest.mark.parametrize("suffix", COMPRESSED[1:])
def test_a_compressed_file_cannot_be_mapped(tmp_path, suffix):
    path = save(tmp_path / f"map{suffix}")
    with pytest.raises(ValueError, match="is compressed and cannot be mapped; use memmap=False"):
        read_mrc(path, memmap=True)


def test_a_public_map_with_another_axis_order_comes_out_as_z_y_x(shared_data):
    path = shared_data / "EMD-3001.map"
    with pytest.warns(UserWarning, match="cell angles are .*; treating them as 90") as caught:
        volume = Volume.open(path)
    assert len(caught) == 1
    assert (volume.shape, volume.dtype) == ((73, 25, 43), np.float32)
    assert np.allclose(volume.voxel_size, (0.44825, 0.3925, 0.45875), atol=1e-5)
    with mrcfile.open(path, permissive=True) as file:
        columns, rows, sections = (int(file.header[name]) for name in ("mapc", "mapr", "maps"))
        assert (columns, rows, sections) == (3, 1, 2)
        assert np.array_equal(volume.data, file.data.transpose(2, 0, 1))


def test_a_public_map_without_a_voxel_size_is_opened_with_one(shared_data):
    path = shared_data / "ribosome-70S-65.mrc"
    with pytest.warns(UserWarning, match="no voxel size in the header; assuming 1 Å"):
        volume = Volume.open(path)
    assert (volume.shape, volume.voxel_size.tolist()) == ((65, 65, 65), [1.0, 1.0, 1.0])
    assert Volume.open(path, voxel_size=4.0).voxel_size.tolist() == [4.0, 4.0, 4.0]


@pytest.mark.parametrize("size", [7.9, 1.35, 9.99, 0.834, 1.0742187, 13.48, 200 / 3])
def test_a_voxel_size_survives_the_float32_of_the_header(tmp_path, size):
    """The header holds the lengths of the cell, from which each axis gets other last digits."""
    shape = (65, 131, 97)
    with mrcfile.new(tmp_path / "map.mrc", np.zeros(shape, np.int8)) as file:
        file.voxel_size = size
    got = read_mrc(tmp_path / "map.mrc").voxel_size
    assert got[0] == got[1] == got[2]
    assert abs(got[0] - size) <= (1.2e-7 * size if size == 200 / 3 else 0)


@pytest.mark.parametrize(
    ("metadata", "name"),
    [
        ({"origin": np.array([1e39, 0, 0])}, "origin"),
        ({"origin": np.array([0, -1e-46, 0])}, "origin"),
        ({"voxel_size": np.array([1e38, 1, 1])}, "voxel_size"),
        ({"voxel_size": np.full(3, 1e-320)}, "voxel_size"),
    ],
)
def test_lengths_that_a_header_cannot_hold_are_refused(tmp_path, metadata, name):
    with pytest.raises(ValueError, match=f"{name} cannot be stored: an MRC header holds lengths"):
        save(tmp_path / "map.mrc", **metadata)
    assert list(tmp_path.iterdir()) == []


def test_content_is_of_another_program_unless_its_label_says_otherwise(tmp_path):
    content = ImageContent(DATA, VOXEL_SIZE, ORIGIN, False, ())
    assert not content.is_from_libtilt
    assert read_mrc(save(tmp_path / "a.mrc")).is_from_libtilt
