"""Options of IMOD's ``tilt`` and ``newstack``, and parsing of their values.

The names are those of the programs' option tables (``tilt.adoc``, ``newstack.adoc``). As in
IMOD's PIP package (``parse_params.c``), any unambiguous beginning of a short or long name counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import attrs

from libtilt.alignment.text import parse_number

# Larger than any image, and sums of such numbers stay exact.
MAX_NUMBER = 1e9
_MAX_LIST = 1_000_000


@attrs.frozen
class Option:
    """One option: short name, long name, and whether it is a switch without a value."""

    short: str
    name: str
    switch: bool = False

    def begins(self, word: str, *, any_case: bool) -> bool:
        """Whether a word abbreviates one of the names."""
        names = [self.short, self.name]
        if any_case:
            return any(name.lower().startswith(word.lower()) for name in names if name)
        return any(name.startswith(word) for name in names if name)


@attrs.frozen
class Program:
    """A program of IMOD and its options: those read, ignored (without effect) and refused.

    `aliases` are its lowercase names in command files; `advice` and `neutral` give, for refused
    options, what to do and values without effect; `any_case` is whether case does not matter;
    `leading_files` is the number of lines at the start of its input that may name files.
    """

    name: str
    aliases: frozenset[str]
    read: tuple[Option, ...]
    ignored: tuple[Option, ...]
    refused: tuple[Option, ...]
    advice: Mapping[str, str]
    neutral: Mapping[str, tuple[float, ...]]
    any_case: bool = False
    leading_files: int = 0

    @property
    def options(self) -> tuple[Option, ...]:
        """All options."""
        return self.read + self.ignored + self.refused

    def find(self, word: str) -> list[Option]:
        """Return the options that a word may abbreviate; case-sensitive matches come first."""
        for any_case in (self.any_case, True):
            found = [option for option in self.options if option.begins(word, any_case=any_case)]
            if found:
                return found
        return []


def _options(text: str, *, switch: bool = False) -> tuple[Option, ...]:
    """Parse options written as ``short:Long`` or ``Long``."""
    pairs = [word.rpartition(":") for word in text.split()]
    return tuple(Option(short, name, switch) for short, _, name in pairs)


TILT = Program(
    name="tilt",
    aliases=frozenset({"tilt"}),
    any_case=True,
    leading_files=2,
    read=(
        *_options("input:InputProjections output:OutputFile TILTFILE XTILTFILE ANGLES"),
        *_options("IMAGEBINNED THICKNESS WIDTH SLICE FULLIMAGE SUBSETSTART OFFSET SHIFT"),
        *_options("XAXISTILT INCLUDE EXCLUDELIST2"),
    ),
    ignored=(
        *_options("LOCALFILE LOCALSCALE ZFACTORFILE LOG RADIAL HammingLikeFilter DENSWEIGHT"),
        *_options("ExactFilterSize FakeSIRTiterations FlatFilterFraction COSINTERP XTILTINTERP"),
        *_options(
            "FBPINTERP UseGPU ActionIfGPUFails MODE SCALE MASK TITLE MinMaxMean COMPFRACTION"
        ),
        *_options("BoundaryInfoFile WeightAngleFile WeightFile SIRTIterations StartingIteration"),
        *_options("ConstrainSign VertBoundaryFile VertSliceOutputFile texture:TextureType"),
        *_options("internal:InternalSIRTSlices BaseNumViews"),
        *_options("FalloffIsTrueSigma MultiplyByGaussian PERPENDICULAR AdjustOrigin", switch=True),
        *_options("SIRTSubtraction VertForSIRTInput DONE debug:DebugOutput", switch=True),
    ),
    refused=(
        *_options("COMPRESS TOTALSLICES REPLICATE REPROJECT ViewsToReproject"),
        *_options("recfile:RecFileToReproject xminmax:XMinAndMaxReproj yminmax:YMinAndMaxReproj"),
        *_options("zminmax:ZMinAndMaxReproj threshold:ThresholdedReproj ProjectModel"),
        *_options("AngleOutputFile AlignTransformFile DefocusFile PixelForDefocus"),
        *_options("BaseRecFile SubtractFromBase param:ParameterFile"),
        *_options("PARALLEL RotateBy90 help:usage", switch=True),
    ),
    advice={
        "COMPRESS": "a geometry holds no compression in z; align without it",
        "TOTALSLICES": "this run is one part of a split run; pass the original tilt.com",
        "REPLICATE": "list every view explicitly",
        "PARALLEL": "it mirrors the tomogram; use PERPENDICULAR and rotate by trimvol -rx",
        "RotateBy90": "use PERPENDICULAR and rotate the tomogram by trimvol -rx",
        "BaseRecFile": "it adds to another tomogram; pass a tilt.com without it",
        "SubtractFromBase": "it adds to another tomogram; pass a tilt.com without it",
        "ParameterFile": "write the options of that file into this one",
        "": "this run reprojects a tomogram; pass the tilt.com that makes the tomogram",
    },
    neutral={"COMPRESS": (1.0,)},
)

NEWSTACK = Program(
    name="newstack",
    aliases=frozenset({"newstack", "newst"}),
    read=(
        *_options("input:InputFile output:OutputFile xform:TransformFile"),
        *_options("size:SizeToOutputInXandY bin:BinByFactor shrink:ShrinkByFactor"),
        *_options("antialias:AntialiasFilter offset:OffsetsInXandY secs:SectionsToRead"),
        *_options("uselines:UseTransformLines"),
        *_options("applyfirst:ApplyOffsetsFirst fromone:NumberedFromOne", switch=True),
    ),
    ignored=(
        *_options("format:FormatOfOutputFile compression:HDFCompressionIndex"),
        *_options("chunk:ChunkSizesInXYZ remove:RemoveForMdocName addback:AddBackForMdocName"),
        *_options("imagebinned:ImagesAreBinned fields:UseFields subarea:SubareaOffsetsXandY"),
        *_options("mode:ModeToOutput bytes:BytesSignedInOutput float:FloatDensities"),
        *_options("meansd:MeanAndStandardDeviation contrast:ContrastBlackWhite"),
        *_options("scale:ScaleMinAndMax map:MapFromRange multadd:MultiplyAndAdd"),
        *_options("fixrange:FixRangeIfNeeded rfparam:RangeFixingParams fill:FillValue"),
        *_options("taper:TaperAtFill memory:MemoryLimit test:TestLimits megasec:MaxMegaSections"),
        *_options("verbose:VerboseOutput"),
        *_options("mdoc:UseMdocFiles pixel:PixelSizeFromMdoc noise:NoisePadForFFT", switch=True),
        *_options("origin:AdjustOrigin linear:LinearInterpolation", switch=True),
        *_options("nearest:NearestNeighbor strip:StripExtraHeader quiet:QuietOutput", switch=True),
    ),
    refused=(
        *_options("fileinlist:FileOfInputs fileoutlist:FileOfOutputs split:SplitStartingNumber"),
        *_options("reverse:ReverseInputFileOrder append:AppendExtension volumes:VolumesToRead"),
        *_options("3d:Store3DVolumes tilt:TiltAngleFile reorder:ReorderByTiltAngle"),
        *_options("angle:AngleFileToReorder newangle:NewAngleOutputFile exclude:ExcludeSections"),
        *_options("skip:SkipSectionIncrement numout:NumberToOutput replace:ReplaceSections"),
        *_options("rotate:RotateByAngle expand:ExpandByFactor ftreduce:FourierReduceByFactor"),
        *_options("ftexpand:FourierExpandByFactor distort:DistortionField gradient:GradientFile"),
        *_options("param:ParameterFile"),
        *_options("samesec:SameSectionsToRead twodir:TwoDirectionTiltSeries", switch=True),
        *_options(
            "blank:BlankOutput onexform:OneTransformPerFile phase:PhaseShiftFFT", switch=True
        ),
        *_options("oddeven:AllowOddEvenChange print:PrintXYSizeAndExit help:usage", switch=True),
    ),
    advice={
        "RotateByAngle": "put the rotation into the transforms (xfproduct)",
        "ExpandByFactor": "put the factor into the transforms (xfproduct) or use BinByFactor",
        "DistortionField": "the transforms do not include it; correct the raw stack first",
        "GradientFile": "the transforms do not include it; correct the raw stack first",
        "FourierReduceByFactor": "use BinByFactor",
        "FourierExpandByFactor": "put the factor into the transforms (xfproduct)",
        "AllowOddEvenChange": "remove it, or set SizeToOutputInXandY and AntialiasFilter",
        "PhaseShiftFFT": "use the transforms without it",
        "ParameterFile": "write the options of that file into this one",
        "": "the aligned stack must have all images of one raw stack, in their order",
    },
    neutral={
        "RotateByAngle": (0.0,),
        "ExpandByFactor": (0.0, 1.0),
        "SkipSectionIncrement": (1.0,),
    },
)


def parse_length(text: str, where: str) -> float:
    """Return a number of pixels or degrees; raise a ValueError if it is too large for any image."""
    value = parse_number(text, where)
    if abs(value) > MAX_NUMBER:
        raise ValueError(
            f"{where}: expected a number from -{MAX_NUMBER:g} to {MAX_NUMBER:g}, got {text!r}"
        )
    return value


def split_values(text: str, where: str, count: int | None = None) -> list[str | None]:
    """Split the value of an entry at commas or blanks; values left to the program are None.

    As in IMOD's ``PipGetLineOfValues``, these are marked by a comma without a number, or a slash,
    which fills up to `count` values.
    """
    values: list[str | None] = []
    after_comma = True
    for token in re.findall(r"[,/]|[^,/\s]+", text):
        if token == "/":
            if count is None or len(values) > count:
                raise ValueError(f"{where}: expected no slash here, got {text!r}")
            return values + [None] * (count - len(values))
        if token == ",":
            if after_comma:
                values.append(None)
            after_comma = True
        else:
            values.append(token)
            after_comma = False
    return values


def parse_list(text: str, where: str) -> list[int] | None:
    """Return the numbers of a list like ``1,3-5``, in order; None for a slash (the default).

    Commas or blanks separate numbers, blanks may surround a dash, and ranges may run backward.
    Anything else, negative numbers, and lists longer than any series raise a ValueError.
    """
    if text.startswith("/"):
        return None
    numbers: list[int] = []
    to, apart = False, True
    for token in re.findall(r"\d+|.", text):
        if re.fullmatch(r"\d{1,7}", token, re.ASCII) and int(token) < _MAX_LIST:
            value = int(token)
            if to:
                step = 1 if value >= numbers[-1] else -1
                numbers.extend(range(numbers[-1] + step, value + step, step))
            else:
                numbers.append(value)
            to = apart = False
            if len(numbers) > _MAX_LIST:
                break
        elif token == "-" and numbers and not to and not apart:
            to = True
        elif token in ", \t" and not (to and token == ","):
            apart = apart or token == ","
        else:
            break
    else:
        if numbers and not to:
            return numbers
    raise ValueError(f"{where}: expected numbers from 0 like 1,3-5, got {text[:80]!r}")
