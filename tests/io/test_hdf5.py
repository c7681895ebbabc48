"""HDF5 files: any with one volume is read, and what cannot be read is refused by name."""

import numpy as np
import pytest

from libtilt.io.image_files import read_image, read_image_header

h5py = pytest.importorskip("h5py")

DATA = np.arange(60, dtype=np.float32).reshape(3, 4, 5)


def plain(path, **datasets):
    with h5py.File(path, "w") as file:
        for name, data in datasets.items():
            file[name.replace("__", "/")] = data
    return path


@pytest.mark.parametrize("options", [{}, {"compression": "gzip"}, {"chunks": (1, 2, 3)}])
@pytest.mark.parametrize("dtype", ["<i2", ">f4", "u1", "f8", "?"])
def test_a_file_with_one_volume_is_read(tmp_path, options, dtype):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("a/b", data=DATA.astype(dtype), **options)
        file["list"] = np.arange(9)
    content = read_image(tmp_path / "a.h5")
    np.testing.assert_array_equal(content.data, DATA.astype(dtype))
    assert content.data.dtype.isnative
    assert content.notes == ("layout is unknown; reading the dataset /a/b as z, y, x",)
    if options:
        with pytest.raises(ValueError, match="cannot be mapped; use memmap=False"):
            read_image(tmp_path / "a.h5", memmap=True)
    else:
        mapped = read_image(tmp_path / "a.h5", memmap=True).data
        np.testing.assert_array_equal(mapped, DATA.astype(dtype))


def test_a_block_before_the_signature_is_skipped(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w", userblock_size=512) as file:
        file["a"] = DATA
    for memmap in (False, True):
        np.testing.assert_array_equal(read_image(tmp_path / "a.h5", memmap=memmap).data, DATA)


@pytest.mark.parametrize(
    ("datasets", "message"),
    [
        (
            {"a": DATA, "b__c": DATA},
            "holds 2 three-dimensional datasets: /a, /b/c; save one to its own",
        ),
        ({}, "must hold a three-dimensional dataset, got none"),
        ({"a": DATA[0]}, r"three-dimensional dataset, got /a \(4, 5\)"),
        (
            {"a": np.zeros((2, 3, 4, 5))},
            r"three-dimensional dataset, got /a \(2, 3, 4, 5\)",
        ),
        ({"a": DATA * 1j}, "/a holds complex data; only real data can be read"),
        ({"a": np.full((2, 2, 2), b"text")}, r"/a must hold numbers, got values of type \|S4"),
        ({"a": np.zeros((2, 0, 2))}, r"/a must hold one image .* got shape \(2, 0, 2\)"),
    ],
)
def test_files_without_one_volume_are_refused(tmp_path, datasets, message):
    path = plain(tmp_path / "a.hdf5", **datasets)
    for function in (read_image, read_image_header):
        with pytest.raises(ValueError, match=rf"a\.hdf5.*{message}"):
            function(path)


def test_data_that_were_never_written_are_refused_unread(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("a", (10**4, 10**4, 10**4), "f4", chunks=(1, 64, 64))
    for function in (read_image, read_image_header):
        with pytest.raises(ValueError, match=r"a\.h5: /a is cut short or corrupt: .* 0 are stored"):
            function(tmp_path / "a.h5")


def test_data_in_other_files_are_refused(tmp_path):
    source = plain(tmp_path / "source.h5", a=DATA)
    layout = h5py.VirtualLayout(DATA.shape, DATA.dtype)
    layout[...] = h5py.VirtualSource(source, "a", DATA.shape)
    with h5py.File(tmp_path / "virtual.h5", "w") as file:
        file.create_virtual_dataset("a", layout)
    (tmp_path / "raw").write_bytes(DATA.tobytes())
    with h5py.File(tmp_path / "external.h5", "w") as file:
        file.create_dataset("a", DATA.shape, DATA.dtype, external=str(tmp_path / "raw"))
    for name in ("virtual.h5", "external.h5"):
        with pytest.raises(ValueError, match=rf"{name}: /a stores its data in other files"):
            read_image(tmp_path / name)


def test_a_filter_that_is_missing_is_named(tmp_path, monkeypatch):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("a", data=DATA, compression="gzip")
    monkeypatch.setattr(h5py.h5z, "filter_avail", lambda code: False)
    with pytest.raises(
        ValueError, match=r"filter that is not installed, number 1 'deflate'; run pip"
    ):
        read_image(tmp_path / "a.h5")


@pytest.mark.parametrize("lost", [1, 100, 1500])
def test_files_cut_short_are_refused(tmp_path, lost):
    path = plain(tmp_path / "a.h5", a=DATA)
    path.write_bytes(path.read_bytes()[:-lost])
    with pytest.raises(ValueError, match=r"a\.h5 is not an HDF5 file, or is cut short or corrupt"):
        read_image(path)


def test_links_that_lead_nowhere_are_passed_over(tmp_path):
    path = plain(tmp_path / "a.h5", a=DATA)
    with h5py.File(path, "a") as file:
        file["soft"] = h5py.SoftLink("/missing")
        file["outside"] = h5py.ExternalLink("missing.h5", "/a")
    np.testing.assert_array_equal(read_image(path).data, DATA)
