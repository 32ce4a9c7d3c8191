"""What `analyses.json` of this stage has besides exclusions and analyses: derived columns."""

from typing import Any

from containers.toolkit.analyses import analyses_file


class AnalysesFile(analyses_file.AnalysesFile):
    """The whole file. `derive` and `analyses` are checked further by the classes of their kinds."""

    derive: tuple[dict[str, Any], ...] = ()
    """Columns that are made from others, in the order in which they are made."""
    description: str = ""
    """What the file is for, for people; empty where nothing is said."""
