"""Names of structures: what a label is called by whom, and what it is.

Every tool has names of its own for the same muscle. One table knows them: a vocabulary a tool (`vocabularies/`), one
rule of spelling for all (`spelling`), codes of 3D Slicer and DICOM (`codes`). `table.find` reads one name, `legend` the
names of a label map. To add a vocabulary, add a module with `VOCABULARY` to `vocabularies/` and name it in
`table.VOCABULARIES`; one test holds all of them to the same checks.
"""
