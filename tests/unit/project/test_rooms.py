"""The rooms of the harness: no import goes up, no circle, few files on the first floor, public names in one table."""

import ast
import graphlib
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import harness

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/contributing.md").read_text(encoding="utf-8")
HEAVY = ("torch", "vllm", "transformers", "datasets", "wandb", "matplotlib", "hydra", "omegaconf", "pydantic", "scipy")
PUBLIC_ROOMS = {"harness", "metrics", "tasks", "vectors"}
STILL_DEEPER = {"arms", "calls", "errors", "items", "outcomes", "readings"}
"""Rooms from which experiments import names that `harness` itself offers, or that it could offer."""

Arrows = dict[tuple[str, str], set[str]]


def floors() -> dict[str, int]:
    """The floor of each room, as docs/contributing.md has it; 0 is the lowest."""
    (block,) = re.findall(r"```floors\n(.*?)```", PAGE, re.DOTALL)
    return {room: number for number, line in enumerate(block.splitlines()) for room in line.split()}


def imported(tree: ast.Module) -> Iterator[str]:
    """Every module that a file imports, inside functions and for type checkers, too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "write imports from the top: from harness.x import y"
            assert node.module is not None
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def room_of(module: str) -> str:
    """The room of a module: a folder of harness or a file directly in it; elsewhere the top folder."""
    top, _, rest = module.partition(".")
    return rest.partition(".")[0] or top if top == "harness" else top


def arrows() -> Arrows:
    """The files behind each import of one room from another."""
    found: Arrows = defaultdict(set)
    for top in ("harness", "experiments", "conf"):
        for path in sorted((ROOT / top).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            here = "harness" if module == "harness.__init__" else room_of(module)
            for there in imported(ast.parse(path.read_text(encoding="utf-8"))):
                if there.partition(".")[0] in ("harness", "experiments", "conf", "scripts", "tests"):
                    found[here, room_of(there)].add(str(path.relative_to(ROOT)))
    return {pair: files for pair, files in found.items() if pair[0] != pair[1]}


ARROWS = arrows()
ROOMS = {path.stem for path in (ROOT / "harness").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}


def test_every_room_has_a_floor() -> None:
    assert set(floors()) == ROOMS - {"__init__"}, "name the room in the floors of docs/contributing.md"


def test_no_import_goes_up() -> None:
    floor = floors()
    inside = {(here, there): files for (here, there), files in ARROWS.items() if here in floor}
    strange = {pair: files for pair, files in inside.items() if pair[1] not in floor and pair[1] != "conf"}
    assert not strange, "a room of the harness imports what is above all of it"
    up = {(here, there): files for (here, there), files in inside.items() if floor.get(there, 0) > floor[here]}
    assert not up


def test_no_two_rooms_import_each_other() -> None:
    graph: dict[str, set[str]] = defaultdict(set)
    for here, there in ARROWS:
        if here != "harness":
            graph[here].add(there)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(f"rooms import each other: {' -> '.join(error.args[1])}")


def test_few_files_lie_on_the_first_floor() -> None:
    files = {path.stem for path in (ROOT / "harness").glob("*.py")} - {"__init__", "__main__"}
    assert len(files) <= 15, f"a folder for some of {', '.join(sorted(files))}"


def test_experiments_import_public_names_only() -> None:
    rooms = {there for here, there in ARROWS if here == "experiments"}
    assert rooms <= PUBLIC_ROOMS | STILL_DEEPER


def test_heavy_packages_are_imported_inside_functions() -> None:
    for path in sorted((ROOT / "harness").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        at_import = ast.Module([node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)], [])
        tops = {module.partition(".")[0] for module in imported(at_import)}
        # What runs only inside torch's process may name it at the top.
        if not any(part in path.parts for part in ("transformers", "vllm")):
            assert not tops & set(HEAVY), path


def test_the_public_names_are_listed_once_and_all_there() -> None:
    tree = ast.parse((ROOT / "harness/__init__.py").read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    typed = {
        (node.module, alias.name)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    }
    assert typed == {(f"harness.{home}", name) for home, names in harness.PUBLIC.items() for name in names}
    for name in harness.__all__:
        assert getattr(harness, name) is not None
    assert len(set(harness.__all__)) == len(harness.__all__)
    assert set(dir(harness)) == set(harness.__all__)
    with pytest.raises(AttributeError, match="module 'harness' has no attribute 'Experment'"):
        _ = harness.Experment


def test_importing_the_harness_imports_nothing_of_it() -> None:
    code = "import sys, harness; print([m for m in sys.modules if m.startswith('harness.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("config", sorted((ROOT / "conf/experiment").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_command_its_file_and_its_class_have_one_stem(config: Path) -> None:
    """experiment=pTrue is experiments/FAMILY/PAPER/p_true.py, class PTrue; ToM is one word: tom."""
    (target,) = re.findall(r"^experiment:\n(?: .*\n)*?  _target_: (\S+)", config.read_text("utf-8"), re.MULTILINE)
    package, family, paper, module, name = target.split(".")
    stem = config.stem
    assert package == "experiments"
    assert module == re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", stem.replace("ToM", "Tom")).lower()
    assert name == stem[0].upper() + stem[1:]
    assert (ROOT / package / family / paper / f"{module}.py").is_file()


STEPS = sorted(set(re.findall(r"`((?:harness|experiments|scripts)/[\w/]+\.py):([\w.]+)`", PAGE)))


@pytest.mark.parametrize(("file", "name"), STEPS, ids=lambda word: word)
def test_every_step_of_the_walks_is_there(file: str, name: str) -> None:
    body: list[ast.stmt] = ast.parse((ROOT / file).read_text(encoding="utf-8")).body
    for part in name.split("."):
        named = [node for node in body if getattr(node, "name", None) == part]
        assert named, f"{file} has no {name}; docs/contributing.md names it"
        body = getattr(named[0], "body", [])


README = (ROOT / "README.md").read_text(encoding="utf-8")
(MAP,) = re.findall(r"^## Where things are\n(.*?)^## ", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", [README, PAGE], ids=["README.md", "docs/contributing.md"])
def test_every_path_of_a_page_is_there(text: str) -> None:
    text = text.replace("experiments/calibration/sure.py", "").replace("conf/experiment/sure.yaml", "")  # the reader's
    paths = re.findall(r"`((?:harness|experiments|scripts|tests|conf|docs)/[\w/.-]*)", text)
    assert len(paths) > 8
    for path in paths:
        assert (ROOT / path).exists(), path


def test_the_code_map_names_every_folder() -> None:
    named = set(re.findall(r"`([\w/]+)/`", MAP))
    folders = {path.name for path in (ROOT / "harness").iterdir() if (path / "__init__.py").exists()}
    assert {f"harness/{folder}" for folder in folders} <= named
    families = {path.name for path in (ROOT / "experiments").iterdir() if (path / "__init__.py").exists()}
    assert {f"experiments/{family}" for family in families} <= named
