"""What W&B's client talks to, on loopback and in memory: enough of it for a whole run, and faults on request.

It shows what the client sends (wandb 0.31), not what W&B's pages make of it.
"""

from __future__ import annotations

import gzip
import json
import re
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.support.killable import Killable

KEY = "0123456789" * 4
"""Forty characters, which is all that the client checks."""


@dataclass
class Run:
    """What was sent of one run; `settings` as in the last request that made or changed it."""

    settings: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    files: set[str] = field(default_factory=set)
    state: str = "running"

    @property
    def steps(self) -> list[int]:
        return [row["_step"] for row in self.history]


@dataclass
class Fault:
    """The next `times` requests of a kind get `status` and no more."""

    kind: str
    status: int
    times: int
    headers: dict[str, str]


class WandbServer(Killable):
    """The server. Kinds of requests are "filestream", "upload", and the names of GraphQL operations.

    Attributes:
        answered: kind and status of every request, in order.
        artifacts: name, state and files of each, by its id here.
    """

    def __init__(self, port: int = 0) -> None:
        self.runs: dict[str, Run] = {}
        self.artifacts: dict[str, dict[str, Any]] = {}
        self.views: list[dict[str, Any]] = []
        self.answered: list[tuple[str, int]] = []
        self.lock = threading.RLock()
        self._faults: list[Fault] = []
        super().__init__(port, Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fail(self, kind: str, status: int, times: int = 1, **headers: str) -> None:
        """Makes the next requests of a kind fail."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._faults.append(Fault(kind, status, times, named))

    def statuses(self, kind: str) -> list[int]:
        """How the requests of a kind were answered."""
        return [status for name, status in self.answered if name == kind]

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that hangs up

    def respond(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, str], Any]:
        asked = json.loads(body) if method == "POST" and body else {}
        stream = re.fullmatch(r"/files/[^/]+/[^/]+/([^/]+)/file_stream", path)
        name = re.search(r"\b(?:query|mutation)\s+(\w+)", asked.get("query", ""))
        kind = "filestream" if stream else "upload" if method == "PUT" else name.group(1) if name else path
        with self.lock:
            for fault in self._faults:
                if fault.kind == kind and fault.times > 0:
                    fault.times -= 1
                    self.answered.append((kind, fault.status))
                    return fault.status, fault.headers, {"errors": [{"message": "asked for by the test"}]}
            self.answered.append((kind, 200))
            if stream:
                return 200, {}, self._stream(self.runs.setdefault(stream.group(1), Run()), asked)
            if path == "/graphql":
                return 200, {}, {"data": self._graphql(kind, asked.get("variables") or {})}
        return 200, {}, {}

    def _stream(self, run: Run, asked: dict[str, Any]) -> dict[str, Any]:
        for name, part in (asked.get("files") or {}).items():
            rows = part.get("content") or []
            if name == "wandb-history.jsonl":
                # The offset makes a request that is repeated harmless.
                run.history[part["offset"] : part["offset"] + len(rows)] = [json.loads(row) for row in rows]
            elif name == "wandb-summary.json":
                run.summary = json.loads(rows[-1])
        if asked.get("complete"):
            run.state = "failed" if asked.get("exitcode") else "finished"
        return {"exitcode": None, "limits": {}}

    def _graphql(self, operation: str, given: dict[str, Any]) -> dict[str, Any]:  # noqa: PLR0911
        match operation:
            case "Viewer":
                viewer = {"id": "u", "entity": "me", "username": "me", "flags": "{}", "teams": {"edges": []}}
                return {"viewer": viewer}
            case "GetDefaultEntity":
                return {"viewer": {"id": "u", "entity": "me", "username": "me"}}
            case "Run":
                return {"project": {"internalId": "1", "run": self._public(given["name"])}}
            case "ServerFeaturesQuery":
                return {"serverInfo": {"features": []}}
            case "UpsertBucket":
                return {"upsertBucket": self._upsert(given)}
            case "RunResumeStatus":
                known = given["name"] in self.runs
                bucket = self._bucket(given["name"]) if known else None
                return {"model": {"id": "p", "name": "p", "entity": {"id": "e", "name": "me"}, "bucket": bucket}}
            case "CreateRunFiles":
                self.runs[given["run"]].files |= set(given["files"])
                files = [{"name": name, "uploadUrl": f"{self.url}/storage/{name}"} for name in given["files"]]
                return {"createRunFiles": {"runID": given["run"], "uploadHeaders": [], "files": files}}
            case "RunStoppedStatus":
                return {"project": {"run": {"stopped": False}}}
            case "OrganizationCoreWeaveOrganizationID":
                return {"entity": {"organization": None}}
            case _:
                return self._artifact(operation, given.get("input", given))

    def _upsert(self, given: dict[str, Any]) -> dict[str, Any]:
        fresh = given["name"] not in self.runs
        run = self.runs.setdefault(given["name"], Run())
        run.settings |= {name: value for name, value in given.items() if value is not None}
        if given.get("config"):
            run.config = json.loads(given["config"])
        return {"bucket": self._bucket(given["name"]), "inserted": fresh}

    def _bucket(self, name: str) -> dict[str, Any]:
        run = self.runs[name]
        project = {"id": "p", "name": run.settings["project"], "entity": {"id": "e", "name": "me"}}
        return {
            "id": name, "name": name, "displayName": run.settings.get("displayName") or name, "project": project,
            "config": json.dumps(run.config), "sweepName": None, "historyLineCount": len(run.history),
            "summaryMetrics": json.dumps(run.summary), "logLineCount": 0, "eventsLineCount": 0, "eventsTail": "[]",
            "historyTail": json.dumps([json.dumps(row) for row in run.history[-1:]]), "tags": [],
            "wandbConfig": '{"t": 1}',
        }  # fmt: skip

    def _public(self, name: str) -> dict[str, Any]:
        return {
            "id": name, "name": name, "displayName": name, "state": self.runs[name].state, "projectId": "1", "tags": [],
            "group": None, "user": {"name": "me", "username": "me"}, "historyKeys": None, "summaryMetrics": "{}",
            "config": "{}", "systemMetrics": "{}",
        }  # fmt: skip

    def _artifact(self, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        match operation:
            case "CreateArtifact":
                made = f"a{len(self.artifacts)}"
                name = (given.get("artifactCollectionNames") or [given.get("artifactCollectionName")])[0]
                self.artifacts[made] = {"name": name, "state": "PENDING", "files": set()}
                sequence = {"id": "s", "latestArtifact": None}
                return {"createArtifact": {"artifact": {"id": made, "state": "PENDING", "artifactSequence": sequence}}}
            case "CreateArtifactManifest":
                file = self._file(given["name"])
                return {"createArtifactManifest": {"artifactManifest": {"id": "m", "file": file}}}
            case "CreateArtifactFiles":
                for file in given["artifactFiles"]:
                    self.artifacts[file["artifactID"]]["files"].add(file["name"])
                edges = [
                    {"node": self._file(f["name"]) | {"artifact": {"id": f["artifactID"]}}}
                    for f in given["artifactFiles"]
                ]
                return {"createArtifactFiles": {"files": {"edges": edges}}}
            case "CommitArtifact":
                self.artifacts[given["artifactID"]]["state"] = "COMMITTED"
                return {"commitArtifact": {"artifact": {"id": given["artifactID"], "digest": "d"}}}
            case "ArtifactType":
                return {"project": {"artifact": None}}
        return {}

    def _file(self, name: str) -> dict[str, Any]:
        return {
            "id": name, "name": name, "displayName": name, "uploadUrl": f"{self.url}/storage/{name}",
            "uploadHeaders": [], "uploadMultipartUrls": None, "storagePath": name,
        }  # fmt: skip


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # header and body are two writes: each answer would wait 40 ms
    server: WandbServer

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        status, headers, answer = self.server.respond(self.command, self.path, body)
        data = json.dumps(answer).encode()
        with suppress(OSError):
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass
