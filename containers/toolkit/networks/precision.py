"""Which arithmetic a network computes in: bfloat16 where the machine has it, float32 elsewhere."""

from functools import lru_cache

import torch


@lru_cache(maxsize=1)
def computes_in_bfloat16() -> bool:
    """Whether the processor multiplies in bfloat16; elsewhere it is emulated and slower than float32."""
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def reduced(device: str, wanted: str) -> bool:
    """Whether layers compute in bfloat16. device: `cpu` or `cuda`. wanted: `auto`, `bfloat16` or `float32`."""
    if wanted == "auto":
        return device == "cuda" or computes_in_bfloat16()
    return wanted == "bfloat16"
