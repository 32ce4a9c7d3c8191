"""Values of the command line, checked: each function raises RequestFault for one that is wrong."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from containers.contract.errors import RequestFault
from harness.run.steps.base import PRESETS, Preset


def folder(text: str | Path) -> Path:
    """A path. An empty one, as an unset shell variable gives, would mean the current folder: it is refused."""
    if not str(text).strip():
        raise RequestFault("an empty path", where="--work, --report or --out", fix="name a folder, or . for this one")
    return Path(text)


def pairs(values: list[str], option: str) -> dict[str, str]:
    """`name=value` options as a mapping."""
    found = {}
    for value in values:
        name, equals, rest = value.partition("=")
        if not equals or not name:
            raise RequestFault(f"is not name=value: {value!r}", where=option, fix=f"write {option} name=value")
        if name in found:
            raise RequestFault(f"gives {name!r} twice", where=option, fix="give it once")
        found[name] = rest
    return found


def preset(text: str) -> Preset:
    """The name of a preset."""
    for known in PRESETS:
        if text == known:
            return known
    raise RequestFault(f"no preset {text!r}", where="--preset", fix=f"known: {', '.join(PRESETS)}")


def device(text: str) -> Literal["cpu", "cuda"]:
    """The name of a device."""
    if text == "cuda":
        return "cuda"
    if text == "cpu":
        return "cpu"
    raise RequestFault(f"no device {text!r}", where="--device", fix="known: cpu, cuda")


RunnerOption = Annotated[str, typer.Option(metavar="NAME", help="auto, process, docker or apptainer")]
DeviceOption = Annotated[str, typer.Option(metavar="NAME", help="cpu, or cuda: the stages are given the GPU")]
WorkOption = Annotated[Path, typer.Option(parser=folder, metavar="FOLDER", help="folder of the cache and of the runs")]
JobsOption = Annotated[int, typer.Option(min=1, metavar="N", help="cores to use")]
StageArgument = Annotated[str, typer.Argument(help="stage name, folder, program or image")]
FactOption = Annotated[
    list[str] | None, typer.Option("-f", metavar="NAME=VALUE", help="a fact of the item; may be repeated")
]
