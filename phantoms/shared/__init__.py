"""What the phantoms of all body parts share: protocol, subjects, shapes, the Dixon signal, DICOM files."""
