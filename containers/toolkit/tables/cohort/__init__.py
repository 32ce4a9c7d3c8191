"""Tables of rows that a dictionary describes, as the statistical stages read them and account for every row.

Cells are read by the dictionary (`dictionary`, `table`, `cells`) into typed columns (`columns`); rows leave by
exclusions (`exclusions`), each with a line in the flow (`flow`). Beside them is what every analysis of such a table
needs: a design matrix (`design`) and tail probabilities (`tails`).
"""
