"""References: every experiment names its papers, a BibTeX library reads them all, and nothing is half an entry."""

import re
from pathlib import Path

import bibtexparser
import pytest
import yaml

from experiments.calibration.p_true.p_true import PTrue
from harness.cli.methods import experiment_class
from harness.errors import HarnessError
from harness.places.folders import config_files
from harness.report.citing import bibliography, papers_of, read_references

ROOT = Path(__file__).parents[3]
REFERENCES = ROOT / "experiments" / "references.bib"


@pytest.mark.parametrize("name", sorted(config_files("experiment", None)))
def test_every_experiment_names_papers_that_there_are(name: str) -> None:
    papers = papers_of(experiment_class(name))
    assert papers
    read = bibtexparser.loads(bibliography(papers, "0.1"))
    assert [entry["ID"] for entry in read.entries] == [*(paper.key for paper in papers), "self_evaluation_harness"]


def test_a_bibtex_library_reads_what_we_read() -> None:
    papers = {paper.key: paper for paper in read_references(REFERENCES)}
    entries = bibtexparser.loads(REFERENCES.read_text(encoding="utf-8")).entries
    assert {entry["ID"] for entry in entries} == papers.keys()
    for entry in entries:
        assert entry["author"]
        assert entry["title"]
        assert re.fullmatch("20[0-9]{2}", entry["year"])
        assert "eprint" in entry or "journal" in entry or "url" in entry
        cited = papers[entry["ID"]].cited
        assert entry["year"] in cited
        if "eprint" in entry:
            # The number of an arXiv paper begins with the year and month in which it was first there.
            assert re.fullmatch(rf"{entry['year'][2:]}[01][0-9]\.[0-9]{{5}}", entry["eprint"])
            assert f"arXiv:{entry['eprint']}" in cited


def test_no_entry_is_without_an_experiment() -> None:
    named = {key for name in config_files("experiment", None) for key in _keys(name)}
    assert named == {paper.key for paper in read_references(REFERENCES)}


def _keys(name: str) -> tuple[str, ...]:
    return experiment_class(name).papers


def test_authors_are_named_as_in_a_sentence() -> None:
    cited = {paper.key: paper.cited for paper in read_references(REFERENCES)}
    assert cited["kadavath2022language"] == "Kadavath et al. (2022, arXiv:2207.05221)"
    assert cited["kale2025knowrl"] == "Kale and Dhami (2025, arXiv:2510.11407)"
    assert cited["ullman2023large"] == "Ullman (2023, arXiv:2302.08399)"
    assert cited["farquhar2024detecting"] == "Farquhar et al. (2024)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("@article{a, author = {A}, year = {2020}", "entry 'a' has no end"),
        ("@article{a, author = {A}}", "entry 'a' needs an author and a year"),
        ("@article{a, author={A}, year={1}}\n@article{a, author={A}, year={1}}", "two entries 'a'"),
    ],
)
def test_half_an_entry_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "references.bib").write_text(text)
    with pytest.raises(HarnessError, match=message):
        read_references(tmp_path / "references.bib")


def test_a_paper_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PTrue, "papers", ("kadavath2022languages",))
    with pytest.raises(HarnessError, match="no entry 'kadavath2022languages', did you mean 'kadavath2022language'"):
        papers_of(PTrue)


def test_the_citation_file_names_this_version() -> None:
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{cff["version"]}"' in project
    assert {"cff-version", "message", "title", "authors"} <= cff.keys()
