"""DICOM segmentations (SEG), by highdicom: BINARY and LABELMAP in, BINARY out.

A SEG keeps only the frames that have voxels. What is read is the box of its frames, and `crop` pads it where an image
on the whole grid is there. Codes of segments are kept as 3D Slicer's tags in the facts, and are written from them.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from containers.contract.errors import ItemFault
from containers.contract.files import replacing
from containers.toolkit.images.crop import FRAMES_LEFT_OUT
from containers.toolkit.images.formats.base import ImageFormat, LabelMap
from containers.toolkit.images.labels import colour_of
from containers.toolkit.images.nifti_grid import is_orthogonal
from containers.toolkit.images.nrrd_data import MAX_BYTES
from containers.toolkit.images.segments import MAX_LABEL, Segment, merge
from containers.toolkit.images.volume import Geometry, Volume

SEG = "1.2.840.10008.5.1.4.1.1.66.4"
"""SOP class of binary and fractional segmentations."""
LABELMAP_SEG = "1.2.840.10008.5.1.4.1.1.66.7"
"""SOP class of label maps."""
DEFLATED = ("1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.8.1")
"""Transfer syntaxes whose unpacking nothing bounds."""
SCHEME = "99MYOREPRO"
"""Scheme of structures that no public scheme has a code of; 99 marks private ones (PS3.16, 8.2)."""
ANATOMY = ("SCT", "123037004", "Anatomical Structure")
Code = tuple[str, str, str]
"""Scheme, value and meaning."""


@dataclass(frozen=True)
class Source:
    """What a segmentation belongs to, and who made it."""

    series: Path
    """Folder of the DICOM series, or one enhanced multi-frame file."""
    maker: str
    """Name of the stage."""
    version: str
    """Version of the stage."""


class DicomSeg(ImageFormat):
    """See the module."""

    name, title, endings = "dicom_seg", "DICOM segmentation", (".dcm",)

    def recognises(self, head: bytes) -> bool:
        return head[128:132] == b"DICM"

    def read_volume(self, path: Path) -> Volume:
        with _as_fault(path.name):
            is_seg = _header(path).get("SOPClassUID") in (SEG, LABELMAP_SEG)
        what = "a DICOM segmentation" if is_seg else "one DICOM file"
        raise ItemFault(f"is {what}, not a volume", where=path.name, fix="fuse its series with the stage fusion first")

    def read_labels(self, path: Path, names: Mapping[int, str] | None) -> LabelMap:
        import highdicom

        where = path.name
        with _as_fault(where):
            _check(_header(path), where)
            found = highdicom.seg.segread(path)
            numbers = [int(number) for number in found.segment_numbers if number]
            descriptions = [found.get_segment_description(number) for number in numbers]
            own = [_name(one, number) for one, number in zip(descriptions, numbers, strict=True)]
            tags = [_tag(one) for one in descriptions]
            layers, geometry = _layers(found, numbers, where)
        segments = [
            Segment((names or {}).get(number, own[place]), number, place if len(layers) > 1 else 0)
            for place, number in enumerate(numbers)
        ]
        merged = merge(layers, segments, where)
        facts = {FRAMES_LEFT_OUT: "yes"}
        for new, (place, value) in enumerate(merged.values.items()):
            facts |= {
                f"Segment{new}_Name": merged.names[value],
                f"Segment{new}_LabelValue": str(value),
                f"Segment{new}_Layer": "0",
                f"Segment{new}_Tags": tags[place],
            }
        return LabelMap(Volume(merged.data, geometry, facts, merged.warnings), merged.names)

    def write(
        self,
        path: Path,
        labels: npt.NDArray[np.uint8],
        geometry: Geometry,
        names: Mapping[int, str],
        tags: Mapping[int, str],
        source: Source,
    ) -> None:
        """Write labels (k, j, i) as a segmentation of a DICOM series, atomically; equal input gives equal bytes.

        It takes patient, study and frame of reference of the series and lies on the labels' own grid. Raises ItemFault
        for a sheared grid, no labelled voxel, a label that has no name, or a folder that is not one series.
        """
        import highdicom

        if not is_orthogonal(geometry):
            raise ItemFault(
                "lies on a sheared grid, which DICOM cannot hold", where=path.name, fix="take format nifti or nrrd"
            )
        if not labels.any():
            raise ItemFault("has no labelled voxel: a DICOM segmentation needs one", where=path.name, fix="take nrrd")
        with _as_fault(f"input series ({source.series.name})"):
            images = read_series(source.series)
        affine = np.eye(4)
        # highdicom counts (slice, row, column), as our arrays do.
        affine[:3, :3], affine[:3, 3] = geometry.matrix()[:, ::-1], geometry.origin_mm
        values = sorted(names)
        table = np.zeros(256, np.uint8)
        table[values] = np.arange(1, len(values) + 1)
        content = hashlib.sha256(labels.tobytes() + repr((geometry, sorted(names.items()))).encode()).hexdigest()
        series = images[0].SeriesInstanceUID
        uids = [_uid(f"{series} {content} {part}") for part in ("series", "instance")]
        volume = highdicom.Volume(
            table[labels], affine, "PATIENT", frame_of_reference_uid=images[0].FrameOfReferenceUID
        )
        found = highdicom.seg.Segmentation(
            source_images=images,
            pixel_array=volume,
            segmentation_type="BINARY",
            segment_descriptions=[
                _description(n, v, names[v], tags.get(v, ""), source) for n, v in enumerate(values, 1)
            ],
            series_instance_uid=uids[0],
            series_number=int(images[0].get("SeriesNumber") or 0) + 9000,
            sop_instance_uid=uids[1],
            instance_number=1,
            manufacturer="myorepro",
            manufacturer_model_name=source.maker,
            software_versions=source.version,
            device_serial_number="0",
            content_label="SEGMENTATION",
        )
        _fix_what_changes(found, images[0], _uid(f"{uids[1]} dimensions"))
        with replacing(path) as temporary:
            found.save_as(temporary)


def read_series(place: Path) -> list[Any]:
    """The headers of one DICOM series, by position along its normal. Raises ItemFault for none, or for several."""
    import pydicom
    from pydicom.errors import InvalidDicomError

    found = []
    for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
        if path.is_file():
            try:
                found.append(pydicom.dcmread(path, stop_before_pixels=True))
            except (InvalidDicomError, OSError, EOFError, ValueError, AttributeError, KeyError, NotImplementedError):
                continue
    images = [one for one in found if "ImageOrientationPatient" in one or "PerFrameFunctionalGroupsSequence" in one]
    series = {str(one.get("SeriesInstanceUID")) for one in images}
    if len(series) != 1:
        what = f"holds {len(series)} DICOM series with images" if series else "holds no DICOM image"
        raise ItemFault(what, where=f"input series ({place.name})", fix="give the folder of one series")
    if any(not one.get("FrameOfReferenceUID") for one in images):
        raise ItemFault(
            "has no frame of reference", where=f"input series ({place.name})", fix="give the scanner's own series"
        )
    if "ImageOrientationPatient" in images[0]:
        rows = np.asarray(images[0].ImageOrientationPatient, dtype=float).reshape(2, 3)
        normal = np.cross(rows[0], rows[1])
        images.sort(key=lambda one: (float(np.dot(normal, one.ImagePositionPatient)), str(one.SOPInstanceUID)))
    return images


@contextmanager
def _as_fault(where: str) -> Iterator[None]:
    """Turn what pydicom and highdicom raise for a broken file, which is of many kinds, into an ItemFault."""
    try:
        yield
    except (ItemFault, MemoryError):
        raise
    except Exception as error:
        line = " ".join(str(error).split())[:200]
        fix = "export it again"
        raise ItemFault(f"is not a readable DICOM segmentation ({line})", where=where, fix=fix) from error


def _header(path: Path) -> Any:
    """The data set without its pixels. Raises ItemFault for one that is deflated, and whatever pydicom raises."""
    import pydicom

    with path.open("rb") as stream:
        stream.seek(128)
        if stream.read(4) != b"DICM":
            raise ValueError("it has no DICOM prefix")
    meta = pydicom.filereader.read_file_meta_info(path)
    if str(meta.get("TransferSyntaxUID")) in DEFLATED:
        raise ItemFault("is deflated as a whole or by frame", where=path.name, fix="export it uncompressed")
    dataset = pydicom.dcmread(path, stop_before_pixels=True)
    if not dataset.get("SOPClassUID"):
        raise ValueError("it names no SOP class")
    return dataset


def _check(dataset: Any, where: str) -> None:
    """Refuse by its name what is not a segmentation of voxels that either belong or do not."""
    if dataset.get("SOPClassUID") not in (SEG, LABELMAP_SEG):
        kind = dataset.get("Modality") or "no modality"
        raise ItemFault(
            f"is DICOM ({kind}), not a segmentation", where=where, fix="give a SEG object, or .seg.nrrd or NIfTI"
        )
    if dataset.get("SegmentationType") == "FRACTIONAL":
        raise ItemFault("has fractional segments", where=where, fix="export binary segments or a label map")
    rows, columns, frames = (int(dataset.get(name) or 0) for name in ("Rows", "Columns", "NumberOfFrames"))
    if min(rows, columns, frames) < 1 or rows * columns * frames > 8 * MAX_BYTES:
        raise ItemFault(
            f"has {frames} frames of {rows} x {columns} voxels", where=where, fix="export it again, or in parts"
        )


def _layers(found: Any, numbers: list[int], where: str) -> tuple[npt.NDArray[np.generic], Geometry]:
    """The segments as one layer of their numbers, or a layer each where they overlap; and their grid."""
    if not numbers:
        raise ItemFault("has no segment", where=where, fix="export it again")
    if max(numbers) > MAX_LABEL:
        raise ItemFault(f"has segment {max(numbers)}", where=where, fix="renumber its segments")
    grid = found.get_volume_geometry()
    if grid is None:
        raise ItemFault("has frames that make no volume", where=where, fix="export it on one grid of equal slices")
    try:
        volume = found.get_volume(combine_segments=True, dtype=np.uint16)
        layers = volume.array[None]
    except RuntimeError:  # they overlap; `merge` finds out which, and where
        parts = [
            found.get_volume(segment_numbers=[number], combine_segments=True, dtype=np.uint16) for number in numbers
        ]
        volume = parts[0]
        layers = np.stack([part.array for part in parts])
    affine = np.asarray(volume.affine, dtype=float)
    steps, origin = affine[:3, 2::-1].T, affine[:3, 3]
    if np.linalg.det(steps) < 0:
        # Slices in either order are the same frames: k runs along i x j, as in volumes that readers of series make.
        origin = origin + (layers.shape[1] - 1) * steps[2]
        steps, layers = steps * [[1.0], [1.0], [-1.0]], layers[:, ::-1]
    size = (layers.shape[3], layers.shape[2], layers.shape[1])
    return np.ascontiguousarray(layers), Geometry.of_steps(size, steps, origin)


def _name(description: Any, number: int) -> str:
    label = str(description.get("SegmentLabel") or "").strip()
    return label or str(description.segmented_property_type.meaning).strip() or f"segment_{number}"


def _code(item: Any) -> str:
    """A code as 3D Slicer writes it."""
    value = item.get("CodeValue") or item.get("LongCodeValue") or item.get("URNCodeValue") or ""
    parts = (str(item.get("CodingSchemeDesignator") or ""), str(value), str(item.get("CodeMeaning") or ""))
    return "^".join(part.translate({ord(sign): " " for sign in "^~|"}) for part in parts)


def _tag(description: Any) -> str:
    """3D Slicer's tag of a segment, from its codes."""
    category, kind = (description.get(f"SegmentedProperty{part}CodeSequence") or [] for part in ("Category", "Type"))
    if not category or not kind or kind[0].get("CodingSchemeDesignator") == SCHEME:
        return "|"
    modifier = kind[0].get("SegmentedPropertyTypeModifierCodeSequence") or []
    return (
        "TerminologyEntry:Segmentation category and type - 3D Slicer General Anatomy list"
        f"~{_code(category[0])}~{_code(kind[0])}~{_code(modifier[0]) if modifier else '^^'}"
        "~Anatomic codes - DICOM master list~^^~^^|"
    )


def codes_of(tag: str) -> tuple[Code, Code, Code | None] | None:
    """Category, type and modifier of 3D Slicer's tag; None for one without a type."""
    entry = next((part for part in tag.split("|") if part.startswith("TerminologyEntry:")), "")
    parts = [tuple(part.split("^")) for part in entry.split("~")]
    if len(parts) < 4 or any(len(part) != 3 for part in parts[1:4]) or not all(parts[1]) or not all(parts[2]):
        return None
    category, kind, modifier = ((part[0], part[1], part[2]) for part in parts[1:4])
    return category, kind, modifier if all(modifier) else None


def _description(number: int, value: int, name: str, tag: str, source: Source) -> Any:
    import highdicom
    from highdicom.sr.coding import CodedConcept
    from pydicom.sr.codedict import codes

    category, kind, modifier = codes_of(tag) or (ANATOMY, (SCHEME, name[:16], name[:64]), None)
    algorithm = highdicom.AlgorithmIdentificationSequence(
        name=source.maker, family=codes.DCM.ArtificialIntelligence, version=source.version
    )
    found = highdicom.seg.SegmentDescription(
        segment_number=number,
        segment_label=name[:64],
        segmented_property_category=_concept(category),
        segmented_property_type=_concept(kind),
        algorithm_type="AUTOMATIC",
        algorithm_identification=algorithm,
        tracking_uid=_uid(f"{source.maker} {name}"),
        tracking_id=name[:64],
    )
    if modifier is not None:
        concepts: Sequence[CodedConcept] = [_concept(modifier)]
        found.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = concepts
    colour = highdicom.color.CIELabColor.from_rgb(*(round(255 * part) for part in colour_of(value)))
    found.RecommendedDisplayCIELabValue = list(colour.value)
    return found


def _concept(code: Code) -> Any:
    from highdicom.sr.coding import CodedConcept

    scheme, value, meaning = code
    return CodedConcept(value=value, scheme_designator=scheme, meaning=meaning)


def _uid(text: str) -> str:
    """A UID that follows from a text."""
    from pydicom.uid import generate_uid

    return str(generate_uid(entropy_srcs=[text]))


def _fix_what_changes(found: Any, image: Any, dimensions: str) -> None:
    """Set times of making to those of the series, and the random UID of the dimensions: equal input, equal bytes."""
    date = str(image.get("ContentDate") or image.get("SeriesDate") or image.get("StudyDate") or "19000101")
    time = str(image.get("ContentTime") or image.get("SeriesTime") or image.get("StudyTime") or "000000")
    for part in ("Content", "Series", "InstanceCreation"):
        setattr(found, f"{part}Date", date)
        setattr(found, f"{part}Time", time)
    for equipment in found.get("ContributingEquipmentSequence") or []:
        equipment.ContributionDateTime = date + time
    for item in (*found.DimensionOrganizationSequence, *found.DimensionIndexSequence):
        item.DimensionOrganizationUID = dimensions
    found.SpecificCharacterSet = "ISO_IR 192"
