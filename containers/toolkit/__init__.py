"""What Python stages share besides the protocol, by what it is about; a stage takes the modules that it imports.

`images`: volumes and label maps as files. `tables`: tables of rows, and cohorts that a dictionary describes.
`analyses`: kinds of analysis of such tables, which a stage finds by their modules and runs. `networks`: training sets
and how well a network segments. `runtime`: the machine and the process that a stage runs in.
It imports `containers.contract` only. Digests and images of a stage hold those of its modules that the stage reaches by
imports, so that a change of one of them concerns the stages that use it.
"""
