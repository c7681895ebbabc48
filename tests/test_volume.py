import pickle

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from libtilt import GaussianBlobs, ImageGrid, Projector, TiltGeometry, Volume, VolumeGrid

few = settings(derandomize=True, deadline=None, max_examples=25)
DATA = np.arange(5 * 7 * 6, dtype=np.int16).reshape(5, 7, 6)
VOLUME = Volume(DATA, voxel_size=(1.5, 2.0, 0.5), origin=(10, -20, 30))
CENTER = (100.0, -30.5, 7.25)
BESIDE = Volume(DATA, voxel_size=(1.5, 2.0, 0.5), center=CENTER)
TURN = Rotation.from_euler("zyx", [25, -40, 15], degrees=True)


def windows(volume):
    """Volumes made of parts of another one, none of whose values are new."""
    return {
        "crop": volume.crop((3, 4, 2), center=(3, 2, 4)),
        "slice": volume[1:, 2:5, :3],
        "step": volume[::2, 1::3, 1::2],
        "ellipsis": volume[..., 2:],
        "pad": volume.pad((8, 8, 7), value=-1),
        "whole": volume[:],
    }


@attrs.frozen(slots=False, eq=False)
class Labeled(Volume):
    label: str = attrs.field(default="", kw_only=True)


def positions(volume):
    """Where each voxel lies: x, y, z in angstroms, shape (d, h, w, 3)."""
    indices = np.stack(np.indices(volume.shape)[::-1], axis=-1)
    return volume.origin + indices * volume.voxel_size


def position_of(volume, value):
    return positions(volume)[volume.data == value][0]


def central_value(volume):
    return volume.data[tuple(n // 2 for n in volume.shape)]


def center_of_mass(volume):
    """From the rotation center, x, y, z in angstroms."""
    middle = positions(volume)[tuple(n // 2 for n in volume.shape)]
    return np.average((positions(volume) - middle).reshape(-1, 3), axis=0, weights=volume.data.flat)


def test_data_are_held_read_only_and_without_a_copy():
    assert np.shares_memory(VOLUME.data, DATA)
    assert not VOLUME.data.flags.writeable
    assert not VOLUME.voxel_size.flags.writeable
    assert VOLUME[2, 3].tolist() == DATA[2, 3].tolist()


def test_the_metadata_are_copies():
    origin = np.zeros(3)
    volume = Volume(DATA, origin=origin)
    origin[0] = 1
    assert volume.origin.tolist() == [0, 0, 0]


def test_the_repr_shows_shapes_and_no_numbers_of_the_data():
    assert repr(VOLUME) == (
        "Volume(data=(5, 7, 6) int16, voxel_size=[1.5, 2.0, 0.5], center=[0.0, 0.0, 0.0])"
    )


def test_a_default_volume_has_voxels_of_one_angstrom_about_the_rotation_center():
    assert Volume(DATA).voxel_size.tolist() == [1, 1, 1]
    assert Volume(DATA).center.tolist() == [0, 0, 0]
    assert Volume(DATA).origin.tolist() == [-3, -3, -2]


@pytest.mark.parametrize(("sizes", "text"), [(2.5, "2.5 Å"), ((1.5, 2, 0.5), "1.5 x 2 x 0.5 Å")])
def test_a_notebook_shows_shape_type_and_voxel_size(sizes, text):
    shown = Volume(DATA, voxel_size=sizes)._repr_html_()
    assert "voxel size (x, y, z)" in shown
    assert f">{text}<" in shown
    assert "int16" in shown


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (DATA * 1j, TypeError, "data must be real numbers, got dtype complex128; take the real"),
        (DATA.astype(object), TypeError, "data must be real numbers, got dtype object"),
        (DATA[0], ValueError, r"data must have 3 dimensions, got shape \(7, 6\)"),
        (DATA[:0], ValueError, r"data must not be empty, got shape \(0, 7, 6\)"),
    ],
)
def test_objects_other_than_a_volume_are_refused(data, error, message):
    with pytest.raises(error, match=message):
        Volume(data)


@pytest.mark.parametrize("name", ["origin", "center"])
@pytest.mark.parametrize("value", [0, (1, 2), (1, 2, 3, 4), [[1, 2, 3]], [[3], [2], [1]]])
def test_an_origin_and_a_center_are_three_numbers(name, value):
    with pytest.raises(ValueError, match=f"{name} must be three numbers x, y, z"):
        Volume(DATA, **{name: value})


boxes = st.tuples(*(st.integers(1, n) for n in DATA.shape))


@few
@given(boxes, st.data())
def test_cropping_keeps_every_feature_at_its_position(box, data):
    ranges = [(n // 2, size - (n + 1) // 2) for n, size in zip(box, DATA.shape, strict=True)]
    center = data.draw(st.tuples(*(st.integers(low, high) for low, high in ranges)))
    cropped = VOLUME.crop(box, center=center)
    assert cropped.shape == box
    assert central_value(cropped) == DATA[center]
    assert np.shares_memory(cropped.data, DATA)
    for value in (cropped.data[0, 0, 0], cropped.data[-1, -1, -1]):
        assert np.allclose(position_of(cropped, value), position_of(VOLUME, value))


@few
@given(boxes, st.tuples(*(st.integers(0, 3) for _ in range(3))))
def test_cropping_and_padding_keep_the_center(box, more):
    cropped = VOLUME.crop(box)
    assert central_value(cropped) == central_value(VOLUME)
    padded = VOLUME.pad(tuple(np.add(VOLUME.shape, more)), value=-1)
    assert central_value(padded) == central_value(VOLUME)
    assert np.allclose(position_of(padded, 0), VOLUME.origin)
    assert (padded.data == -1).sum() == padded.size - DATA.size
    again = padded.crop(VOLUME.shape)
    assert np.array_equal(again.data, DATA)
    assert np.allclose(again.origin, VOLUME.origin)


def test_boxes_outside_the_volume_are_refused():
    with pytest.raises(ValueError, match=r"inside the volume \(5, 7, 6\): the box .*use pad"):
        VOLUME.crop((6, 7, 6))
    with pytest.raises(ValueError, match=r"from \(-1, 0, 0\) to \(4, 7, 6\)"):
        VOLUME.crop((5, 7, 6), center=(1, 3, 3))
    with pytest.raises(ValueError, match=r"shape must be at least \(5, 7, 6\).*use crop"):
        VOLUME.pad((5, 7, 5))
    with pytest.raises(ValueError, match="shape must be 3 positive integers"):
        VOLUME.crop((5, 7))


@pytest.mark.parametrize("center", [(2, 3), (2.5, 3, 3), 3, "abc"])
def test_the_center_of_a_box_is_three_integers(center):
    with pytest.raises(ValueError, match="center must be 3 integers, an index, got"):
        VOLUME.crop((1, 1, 1), center=center)


@pytest.mark.parametrize("factor", [1, 2, 3, 5])
def test_binning_keeps_every_feature_at_its_position(factor):
    for axis in range(3):
        ramp = VOLUME.evolve(data=positions(VOLUME)[..., axis])
        binned = ramp.bin(factor)
        assert binned.shape == tuple(n // factor for n in VOLUME.shape)
        assert np.allclose(binned.data, positions(binned)[..., axis])


def test_binning_takes_the_mean_of_each_block():
    binned = VOLUME.bin(2)
    assert binned.dtype == np.float32
    assert binned.voxel_size.tolist() == [3, 4, 1]
    for z, y, x in np.ndindex(binned.shape):
        block = DATA[2 * z : 2 * z + 2, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2]
        assert binned.data[z, y, x] == block.mean()


@pytest.mark.parametrize(
    ("factor", "message"), [(0, "factor must be a positive"), (6, "factor must be at most 5 for")]
)
def test_an_invalid_binning_factor_is_refused(factor, message):
    with pytest.raises(ValueError, match=message):
        VOLUME.bin(factor)


@pytest.mark.parametrize("order", [0, 1, 3])
@pytest.mark.parametrize("axis", ["x", "y", "z"])
@pytest.mark.parametrize("degrees", [90, -90, 180])
def test_a_right_angle_moves_the_voxel_at_p_to_r_p(axis, degrees, order):
    volume = Volume(np.random.default_rng(0).normal(size=(5, 5, 5)))
    rotation = Rotation.from_euler(axis, degrees, degrees=True)
    turned = volume.rotate(rotation, order=order)
    p = np.stack(np.indices((5, 5, 5))[::-1], axis=-1).reshape(-1, 3) - 2
    moved = np.rint(rotation.apply(p)).astype(int) + 2
    start = p + 2
    assert np.allclose(
        turned.data[tuple(moved.T[::-1])], volume.data[tuple(start.T[::-1])], atol=1e-9
    )


@pytest.mark.parametrize("order", [0, 1, 3])
def test_the_identity_rotation_leaves_the_volume_unchanged(order):
    turned = VOLUME.astype(np.float32).rotate(np.eye(3), order=order)
    assert turned.dtype == np.float32
    assert np.allclose(turned.data, DATA, atol=1e-3)
    assert np.array_equal(turned.origin, VOLUME.origin)


@pytest.mark.parametrize("voxel_size", [1.0, (1.0, 1.3, 0.8)])
@pytest.mark.parametrize("shape", [(40, 40, 40), (41, 37, 40)])
def test_a_rotation_moves_a_blob_to_its_rotated_center(voxel_size, shape):
    center = np.array([3.0, 5.0, -4.0])
    volume = GaussianBlobs([center], sigmas=2.0).volume(shape, voxel_size=voxel_size)
    turned = volume.rotate(TURN)
    assert np.allclose(center_of_mass(turned), TURN.apply(center), atol=1e-3)


def test_a_rotation_and_its_inverse_cancel():
    volume = GaussianBlobs.random((32, 32, 32), n=8, seed=3, sigmas=(2, 3)).volume((32, 32, 32))
    again = volume.rotate(TURN, order=3).rotate(TURN.inv().as_matrix(), order=3)
    assert np.abs(again.data - volume.data).max() < 0.01 * volume.data.max()


def test_objects_other_than_one_rotation_are_refused():
    with pytest.raises(ValueError, match="rotation must be one rotation, got 2"):
        VOLUME.rotate(Rotation.random(2, random_state=0))
    with pytest.raises(ValueError, match="rotation"):
        VOLUME.rotate(2 * np.eye(3))
    with pytest.raises(ValueError, match="order must be one of 0, 1, 3, got 2"):
        VOLUME.rotate(TURN, order=2)
    with pytest.raises(ValueError, match="data has 1 NaN"):
        Volume(np.where(DATA == 0, np.nan, DATA)).rotate(TURN)


@pytest.mark.parametrize(("dtype", "computed"), [("int16", "float32"), ("float64", "float64")])
def test_normalizing_gives_mean_0_and_standard_deviation_1(dtype, computed):
    normalized = VOLUME.astype(dtype).normalize()
    assert normalized.dtype == computed
    assert abs(normalized.data.mean()) < 1e-6
    assert abs(normalized.data.std() - 1) < 1e-6
    assert np.array_equal(np.argsort(normalized.data, axis=None), np.arange(DATA.size))


@pytest.mark.parametrize("value", [3.0, 0.1])
def test_a_flat_volume_cannot_be_normalized(value):
    with pytest.raises(ValueError, match=f"data cannot be normalized: all values are {value}"):
        Volume(np.full((4, 4, 4), value)).normalize()


def test_central_slices_meet_in_the_center():
    xy, xz, yz = VOLUME.central_slices
    assert (xy.shape, xz.shape, yz.shape) == ((7, 6), (5, 6), (5, 7))
    assert xy[3, 3] == xz[2, 3] == yz[2, 3] == central_value(VOLUME)
    assert np.array_equal(VOLUME.central_slices.xz, DATA[:, 3, :])


def places_of_values(volume):
    """Where each value lies in the specimen, and in the frame of its file."""
    indices = np.stack(np.indices(volume.shape), axis=-1)
    places = np.concatenate([volume.grid.positions(indices), positions(volume)], axis=-1)
    return dict(zip(volume.data.ravel().tolist(), places.reshape(-1, 6), strict=True))


@pytest.mark.parametrize("volume", [BESIDE, VOLUME.evolve(center=CENTER)], ids=["own", "file"])
@pytest.mark.parametrize("name", list(windows(VOLUME)))
def test_every_value_keeps_its_position_in_the_specimen_and_in_the_file(volume, name):
    part = windows(volume)[name]
    before, after = places_of_values(volume), places_of_values(part)
    known = [value for value in after if value >= 0]
    assert len(known) == min(part.size, volume.size)
    for value in known:
        assert np.allclose(after[value], before[value], rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["crop", "slice", "step", "ellipsis", "whole"])
def test_slices_of_a_volume_are_views(name):
    assert np.shares_memory(windows(BESIDE)[name].data, DATA)


@pytest.mark.parametrize("factor", [2, 3, (1, 2, 3), (5, 1, 2)])
def test_binning_keeps_positions_in_the_specimen_and_moves_the_origin(factor):
    for volume in (BESIDE, VOLUME.evolve(center=CENTER)):
        binned = volume.bin(factor)
        assert binned.grid == volume.grid.bin(factor)
        for axis in range(3):
            where = volume.grid.positions(np.stack(np.indices(volume.shape), axis=-1))
            ramp = volume.evolve(data=where[..., axis]).bin(factor)
            expected = binned.grid.positions(np.stack(np.indices(binned.shape), axis=-1))
            assert np.allclose(ramp.data, expected[..., axis])
        assert np.allclose(
            binned.origin - volume.origin, binned.grid.origin - volume.grid.origin, atol=1e-12
        )


def test_a_binning_factor_may_differ_by_axis():
    binned = VOLUME.bin((1, 2, 3))
    assert (binned.shape, binned.voxel_size.tolist()) == ((5, 3, 2), [4.5, 4.0, 0.5])
    assert binned.data[4, 1, 0] == DATA[4, 2:4, :3].mean()


def test_the_default_origin_is_in_the_specimen_frame():
    assert np.array_equal(BESIDE.origin, BESIDE.grid.origin)
    assert np.array_equal(BESIDE.origin, np.subtract(CENTER, [3 * 1.5, 3 * 2.0, 2 * 0.5]))
    assert np.array_equal(BESIDE.evolve(center=(0, 0, 0)).origin, [-4.5, -6.0, -1.0])


def test_indices_other_than_slices_give_plain_numbers():
    assert isinstance(BESIDE[1:], Volume)
    assert isinstance(BESIDE[...], Volume)
    for index in (2, (1, 2), (slice(None), 3), [0, 2], DATA > 5, None, (slice(None), [1, 2])):
        assert type(BESIDE[index]) is np.ndarray
        assert np.array_equal(BESIDE[index], DATA[index])
    assert BESIDE[1, 2, 3] == DATA[1, 2, 3]


@pytest.mark.parametrize("index", [np.s_[::-1], np.s_[:, 3:1:-1], np.s_[5:], np.s_[:, :, 3:3]])
def test_mirrored_and_empty_parts_are_refused(index):
    with pytest.raises(IndexError, match=r"positive steps|must select at least one"):
        BESIDE[index]


@pytest.mark.parametrize("order", [0, 1, 3])
def test_a_crop_resampled_onto_the_whole_is_exact(order):
    whole = BESIDE.astype(np.float32)
    part = whole[1:4, 2:, :3]
    again = part.resample(whole, order=order, fill=-7)
    assert again.grid == whole.grid
    assert again.dtype == np.float32
    assert np.array_equal(again.data[1:4, 2:, :3], part.data)
    assert (again.data == -7).sum() == whole.size - part.size
    assert np.array_equal(whole.resample(part.grid, order=order).data, part.data)


@pytest.mark.parametrize(("order", "most"), [(0, 0.2), (1, 0.03), (3, 0.001)])
def test_resampling_agrees_with_the_phantom_on_the_other_grid(order, most):
    blobs = GaussianBlobs([[2.0, 1.0, -1.0], [-3.0, 2.5, 1.5]], sigmas=[3.5, 4.0])
    volume = blobs.volume((40, 42, 44), center=(0.3, -0.2, 1.1))
    target = VolumeGrid((17, 15, 16), voxel_size=(1.3, 0.9, 1.7), center=(0.7, -0.4, 0.2))
    resampled = volume.resample(target, order=order)
    truth = blobs.volume(target.shape, voxel_size=target.voxel_size, center=target.center)
    assert resampled.grid == target
    assert np.abs(resampled.data - truth.data).max() < most * truth.data.max()


@pytest.mark.parametrize("order", [1, 3])
def test_every_second_voxel_has_the_value_of_the_whole(order):
    size, center = 2.6471444097456716, (-275.41588563828316, -290.08341868288255, 187.96214352)
    data = np.random.default_rng(0).uniform(1, 2, size=(21, 21, 21))
    whole = Volume(data, voxel_size=size, center=center)
    every_second = whole[::2, ::2, ::2]
    resampled = whole.resample(every_second, order=order)
    assert np.allclose(resampled.data, every_second.data, rtol=0, atol=1e-9)


@pytest.mark.parametrize("order", [0, 1, 3])
def test_resampling_far_away_gives_the_fill(order):
    far = VolumeGrid((3, 3, 3), center=(1e4, 0, 0))
    assert (BESIDE.resample(far, order=order, fill=2.5).data == 2.5).all()
    assert (BESIDE.resample(attrs.evolve(far, voxel_size=1.1), order=order).data == 0).all()


def test_resampling_moves_the_origin_of_a_file():
    volume = VOLUME.evolve(center=CENTER)
    target = VolumeGrid((4, 4, 4), voxel_size=0.75, center=(99, -30, 7))
    moved = volume.resample(target).origin - volume.origin
    assert np.allclose(moved, target.origin - volume.grid.origin, atol=1e-12)


def test_resampling_refuses_objects_other_than_grids():
    with pytest.raises(TypeError, match="grid must be a VolumeGrid or a Volume, got tuple"):
        VOLUME.resample((4, 4, 4))
    with pytest.raises(ValueError, match="order must be one of 0, 1, 3, got 2"):
        VOLUME.resample(VOLUME, order=2)
    with pytest.raises(ValueError, match="data has 1 NaN"):
        Volume(np.where(DATA == 0, np.nan, DATA)).resample(VOLUME)


def test_resampled_volumes_can_be_compared():
    other = BESIDE[1:, :, 2:]
    with pytest.raises(ValueError, match=r"shapes differ"):
        BESIDE - other
    assert not (BESIDE[1:, :, 2:] - other).data.any()
    resampled = BESIDE.resample(other)
    assert not (resampled - other).data.any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"center": (100.0, -30.5, 8.25)}, "centers differ"),
        ({"voxel_size": (1.5, 2.0, 0.6)}, "voxel sizes differ"),
    ],
)
def test_volumes_at_different_places_are_not_combined(change, message):
    with pytest.raises(ValueError, match=rf"{message}.*use numpy\.asarray on one of them"):
        BESIDE + BESIDE.evolve(**change)
    assert (BESIDE + np.asarray(BESIDE)).center.tolist() == list(CENTER)


def test_an_origin_does_not_keep_volumes_from_being_combined():
    assert not (BESIDE - BESIDE.evolve(origin=(1, 2, 3))).data.any()


@pytest.mark.parametrize("center", [(0.0, 0.0, 0.0), (4.0, -3.0, 2.5)])
def test_an_off_center_volume_rotates_about_the_rotation_center(center):
    place = np.array([5.0, 2.0, -4.0])
    volume = GaussianBlobs([place], sigmas=2.0).volume((41, 40, 42), center=center)
    turned = volume.rotate(TURN)
    assert np.array_equal(turned.center, center)
    where = volume.grid.positions(np.stack(np.indices(volume.shape), axis=-1)).reshape(-1, 3)
    seen = np.average(where, axis=0, weights=turned.data.ravel())
    assert np.allclose(seen, TURN.apply(place), atol=1e-3)


def test_a_crop_rotates_like_the_whole():
    whole = Volume(np.random.default_rng(4).normal(size=(10, 11, 12)), voxel_size=(1.5, 2.0, 0.9))
    part = whole[1:8, 4:, :9]
    alone = part.resample(whole)
    expected = alone.rotate(TURN).resample(part)
    assert np.abs(expected.data).max() > 0.5
    assert np.allclose(part.rotate(TURN).data, expected.data, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "method",
    [
        lambda volume: volume.crop((2, 2, 2)),
        lambda volume: volume.pad((8, 8, 8)),
        lambda volume: volume.bin(2),
        lambda volume: volume[1:, ::2],
        lambda volume: volume.resample(VolumeGrid((3, 3, 3))),
        lambda volume: volume.rotate(TURN),
        lambda volume: volume.normalize(),
        lambda volume: 2 * volume - 1,
        lambda volume: volume.astype(np.float64),
    ],
)
def test_a_subclass_and_its_fields_are_kept(method):
    result = method(Labeled(DATA, voxel_size=2.0, label="ribosome"))
    assert type(result) is Labeled
    assert result.label == "ribosome"


@pytest.mark.parametrize(
    "method",
    [
        lambda volume: volume.rotate(TURN),
        lambda volume: volume.normalize(),
        lambda volume: 2 * volume - 1,
        lambda volume: volume.astype(np.float64),
        lambda volume: volume.evolve(data=DATA + 1),
        lambda volume: attrs.evolve(volume, data=DATA + 1),
        lambda volume: volume.pad((8, 8, 8)),
        lambda volume: volume.crop((2, 2, 2)),
        lambda volume: pickle.loads(pickle.dumps(volume)),
    ],
)
@pytest.mark.parametrize("origin", [None, (1.0, 2.0, 3.0)])
def test_the_center_is_kept(method, origin):
    result = method(Labeled(DATA, voxel_size=2.0, center=CENTER, origin=origin))
    assert result.center.tolist() == list(CENTER)
    assert not result.center.flags.writeable
    middle = result.voxel_size * (np.array(result.shape[::-1]) // 2)
    shift = np.zeros(3) if origin is None else np.subtract(origin, np.subtract(CENTER, [6, 6, 4]))
    assert np.allclose(result.origin, CENTER - middle + shift, atol=1e-12)


@pytest.mark.parametrize("name", ["map.mrc", "map.mrc.gz", "map.rec.bz2"])
@pytest.mark.parametrize("center", [CENTER, (1 / 3, -2e3 / 7, 1e-5), (0.0, 0.0, 0.0)])
def test_the_center_survives_a_round_trip_through_a_file(tmp_path, name, center):
    volume = Volume(DATA, voxel_size=(1.5, 2.0, 0.5), center=center)
    opened = Volume.open(volume.save(tmp_path / name))
    assert np.allclose(opened.center, center, rtol=0, atol=1e-6)
    assert np.allclose(opened.origin, volume.origin, rtol=1e-6)
    assert opened.grid.describe_difference(volume.grid) == ""
    assert np.array_equal(opened[1:, ::2].center, volume[1:, ::2].center - center + opened.center)


def test_center_and_origin_both_survive_a_round_trip_through_a_file(tmp_path):
    volume = VOLUME.evolve(center=CENTER)
    opened = Volume.open(volume.save(tmp_path / "map.mrc"))
    assert np.allclose(opened.center, CENTER, rtol=0, atol=1e-5)
    assert opened.origin.tolist() == [10, -20, 30]


def test_given_arguments_override_the_file(tmp_path):
    path = BESIDE.save(tmp_path / "map.mrc")
    opened = Volume.open(path, center=(1, 2, 3), origin=(4, 5, 6))
    assert (opened.center.tolist(), opened.origin.tolist()) == ([1, 2, 3], [4, 5, 6])


def test_a_volume_survives_a_round_trip_through_a_file(tmp_path):
    path = Labeled(DATA, voxel_size=VOLUME.voxel_size, origin=VOLUME.origin).save(
        tmp_path / "map.mrc"
    )
    opened = Labeled.open(path, label="ribosome")
    assert (type(opened), opened.label) == (Labeled, "ribosome")
    assert opened.dtype == np.int16
    assert np.array_equal(opened.data, DATA)
    assert np.array_equal(opened.voxel_size, VOLUME.voxel_size)
    assert np.array_equal(opened.origin, VOLUME.origin)
    with pytest.raises(FileExistsError, match=r"map\.mrc already exists; pass overwrite=True"):
        VOLUME.save(path)
    assert VOLUME.bin(2).save(path, overwrite=True) == path
    assert Volume.open(path).shape == (2, 3, 3)


@pytest.mark.parametrize("look", ["slices", "spin"])
def test_animations_of_a_volume_are_written(tmp_path, look):
    path = VOLUME.to_gif(tmp_path / "map.gif", look=look)
    assert path.read_bytes()[:6] == b"GIF89a"


@pytest.mark.parametrize("value", [0.5, np.nan, 300, -1])
def test_padding_an_integer_volume_with_an_unrepresentable_value_is_refused(value):
    volume = Volume(np.ones((2, 2, 2), np.uint8))
    with pytest.raises(ValueError, match="value must fit into the volume's type uint8"):
        volume.pad((4, 4, 4), value=value)


def test_padding_a_float_volume_with_nan_is_accepted():
    assert np.isnan(Volume(np.ones((2, 2, 2))).pad((3, 3, 3), value=np.nan).data).sum() == 19


def test_a_layer_has_the_spacings_of_its_axes():
    volume = Volume(np.zeros((2, 3, 4)), voxel_size=(1.5, 2.5, 3.5))
    assert volume.to_layer_data()[1]["scale"] == (3.5, 2.5, 1.5)


@pytest.mark.parametrize(
    "index",
    [
        *(slice(3, 5), slice(None, None, 2), slice(-2, None), slice(1, 99), Ellipsis),
        *((slice(1, 3), slice(2, 5), slice(1, 6, 2)), (slice(2), Ellipsis, slice(1, None))),
        *((Ellipsis, slice(2, None)), (slice(4, 5), slice(6, 7), slice(5, 6)), ()),
    ],
    ids=str,
)
def test_slices_with_positive_steps_give_a_volume_in_its_place(index):
    part = BESIDE[index]
    assert type(part) is Volume
    assert np.array_equal(part, DATA[index])
    assert np.shares_memory(part.data, DATA)
    inside = np.stack([places[index] for places in np.indices(DATA.shape)], axis=-1)
    assert np.allclose(
        part.grid.positions(np.indices(part.shape).reshape(3, -1).T),
        BESIDE.grid.positions(inside.reshape(-1, 3)),
    )
    assert np.allclose(part.origin, BESIDE.grid.positions(inside.reshape(-1, 3)[0]))
    middle = tuple(n // 2 for n in part.shape)
    assert np.allclose(part.center, BESIDE.grid.positions(inside[middle]))


@pytest.mark.parametrize(
    "index",
    [
        *(3, -1, np.int64(2), (3, slice(2, 5)), (slice(None), 2), (Ellipsis, 1), (1, 2, 3)),
        *([0, 2], DATA > 50, np.array([True, False, True, False, True]), None, (0, Ellipsis)),
    ],
    ids=str,
)
def test_integers_masks_and_arrays_give_plain_numbers(index):
    part = VOLUME[index]
    assert isinstance(part, np.ndarray | np.generic)
    assert part.shape == DATA[index].shape
    assert np.array_equal(part, DATA[index])


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (slice(None, None, -1), "positive steps, since mirroring a grid changes its handedness"),
        (slice(3, 3), r"at least one element of \(5, 7, 6\)"),
        ((slice(None),) * 4, "slices, at most 3"),
        ((Ellipsis, Ellipsis), "slices, at most 3"),
        (5, "out of bounds"),
    ],
    ids=str,
)
def test_indices_without_a_place_are_refused(index, message):
    with pytest.raises(IndexError, match=message):
        VOLUME[index]


def test_a_part_of_a_volume_projects_where_it_lies():
    volume = GaussianBlobs.random((12, 12, 12), n=5, seed=0).volume((12, 12, 12))
    projector = Projector(TiltGeometry.from_tilt_angles([-30, 20]), image_grid=ImageGrid((12, 12)))
    parts = [
        projector @ volume[:5, :, 2:],
        projector @ volume[5:, :, 2:],
        projector @ volume[..., :2],
    ]
    assert np.allclose(sum(parts[1:], parts[0]), projector @ volume, atol=1e-5)
