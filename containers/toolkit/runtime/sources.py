"""The sources that decide what a module does: its own, and those of this project's modules that it imports.

Imports are read from the syntax tree, those inside of functions too. Not seen are modules that are imported by a name
made at run time (a register that looks its members up): who calls such a member gives its module as well. Imports under
`if TYPE_CHECKING` never run, so they do not count.
"""

import ast
import functools
import hashlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
"""The folder that the project's packages lie in."""


def source_files(modules: Iterable[str], packages: Iterable[str], root: Path = ROOT) -> dict[str, Path]:
    """The file of each module and of all modules of `packages` that it imports, directly or not, sorted by module.

    modules: dotted names; one that does not lie below `root` must be imported already. Raises TypeError for a module
    without a source file.
    """
    followed = frozenset(packages)
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = path = _file(name, root) or _loaded(name)
            package = name if path.name == "__init__.py" else name.rpartition(".")[0]
            named = _imported(path.read_bytes(), package)
            waiting += [one for one in named if one.partition(".")[0] in followed and _file(one, root)]
    return dict(sorted(found.items()))


def imported_files(files: Iterable[Path], packages: Iterable[str], root: Path = ROOT) -> dict[str, Path]:
    """The file of each module of `packages` that source files import, directly or not, sorted by module.

    files: Python sources anywhere; their relative imports are of their own folder and not followed.
    """
    followed = frozenset(packages)
    named = {name for path in files for name in _imported(path.read_bytes(), "")}
    return source_files([n for n in named if n.partition(".")[0] in followed and _file(n, root)], packages, root)


def source_digest(modules: Iterable[str], packages: Iterable[str], root: Path = ROOT) -> str:
    """SHA-256 over names and bytes of `source_files`."""
    total = hashlib.sha256()
    for name, path in source_files(modules, packages, root).items():
        total.update(f"{name}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def _file(module: str, root: Path) -> Path | None:
    """The file of a module below `root`; None for a name that is not a module there."""
    place = root.joinpath(*module.split("."))
    for path in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
        if path.is_file():
            return path
    return None


def _loaded(module: str) -> Path:
    """The file of a module that lies elsewhere and is imported already."""
    path = getattr(sys.modules.get(module), "__file__", None)
    if path is None:
        raise TypeError(f"{module} has no source file")
    return Path(path)


@functools.lru_cache(maxsize=1024)
def _imported(text: bytes, package: str) -> tuple[str, ...]:
    """Dotted names in the imports of a source: modules, or names inside of one.

    package: the one that it stands in; empty for a source that stands in none.
    """
    names: list[str] = []
    for node in _running(ast.parse(text)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level and not package:
                continue
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return tuple(names)


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """The node and all below it, but for what stands under `if TYPE_CHECKING`."""
    yield node
    if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
        below: Iterable[ast.AST] = node.orelse
    else:
        below = ast.iter_child_nodes(node)
    for child in below:
        yield from _running(child)
