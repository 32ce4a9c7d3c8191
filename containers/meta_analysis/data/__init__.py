"""From the table to effects: statistics of rows, both sides averaged, the direction, and the design of moderators."""
