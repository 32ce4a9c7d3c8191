"""Volumes and label maps: arrays with their place in the patient, and the files that hold them."""
