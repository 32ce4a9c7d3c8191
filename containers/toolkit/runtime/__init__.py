"""The machine and the process: CUDA, compiled kernels, settings of the process, versions, and the sources in use."""
