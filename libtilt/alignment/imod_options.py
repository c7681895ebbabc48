"""The options of IMOD's ``tilt`` and ``newstack``: their names, and what is made of each.

The names are those of the programs' own option tables (``tilt.adoc``, ``newstack.adoc``), and are
looked up as IMOD's PIP package does it (``parse_params.c``): any beginning of a long or a short
name that fits one option alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs


@attrs.frozen
class Option:
    """One option: its short and long name, and whether it is a switch without a value."""

    short: str
    name: str
    switch: bool = False

    def begins(self, word: str, *, any_case: bool) -> bool:
        """Whether a word is the beginning of one of the names."""
        names = [self.short, self.name]
        if any_case:
            return any(name.lower().startswith(word.lower()) for name in names if name)
        return any(name.startswith(word) for name in names if name)


@attrs.frozen
class Program:
    """A program of IMOD and its options, in three groups.

    Parameters
    ----------
    name : str
        Its name.
    aliases : frozenset of str
        Names in a command file, in small letters.
    read : tuple of Option
        What says where things lie, and is read.
    ignored : tuple of Option
        What moves nothing; the lines are kept.
    refused : tuple of Option
        What moves things, and is not supported.
    advice : Mapping
        Of refused options, by name: what to do.
    neutral : Mapping
        Of refused options, by name: values that move nothing.
    any_case : bool
        Whether the program does not tell small letters of options from capitals.
    leading_files : int
        How many lines at the start of its input may name files.
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
        """All of them."""
        return self.read + self.ignored + self.refused

    def find(self, word: str) -> list[Option]:
        """Return the options that a word may mean, in full or shortened.

        Capitals are told apart first where the program does so, and not where that finds nothing.

        Examples
        --------
        >>> from libtilt.alignment.imod_options import NEWSTACK, TILT
        >>> [option.name for option in NEWSTACK.find("xf")]
        ['TransformFile']
        >>> [option.name for option in TILT.find("xt")]
        ['XTILTFILE', 'XTILTINTERP']
        """
        for any_case in (self.any_case, True):
            found = [option for option in self.options if option.begins(word, any_case=any_case)]
            if found:
                return found
        return []


def _options(text: str, *, switch: bool = False) -> tuple[Option, ...]:
    """Return options of a text with ``short:Long`` or ``Long`` for each."""
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
        "COMPRESS": "a geometry has no compression in z: align without it",
        "TOTALSLICES": "this is one part of a split run: give the tilt.com that was split",
        "REPLICATE": "a geometry has one tilt per image: write the views out",
        "PARALLEL": "it mirrors the tomogram: give PERPENDICULAR and turn it by trimvol -rx",
        "RotateBy90": "give PERPENDICULAR and turn the tomogram by trimvol -rx",
        "BaseRecFile": "it adds to another tomogram: give the tilt.com that makes one alone",
        "SubtractFromBase": "it adds to another tomogram: give the tilt.com that makes one alone",
        "ParameterFile": "write the options of that file into this one",
        "": "this run projects and makes no tomogram: give the tilt.com that makes it",
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
        "DistortionField": "no transform can undo it: correct the raw stack first",
        "GradientFile": "no transform can undo it: correct the raw stack first",
        "FourierReduceByFactor": "use BinByFactor",
        "FourierExpandByFactor": "put the factor into the transforms (xfproduct)",
        "AllowOddEvenChange": "remove it, or give SizeToOutputInXandY and AntialiasFilter",
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
