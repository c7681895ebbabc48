"""HDF5 files: the layouts of EMAN2, EMD and NeXus, each made from its definition."""

import numpy as np
import pytest

from libtilt.io.image_files import read_image, read_image_header

h5py = pytest.importorskip("h5py")

DATA = np.arange(60, dtype=np.float32).reshape(3, 4, 5)


def eman(path, images, **attributes):
    """EMAN2's: a group for each image, whose attributes are arrays of one."""
    with h5py.File(path, "w") as file:
        file.create_group("MDF/images").attrs["imageid_max"] = np.int32([len(images) - 1])
        for number, image in images.items():
            group = file.create_group(f"MDF/images/{number}")
            group["image"] = image
            for name, value in attributes.items():
                group.attrs[f"EMAN.{name}"] = np.array([value])
    return path


def emd(path, data, dims, group="data/tomography", kind=1):
    """EMD 0.2: a group of type 1 with data and, for each axis, name, units and positions."""
    with h5py.File(path, "a") as file:
        node = file.create_group(group)
        node.attrs["emd_group_type"] = kind
        node["data"] = data
        for number, (name, units, positions) in enumerate(dims, start=1):
            node[f"dim{number}"] = positions
            node[f"dim{number}"].attrs.update(name=name, units=units)
    return path


def nexus(path, data, angles, keys=None, *, units="deg", linked=False, entry="entry"):
    """NXtomo: an entry with a detector and a sample, and links to them in an NXdata group."""
    with h5py.File(path, "a") as file:
        node = file.create_group(entry)
        node.attrs["NX_class"] = "NXentry"
        detector = node.create_group("data" if linked else "instrument/detector")
        detector["data"] = data
        detector["x_pixel_size"] = 6.5e-6
        if keys is not None:
            detector["image_key"] = keys
        where = "data/rotation_angle" if linked else "sample/rotation_angle"
        node[where] = np.asarray(angles, np.float64)
        if units is not None:
            node[where].attrs["units"] = units
    return path


def steps(count, step=1.0):
    return np.arange(count, dtype=np.float32) * np.float32(step)


XYZ = [("x", "[n_m]", steps(5, 0.5)), ("y", "[n_m]", steps(4, 0.5)), ("z", "[n_m]", steps(3, 0.7))]
TILTS = [
    ("angles", "[deg]", [-3, 0, 3.5]),
    ("y", "[n_m]", steps(4, 0.2)),
    ("x", "nm", steps(5, 0.2)),
]


def test_one_volume_of_eman(tmp_path):
    said = {"apix_x": 2.5, "apix_y": 2.5, "apix_z": 3.5, "origin_x": -7.0, "origin_z": 4.0}
    content = read_image(eman(tmp_path / "a.hdf", {0: DATA}, **said))
    np.testing.assert_array_equal(content.data, DATA)
    assert content.voxel_size.tolist() == [2.5, 2.5, 3.5]
    assert content.origin.tolist() == [-7, 0, 4]
    assert content.notes == ()
    assert not content.is_image_stack


@pytest.mark.parametrize("shape", [(4, 5), (1, 4, 5)])
def test_images_of_eman_are_a_stack_in_the_order_of_their_numbers(tmp_path, shape):
    images = {number: np.full(shape, number, np.int16) for number in (10, 9, 0, 100)}
    content = read_image(eman(tmp_path / "a.hdf", images, apix_x=1.5, apix_y=1.5))
    assert content.data[:, 0, 0].tolist() == [0, 9, 10, 100]
    assert content.data.shape == (4, 4, 5)
    assert content.data.dtype == np.int16
    assert content.voxel_size.tolist() == [1.5, 1.5, 0]
    assert content.is_image_stack


def test_values_that_eman_packed_into_integers_come_back(tmp_path):
    true = np.linspace(-2, 6, 60).reshape(3, 4, 5)
    packed = np.round((true + 2) / 8 * 1023).astype(np.uint16)
    said = {"stored_renderbits": 10, "stored_rendermin": -2.0, "stored_rendermax": 6.0}
    path = eman(tmp_path / "a.hdf", {0: packed}, **said)
    assert read_image(path).data.dtype == read_image_header(path).data.dtype == np.float32
    np.testing.assert_allclose(read_image(path).data, true, atol=8 / 1023)
    path = eman(tmp_path / "b.hdf", {n: packed[n] for n in range(3)}, **said)
    np.testing.assert_allclose(read_image(path).data, true, atol=8 / 1023)
    with pytest.raises(ValueError, match=r"b\.hdf is compressed or .* cannot be mapped"):
        read_image(path, memmap=True)


@pytest.mark.parametrize(
    ("images", "said", "message"),
    [
        ({}, {}, "lists 0 images in MDF/images, but only 0 of them"),
        ({0: DATA, 1: DATA}, {}, r"a stack of 2 volumes with shape \(3, 4, 5\); save one volume"),
        ({0: DATA[0], 1: DATA[0, :2]}, {}, r"images of 2 shapes, such as \(2, 5\) and \(4, 5\)"),
        ({0: DATA}, {"is_complex": 1}, "holds complex data"),
        ({0: DATA[0], 1: DATA[0].astype("i2")}, {}, "images of several types, float32 and int16"),
    ],
)
def test_files_of_eman_that_are_not_one_stack(tmp_path, images, said, message):
    path = eman(tmp_path / "a.hdf", images, **said)
    with pytest.raises(ValueError, match=rf"a\.hdf.*{message}"):
        read_image(path)


def test_a_volume_of_tomviz_lies_x_y_z_in_the_file(tmp_path):
    path = emd(tmp_path / "a.emd", DATA.transpose(2, 1, 0), XYZ)
    for memmap in (False, True):
        content = read_image(path, memmap=memmap)
        np.testing.assert_array_equal(content.data, DATA)
        assert content.voxel_size.tolist() == [5, 5, 7]
        assert content.notes == ()
        assert content.sections.tilt_angles is None
    assert read_image_header(path).data.shape == DATA.shape


def test_a_tilt_series_of_tomviz_has_its_angles_first(tmp_path):
    content = read_image(emd(tmp_path / "a.emd", DATA, TILTS))
    np.testing.assert_array_equal(content.data, DATA)
    assert content.sections.tilt_angles.tolist() == [-3, 0, 3.5]
    np.testing.assert_allclose(content.voxel_size, [2, 2, 0])
    assert content.is_image_stack
    assert content.notes == ()


def test_axes_go_by_their_names(tmp_path):
    dims = [("x", "nm", steps(5)), ("y", "nm", steps(4)), ("tilt", "rad", [0, 0.1, 0.2])]
    content = read_image(emd(tmp_path / "a.emd", DATA.transpose(2, 1, 0), dims))
    np.testing.assert_array_equal(content.data, DATA)
    np.testing.assert_allclose(content.sections.tilt_angles, np.rad2deg([0, 0.1, 0.2]))
    dims = [("depth", "", [0, 1]), ("height", "", [0, 1]), ("width", "", [0, 1])]
    content = read_image(emd(tmp_path / "b.emd", DATA, dims))
    np.testing.assert_array_equal(content.data, DATA)
    assert content.notes == (
        "axes are named 'depth', 'height', 'width', not x, y, z; assuming the order z, y, x",
    )


@pytest.mark.parametrize(
    ("units", "factor"),
    [
        ("[n_m]", 10),
        ("nm", 10),
        ("[µ_m]", 1e4),
        ("um", 1e4),
        ("\u03bcm", 1e4),
        ("Å", 1),
        ("\u212b", 1),
        ("angstrom", 1),
        ("px", 0),
        ("", 0),
        ("[n_m^-1]", 0),
    ],
)
def test_units_of_lengths(tmp_path, units, factor):
    dims = [(name, units, [0, 0.125]) for name in "zyx"]
    content = read_image(emd(tmp_path / "a.emd", DATA, dims))
    np.testing.assert_allclose(content.voxel_size, [factor / 8] * 3)


def test_spacings_that_are_not_even_are_not_known(tmp_path):
    dims = [("z", "nm", [0, 1, 5]), ("y", "nm", steps(4)), ("x", "nm", ["a"] * 5)]
    content = read_image(emd(tmp_path / "a.emd", DATA, dims))
    assert content.voxel_size.tolist() == [0, 10, 0]


@pytest.mark.parametrize(
    ("units", "angles", "note"),
    [
        ("", [0, 1, 2], "tilt angles have the unit '', not deg or rad; ignored"),
        ("deg", [0, 1, np.nan], "tilt angles are not 3 finite numbers; ignored"),
        ("deg", [0, 1], "tilt angles are not 3 finite numbers; ignored"),
        ("deg", [0, 1, 999], "tilt angles reach 999 degrees; ignored"),
    ],
)
def test_impossible_angles_are_noted(tmp_path, units, angles, note):
    path = emd(tmp_path / "a.emd", DATA, [("angles", units, np.float64(angles)), *TILTS[1:]])
    content = read_image(path)
    assert content.sections.tilt_angles is None
    assert content.notes == (note,)


def test_several_groups_of_emd_are_refused_but_for_the_main_one_of_tomviz(tmp_path):
    path = emd(tmp_path / "a.emd", DATA, XYZ, group="a/one")
    emd(path, DATA + 1, XYZ, group="a/two")
    with pytest.raises(ValueError, match=r"a\.emd holds 2 EMD groups: /a/one, /a/two; save one"):
        read_image(path)
    emd(path, DATA + 2, TILTS)
    np.testing.assert_array_equal(read_image(path).data, DATA + 2)


def test_other_files_of_emd(tmp_path):
    path = emd(tmp_path / "a.emd", np.zeros((2, 3, 4, 5)), XYZ)
    with pytest.raises(ValueError, match=r"a\.emd must hold one image .* got \(2, 3, 4, 5\) in"):
        read_image(path)
    path = tmp_path / "b.emd"
    with h5py.File(path, "w") as file:
        file["Data/Image/abc/Data"] = DATA
    with pytest.raises(ValueError, match=r"b\.emd is a Velox file, .* export its images"):
        read_image(path)


@pytest.mark.parametrize("linked", [False, True])
def test_projections_of_nexus(tmp_path, linked):
    path = nexus(tmp_path / "a.nxs", DATA, [0, 90, 180], linked=linked)
    content = read_image(path)
    np.testing.assert_array_equal(content.data, DATA)
    assert content.sections.tilt_angles.tolist() == [0, 90, 180]
    # The detector's pixels are not those of the specimen.
    assert content.voxel_size.tolist() == [0, 0, 0]
    assert content.notes == ()
    assert isinstance(read_image(path, memmap=True).data, np.memmap)


def test_flat_and_dark_images_of_nexus_are_left_out(tmp_path):
    path = nexus(tmp_path / "a.nxs", DATA, np.deg2rad([5, 6, 7]), [1, 0, 2], units="rad")
    content = read_image(path)
    np.testing.assert_array_equal(content.data, DATA[1:2])
    np.testing.assert_allclose(content.sections.tilt_angles, [6])
    assert content.notes == ("2 images are not projections (image_key); left out",)
    assert read_image_header(path).data.shape == (1, 4, 5)
    with pytest.raises(ValueError, match="cannot be mapped"):
        read_image(path, memmap=True)


@pytest.mark.parametrize(
    ("angles", "keys", "units", "note"),
    [
        ([0, 1], None, "deg", "tilt angles are not 3 finite numbers; ignored"),
        ([0, 1, 2], None, "mm", "tilt angles have the unknown unit 'mm'; ignored"),
        (
            [0, 1, 2, 3],
            [0, 0, 0],
            None,
            "tilt angles are not 3 finite numbers; ignored",
        ),
    ],
)
def test_impossible_angles_of_nexus_are_noted(tmp_path, angles, keys, units, note):
    content = read_image(nexus(tmp_path / "a.nxs", DATA, angles, keys, units=units))
    assert content.notes == (note,)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ([0, 0], r"must have one image_key per image: expected \(3,\), got \(2,\)"),
        ([1, 2, 3], "holds no projections \\(no image_key is 0\\)"),
    ],
)
def test_image_keys_that_do_not_fit(tmp_path, keys, message):
    path = nexus(tmp_path / "a.nxs", DATA, [0, 1, 2], keys)
    with pytest.raises(ValueError, match=rf"a\.nxs {message}"):
        read_image(path)


def test_several_entries_of_nexus_are_refused(tmp_path):
    path = nexus(tmp_path / "a.nxs", DATA, [0, 1, 2])
    nexus(path, DATA, [0, 1, 2], entry="entry2")
    with pytest.raises(ValueError, match=r"holds 2 NeXus entries: /entry, /entry2; save one"):
        read_image(path)
