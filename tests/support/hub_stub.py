"""A hub of data set repositories on loopback and in memory: enough of it for its client to make, read and change one.

It shows what the client sends (huggingface_hub 2.4), not what the hub makes of it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.support.killable import Killable


@dataclass
class Repository:
    """A repository; `commits` holds the files after each."""

    private: bool
    commits: list[dict[str, bytes]] = field(default_factory=lambda: [{".gitattributes": b""}])

    @property
    def files(self) -> dict[str, bytes]:
        return self.commits[-1]

    @property
    def head(self) -> str:
        return hashlib.sha1(str(len(self.commits)).encode()).hexdigest()


class Hub(Killable):
    """The server.

    Attributes:
        repositories: by ORG/NAME.
        tokens: those that were sent.
        fail: the next request whose path ends so gets this status and these words.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.tokens: set[str] = set()
        self.fail: tuple[str, int, str] | None = None
        super().__init__(0, Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def respond(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        if self.fail is not None and path.endswith(self.fail[0]):
            (_, status, words), self.fail = self.fail, None
            return status, {"X-Error-Message": words}, b"{}"
        if path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}"
            self.repositories[name] = Repository(asked.get("visibility") == "private")
            return 200, {}, json.dumps({"url": f"{self.url}/datasets/{name}"}).encode()
        if path == "/api/validate-yaml":
            return 200, {}, b"{}"
        found = re.fullmatch(r"(?:/api)?/datasets/([^/]+/[^/]+)(?:/([a-z]+)/main)?(?:/(.+))?", path)
        assert found is not None, path
        name, action, file = found.groups()
        repository = self.repositories.get(name)
        if repository is None:
            return 404, {"X-Error-Code": "RepoNotFound"}, b"{}"
        return getattr(self, f"_{action or 'info'}")(repository, body, file)  # type: ignore[no-any-return]

    def _info(self, repository: Repository, *_: Any) -> tuple[int, dict[str, str], bytes]:
        files = [{"rfilename": name} for name in repository.files]
        return 200, {}, json.dumps({"id": "x/y", "private": repository.private, "sha": repository.head,
                                    "siblings": files}).encode()  # fmt: skip

    def _preupload(self, repository: Repository, body: bytes, *_: Any) -> tuple[int, dict[str, str], bytes]:
        files = [{"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                 for file in json.loads(body)["files"]]  # fmt: skip
        return 200, {}, json.dumps({"files": files}).encode()

    def _commit(self, repository: Repository, body: bytes, *_: Any) -> tuple[int, dict[str, str], bytes]:
        lines = [json.loads(line) for line in body.splitlines()]
        parent = lines[0]["value"].get("parentCommit")
        if parent not in (None, repository.head):
            return 412, {"X-Error-Message": "A commit has happened since."}, b"{}"
        files = dict(repository.files)
        for line in lines[1:]:
            path = line["value"]["path"]
            if line["key"] == "file":
                files[path] = base64.b64decode(line["value"]["content"])
            else:
                assert line["key"] == "deletedFile"
                del files[path]
        repository.commits.append(files)
        done = {"commitUrl": f"{self.url}/datasets/x/y/commit/{repository.head}", "commitOid": repository.head}
        return 200, {}, json.dumps(done).encode()

    def _resolve(self, repository: Repository, _: bytes, file: str) -> tuple[int, dict[str, str], bytes]:
        content = repository.files[file]
        return 200, {"X-Repo-Commit": repository.head, "ETag": f'"{hashlib.sha1(content).hexdigest()}"'}, content


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def do_GET(self) -> None:
        self._answer("GET")

    def do_HEAD(self) -> None:
        self._answer("HEAD")

    def do_POST(self) -> None:
        self._answer("POST")

    def _answer(self, method: str) -> None:
        length = self.headers["Content-Length"]
        body = self.rfile.read(int(length)) if length else b""
        if "Authorization" in self.headers:
            self.server.tokens.add(self.headers["Authorization"].removeprefix("Bearer "))
        status, headers, content = self.server.respond(method, self.path.partition("?")[0], body)
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if method != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass
