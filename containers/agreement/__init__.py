"""Stage `agreement`: how far label maps, volumes or tables are from a truth."""
