"""Pictures for the report. Sides are drawn as radiologists do: the patient's right at the left of the image.

Invariants: axes are in mm with equal scale; the kind of evidence stands in the image itself; equal inputs give equal
bytes (fixed style, the font that comes with matplotlib, no date or software name in the file). Oblique grids are
drawn along the patient axis nearest to each grid axis, which is what a viewer's native slices show.

Pictures know no report and no claim. A picture that a case can ask for is one function with the decorator
`harness.pictures.registry.picture`.
"""
