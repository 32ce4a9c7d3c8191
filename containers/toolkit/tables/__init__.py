"""Tables as files, and cohorts: tables whose columns a dictionary describes."""
