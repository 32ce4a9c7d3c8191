"""Dixon phantoms of the thighs, and the linear field whose right fusion is known."""
