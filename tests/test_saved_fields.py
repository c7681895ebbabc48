"""Fields that subclasses add are saved with the geometry and beside a stack, and opened again."""

import pickle
import warnings
from pathlib import Path

import attrs
import numpy as np
import pytest
from click.testing import CliRunner

from libtilt import Projector, TiltGeometry, TiltSeries, Volume, frozen
from libtilt.alignment import Acquisition, Alignment, read_alignment_file
from libtilt.cli import app
from libtilt.errors import LibtiltWarning, MissingArgumentError, MixedSeriesError
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
    given = {"geometry": GEOMETRY, "doses": [0.1, 2, 1 / 3]} | fields
    return Dosed(IMAGES, pixel_size=2.0, **given)


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
    with pytest.raises(MissingArgumentError, match="geometry does not hold doses, required by D"):
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
    with pytest.raises(ValueError, match=r'"series_fields" must be an object, got \[\]'):
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


@frozen
class DosedGeometry(TiltGeometry):
    doses: np.ndarray = attrs.field(kw_only=True, converter=np.asarray, metadata=PER_TILT)


@frozen
class NotedGeometry(TiltGeometry):
    note: str = attrs.field(default="none", kw_only=True)


@frozen
class SeriesOfDosed(TiltSeries):
    geometry_type = DosedGeometry


@frozen
class SeriesOfNoted(TiltSeries):
    geometry_type = NotedGeometry


DOSED = DosedGeometry.from_geometry(GEOMETRY, doses=[1, 2, 3])
REMEDY = r"pass .*DosedGeometry\.from_geometry\(geometry, doses=\.\.\.\)"


def test_a_class_without_the_fields_of_a_geometry_says_once_what_it_leaves_out(tmp_path):
    path = SeriesOfDosed(IMAGES, DOSED).save(tmp_path / "tilts.mrc")
    message = r"tilts\.json also has doses, which TiltGeometry has no field for: open it with the"
    for given in ({}, {"geometry": tmp_path / "tilts.json"}):
        with pytest.warns(LibtiltWarning, match=message) as record:
            assert TiltSeries.open(path, **given).geometry == GEOMETRY
        assert len(record) == 1
    for read in (TiltGeometry.from_json, read_alignment_file):
        with pytest.warns(LibtiltWarning, match=message) as record:
            read(tmp_path / "tilts.json")
        assert len(record) == 1
    assert SeriesOfDosed.open(path).geometry == DOSED


def test_one_warning_names_the_fields_of_geometry_and_series(tmp_path):
    path = dosed(geometry=DOSED).save(tmp_path / "tilts.mrc")
    message = "doses, which TiltGeometry has no field for, and doses, .*, which TiltSeries has no"
    with pytest.warns(LibtiltWarning, match=message) as record:
        TiltSeries.open(path)
    assert len(record) == 1


@pytest.mark.parametrize("command", ["gif", "reconstruct", "info"])
def test_commands_open_a_series_of_a_subclass_with_a_note(tmp_path, command):
    path = SeriesOfDosed(np.random.default_rng(0).random((3, 8, 8)), DOSED).save(
        tmp_path / "tilts.mrc"
    )
    output = {"gif": ["-o", tmp_path / "a.gif"], "reconstruct": ["-o", tmp_path / "a.mrc"]}
    result = CliRunner().invoke(app, [command, str(path), *map(str, output.get(command, []))])
    assert result.exit_code == 0, result.output
    assert result.output.count("also has doses, which TiltGeometry has no field for") == 1


def test_a_geometry_is_converted_to_one_of_a_subclass():
    assert DOSED[1].doses.tolist() == [2]
    assert np.array_equal(DOSED.rotation_matrices, GEOMETRY.rotation_matrices)
    assert DosedGeometry.from_geometry(DOSED) == DOSED
    assert type(TiltGeometry.from_geometry(DOSED)) is TiltGeometry
    moved = GEOMETRY.evolve(shifts=[[1, 2], [3, 4], [5, 6]], magnifications=np.diag([1, 1.1]))
    assert TiltGeometry.from_geometry(NotedGeometry.from_geometry(moved, note="a")) == moved
    with pytest.raises(
        MissingArgumentError, match=f"geometry must have doses, required by DosedGeo.*{REMEDY}"
    ):
        DosedGeometry.from_geometry(GEOMETRY)
    with pytest.raises(TypeError, match="geometry must be a TiltGeometry, got list"):
        DosedGeometry.from_geometry([0, 3])


def test_the_doses_of_an_alignment_are_those_of_a_geometry(tmp_path):
    alignment = Alignment(
        GEOMETRY,
        views=[0, 1, 2],
        stack_shape=(3, 2, 2),
        pixel_size=1.0,
        volume_shape=(2, 2, 2),
        voxel_size=1.0,
        acquisition=Acquisition(pre_exposures=[0, 2, 4]),
    )
    doses = alignment.acquisition.pre_exposures
    geometry = DosedGeometry.from_geometry(alignment.geometry, doses=doses)
    path = TiltSeries(IMAGES, GEOMETRY).save(tmp_path / "tilts.mrc")
    assert SeriesOfDosed.open(path, geometry=geometry).geometry.doses.tolist() == [0, 2, 4]


def test_a_missing_field_of_the_geometry_is_named_with_the_call_that_adds_it(tmp_path):
    path = TiltSeries(IMAGES, GEOMETRY).save(tmp_path / "tilts.mrc")
    message = r"tilts\.json does not hold doses, required by DosedGeometry: .*make .*\(geometry, do"
    with pytest.raises(ValueError, match=message):
        SeriesOfDosed.open(path)
    for geometry in (GEOMETRY, [0, 3, -3]):
        with pytest.raises(ValueError, match=f"geometry must have doses.*{REMEDY}"):
            SeriesOfDosed.open(path, geometry=geometry)
        assert SeriesOfNoted.open(path, geometry=geometry).geometry.note == "none"


def test_a_missing_field_of_the_series_is_named(tmp_path):
    path = TiltSeries(IMAGES, GEOMETRY).save(tmp_path / "tilts.mrc")
    message = r"tilts\.json does not hold doses, required by Dosed: pass doses=\.\.\. to open"
    with pytest.raises(MissingArgumentError, match=message):
        Dosed.open(path)


@frozen
class DosedProjector(Projector):
    geometry_type = DosedGeometry


@pytest.mark.parametrize(
    ("make", "owner"),
    [
        (lambda geometry: SeriesOfDosed(IMAGES, geometry), "SeriesOfDosed"),
        (DosedProjector, "DosedProjector"),
    ],
    ids=["series", "projector"],
)
def test_a_class_takes_geometries_of_its_geometry_type_only(make, owner):
    assert make(DOSED).geometry is DOSED
    message = f"geometry must be a DosedGeometry, the geometry_type of {owner}, got Tilt.*{REMEDY}"
    with pytest.raises(TypeError, match=message):
        make(GEOMETRY)
    with pytest.raises(TypeError, match="geometry must be a TiltGeometry, got list"):
        make([0, 3, -3])


def test_xarray_gives_back_a_series_of_a_subclass():
    pytest.importorskip("xarray")
    array = SeriesOfDosed(IMAGES, DOSED).to_xarray()
    assert SeriesOfDosed.from_xarray(array[:2]).geometry == DOSED[:2]
    assert SeriesOfNoted.from_xarray(array, geometry=GEOMETRY).geometry.note == "none"
    with pytest.warns(LibtiltWarning, match="also has doses"):
        TiltSeries.from_xarray(array)
    plain = TiltSeries(IMAGES, GEOMETRY).to_xarray()
    with pytest.raises(ValueError, match=REMEDY):
        SeriesOfDosed.from_xarray(plain, geometry=GEOMETRY)
