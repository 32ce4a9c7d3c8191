"""From the cohort table to what a method takes: derived columns, complete rows, outcomes and design matrices."""
