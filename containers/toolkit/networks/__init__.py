"""What networks that segment share: training sets, ends of training programs, scores, cards, and precision."""
