"""Whether an image keeps the stage contract."""
