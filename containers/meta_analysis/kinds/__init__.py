"""The kinds of analysis: each takes its checked fields, the data set and the report, and puts its numbers there."""
