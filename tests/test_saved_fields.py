"""Fields that subclasses add are saved with the geometry and beside a stack, and opened again."""

import pickle
import warnings
from pathlib import Path

import attrs
import numpy as np
import pytest

from libtilt import Projector, TiltGeometry, TiltSeries, Volume, frozen
from libtilt.errors import LibtiltWarning, MixedSeriesError
from libtilt.geometry.json_file import NOT_SAVED
from libtilt.geometry.per_tilt import PER_TILT
from libtilt.reconstruction import wbp

GEOMETRY = TiltGeometry.from_tilt_angles([0, 3, -3])
IMAGES = np.arange(12.0, dtype=np.float32).reshape(3, 2, 2)


@frozen
class Dosed(TiltSeries):
    doses: np.ndarray = attrs.field(kw_only=True, converter=np.asarray, metadata=PER_TILT)
    microscope: str = attrs.field(default="unknown", kw_only=True)
    _notes: dict = attrs.field(factory=dict, kw_only=True)
    folder: Path | None = attrs.field(
        default=None, kw_only=True, converter=attrs.converters.optional(Path)
    )
    log: object = attrs.field(default=None, kw_only=True, metadata=NOT_SAVED)


def dosed(**fields):
    return Dosed(IMAGES, GEOMETRY, pixel_size=2.0, **{"doses": [0.1, 2, 1 / 3]} | fields)


def assert_equal(one, other):
    for field in attrs.fields(Dosed):
        first, second = getattr(one, field.name), getattr(other, field.name)
        assert type(first) is type(second), field.name
        assert np.array_equal(first, second) if field.name == "doses" else np.all(first == second)


def test_a_saved_series_is_opened_with_the_fields_of_its_class(tmp_path):
    series = dosed(microscope="Krios", notes={"grid": [1, None, True, "a"]}, folder=Path("/a/b"))
    path = series.save(tmp_path / "tilts.mrc")
    assert_equal(Dosed.open(path), series)
    assert_equal(pickle.loads(pickle.dumps(Dosed.open(path))), series)
    assert_equal(Dosed.open(path, memmap=True).sort(), series.sort())
    assert TiltGeometry.from_json(tmp_path / "tilts.json") == GEOMETRY


@pytest.mark.parametrize(
    "doses",
    [np.arange(3), np.float32([1, 2, 3]), np.array([[1.5], [np.inf], [-0.0]]), ["a", "b", "cd"]],
    ids=["int", "float32", "2D", "text"],
)
def test_arrays_of_numbers_and_text_are_kept(tmp_path, doses):
    opened = Dosed.open(dosed(doses=doses).save(tmp_path / "tilts.mrc"))
    assert np.array_equal(opened.doses, doses)


def test_given_fields_win_over_saved_ones(tmp_path):
    path = dosed(microscope="Krios", log=print).save(tmp_path / "tilts.mrc")
    opened = Dosed.open(path, microscope="Glacios", log=len)
    assert (opened.microscope, opened.log) == ("Glacios", len)
    assert Dosed.open(path).log is None


def test_fields_belong_to_the_geometry_beside_the_stack(tmp_path):
    path = dosed(microscope="Krios").save(tmp_path / "tilts.mrc")
    with pytest.raises(TypeError, match="doses"):
        Dosed.open(path, geometry=GEOMETRY)
    assert Dosed.open(path, geometry=GEOMETRY, doses=[1, 2, 3]).microscope == "unknown"


def test_fields_of_another_saving_are_not_taken(tmp_path):
    for name, dose in (("a", 1), ("b", 2)):
        dosed(doses=[dose] * 3).save(tmp_path / f"{name}.mrc")
    (tmp_path / "b.json").replace(tmp_path / "a.json")
    with pytest.raises(MixedSeriesError, match="was saved with another stack"):
        Dosed.open(tmp_path / "a.mrc")


def test_a_class_without_the_fields_says_what_it_leaves_out(tmp_path):
    path = dosed().save(tmp_path / "tilts.mrc")
    message = r"tilts\.json also has doses, folder, microscope, notes, which TiltSeries has no"
    with pytest.warns(LibtiltWarning, match=message) as record:
        TiltSeries.open(path)
    assert len(record) == 1
    plain = TiltSeries(IMAGES, GEOMETRY).save(tmp_path / "plain.mrc")
    with warnings.catch_warnings():
        warnings.simplefilter("error", LibtiltWarning)
        assert Dosed.open(plain, doses=[1, 2, 3]).microscope == "unknown"


def test_series_without_added_fields_are_saved_as_before(tmp_path):
    TiltSeries(IMAGES, GEOMETRY).save(tmp_path / "tilts.mrc")
    assert "series_fields" not in (tmp_path / "tilts.json").read_text()


def test_fields_in_a_changed_file_are_checked(tmp_path):
    path = dosed().save(tmp_path / "tilts.mrc")
    file = tmp_path / "tilts.json"
    text = file.read_text()
    file.write_text(text.replace("0.1,", ""))
    with pytest.raises(
        ValueError, match=r"doses must have one entry per tilt: expected .* of 3, got 2"
    ):
        Dosed.open(path)
    file.write_text(text.replace('"series_fields": {', '"series_fields": [], "other": {'))
    with pytest.raises(ValueError, match=r"tilts\.json has fields that TiltGeometry lacks: other"):
        Dosed.open(path)
    content = text[: text.index('"series_fields"')] + '"series_fields": [1]}'
    file.write_text(content)
    with pytest.raises(ValueError, match=r'"series_fields" must be an object, got \[1\]'):
        Dosed.open(path)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"notes": {"log": print}},
            "Dosed._notes cannot be saved: expected None, numbers.* got bu",
        ),
        ({"notes": {1: 2}}, "Dosed._notes cannot be saved: .* got dict; to leave"),
        ({"microscope": {1, 2}}, "Dosed.microscope cannot be saved: .* got set; .*NOT_SAVED"),
        ({"doses": np.array([1j, 2, 3])}, "Dosed.doses cannot be saved: .* an array of complex128"),
        (
            {"microscope": ("a",)},
            "Dosed.microscope cannot be saved: .*not the tuple.*converter=tup",
        ),
        ({"microscope": np.ones(1)}, "not the ndarray; .*converter=numpy.asarray"),
        ({"microscope": Path("a")}, "gives back text, not the .*Path; .*converter=pathlib.Path"),
    ],
)
def test_what_cannot_be_saved_is_named_and_nothing_is_written(tmp_path, fields, message):
    with pytest.raises(TypeError, match=message):
        dosed(**fields).save(tmp_path / "tilts.mrc")
    assert list(tmp_path.iterdir()) == []


def test_the_fields_of_a_geometry_are_saved_by_the_same_rules(tmp_path):
    @frozen
    class Noted(TiltGeometry):
        _doses: np.ndarray = attrs.field(kw_only=True, converter=np.asarray, metadata=PER_TILT)
        note: object = attrs.field(default=None, kw_only=True)
        log: object = attrs.field(default=None, kw_only=True, metadata=NOT_SAVED)

    @frozen
    class NotedSeries(Dosed):
        geometry_type = Noted

    geometry = Noted.from_tilt_angles([0, 3, -3], doses=[1, 2, 3], note="a", log=print)
    assert Noted.from_json(geometry.to_json()) == geometry.evolve(log=None)
    series = NotedSeries(IMAGES, geometry, doses=[4, 5, 6])
    opened = NotedSeries.open(series.save(tmp_path / "tilts.mrc"))
    assert opened.geometry == geometry.evolve(log=None)
    assert opened.doses.tolist() == [4, 5, 6]
    with pytest.raises(TypeError, match=r"Noted\.note cannot be saved: .* got object"):
        geometry.evolve(note=object()).to_json()


@frozen
class Named(Volume):
    name: str = attrs.field(default="unnamed", kw_only=True)

    def _save(self, path, **options):
        Path(f"{path}.txt").write_text(self.name)
        return super()._save(path, **options)


def test_a_volume_is_saved_without_added_fields_which_open_takes(tmp_path):
    path = Named(IMAGES, name="TS_01").save(tmp_path / "map.mrc")
    assert Named.open(path).name == "unnamed"
    assert Named.open(path, name="TS_01").bin(1).name == "TS_01"
    assert b"TS_01" not in path.read_bytes()


def test_what_a_volume_subclass_saves_is_saved_of_its_reconstructions(tmp_path):
    class NamingProjector(Projector):
        volume_type = Named

    projector = NamingProjector(GEOMETRY, volume_shape=(2, 2, 2))
    for name, volume in (
        ("found", wbp(TiltSeries(IMAGES, GEOMETRY), projector=projector)),
        ("backprojected", projector.T @ IMAGES),
    ):
        path = volume.save(tmp_path / f"{name}.mrc")
        assert Path(f"{path}.txt").read_text() == "unnamed"
