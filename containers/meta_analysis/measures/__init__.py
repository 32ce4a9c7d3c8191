"""Statistics of effects: standardised mean differences, trim and fill, shares of variance. They know no analysis."""
