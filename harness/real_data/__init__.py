"""What the project makes of a user's own DICOM files, series by series, next to what another reader makes of them."""
