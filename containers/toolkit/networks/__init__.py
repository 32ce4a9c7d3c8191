"""What networks that segment share: their training sets, and how well they do."""
