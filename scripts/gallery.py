"""Writes docs/gallery.md and its figures from finished runs, so that no number in it is typed by hand.

    python scripts/gallery.py --note "The model is ..." runs/pTrue/NAME:reliability runs/falseBelief/NAME

Give one run of an experiment. A word behind it names the figures to show, by how their names begin; without it the
first one is shown. The report of the first run is copied whole, as an example. Start the runs in the folder that holds
the model, as model=./NAME, since the page shows their commands as they were given.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from harness.cli.listing import config_names  # noqa: E402
from harness.figures import Drawing, figure_name  # noqa: E402
from harness.report.facts import model_fact  # noqa: E402
from harness.report.figures import draw  # noqa: E402
from harness.report.markdown import claim_rows, in_markdown  # noqa: E402
from harness.report.results import result_of  # noqa: E402
from harness.runs.loaded import Loaded, load_finished  # noqa: E402

PAGE, FOLDER = ROOT / "docs" / "gallery.md", ROOT / "docs" / "gallery"
MOST = 1_500_000
"""Bytes of all figures and pages together."""
MOST_CLAIMS = 12
OF_THIS_MACHINE = ("runs=", "store=", "tracker=")
"""Settings that say where a run is kept, and change no number."""
HEAD = """# Gallery

Runs of a small model, each with its command, its verdicts and a figure of its report. They are small: look at the
intervals before the numbers. `scripts/gallery.py` wrote this page from the run directories.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="RUN[:FIGURE]", help="a run directory")
    parser.add_argument("--note", required=True, help="what the model is and where it ran, for the head of the page")
    options = parser.parse_args()
    named = [word.partition(":") for word in options.runs]
    runs = [(load_finished(Path(place)), figure) for place, _, figure in named]
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    sections = [HEAD, f"{options.note}\n"]
    for at, (run, figure) in enumerate(runs):
        lines = [*section(run, figure), *(whole_report(run) if at == 0 else ())]
        sections.append("\n".join(lines))
    PAGE.write_text("\n".join(sections), encoding="utf-8")
    size = sum(file.stat().st_size for file in FOLDER.iterdir())
    print(f"{PAGE}: {len(options.runs)} runs, {size / 1000:.0f} kB of figures and pages")
    return int(size > MOST)


def section(run: Loaded, wanted: str) -> Iterator[str]:
    """The part of the page about one run, in lines."""
    manifest, experiment = run.record.manifest, str(run.record.manifest["experiment"])
    words = manifest["command"][manifest["command"].index("run") :]
    given = [word for word in words if not word.startswith(OF_THIS_MACHINE)]
    task, engine = manifest["task"], manifest["engine"]
    yield f"## {experiment}: {dict(config_names('experiment'))[experiment]}\n"
    yield f"```bash\npython -m harness {shlex.join(given)}\n```\n"
    yield f"{result_of(run.record)}\n"
    for drawing in drawings(run, wanted):
        file = FOLDER / f"{experiment}-{drawing.name}.svg"
        file.write_text(drawing.svg, encoding="utf-8")
        yield f"![{in_markdown(drawing.title)}]({file.relative_to(PAGE.parent)})\n"
    if claims := list(claim_rows(run.record, MOST_CLAIMS)):
        yield from claims
        yield ""
    groups = len(set(run.table.columns["group"].tolist()))
    where = ", ".join(str(engine[key]) for key in ("engine", "version", "device", "dtype") if key in engine)
    yield (
        f"{task['items']} items of {task['name']} in {groups} groups, seed {manifest['seed']}; {model_fact(manifest)}; "
        f"{where}.\n"
    )


def whole_report(run: Loaded) -> Iterator[str]:
    """The link to a copy of a run's report."""
    copy = shutil.copyfile(run.record.path / "report.html", FOLDER / f"{run.record.manifest['experiment']}.html")
    yield f"[The whole report]({copy.relative_to(PAGE.parent)}), for a browser.\n"


def drawings(run: Loaded, wanted: str) -> Iterator[Drawing]:
    """The figures whose names begin with a word; the first one for ""."""
    figures = run.job.experiment.figures
    for figure in [one for one in figures if figure_name(one).startswith(wanted)] if wanted else figures[:1]:
        yield draw(figure, run.table, run.record.estimates)


if __name__ == "__main__":
    sys.exit(main())
