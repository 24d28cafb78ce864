"""The house: no import runs in a circle, no folder is a drawer, and no public class shares its name with another."""

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import enveis

ROOT = Path(enveis.__file__).parents[1]
STATIONS = ("audit", "desk", "disk", "enveis", "gateway", "keys", "quarantine", "transfer")
FOLDER_MAX = 25  # files: more is a drawer, and wants rooms

# Every module of the product by its dotted name.
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for station in STATIONS
    for path in (ROOT / station).rglob("*.py")
}


def _imported(path: Path) -> Iterator[str]:
    """Yield what a module imports of ours, in its functions too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from package import module` imports the module; `from module import name` the module that has it.
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from inner if inner & MODULES.keys() else {node.module}


def test_imports_run_in_no_circle() -> None:
    graph = {name: {other for other in _imported(path) if other in MODULES} for name, path in MODULES.items()}
    assert sum(map(len, graph.values())) > len(MODULES)  # imports were found at all
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(" -> ".join(error.args[1])) from None


def test_no_folder_is_a_drawer() -> None:
    tests = [path for path in (ROOT / "tests").rglob("*.py") if "node_modules" not in path.parts]
    folders = Counter(path.parent.relative_to(ROOT) for path in [*MODULES.values(), *tests])
    assert {str(folder): count for folder, count in folders.items() if count > FOLDER_MAX} == {}


def test_a_class_name_means_one_thing() -> None:
    places = defaultdict(list)
    for name, path in MODULES.items():
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(name)
    assert {name: where for name, where in places.items() if len(where) > 1} == {}
