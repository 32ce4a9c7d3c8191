"""Thigh segmentation (ukb_thigh, Methods): a UNETR, its training and its inference on fused Dixon volumes."""
