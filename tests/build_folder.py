"""Images of stages that are not of this project."""

from pathlib import Path

from harness.runners import images
from harness.runners.engine import connect
from harness.runners.images import ImageInfo, Progress


def build_folder(folder: Path, tag: str, progress: Progress = lambda line: None) -> ImageInfo:
    """Build `tag` from a folder that is the whole context; BASE_IMAGE is the root filesystem."""
    builder = images._Builder(connect(images.BUILD_SECONDS), "cpu", rebuild=False, progress=progress)
    with images._engine_answers():
        files = {path.name: path for path in folder.iterdir()}
        return builder.tagged(folder.name, tag, files, builder.rootfs().reference, "Dockerfile")
