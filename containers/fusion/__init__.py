"""Fusion: DICOM stations of one participant to one volume per contrast (ukb_thigh, Methods, equations 1 to 3).

Steps, each in its own module: `archive`, `dicom_source` and `reading` read a folder or zip, `header` parses one file,
`groups` splits series, `contrasts` names what they show, `stack` sorts slices, `stations` resolves repeats and
chooses stations, `grid` lays the global grid, `backends` interpolates and averages, `seams` reports how well
neighbours agree.

From the paper: slices sorted by ImagePositionPatient, spacing from PixelSpacing and the median slice distance,
stations from superior to inferior, of repeated stations the latest by SeriesTime, one grid over all stations,
trilinear interpolation, plain average in overlaps, NRRD.

Rules that the paper leaves open, decided once:
- Edges: a point counts for a station only within the span of its voxel centres; nothing is extrapolated. Outside
  all stations the value is 0 (`grid`).
- Target spacing: the finest of the stations on each axis; `spacing_mm` overrides it (`grid`).
- Rescale slope and intercept are applied before interpolation; as weights sum to one this equals rescaling after it
  where they are the same for all slices (`stack`).
- Axes run nearest to left, posterior and superior whatever the direction of acquisition. The grid is parallel to the
  superior-most station; stations oblique to it take the general path (`stack`, `grid`).
- What is one station, what is the latest across midnight or without a date, which four of six, and when a station
  is missing: see `stations`.
- Nothing is mixed: series are split by echo time, image type, orientation and acquisition (`groups`), the contrasts of
  a station come from one acquisition (`stations`); what remains unclear is refused.

Invariants: values do not depend on file order, file names, manifests or the number of threads; no identifier of a
participant reaches an output; of bad input the item's record names the file or series and how to fix it.
"""
