"""SimpleITK's reading of a folder that holds one DICOM series: a program of its own, for a reader may crash.

    python -m harness.real_data.independent FOLDER OUTPUT

writes one NRRD a volume into OUTPUT, and prints a JSON list of what it could not read.
"""

import json
import sys
from pathlib import Path

import SimpleITK as sitk


def volumes(folder: Path) -> list[list[str]]:
    """The files of each volume, as GDCM divides a folder. Files that it sorts into none are volumes of their own."""
    divided = [
        list(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), uid, True))
        for uid in sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder), True)
    ]
    return divided or [[str(path)] for path in sorted(folder.iterdir())]


def main(folder: Path, output: Path) -> None:
    """Read and write; what cannot be read is named with SimpleITK's own last line."""
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    failed = []
    for number, names in enumerate(volumes(folder)):
        try:
            image = sitk.ReadImage(names if len(names) > 1 else names[0])
            times = range(image.GetSize()[3]) if image.GetDimension() == 4 else None
            for time in times or (None,):
                part = image if time is None else image[:, :, :, time]
                sitk.WriteImage(part, str(output / f"{number:03d}_{time or 0:03d}.nrrd"))
        except RuntimeError as error:
            failed.append(str(error).strip().splitlines()[-1][:200])
    print(json.dumps(failed))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
