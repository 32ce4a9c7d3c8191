"""The contract between the harness and any stage: request in, one record per item out.

This package is the only code that stages share. It imports no stage, no phantom and nothing of the
harness. `CONTRACT_VERSION` changes its first number when a conforming stage of the old version would
no longer conform.
"""

CONTRACT_VERSION = "1.0"
