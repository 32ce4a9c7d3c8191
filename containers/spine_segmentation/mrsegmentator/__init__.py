"""Stage mrsegmentator: MRSegmentator itself, for licensed data and with its authors' weights."""
