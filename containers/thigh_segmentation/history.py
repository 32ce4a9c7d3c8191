"""What a training run of the UNETR has seen so far, and when it is enough."""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class History:
    """Losses and validations of a run."""

    loss: list[float] = field(default_factory=list)
    """Mean loss of each epoch."""
    validation: list[tuple[int, float]] = field(default_factory=list)
    """Epoch and mean Dice on the working grid of each validation."""

    def idle(self) -> int:
        """Validations since the best one."""
        values = [dice for _, dice in self.validation]
        return len(values) - 1 - int(np.argmax(values)) if values else 0
