"""The kinds of analysis. A kind is a module of this package, and its name is the kind's.

To add a kind, add `kinds/<kind>.py` with one class made from `_analysis.Analysis`; nothing else needs to change:

- `kind: Literal["<kind>"]` and the kind's other fields, each with its sentence;
- `example`, entries of analyses.json of which the last is of the kind, on the table `made_up_muscles` of the tests
  (`tests/meta_analysis/test_every_kind.py` runs it);
- `run(self, data, report)`, which takes its effects from `used_effects` (so that every row left out is in the flow),
  calls a method of `models` or `measures`, which knows nothing of analyses, and puts what that gives into the report.
  What is wrong with the input is an ItemFault of one line.

Modules whose name begins with an underscore are shared by kinds and are none.
"""

from containers.meta_analysis.kinds._analysis import Analysis
from containers.toolkit.analyses.kinds import Kinds

KINDS: Kinds[Analysis] = Kinds(__name__, __path__)
