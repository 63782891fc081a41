"""Puts runs into a data set repository of the Hugging Face hub, in one commit: everything is there, or nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.interop.hub_card import card, folder_of, section, sections_of
from harness.outcomes import Table
from harness.redaction import keep_secret, known_struck
from harness.runs.records import RunRecord, is_dry, load_record

if TYPE_CHECKING:
    from huggingface_hub import HfApi

TEXTS = ("manifest.json", "estimates.json", "verdicts.json", "calls.jsonl", "report.html", "fitted.json")
FOLDERS = ("figures", "report-items")
TABLE, ARRAYS, CARD = "outcomes.parquet", "fitted.npz", "README.md"


@dataclass(frozen=True, slots=True)
class Pushed:
    """What has been done.

    Attributes:
        url: of the repository.
        files: how many were sent.
        private: whether only its owners see it.
    """

    url: str
    files: int
    private: bool


def repository(address: str) -> str:
    """The repository ORG/NAME of an address hf://datasets/ORG/NAME.

    Raises:
        HarnessError: it is another address.
    """
    found = re.fullmatch(r"hf://datasets/([\w.-]+/[\w.-]+?)/?", address)
    if found is None:
        raise HarnessError(f"--to {address}: write --to hf://datasets/ORG/NAME")
    return found[1]


def push(runs: Sequence[Path], repo: str, *, public: bool) -> Pushed:
    """Puts runs into a data set repository, which is made where there is none; runs that are there stay.

    Args:
        runs: run directories of finished runs.
        repo: ORG/NAME.
        public: whether everybody may see them. Without it nothing is sent to a repository that is public already.

    Raises:
        HarnessError: a run has no results or is a dry run, the hub refuses or cannot be reached, the repository is
            public without `public`, or holds a card of somebody else.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token

    records = [load_record(run) for run in runs]
    for record in records:
        if is_dry(record.manifest):
            raise HarnessError(f"{record.path} is a dry run: no model was asked, and its numbers mean nothing")
    if (token := get_token()) is None:
        raise HarnessError("there is no token of the hub: run `hf auth login`, or set HF_TOKEN")
    keep_secret(token)
    api = HfApi()
    with _told(repo), TemporaryDirectory() as draft:
        there = _look(api, repo)
        if there is not None and not there.private and not public:
            raise HarnessError(f"{repo} is public: everybody would see the runs; give --public, or another repository")
        sections = _present(api, repo, Path(draft)) if there is not None and CARD in there.files else {}
        files: dict[str, bytes | str] = {}
        for record in records:
            folder = folder_of(record)
            sections[folder] = section(record)
            files |= {f"{folder}/{name}": content for name, content in _contents(record, Path(draft))}
        files[CARD] = known_struck(card(repo, sections)).encode()
        if there is None:
            api.create_repo(repo, repo_type="dataset", private=not public)
        ours = tuple(f"{folder_of(record)}/" for record in records)
        old = [name for name in there.files if name.startswith(ours) and name not in files] if there else []
        api.create_commit(
            repo,
            [
                *(CommitOperationAdd(name, content) for name, content in files.items()),
                *(CommitOperationDelete(name) for name in old),
            ],
            commit_message=f"Runs: {', '.join(folder.removesuffix('/') for folder in ours)}",
            repo_type="dataset",
            parent_commit=there.commit if there else None,
        )
    return Pushed(f"{api.endpoint}/datasets/{repo}", len(files), there.private if there else not public)


@dataclass(frozen=True, slots=True)
class _There:
    """A repository as it is before anything is sent."""

    private: bool
    commit: str | None
    files: tuple[str, ...]


def _look(api: HfApi, repo: str) -> _There | None:
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        info = api.dataset_info(repo)
    except RepositoryNotFoundError:  # or one that this token may not see: making it is refused then
        return None
    return _There(bool(info.private), info.sha, tuple(file.rfilename for file in info.siblings or ()))


def _present(api: HfApi, repo: str, draft: Path) -> dict[str, str]:
    """The sections of the card that is there."""
    file = api.hf_hub_download(repo, CARD, repo_type="dataset", local_dir=draft / "there")
    return sections_of(Path(file).read_text(encoding="utf-8"), repo)


def _contents(record: RunRecord, draft: Path) -> Iterator[tuple[str, bytes | str]]:
    """The files of a run by their names, without the credentials of this machine; large ones as paths."""
    folders = [file for folder in FOLDERS for file in sorted((record.path / folder).glob("*"))]
    for file in (*(record.path / name for name in TEXTS), *folders):
        if file.is_file():
            yield file.relative_to(record.path).as_posix(), known_struck(file.read_text(encoding="utf-8")).encode()
    if (record.path / ARRAYS).is_file():
        yield ARRAYS, str(record.path / ARRAYS)
    yield TABLE, str(_table(record, draft))


def _table(record: RunRecord, draft: Path) -> Path:
    """The rows; a copy where a text holds a credential."""
    file = record.path / TABLE
    table = Table.load(file)
    held = False
    for column in table.columns.values():
        for i, value in enumerate(column):
            if isinstance(value, str) and (struck := known_struck(value)) != value:
                column[i], held = struck, True
    if not held:
        return file
    copy = draft / f"{folder_of(record)}.parquet"
    table.save(copy)
    return copy


@contextmanager
def _told(repo: str) -> Iterator[None]:
    """Errors of the hub's client in words that name the repository."""
    import httpx
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    nothing = f"nothing was sent to {repo}"
    try:
        yield
    except OfflineModeIsEnabled as error:
        raise HarnessError(f"{nothing}: HF_HUB_OFFLINE is set") from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        hint = {
            401: "; is the token still valid?",
            403: "; the token needs the right to write there",
            412: "; somebody else changed it meanwhile: try again",
        }.get(status, "")
        said = (error.server_message or str(error)).strip().partition("\n")[0]
        raise HarnessError(f"{nothing}: the hub answers {status} ({said}){hint}") from error
    except (httpx.HTTPError, OSError, ValueError) as error:
        said = str(error).strip().partition("\n")[0]
        raise HarnessError(f"{nothing}: {type(error).__name__}: {said}") from error
