"""Ways to run a stage: a child process, a Docker container, an Apptainer container. One interface, `base.Runner`."""
