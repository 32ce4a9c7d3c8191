"""Mathematics on intervals that several kinds of relation share; it knows no relation and no ledger."""
