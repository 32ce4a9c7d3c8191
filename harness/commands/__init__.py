"""The commands of `myorepro`, by theme. Each is thin: it calls one function of the harness."""
