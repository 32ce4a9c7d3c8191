"""Stage `composition`: label map (and water and fat) to volumes, indices, ratios, asymmetry and fat fraction."""
