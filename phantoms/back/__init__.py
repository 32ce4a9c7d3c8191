"""T2 HASTE phantoms of the back."""
