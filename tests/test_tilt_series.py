import pickle
from pathlib import Path

import attrs
import mrcfile
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libtilt import GaussianBlobs, ImageGrid, TiltGeometry, TiltSeries, Volume
from libtilt.geometry.per_tilt import PER_TILT

few = settings(derandomize=True, deadline=None, max_examples=25)
IMAGES = np.arange(5 * 6 * 7, dtype=np.float32).reshape(5, 6, 7)
ANGLES = [0.0, 3.0, -3.0, 6.0, -6.0]
GEOMETRY = TiltGeometry.from_tilt_angles(
    ANGLES, tilt_axis_angle=85.0, shifts=[[n, -n] for n in range(5)]
)
SERIES = TiltSeries(IMAGES, GEOMETRY, pixel_size=2.5)
POINT = (3.0, -2.0, 5.0)


@attrs.frozen(slots=False, eq=False)
class Dosed(TiltSeries):
    doses: np.ndarray = attrs.field(converter=np.asarray, kw_only=True, metadata=PER_TILT)
    label: str = attrs.field(default="", kw_only=True)


DOSED = Dosed(IMAGES, GEOMETRY, doses=np.arange(5.0), label="lamella")


def files_in(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def save_stack(folder, *, voxel_size=2.5, name="tilts.st"):
    """Write a stack alone, with nothing beside it."""
    with mrcfile.new(folder / name, IMAGES) as file:
        file.set_image_stack()
        file.voxel_size = voxel_size
    return folder / name


def test_an_image_is_a_series_of_one():
    series = TiltSeries(IMAGES[0], GEOMETRY[:1])
    assert series.shape == (1, 6, 7)
    assert np.shares_memory(series.images, IMAGES)


def test_the_repr_shows_shapes():
    assert repr(SERIES).startswith("TiltSeries(images=(5, 6, 7) float32, geometry=TiltGeometry(")
    assert repr(SERIES).endswith("pixel_size=2.5)")


def test_counts_of_images_and_tilts_that_differ_are_refused():
    with pytest.raises(ValueError, match=r"expected 4 for images \(4, 6, 7\), got 5"):
        TiltSeries(IMAGES[:4], GEOMETRY)
    with pytest.raises(ValueError, match="expected 1 for images"):
        TiltSeries(IMAGES[0], GEOMETRY)


def test_objects_other_than_a_tilt_series_are_refused():
    with pytest.raises(TypeError, match="images must be real numbers, got dtype complex64"):
        TiltSeries(IMAGES.astype(np.complex64), GEOMETRY)
    with pytest.raises(ValueError, match=r"images must have 3 dimensions, got shape \(7,\)"):
        TiltSeries(IMAGES[0, 0], GEOMETRY[:1])
    with pytest.raises(TypeError, match="TiltGeometry"):
        TiltSeries(IMAGES, ANGLES)
    with pytest.raises(ValueError, match="pixel_size must be one positive number"):
        TiltSeries(IMAGES, GEOMETRY, pixel_size=0)


@pytest.mark.parametrize(
    ("index", "selected"),
    [
        (2, [2]),
        (-1, [4]),
        (slice(1, None, 2), [1, 3]),
        (slice(None, None, -1), [4, 3, 2, 1, 0]),
        (np.abs(ANGLES) > 4, [3, 4]),
        ([4, 0, 0], [4, 0, 0]),
    ],
)
def test_an_index_selects_images_and_every_field_of_the_same_tilts(index, selected):
    part = DOSED[index]
    assert np.array_equal(part.images, IMAGES[selected])
    assert part.geometry == GEOMETRY[selected]
    assert part.doses.tolist() == selected
    assert (type(part), part.label, part.pixel_size) == (Dosed, "lamella", 1.0)


@pytest.mark.parametrize("index", [5, [], slice(3, 3), [True, False], None, (0, 1), 1.5, "a"])
def test_an_index_that_selects_no_tilts_is_refused(index):
    with pytest.raises(IndexError, match=r"index .* 5 tilts"):
        SERIES[index]


def test_iterating_gives_the_tilts_one_by_one():
    assert [tilt.images[0, 0, 0] for tilt in SERIES] == IMAGES[:, 0, 0].tolist()


def test_sorting_keeps_images_and_tilts_together():
    ordered = DOSED.sort()
    assert np.allclose(ordered.geometry.tilt_angles, sorted(ANGLES))
    assert ordered.doses.tolist() == [4, 2, 0, 1, 3]
    assert np.array_equal(ordered.images, IMAGES[[4, 2, 0, 1, 3]])


def test_sorting_keeps_the_order_of_equal_angles():
    geometry = TiltGeometry.from_tilt_angles([3, 0] * 50)
    ordered = TiltSeries(np.arange(100).reshape(100, 1, 1), geometry).sort()
    assert ordered.images.ravel().tolist() == [*range(1, 100, 2), *range(0, 100, 2)]


@pytest.mark.parametrize("shape", [(64, 64), (65, 63), (66, 65)])
@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("pixel_size", [1.0, 1.25])
def test_binning_keeps_the_projection_of_every_point(shape, factor, pixel_size):
    geometry = TiltGeometry.from_tilt_angles(
        [-40, 0, 55], tilt_axis_angle=12, shifts=[[1.3, -2.0], [0, 0], [-3, 4]]
    )
    blob = GaussianBlobs([[5.0, -3.0, 4.0]], sigmas=4.0)
    binned = blob.tilt_series(geometry, shape, pixel_size=pixel_size).bin(factor)
    expected = binned.geometry.project_points(blob.centers[0])
    y, x = np.indices(binned.shape[1:])
    for image, point in zip(binned.images, expected, strict=True):
        u, v = (np.average(axis, weights=image) for axis in (x, y))
        center = np.array([u - binned.shape[2] // 2, v - binned.shape[1] // 2])
        assert np.allclose(center * binned.pixel_size, point, atol=1e-3)


def test_binning_takes_the_mean_of_each_block_over_the_factor():
    binned = DOSED.astype(np.int32).bin(2)
    assert (binned.shape, binned.dtype, binned.pixel_size) == ((5, 3, 3), np.float32, 2.0)
    assert binned.images[1, 2, 0] == IMAGES[1, 4:6, :2].mean() / 2
    assert binned.doses.tolist() == DOSED.doses.tolist()
    with pytest.raises(ValueError, match=r"factor must be at most 6 for \(6, 7\), got 7"):
        SERIES.bin(7)


@pytest.mark.parametrize("shape", [(64, 64), (65, 63)])
@pytest.mark.parametrize("factor", [2, 3])
def test_binned_images_are_those_of_larger_pixels(shape, factor):
    """A value is the line integral over the pixel size, so that densities stay what they are."""
    blob = GaussianBlobs([[5.0, -3.0, 4.0]], sigmas=9.0)
    binned = blob.tilt_series(GEOMETRY, shape).bin(factor)
    truth = blob.tilt_series(binned.geometry, binned.shape[1:], pixel_size=binned.pixel_size)
    assert np.abs(binned.images - truth.images).max() < 0.01 * truth.images.max()


image_boxes = st.tuples(*(st.integers(1, n) for n in (6, 7)))


@few
@given(image_boxes, st.data())
def test_cropping_keeps_every_pixel_and_the_projection_of_every_point(box, data):
    ranges = [(n // 2, size - (n + 1) // 2) for n, size in zip(box, (6, 7), strict=True)]
    center = data.draw(st.tuples(*(st.integers(low, high) for low, high in ranges)))
    series = DOSED.evolve(pixel_size=2.5)
    cropped = series.crop(box, center=center)
    top, left = (c - n // 2 for c, n in zip(center, box, strict=True))
    assert np.array_equal(cropped.images, IMAGES[:, top : top + box[0], left : left + box[1]])
    assert np.shares_memory(cropped.images, series.images)
    assert (cropped.pixel_size, cropped.doses.tolist()) == (2.5, DOSED.doses.tolist())
    places = [
        one.geometry.project_points(POINT) / 2.5 + np.array(one.shape[:0:-1]) // 2
        for one in (series, cropped)
    ]
    assert np.allclose(places[0] - [left, top], places[1])


@few
@given(st.tuples(*(st.integers(0, 3) for _ in range(2))))
def test_padding_keeps_the_center_and_the_shifts(more):
    padded = DOSED.pad(tuple(np.add((6, 7), more)), value=-1)
    assert padded.geometry == DOSED.geometry
    assert type(padded) is Dosed
    assert np.array_equal(
        padded.images[:, padded.shape[1] // 2, padded.shape[2] // 2], IMAGES[:, 3, 3]
    )
    assert (padded.images == -1).sum() == padded.size - DOSED.size
    assert np.array_equal(padded.crop((6, 7)).images, IMAGES)


def test_boxes_outside_the_images_are_refused():
    with pytest.raises(ValueError, match=r"inside the image \(6, 7\): the box .*use pad"):
        SERIES.crop((7, 7))
    with pytest.raises(ValueError, match=r"shape must be at least \(6, 7\).*use crop"):
        SERIES.pad((6, 6))
    with pytest.raises(ValueError, match="shape must be 2 positive integers"):
        SERIES.crop((5, 6, 7))
    with pytest.raises(ValueError, match=r"pixels must stay square: .* got \(2, 3\)"):
        SERIES.bin((2, 3))


@pytest.mark.parametrize("value", [0.5, 300, -1])
def test_padding_integer_images_with_an_unrepresentable_value_is_refused(value):
    series = TiltSeries(np.ones((1, 2, 2), np.uint8), GEOMETRY[:1])
    with pytest.raises(ValueError, match="value must fit"):
        series.pad((4, 4), value=value)


def test_the_grid_of_a_series_has_the_shape_and_pixel_size_of_its_images():
    assert SERIES.evolve(pixel_size=2.5).grid == ImageGrid((6, 7), pixel_size=2.5)


def test_normalizing_gives_every_image_mean_0_and_standard_deviation_1():
    normalized = SERIES.normalize()
    assert normalized.dtype == np.float32
    assert np.allclose(normalized.images.mean(axis=(1, 2)), 0, atol=1e-6)
    assert np.allclose(normalized.images.std(axis=(1, 2)), 1, atol=1e-6)


@pytest.mark.parametrize("value", [3.0, 0.1])
def test_a_flat_image_cannot_be_normalized_and_is_named(value):
    images = np.random.default_rng(0).normal(size=(5, 6, 6))
    images[3] = value
    with pytest.raises(ValueError, match=rf"images\[3\] cannot be .* all its values are {value}"):
        TiltSeries(images, GEOMETRY).normalize()


@pytest.mark.parametrize("name", ["tilts.st", "tilts.mrc", "tilts.st.gz", "tilts.mrcs.bz2"])
def test_a_series_survives_a_round_trip_through_files(tmp_path, name):
    path = DOSED.evolve(pixel_size=2.5).save(tmp_path / name)
    assert set(files_in(tmp_path)) == {name, "tilts.json", "tilts.rawtlt"}
    opened = Dosed.open(path, doses=DOSED.doses)
    assert type(opened) is Dosed
    assert np.array_equal(opened.images, IMAGES)
    assert opened.geometry == GEOMETRY
    assert opened.pixel_size == 2.5
    assert np.allclose(np.loadtxt(tmp_path / "tilts.rawtlt"), ANGLES)


def test_a_series_survives_pickling():
    copied = pickle.loads(pickle.dumps(DOSED))
    assert np.array_equal(copied.images, IMAGES)
    assert (copied.geometry, copied.label) == (GEOMETRY, "lamella")
    assert copied[1].doses.tolist() == [1.0]


def test_the_geometry_is_looked_for_as_json_then_tlt_then_rawtlt(tmp_path):
    path = save_stack(tmp_path)
    with pytest.raises(ValueError, match=r"no tilt angles beside .*tilts\.st \(\.json, \.tlt"):
        TiltSeries.open(path)
    for start, suffix in ((1, ".rawtlt"), (2, ".tlt")):
        np.savetxt(tmp_path / f"tilts{suffix}", np.arange(start, start + 5))
        opened = TiltSeries.open(path, tilt_axis_angle=85)
        assert opened.geometry.tilt_angles[0] == pytest.approx(start)
        assert np.allclose(opened.geometry.tilt_axis_angles, 85)
    GEOMETRY.to_json(tmp_path / "tilts.json")
    assert TiltSeries.open(path).geometry == GEOMETRY


@pytest.mark.parametrize("kind", [str, Path])
def test_the_geometry_can_be_given_or_named(tmp_path, kind):
    path = save_stack(tmp_path)
    GEOMETRY.to_json(tmp_path / "other.json")
    np.savetxt(tmp_path / "other.tlt", ANGLES)
    for geometry in (GEOMETRY, kind(tmp_path / "other.json")):
        assert TiltSeries.open(path, geometry=geometry).geometry == GEOMETRY
    for angles in (ANGLES, kind(tmp_path / "other.tlt")):
        opened = TiltSeries.open(path, geometry=angles, tilt_axis_angle=0)
        assert np.allclose(opened.geometry.tilt_angles, ANGLES)
    with pytest.raises(ValueError, match="pass either geometry or tilt_axis_angle"):
        TiltSeries.open(path, geometry=GEOMETRY, tilt_axis_angle=3)
    (tmp_path / "other.tlt").rename(tmp_path / "other.txt")
    opened = TiltSeries.open(
        path, geometry=kind(tmp_path / "other.txt"), format="angles", tilt_axis_angle=0
    )
    assert np.allclose(opened.geometry.tilt_angles, ANGLES)
    with pytest.raises(
        TypeError,
        match=r"TiltSeries\.open has no option aligned; .* reader options only with a path",
    ):
        TiltSeries.open(path, geometry=GEOMETRY, aligned=True)
    with pytest.raises(TypeError, match="unknown option aligned: json files have"):
        TiltSeries.open(path, geometry=kind(tmp_path / "other.json"), aligned=True)


@pytest.mark.parametrize("suffix", [".json", ".tlt", ".mdoc"])
def test_a_folder_with_one_geometry_is_opened(tmp_path, suffix):
    path = save_stack(tmp_path)
    folder = tmp_path / "folder"
    folder.mkdir()
    if suffix == ".json":
        GEOMETRY.to_json(folder / "a.json")
    elif suffix == ".tlt":
        np.savetxt(folder / "a.tlt", ANGLES)
    else:
        lines = [f"[ZValue = {i}]\nTiltAngle = {angle}\n" for i, angle in enumerate(ANGLES)]
        (folder / "a.mdoc").write_text("PixelSpacing = 2\n\n" + "\n".join(lines))
    axis = None if suffix == ".json" else 0
    opened = TiltSeries.open(path, geometry=folder, tilt_axis_angle=axis)
    assert np.allclose(opened.geometry.tilt_angles, ANGLES)


def test_tomogram_sizes_are_options_of_every_format(tmp_path):
    path = save_stack(tmp_path)
    np.savetxt(tmp_path / "other.tlt", ANGLES)
    sizes = {"volume_shape": (8, 8, 8), "voxel_size": 2.0}
    opened = TiltSeries.open(path, geometry=tmp_path / "other.tlt", tilt_axis_angle=0, **sizes)
    assert np.allclose(opened.geometry.tilt_angles, ANGLES)


@pytest.mark.parametrize("wrong", [np.zeros((2, 2)), 3.0, Volume(np.zeros((2, 2, 2)))])
def test_objects_other_than_a_geometry_are_refused_by_open(tmp_path, wrong):
    with pytest.raises(ValueError, match="geometry must be a TiltGeometry, an Alignment, tilt"):
        TiltSeries.open(save_stack(tmp_path), geometry=wrong)


def test_different_numbers_of_tilts_and_images_name_both_files(tmp_path):
    path = save_stack(tmp_path)
    np.savetxt(tmp_path / "tilts.rawtlt", ANGLES[:4])
    with pytest.raises(ValueError, match=r"tilts\.st has 5 images, but .*tilts\.rawtlt has 4 tilt"):
        TiltSeries.open(path)
    with pytest.raises(ValueError, match=r"tilts\.st has 5 images, but geometry has 3 tilts"):
        TiltSeries.open(path, geometry=ANGLES[:3])


def test_an_unknown_pixel_size_is_one_angstrom_unless_passed(tmp_path):
    path = save_stack(tmp_path, voxel_size=0.0)
    with pytest.warns(
        UserWarning, match=r"no pixel size in the header; assuming 1 Å\. Pass pixel_size="
    ) as caught:
        assert TiltSeries.open(path, geometry=GEOMETRY).pixel_size == 1.0
    assert len(caught) == 1
    assert TiltSeries.open(path, geometry=GEOMETRY, pixel_size=4).pixel_size == 4.0


def test_pixels_that_are_not_square_are_refused_unless_their_size_is_passed(tmp_path):
    path = save_stack(tmp_path, voxel_size=(2.0, 2.5, 1.0))
    with pytest.raises(ValueError, match=r"tilts\.st has pixels of 2 x 2\.5 Å"):
        TiltSeries.open(path, geometry=GEOMETRY)
    assert TiltSeries.open(path, geometry=GEOMETRY, pixel_size=2).pixel_size == 2.0


@pytest.mark.parametrize("name", ["tilts.st", "tilts.json", "tilts.rawtlt"])
def test_a_series_is_not_written_where_one_of_its_files_exists(tmp_path, name):
    (tmp_path / name).write_text("old")
    with pytest.raises(FileExistsError, match=rf"{name} already exists; pass overwrite=True"):
        SERIES.save(tmp_path / "tilts.st")
    assert files_in(tmp_path) == {name: b"old"}
    SERIES.save(tmp_path / "tilts.st", overwrite=True)
    assert TiltSeries.open(tmp_path / "tilts.st").geometry == GEOMETRY


def test_a_failure_while_the_stack_is_written_leaves_all_files_as_they_were(tmp_path):
    series = TiltSeries(np.full((5, 2, 2), 1e300), GEOMETRY)
    with pytest.raises(ValueError, match="data must fit into float32"):
        series.save(tmp_path / "tilts.st")
    assert files_in(tmp_path) == {}
    SERIES.save(tmp_path / "tilts.st")
    old = files_in(tmp_path)
    with pytest.raises(ValueError, match="data must fit into float32"):
        series.save(tmp_path / "tilts.st", overwrite=True)
    assert files_in(tmp_path) == old


def test_another_suffix_is_refused_before_any_file_is_written(tmp_path):
    with pytest.raises(ValueError, match=r"tilts\.tif must end with one of"):
        SERIES.save(tmp_path / "tilts.tif")
    assert files_in(tmp_path) == {}


def test_an_animation_is_written(tmp_path):
    path = SERIES.to_gif(tmp_path / "tilts.gif", fps=5)
    assert path.read_bytes()[:6] == b"GIF89a"


def test_a_slice_of_tilts_is_a_view():
    tilts = TiltSeries(np.zeros((4, 3, 3)), TiltGeometry.from_tilt_angles([0, 1, 2, 3]))
    assert np.shares_memory(tilts[1:3].images, tilts.images)


def test_series_of_different_tilts_are_not_added():
    tilts = TiltSeries(np.zeros((2, 3, 3)), TiltGeometry.from_tilt_angles([5, -5]))
    with pytest.raises(ValueError, match="geometries differ"):
        tilts.sort() - tilts


@pytest.mark.parametrize("index", [(slice(None), slice(1, 3)), (0, 0), (..., slice(2, 4))], ids=str)
def test_an_index_of_rows_or_columns_says_what_cuts_windows(index):
    with pytest.raises(
        IndexError, match=r"must select from 5 tilts, got .* pass a list .* use crop"
    ):
        SERIES[index]


def test_a_slice_of_tilts_and_one_tilt_are_tilt_series():
    for index, tilts in (
        (slice(3, 5), [3, 4]),
        (2, [2]),
        (-1, [4]),
        ((slice(1),), [0]),
        (..., range(5)),
    ):
        part = SERIES[index]
        assert type(part) is TiltSeries
        assert np.array_equal(part.images, IMAGES[list(tilts)])
        assert part.geometry == GEOMETRY[list(tilts)]
