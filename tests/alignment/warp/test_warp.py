"""Warp's XML: the formula written out, images that are not used, damage."""

import attrs
import numpy as np
import pytest
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from libtilt.alignment import Acquisition, Sizes, WarpAlignment

TAGS = ("Angles", "AxisAngle", "AxisOffsetX", "AxisOffsetY")


def series(n=4, seed=0, level=(1.5, -2.5), use=(True, False, True, True)):
    values = np.random.default_rng(seed).normal(size=(n, 4)) * [40, 1, 30, 30] + [0, 85, 0, 0]
    lines = ['<?xml version="1.0" encoding="utf-16"?>'.replace("utf-16", "utf-8")]
    lines += [f'<TiltSeries PlaneNormal="0,0,1" LevelAngleX="{level[0]}" LevelAngleY="{level[1]}">']
    for tag, column in zip(TAGS, values.T, strict=True):
        lines.append(f"  <{tag}>" + "\n".join(f"{x:.6f}" for x in column) + f"</{tag}>")
    lines.append("  <UseTilt>" + "\n".join(map(str, use)) + "</UseTilt>")
    lines.append('  <GridMovementX Width="1"><Node X="0" Value="0" /></GridMovementX>')
    lines.append('  <GridVolumeWarpX Width="1"><Node X="0" Value="0.25" /></GridVolumeWarpX>')
    return "\n".join([*lines, "</TiltSeries>"]) + "\n", np.round(values, 6)


def read(tmp_path, content):
    path = tmp_path / "TS_1.xml"
    path.write_text(content)
    return WarpAlignment.read(path)


@pytest.mark.parametrize("volume", [(21, 36, 41), (20, 35, 40)])
@pytest.mark.parametrize("image", [(36, 41), (37, 40)])
@pytest.mark.parametrize("voxel", [1.7, 4.25])
def test_points_agree_with_the_formula_written_out(tmp_path, rng, volume, image, voxel):
    content, values = series()
    alignment = read(tmp_path, content).alignment(
        Sizes(stack_shape=(4, *image), pixel_size=1.7, volume_shape=volume, voxel_size=voxel)
    )
    assert alignment.views.tolist() == [0, 2, 3]
    points = rng.uniform(0, 40, (9, 3))
    seen = np.insert(points, 3, 1, axis=1) @ alignment.projection_matrices().transpose(0, 2, 1)
    for (angle, axis, x, y), pixels in zip(values[[0, 2, 3]], seen, strict=True):
        turned = (
            Rotation.from_euler("z", axis, degrees=True)
            * Rotation.from_euler("y", -(angle - 2.5), degrees=True)
            * Rotation.from_euler("x", 1.5, degrees=True)
        ).apply(points * voxel - np.array(volume[::-1]) * voxel / 2)
        angstroms = turned[:, :2] + [x, y] + np.array(image[::-1]) * 1.7 / 2
        assert np.abs(pixels - angstroms / 1.7).max() < 1e-9


def test_an_impossible_value_is_named_by_its_place_from_one(tmp_path):
    content, values = series()
    file = read(tmp_path, content.replace(f"{values[2, 1]:.6f}", "999.5"))
    sizes = Sizes(stack_shape=(4, 37, 40), pixel_size=1.7, volume_shape=(21, 36, 41))
    for one, place in ((file, r"line \d+, "), (attrs.evolve(file, lines={}), "")):
        with pytest.raises(ValueError, match=rf"TS_1\.xml, {place}<AxisAngle>, entry 3: expected"):
            one.alignment(sizes)


def test_written_angles_and_offsets_come_back_with_the_rest_of_the_file(tmp_path):
    file = read(tmp_path, series()[0])
    sizes = Sizes(stack_shape=(4, 37, 40), pixel_size=1.7, volume_shape=(21, 36, 41))
    alignment = file.alignment(sizes)
    assert alignment.unsupported == ("GridVolumeWarpX",)
    made = WarpAlignment.from_alignment(alignment, like=file)
    again = WarpAlignment.read(made.write(tmp_path / "new.xml"))
    assert alignment.distance(again.alignment(sizes)) < 1e-6
    assert again.root.get("PlaneNormal") == "0,0,1"
    assert again.alignment(sizes).unsupported == ("GridVolumeWarpX",)
    for column, other in zip(file._columns(), again._columns(), strict=True):
        assert np.abs(column - other).max() < 1e-6
    assert file.root.find("Angles").text != again.root.find("Angles").text


def test_files_in_utf_16_as_warp_writes_them_are_read(tmp_path):
    path = tmp_path / "TS_1.xml"
    path.write_bytes(GOOD.replace("utf-8", "utf-16").encode("utf-16"))
    assert WarpAlignment.read(path).views.tolist() == [0, 2, 3]


def test_missing_offsets_are_zero_and_a_missing_axis_is_required(tmp_path):
    file = read(tmp_path, "<TiltSeries><Angles>1 2</Angles></TiltSeries>")
    sizes = Sizes(stack_shape=(2, 8, 8), pixel_size=2.0, volume_shape=(4, 8, 8))
    with pytest.raises(ValueError, match="does not hold the tilt axis angle: pass tilt_axis"):
        file.alignment(sizes)
    alignment = file.alignment(attrs.evolve(sizes, tilt_axis_angle=85))
    assert alignment.views.tolist() == [0, 1]
    assert np.abs(alignment.geometry.shifts).max() < 1e-12
    assert np.allclose(alignment.geometry.tilt_axis_angles, 85)


@pytest.mark.parametrize(
    ("tag", "texts", "message"),
    [
        (
            "Angles",
            "-200\n0\n3",
            r"line 2, <Angles>, entry 1: expected a tilt angle from -180 to 180",
        ),
        (
            "AxisAngle",
            "85\n-856\n85",
            r"line 6, <AxisAngle>, entry 2: expected .* from -360 to 360",
        ),
        ("Angles", "-3_0\n0\n3", r"line 2, <Angles>, entry 1: expected a number, got '-3_0'"),
        (
            "AxisAngle",
            "85\n8,5\n85",
            r"line 6, .* entry 2: expected a number, got '8,5'; write a decimal point",
        ),
        ("AxisAngle", "85\n85", r"line 5, <AxisAngle>: expected 3 numbers, as <Angles> has, got 2"),
    ],
)
def test_impossible_angles_are_refused_by_line(tmp_path, tag, texts, message):
    lists = {"Angles": "-3\n0\n3", "AxisAngle": "85\n85\n85"} | {tag: texts}
    body = "\n".join(f"<{name}>{values}</{name}>" for name, values in lists.items())
    sizes = Sizes(stack_shape=(3, 8, 8), pixel_size=2.0, volume_shape=(4, 8, 8))
    with pytest.raises(ValueError, match=message):
        read(tmp_path, f"<TiltSeries>\n{body}</TiltSeries>").alignment(sizes)


def test_given_axis_overrides_an_impossible_one(tmp_path):
    file = read(
        tmp_path,
        "<TiltSeries><Angles>-3 0 3</Angles><AxisAngle>-856 -856 x</AxisAngle></TiltSeries>",
    )
    sizes = Sizes(stack_shape=(3, 8, 8), pixel_size=2, volume_shape=(4, 8, 8), tilt_axis_angle=85)
    assert np.allclose(file.alignment(sizes).geometry.tilt_axis_angles, 85)


def test_rows_of_unused_images_need_not_be_numbers(tmp_path):
    file = read(
        tmp_path,
        "<TiltSeries><Angles>-3 NaN 3</Angles><AxisAngle>85 999 85</AxisAngle>"
        "<AxisOffsetX>1 NaN 2</AxisOffsetX><UseTilt>True False True</UseTilt></TiltSeries>",
    )
    sizes = Sizes(stack_shape=(3, 8, 8), pixel_size=2.0, volume_shape=(4, 8, 8))
    assert np.allclose(file.alignment(sizes).geometry.tilt_angles, [3, -3])


def test_stack_of_only_used_images_is_accepted_with_a_warning(tmp_path):
    file = read(
        tmp_path,
        "<TiltSeries><Angles>-3 0 3</Angles><AxisAngle>85 85 85</AxisAngle>"
        "<UseTilt>True False True</UseTilt></TiltSeries>",
    )
    sizes = Sizes(stack_shape=(2, 8, 8), pixel_size=2.0, volume_shape=(4, 8, 8))
    part, whole = file.alignment(sizes), file.alignment(attrs.evolve(sizes, stack_shape=(3, 8, 8)))
    assert part.views.tolist() == [0, 1]
    assert whole.views.tolist() == [0, 2]
    assert part.geometry == whole.geometry
    assert "uses 2 of 3 images, and the stack has 2" in str(part.warnings[0])
    assert whole.warnings == ()
    with pytest.raises(ValueError, match="of 3 images and uses 2, but the stack has 4"):
        file.alignment(attrs.evolve(sizes, stack_shape=(4, 8, 8)))


def test_doses_and_the_microscope_are_kept(tmp_path):
    file = read(
        tmp_path,
        "<TiltSeries><Angles>-3 0 3</Angles><AxisAngle>85 85 85</AxisAngle><Dose>6 0 3</Dose>"
        "<UseTilt>True False True</UseTilt><CTF><Param Name='Voltage' Value='300'/>"
        "<Param Name='Cs' Value='2.7'/><Param Name='Amplitude' Value='0.07'/></CTF></TiltSeries>",
    )
    sizes = Sizes(stack_shape=(3, 8, 8), pixel_size=2.0, volume_shape=(4, 8, 8))
    taken = file.alignment(sizes).acquisition
    assert taken.pre_exposures.tolist() == [6.0, 3.0]
    assert (taken.voltage, taken.spherical_aberration, taken.amplitude_contrast) == (300, 2.7, 0.07)


GOOD = series()[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"TS_1\.xml is empty"),
        ("hello", r"TS_1\.xml, line 1: not XML"),
        (GOOD[:-30], r"TS_1\.xml, line \d+: not XML"),
        ("<Movie></Movie>", r"TS_1\.xml: expected <TiltSeries>, got <Movie>"),
        ("<TiltSeries></TiltSeries>", r"TS_1\.xml has no <Angles>"),
        (GOOD.replace("True\nFalse", "True"), r"<UseTilt>: expected 4 values, each True or False"),
        (GOOD.replace("False", "Maybe"), r"<UseTilt>: expected 4 values, each True or False"),
        (GOOD.replace("True", "False"), r"<UseTilt>: all 4 images are excluded"),
        (GOOD.replace("<AxisAngle>", "<AxisAngle>x\n"), r"<AxisAngle>: expected 4 numbers"),
        (
            GOOD.replace("<AxisOffsetX>", "<AxisOffsetX>x"),
            r"<AxisOffsetX>, entry 1: expected",
        ),
        (GOOD.replace('X="1.5"', 'X="up"'), r"LevelAngleX: expected a number, got 'up'"),
        ("\0" + GOOD, r"TS_1\.xml, line 1: not XML"),
    ],
)
def test_invalid_files_are_named(tmp_path, content, message):
    sizes = Sizes(stack_shape=(4, 37, 40), pixel_size=1.7, volume_shape=(21, 36, 41))
    with pytest.raises(ValueError, match=message):
        read(tmp_path, content).alignment(sizes)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("stack_shape", "size of the stack"),
        ("pixel_size", "pixel size"),
        ("volume_shape", "size of the tomogram"),
    ],
)
def test_sizes_missing_from_warp_files_are_required(tmp_path, name, words):
    sizes = {"stack_shape": (4, 37, 40), "pixel_size": 1.7, "volume_shape": (21, 36, 41)}
    with pytest.raises(ValueError, match=f"does not hold the {words}"):
        read(tmp_path, GOOD).alignment(Sizes(**(sizes | {name: None})))


@quick
@given(st.data())
def test_damaged_files_are_read_or_refused_by_name(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("fuzz") / "a.xml"
    content = GOOD.encode()
    place, length = data.draw(st.integers(0, len(content))), data.draw(st.integers(0, 30))
    path.write_bytes(content[:place] + data.draw(st.binary(max_size=6)) + content[place + length :])
    sizes = Sizes(stack_shape=(4, 37, 40), pixel_size=1.7, volume_shape=(21, 36, 41))
    message = ""
    try:
        WarpAlignment.read(path).alignment(sizes)
    except ValueError as error:
        message = str(error)
    assert not message or str(path) in message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><TiltSeries/>", "document types .* are not supported"),
        (
            "<TiltSeries>" + "<a>" * 100_000 + "</a>" * 100_000 + "</TiltSeries>",
            "nested more",
        ),
        ("<TiltSeries>" + "<a/>" * 1_000_001 + "</TiltSeries>", "more than 1000000 elements"),
        ("<?xml version='1.0' encoding='klingon'?><TiltSeries/>", "encoding"),
    ],
)
def test_xml_that_asks_for_too_much_is_refused_by_name(tmp_path, content, message):
    with pytest.raises(ValueError, match=rf"TS_1\.xml.*{message}"):
        read(tmp_path, content)


def test_pre_exposures_come_back(tmp_path):
    file = read(
        tmp_path,
        "<TiltSeries><Angles>-3 0 3</Angles><AxisAngle>85 85 85</AxisAngle><Dose>6 0 3</Dose>"
        "</TiltSeries>",
    )
    sizes = Sizes(stack_shape=(3, 8, 8), pixel_size=2.0, volume_shape=(4, 8, 8))
    made = WarpAlignment.from_alignment(file.alignment(sizes))
    again = WarpAlignment.read(made.write(tmp_path / "again.xml")).alignment(sizes)
    assert again.acquisition.pre_exposures.tolist() == [6, 0, 3]
    part = attrs.evolve(
        file.alignment(sizes),
        geometry=file.alignment(sizes).geometry[[0, 2]],
        views=[0, 2],
        acquisition=Acquisition(pre_exposures=[6, 3]),
    )
    texts = WarpAlignment.from_alignment(part).root.findtext("Dose").split()
    assert texts == ["6", "0", "3"]
