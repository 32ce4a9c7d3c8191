"""The contract between the harness and any stage: request in, one record per item out.

This package is the protocol and nothing else: requests, records, descriptions, faults, the loop over items, and files
that are whole or absent. It imports no other package of this project. `CONTRACT_VERSION` changes its first number when
a conforming stage of the old version would no longer conform.

1.1: what the user can do about an error is `error.fix`; `error.mend`, its name in 1.0, is still read.
1.2: a metric says what is doubtful of it (`qualified_by`); a parameter may be a JSON object.
"""

CONTRACT_VERSION = "1.2"
