"""Stored pixel values of a DICOM image, of one frame or of many.

They are kept as they are (int16 where they fit, else float32); rescale slope and intercept travel with the slice.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.uid import UID

from containers.contract.errors import ItemFault
from containers.fusion.tags import raw, unsigned

_NATIVE = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99"}
"""Uncompressed little-endian transfer syntaxes (implicit, explicit, deflated)."""

Pixels = npt.NDArray[np.int16] | npt.NDArray[np.float32]


def read_pixels(dataset: Dataset, shape: tuple[int, int, int], file: str) -> Pixels:
    """Stored values of all frames, (frame, row, column): int16 where they fit, else float32.

    Raises ItemFault, naming `file`, for pixels that are cut short or that no decoder reads.
    """
    syntax = str(dataset.file_meta.get("TransferSyntaxUID", ""))
    if not UID(syntax).is_transfer_syntax:
        raise ItemFault(
            f"has an unknown transfer syntax ({syntax or 'none'})",
            where=file,
            fix="convert it to explicit VR little endian (for example by gdcmconv --raw)",
        )
    allocated = unsigned(dataset, "BitsAllocated")
    bits = unsigned(dataset, "BitsStored", allocated)
    high = unsigned(dataset, "HighBit", bits - 1)
    native = syntax in _NATIVE and allocated == 16
    # pydicom masks and extends the sign where the standard's HighBit = BitsStored - 1 holds, and only there.
    if not 0 < bits <= high + 1 <= allocated or (high != bits - 1 and not native):
        raise ItemFault(
            f"has BitsStored {bits} and HighBit {high} of {allocated} bits, which cannot be read",
            where=file,
            fix="convert it to explicit VR little endian with HighBit one below BitsStored",
        )
    if native and (stored := raw(dataset, "PixelData")):
        count = math.prod(shape)
        if len(stored) < count * 2:
            needed = " x ".join(map(str, shape if shape[0] > 1 else shape[1:]))
            raise ItemFault(
                f"is cut short: {len(stored)} bytes of pixels where {needed} of 2 bytes are needed "
                "(truncated DICOM or wrong matrix)",
                where=file,
                fix="copy or export the file again",
            )
        # Zeros that follow the pixels are padding; a row and more of anything else is of a larger matrix.
        if len(stored) >= (count + shape[2]) * 2 and any(stored[count * 2 :]):
            meant = " x ".join(map(str, shape if shape[0] > 1 else shape[1:]))
            raise ItemFault(
                f"has {len(stored)} bytes of pixels where {meant} of 2 bytes are meant: wrong matrix",
                where=file,
                fix="export it again with its true Rows and Columns",
            )
        kind = "<i2" if unsigned(dataset, "PixelRepresentation") == 1 else "<u2"
        values: npt.NDArray[np.generic] = _stored_bits(np.frombuffer(stored, kind, count), bits, high)
        values = values.reshape(shape)
    else:
        try:
            values = dataset.pixel_array.reshape(shape)
        except MemoryError:
            raise
        except Exception as error:  # each decoder has its own exceptions
            line = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
            raise ItemFault(
                f"its pixels cannot be decoded from {UID(syntax).name} ({line})",
                where=file,
                fix="copy the file again or convert it to explicit VR little endian",
            ) from error
    if np.issubdtype(values.dtype, np.floating):
        if not np.isfinite(values).all():
            raise ItemFault("has NaN or infinite pixel values", where=file, fix="export the magnitude image again")
        return values.astype(np.float32)
    if values.dtype == np.dtype("<i2") or (values.max() <= 32767 and values.min() >= -32768):
        return values.astype(np.int16, copy=False)
    return values.astype(np.float32)


def _stored_bits(values: npt.NDArray[np.integer[Any]], bits: int, high: int) -> npt.NDArray[np.generic]:
    """The `bits` bits up to bit `high` of 16-bit words: what lies above (old overlays) goes, the sign is extended."""
    if bits == 16:
        return values
    shifted = values << values.dtype.type(15 - high)
    return np.asarray(shifted >> values.dtype.type(16 - bits))  # arithmetic for int16, logical for uint16
