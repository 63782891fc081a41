"""Writes the reference pages under docs/: settings.md, metrics.md, papers.md, columns.md, and llms.txt.

    python scripts/docs.py             writes them
    python scripts/docs.py --check     exits with 1 when one of them is not up to date

Their sources are the docstrings and config files of the harness, docs/papers.csv and docs/index.md, so the pages cannot
differ from the code.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from harness.cli.described import attribute_meanings, class_settings  # noqa: E402
from harness.cli.listing import measures, summary  # noqa: E402
from harness.config.yaml_files import read_yaml  # noqa: E402
from harness.metrics.metric import Measure  # noqa: E402
from harness.places.named import named  # noqa: E402
from scripts.docs_site import llms_page  # noqa: E402

CONF, DOCS = ROOT / "conf", ROOT / "docs"
GROUPS = {
    "task": "Tasks",
    "model": "Models",
    "engine": "Engines",
    "tracker": "Trackers",
    "hydra/launcher": "Launchers of a grid",
    "experiment": "Experiments",
}
"""Config groups in the order of the page, with their titles."""
COLUMNS = {
    "Labels": "right or wrong (0, 1)",
    "Probabilities": "probability",
    "Scores": "probability or score",
    "Numbers": "number",
    "Ordered": "number",
    "Wins": "label, probability or number",
    "Units": "text: one value a unit",
    "Folds": "text: one value a fold",
    "Fates": "text: fate of the answer",
    "Classes": "text: name of a class",
}
"""The column types of metrics in a reader's words."""
MADE = "<!-- Written by scripts/docs.py. Change its sources, not this file. -->\n"


def cell(text: object) -> str:
    """A text as the cell of a Markdown table: in one line, with its pipes and angle brackets escaped."""
    line = " ".join(str(text).split())
    return line.replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")


def code(text: object) -> str:
    """A value in code font as the cell of a table; nothing for an empty one."""
    line = " ".join(str(text).split()).replace("|", "\\|")
    return f"`{line}`" if line else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table of cells that are escaped already."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def paragraphs(doc: str) -> list[str]:
    """The paragraphs of a docstring above its sections (Attributes, Raises), each in one line."""
    text = re.split(r"\n(?=(?:Attributes|Raises|Args|Returns):\n)", inspect.cleandoc(doc))[0]
    return [" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n")]


# --- settings


def settings_page() -> str:
    """docs/settings.md: every setting with its default and its meaning."""
    parts = [
        f"# Settings\n\n{MADE}\n"
        "Every setting can be changed on the command line: `seed=1`, `task.split=test`, `engine.dtype=float32`. "
        "`python -m harness show NAME` prints the same with the values that a command would use. A setting without a "
        "default is needed. A value in brackets is the one that the preset of this name sets.\n",
        "## A run\n\n" + table(["setting", "default", "meaning"], run_settings()),
    ]
    for group, title in GROUPS.items():
        parts.append(f"## {title}\n")
        parts += list(group_sections(group))
    parts += ["## Studies\n", table(["study", "what it asks"], list(files("study")))]
    parts += [
        "## Wordings\n\nTexts of a paper in place of the experiment's own: `+wording/selfCorrection=math`.\n",
        table(["wording", "what it is"], list(files("wording"))),
    ]
    return "\n".join(parts)


def run_settings() -> Iterator[list[str]]:
    """Rows of the settings that belong to no part, from conf/config.yaml and its comments."""
    text = (CONF / "config.yaml").read_text(encoding="utf-8")
    for name, value, meaning in re.findall(r"^(\w+): (\S.*?) # (.*)$", text, re.MULTILINE):
        yield [code(name), code(value), cell(meaning)]


def files(group: str) -> Iterator[list[str]]:
    """Rows of the presets in a folder of conf/, each with the first sentence of its comment."""
    for file in sorted((CONF / group).rglob("*.yaml")):
        path = file.relative_to(CONF / group).with_suffix("").as_posix()
        name = f"+{group}/{path.replace('/', '=')}" if "/" in path else f"{group}={path}"
        yield [code(name), cell(header(file.read_text(encoding="utf-8")))]


def group_sections(group: str) -> Iterator[str]:
    """A section for every preset of a config group; presets of one class share a table."""
    found: dict[str, list[tuple[str, Mapping[str, Any], str]]] = {}
    usual: dict[str, str] = {}
    for file in sorted((CONF / group).glob("*.yaml")):
        config = read_yaml(file)
        node = config.get(group, config)
        found.setdefault(node["_target_"], []).append((file.stem, node, header(file.read_text(encoding="utf-8"))))
        if group == "experiment":
            usual[node["_target_"]] = usual_items(config)
    prefix = group.replace("/", ".")
    for target, presets in found.items():
        cls = named(target, group)
        if not dataclasses.is_dataclass(cls) or not isinstance(cls, type):
            continue
        title = ", ".join(f"`{group}={name}`" for name, _, _ in presets)
        described = "".join(f"* `{name}`: {cell(about)}\n" for name, _, about in presets) if len(presets) > 1 else ""
        about = described or f"{cell(presets[0][2] or paragraphs(cls.__doc__ or '')[0])}\n"
        rows = list(class_rows(prefix, cls, [(name, node) for name, node, _ in presets]))
        about += usual.get(target, "") + names_of(cls)
        yield f"### {title}\n\n{about}\n" + (table(["setting", "default", "meaning"], rows) if rows else "")


def usual_items(config: Mapping[str, Any]) -> str:
    """What an experiment asks about unless the command says otherwise, and what it tests."""
    (task,) = (one["override /task"] for one in config["defaults"] if "override /task" in one)
    limit = "all items" if config["limit"] is None else f"`limit={config['limit']}`"
    claims = len(config.get("claims", []))
    return f"\nIt asks `task={task}` with {limit} and tests {claims} claim{'' if claims == 1 else 's'}.\n"


def names_of(cls: type) -> str:
    """The arms and the texts of an experiment, by name; "" for any other class."""
    arms, texts = (", ".join(map(code, getattr(cls, name, {}))) for name in ("all_arms", "texts"))
    lines = [f"Arms: {arms}.\n" if arms else "", f"Texts (`experiment.wording.NAME`): {texts}.\n" if texts else ""]
    return "".join(f"\n{line}" for line in lines if line)


def class_rows(prefix: str, cls: type, presets: Sequence[tuple[str, Mapping[str, Any]]]) -> Iterator[list[str]]:
    """Rows of a class's settings; the values that presets give stand in brackets behind the default."""
    given = [{row.name: row.value for row in class_settings(prefix, cls, node)} for _, node in presets]
    for row in class_settings(prefix, cls, {}):
        others = {
            values[row.name]: name
            for (name, _), values in zip(presets, given, strict=True)
            if values[row.name] not in ("needed", row.default)
        }
        default = code(row.default) if row.default is not None else "needed"
        names = [f"({code(value)}{f' in {name}' if len(presets) > 1 else ''})" for value, name in others.items()]
        yield [code(row.name), " ".join([default, *names]), cell(row.meaning.rstrip("."))]


def header(text: str) -> str:
    """The first sentence of the comment at the head of a config file; "" if there is none."""
    lines = [line[1:].strip() for line in text.splitlines() if line.startswith("#") and "@package" not in line]
    return summary(" ".join(lines)) if lines else ""


# --- metrics


def metrics_page() -> str:
    """docs/metrics.md: every metric function by the file that it is in."""
    by_file: dict[str, list[tuple[str, Measure]]] = {}
    for name, measure in sorted(measures().items()):
        by_file.setdefault(measure.function.__module__, []).append((name, measure))
    parts = [
        f"# Metrics\n\n{MADE}\n"
        "Every metric is a function of columns of `outcomes.parquet`. An experiment says which columns it takes "
        "(`Metric`), and the bootstrap gives every value its interval ([statistics](statistics.md)). "
        "`python -m harness show NAME` prints the same. *Range* is that of the value; *better* says in which "
        "direction a model improves.\n"
    ]
    for module, found in sorted(by_file.items()):
        doc = sys.modules[module].__doc__ or ""
        first = paragraphs(doc)[0]
        parts.append(f"## {module.removeprefix('harness.metrics.').replace('_', ' ').capitalize()}\n\n{first}\n")
        parts += [measure_section(name, measure) for name, measure in found]
    return "\n".join(parts)


def measure_section(name: str, measure: Measure) -> str:
    """The section of one metric."""
    names = list(inspect.signature(measure.function).parameters)
    columns = [
        f"{parameter} ({COLUMNS.get(kind.__name__, kind.__name__)})"
        for parameter, kind in zip(names, measure.parameters, strict=False)
    ]
    low, high = (("unbounded" if end is None else f"{end:g}") for end in (measure.low, measure.high))
    span = "unbounded" if low == high == "unbounded" else f"{low} to {high}"
    facts = [f"columns: {', '.join(columns)}", f"range: {span}", f"better: {measure.better}"]
    if measure.options:
        facts.append("options: " + ", ".join(f"`{key}={value!r}`" for key, value in measure.options.items()))
    if measure.undefined:
        facts.append(f"undefined where {measure.undefined}")
    text = "\n\n".join(paragraphs(measure.function.__doc__ or ""))
    return f"### {name}\n\n{text}\n\n" + "".join(f"* {fact}\n" for fact in facts)


# --- papers


def papers_page() -> str:
    """docs/papers.md: every paper with its claim, and its command or the reason why there is none."""
    with (ROOT / "docs/papers.csv").open(encoding="utf-8", newline="") as file:
        papers = list(csv.DictReader(file))
    here = [paper for paper in papers if paper["experiments"]]
    outside = [paper for paper in papers if paper["missing"].startswith("outside")]
    later = [paper for paper in papers if paper not in here and paper not in outside]
    parts = [
        f"# Papers\n\n{MADE}\n"
        f"The harness is to replicate {len(papers) - len(outside)} papers (some entries hold several). "
        f"{len(here)} of them have an experiment today. Each section below says what the paper claims, which command "
        "asks it, and how the experiment differs from the paper. [Reproducing a paper's row](reproduce.md) tells how "
        "a published number is set beside a measured one.\n",
        "## With an experiment\n",
    ]
    parts += [paper_section(paper) for paper in here]
    parts += ["## Not yet\n", later_table(later)]
    rows = [[cell(paper["title"]), cell(paper["missing"].partition(": ")[2])] for paper in outside]
    parts += ["## Outside\n\nNo language model judges itself in these.\n", table(["paper", "why"], rows)]
    return "\n".join(parts)


def later_table(papers: Iterable[Mapping[str, str]]) -> str:
    """The papers without an experiment: what they claim, and what their experiment needs."""
    rows = [
        [f"{cell(numbered(paper))} ({cell(paper['source'])})", cell(paper["claim"]), cell(needs(paper["missing"]))]
        for paper in papers
    ]
    return table(["paper", "claim", "what is missing"], rows)


def numbered(paper: Mapping[str, str]) -> str:
    """The title of a paper behind its number in the survey that the harness replicates, where it has one."""
    return f"{paper['number']}. {paper['title']}" if paper["number"] else paper["title"]


def needs(missing: str) -> str:
    """What stands between a paper and its experiment, without the words "not yet"."""
    return re.sub(r"^not yet[:;]? ?", "", missing) or "the experiment"


def paper_section(paper: Mapping[str, str]) -> str:
    """The section of a paper that has experiments."""
    lines = [f"### {numbered(paper)}\n\n{paper['source']}. {paper['claim']}.\n"]
    for name in paper["experiments"].split():
        config = read_yaml(CONF / f"experiment/{name}.yaml")
        cls = named(config["experiment"]["_target_"], name)
        found = paragraphs(cls.__doc__ or "")
        task = "study=second_opinion" if name == "secondOpinion" else f"experiment={name}"
        lines.append(f"```bash\npython -m harness run {task}\n```\n")
        lines.append(f"`{name}`: {cell(found[0])}\n")
        lines += [f"{cell(one)}\n" for one in found if re.match(r"(Differs|Left out|Omits)\b", one)]
    if paper["missing"]:
        lines.append(f"Not done here: {paper['missing']}.\n")
    if paper["seen"]:
        lines.append(f"Seen on the embedded SmolLM2-135M-Instruct: {paper['seen']}.\n")
    return "\n".join(lines)


# --- columns


def columns_page() -> str:
    """docs/columns.md: the columns of every experiment's outcomes.parquet."""
    parts = [
        f"# Columns of `outcomes.parquet`\n\n{MADE}\n"
        "One row is one judged answer. Every experiment has the columns `item`, `group`, `error` and `arm` "
        "([what they mean](output.md#outcomesparquet)) and those below. A column that is set by the arm is an "
        "experimental factor: it has one value in each arm.\n"
    ]
    for file in sorted((CONF / "experiment").glob("*.yaml")):
        cls = named(read_yaml(file)["experiment"]["_target_"], file.stem)
        arm = type(next(iter(cls.all_arms.values()))) if hasattr(cls, "all_arms") else None
        meanings = attribute_meanings(cls.outcome) | (attribute_meanings(arm) if arm else {})
        factors = cls.factor_kinds() if arm else {}
        rows = [
            [code(name), kind, cell(meanings.get(name, "").rstrip(".")), "arm" if name in factors else ""]
            for name, kind in cls.columns().items()
            if name not in ("item", "group", "error", "arm")
        ]
        parts.append(f"## `{file.stem}`\n\n" + table(["column", "kind", "meaning", "set by"], rows))
    return "\n".join(parts)


PAGES = {
    "settings.md": settings_page,
    "metrics.md": metrics_page,
    "papers.md": papers_page,
    "columns.md": columns_page,
    "llms.txt": llms_page,
}


def main() -> int:
    """Writes the pages, or says which of them are old.

    Returns:
        The exit code: 1 with --check when a page is not up to date.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when a page is old")
    check = parser.parse_args().check
    old = []
    for name, make in PAGES.items():
        page, text = DOCS / name, make()
        if page.is_file() and page.read_text(encoding="utf-8") == text:
            continue
        old.append(f"docs/{name}")
        if not check:
            page.write_text(text, encoding="utf-8")
    if old:
        print(f"{'old' if check else 'written'}: {', '.join(old)}{'; run python scripts/docs.py' if check else ''}")
    return int(check and bool(old))


if __name__ == "__main__":
    sys.exit(main())
