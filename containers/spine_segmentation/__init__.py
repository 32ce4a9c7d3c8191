"""Stage spine_segmentation: erector spinae and multifidus, left and right, by nnU-Net v2."""
