"""TIFF files: which layouts are read, where sizes come from, and what is refused."""

import struct

import numpy as np
import pytest

from libtilt.io.image_files import read_image, read_image_header

tifffile = pytest.importorskip("tifffile")

DATA = np.arange(60, dtype=np.uint16).reshape(3, 4, 5)


def save(path, data=DATA, **options):
    tifffile.imwrite(path, data, **{"photometric": "minisblack"} | options)
    return path


def by_hand(order, pages, *, last=0):
    """A gray TIFF file of bytes, laid out from the definition: header, then directory and data."""
    content = bytearray(b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    for number, page in enumerate(pages, start=1):
        height, width = page.shape
        data = len(content) + 2 + 9 * 12 + 4
        tags = [(256, width), (257, height), (258, 8), (259, 1), (262, 1)]
        tags += [(273, data), (277, 1), (278, height), (279, page.nbytes)]
        content += struct.pack(order + "H", len(tags))
        for tag, value in tags:
            content += struct.pack(order + "HHII", tag, 4, 1, value)
        content += struct.pack(order + "I", last if number == len(pages) else data + page.nbytes)
        content += page.tobytes()
    return bytes(content)


@pytest.mark.parametrize("order", "<>")
def test_pages_are_sections_in_either_byte_order(tmp_path, order):
    pages = DATA.astype(np.uint8)
    path = tmp_path / "a.tif"
    path.write_bytes(by_hand(order, pages))
    content = read_image(path)
    np.testing.assert_array_equal(content.data, pages)
    assert content.voxel_size.tolist() == [0, 0, 0]
    assert content.notes == ()


def test_a_chain_of_pages_that_breaks_off_is_not_read_as_fewer_pages(tmp_path):
    pages = DATA.astype(np.uint8)
    for content in (by_hand("<", pages, last=10**6), by_hand("<", pages, last=8)):
        path = tmp_path / "a.tif"
        path.write_bytes(content)
        with pytest.raises(
            ValueError, match=r"a\.tif is cut short or corrupt: page 4 should start"
        ):
            read_image(path)


@pytest.mark.parametrize("lost", [1, 21, 60])
def test_files_cut_short_are_refused(tmp_path, lost):
    path = tmp_path / "a.tif"
    path.write_bytes(by_hand("<", DATA.astype(np.uint8))[:-lost])
    with pytest.raises(ValueError, match=r"a\.tif .*cut short"):
        read_image(path)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "f2", "f4", "f8"])
@pytest.mark.parametrize("order", "<>")
def test_values_of_every_type_come_in_the_order_of_this_computer(tmp_path, dtype, order):
    data = DATA.astype(dtype)
    content = read_image(save(tmp_path / "a.tif", data, byteorder=order))
    np.testing.assert_array_equal(content.data, data)
    assert content.data.dtype == np.dtype(dtype)


@pytest.mark.parametrize(
    "options",
    [
        {"bigtiff": True},
        {"compression": "zlib"},
        {"compression": "zlib", "tile": (16, 16)},
        {"rowsperstrip": 1},
        {"metadata": None},
        {"imagej": True},
        {"ome": True},
    ],
)
def test_layouts(tmp_path, options):
    for number, data in enumerate((DATA, DATA[:1], DATA[0])):
        content = read_image(save(tmp_path / f"{number}.tif", data, **options))
        np.testing.assert_array_equal(content.data, data.reshape(-1, 4, 5))
        assert content.notes == ()
        assert not content.is_image_stack


@pytest.mark.parametrize("options", [{}, {"byteorder": ">"}, {"imagej": True}, {"bigtiff": True}])
def test_data_in_one_piece_are_mapped(tmp_path, options):
    path = save(tmp_path / "a.tif", **options)
    content = read_image(path, memmap=True)
    assert isinstance(content.data, np.memmap)
    np.testing.assert_array_equal(content.data, DATA)


def test_data_in_pieces_cannot_be_mapped(tmp_path):
    path = save(tmp_path / "a.tif", compression="zlib")
    with pytest.raises(
        ValueError, match=r"a\.tif is compressed .* cannot be mapped; use memmap=Fa"
    ):
        read_image(path, memmap=True)
    assert read_image_header(path).data.shape == DATA.shape


@pytest.mark.parametrize(
    ("unit", "size"), [("nm", 0.5), ("Å", 5.0), ("angstrom", 5.0), ("µm", 5e-4), ("pm", 500)]
)
def test_ome_says_sizes_with_their_unit(tmp_path, unit, size):
    said = {f"PhysicalSize{axis}": size * n for n, axis in enumerate("XYZ", start=1)}
    said |= {f"PhysicalSize{axis}Unit": unit for axis in "XYZ"}
    content = read_image(save(tmp_path / "a.ome.tif", metadata={"axes": "ZYX"} | said))
    np.testing.assert_allclose(content.voxel_size, [5, 10, 15])
    assert content.notes == ()


def test_ome_counts_in_micrometers_without_a_unit_and_has_units_that_are_no_lengths(tmp_path):
    said = {"PhysicalSizeX": 5e-4, "PhysicalSizeY": 7, "PhysicalSizeYUnit": "pixel"}
    content = read_image(save(tmp_path / "a.ome.tif", metadata={"axes": "ZYX"} | said))
    assert content.voxel_size.tolist() == [5, 0, 0]


@pytest.mark.parametrize(
    ("unit", "factor"), [("nm", 10), ("um", 1e4), ("\\u00B5m", 1e4), ("micron", 1e4), ("A", 1)]
)
def test_imagej_counts_pixels_per_unit_and_has_a_spacing(tmp_path, unit, factor):
    said = {"unit": unit, "spacing": 6 / factor}
    resolution = (factor / 2, factor / 4)
    path = save(tmp_path / "a.tif", imagej=True, resolution=resolution, metadata=said)
    np.testing.assert_allclose(read_image(path).voxel_size, [2, 4, 6], rtol=1e-5)


@pytest.mark.parametrize("unit", ["inch", "cm", "pixel", "mm", ""])
def test_units_of_imagej_that_are_not_of_microscopy_are_not_taken(tmp_path, unit):
    said = {"unit": unit, "spacing": 1}
    path = save(tmp_path / "a.tif", imagej=True, resolution=(2, 2), metadata=said)
    assert read_image(path).voxel_size.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("unit", "resolution", "size"),
    [
        (3, (2 * 10**9, 27), 1.35),
        (2, (2 * 10**8, 1), 1.27),
        (2, (72, 1), 0),
        (2, (9600, 1), 0),
        (3, (90000, 1), 0),
        (1, (10**8, 1), 0),
        (3, (0, 1), 0),
    ],
)
def test_resolution_tags_are_taken_only_where_no_printer_has_them(tmp_path, unit, resolution, size):
    path = save(tmp_path / "a.tif", resolution=(resolution,) * 2, resolutionunit=unit)
    content = read_image(path)
    np.testing.assert_allclose(content.voxel_size, [size, size, 0], rtol=1e-5)
    assert content.notes == (
        (f"pixel size of {size:g} Å is from the resolution tags",) if size else ()
    )


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (np.zeros((4, 5, 3), np.uint8), {"photometric": "rgb"}, "holds RGB colors; convert them"),
        (np.zeros((3, 4, 5), np.uint8), {"photometric": "rgb"}, "holds RGB colors; convert them"),
        (np.zeros((4, 5, 2), np.uint8), {"planarconfig": "contig"}, "holds 2 samples per pixel"),
        (np.zeros((2, 3, 4, 5), np.uint8), {}, r"one stack of images, got shape \(2, 3, 4, 5\)"),
        (np.zeros((3, 4, 5), np.complex64), {}, "holds complex data; only real data"),
    ],
)
def test_files_other_than_one_gray_stack_are_refused(tmp_path, data, options, message):
    path = save(tmp_path / "a.tif", data, **options)
    for function in (read_image, read_image_header):
        with pytest.raises(ValueError, match=message) as caught:
            function(path)
        assert str(path) in str(caught.value)


def test_a_palette_is_refused(tmp_path):
    options = {"photometric": "palette", "colormap": np.zeros((3, 256), np.uint16)}
    path = save(tmp_path / "a.tif", DATA.astype(np.uint8), **options)
    with pytest.raises(ValueError, match="holds palette colors"):
        read_image(path)


def test_pages_of_several_shapes_are_refused_with_their_shapes(tmp_path):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        for page in (DATA[0], DATA[0, :2]):
            file.write(page, photometric="minisblack", metadata=None)
    with pytest.raises(ValueError, match=r"2 series of images, with shapes \(4, 5\), \(2, 5\)"):
        read_image(path)


def test_inferences_of_the_tiff_reader_are_noted(tmp_path):
    path = save(tmp_path / "a.tif", photometric="miniswhite")
    assert read_image(path).notes == ("values are MinIsWhite (0 is white); not inverted",)


def test_a_compressed_file_that_claims_more_than_it_can_hold_is_refused_unread(tmp_path):
    path = save(tmp_path / "a.tif", DATA[0], compression="zlib", metadata=None)
    with tifffile.TiffFile(path, mode="r+b") as file:
        for name in ("ImageLength", "RowsPerStrip"):
            file.pages[0].tags[name].overwrite(2**31 - 1, dtype="I")
    with pytest.raises(ValueError, match=r"cut short or corrupt: its shape .* are stored"):
        read_image(path)


def test_a_codec_that_is_missing_is_named(tmp_path):
    path = save(tmp_path / "a.tif", DATA[0], compression="zlib", metadata=None)
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages[0].tags["Compression"].overwrite(50000)
    with pytest.raises(
        ValueError, match=r"ZSTD, which needs the package 'imagecodecs': pip ins|cut"
    ):
        read_image(path)


@pytest.mark.parametrize("other", ["b.ome.tif", "missing.ome.tif"])
def test_a_file_of_a_multi_file_set_is_refused(tmp_path, other):
    planes = "".join(
        f'<TiffData FirstZ="{first}" IFD="0" PlaneCount="2"><UUID FileName="{name}">urn:{name}'
        "</UUID></TiffData>"
        for first, name in ((0, "a.ome.tif"), (2, other))
    )
    for name in ("a.ome.tif", "b.ome.tif"):
        text = (
            f'<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:{name}">'
            '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" '
            'SizeX="5" SizeY="4" SizeZ="4" SizeC="1" SizeT="1">'
            f'<Channel ID="Channel:0:0" SamplesPerPixel="1"/>{planes}</Pixels></Image></OME>'
        )
        save(tmp_path / name, DATA[:2], metadata=None, description=text)
    with pytest.raises(ValueError, match=r"a\.ome\.tif is one file of a set"):
        read_image(tmp_path / "a.ome.tif")


def test_log_messages_of_tifffile_become_notes(tmp_path, capfd):
    path = save(tmp_path / "a.tif", resolution=(2, 2))
    content = bytearray(path.read_bytes())
    place = content.index(struct.pack("<HHI", 296, 3, 1))
    content[place + 2 : place + 4] = struct.pack("<H", 200)
    path.write_bytes(content)
    (note,) = read_image(path).notes
    assert note.startswith("unusual TIFF tags: ")
    assert capfd.readouterr() == ("", "")
