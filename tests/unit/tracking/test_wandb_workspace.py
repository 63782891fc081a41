"""The saved workspace with W&B's own package: what it holds, and what reaches a server on loopback."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.errors import HarnessError
from harness.tracking.workspace import Logged, build, save
from tests.support.loopback import Loopback

pytest.importorskip("wandb_workspaces")

Runs = list[tuple[dict[str, Any], dict[str, Any]]]


def runs() -> Runs:
    """Summary and config of two runs, as the tracker and W&B leave them."""
    import wandb

    chart = wandb.plot.line_series(xs=[[0.1, 0.9]], ys=[[0.2, 0.8]], keys=["few-shot"], title="Reliability")
    chart.set_key("charts/reliability")
    return [
        (
            {
                "status": "finished", "seconds": {"ask": 1.0}, "items_done": 10,
                "auroc/few-shot": 0.7, "auroc/few-shot/low": 0.6, "auroc/few-shot/high": 0.8,
                "claims/a claim": "supported", "seconds/ask": 1.0, "thoughts/tokens": 3,
                "progress/items": 10, "progress/calls": 20,
                "figures/reliability": {"_type": "image-file"}, "charts/reliability_table": {"_type": "table-file"},
            },
            {"_wandb": {"visualize": {chart.spec.key: chart.spec.config_value}}},
        ),
        ({"auroc/zero-shot": 0.7, "figures/roc": {"_type": "image-file"}}, {}),
    ]  # fmt: skip


class Server(Loopback):
    """Answers what saving asks, and keeps the views."""

    def __init__(self, runs: Runs) -> None:
        super().__init__()
        self.runs = runs
        self.views: dict[str, dict[str, Any]] = {}

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def respond(self, path: str, headers: dict[str, str], body: Any) -> tuple[int, dict[str, str], bytes]:
        query, given = body["query"], body.get("variables") or {}
        data: dict[str, Any]
        if "upsertView" in query:
            view = {"id": given.get("id") or f"view-{len(self.views)}", "name": given["name"]}
            self.views[view["id"]] = given
            data = {"upsertView": {"view": view, "inserted": True}}
        elif "allViews" in query:
            found = [(i, v) for i, v in self.views.items() if v["name"] == given["viewName"]]
            nodes = [{"node": {"id": i, "displayName": v["displayName"], "spec": v["spec"]}} for i, v in found]
            data = {"project": {"allViews": {"edges": nodes}}}
        elif "runs(" in query:
            edges = [{"node": self._run(i), "cursor": str(i)} for i in range(len(self.runs))]
            page = {"endCursor": None, "hasNextPage": False}
            data = {"project": {"internalId": "1", "runCount": len(edges), "readOnly": False,
                                "runs": {"edges": edges, "pageInfo": page}}}  # fmt: skip
        else:
            data = {"viewer": {"id": "u", "entity": "team", "username": "u"}}
        return 200, {}, json.dumps({"data": data}).encode()

    def _run(self, i: int) -> dict[str, Any]:
        summary, config = self.runs[i]
        wrapped = {name: {"value": value} for name, value in config.items()}
        return {"id": f"r{i}", "name": f"r{i}", "displayName": f"r{i}", "state": "finished", "projectId": "1",
                "tags": [], "group": "sweep", "user": {"name": "u", "username": "u"}, "systemMetrics": "{}",
                "summaryMetrics": json.dumps(summary), "config": json.dumps(wrapped)}  # fmt: skip


@pytest.fixture(autouse=True)
def no_settings_of_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [n for n in os.environ if n.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))


def _spec(workspace: Any) -> dict[str, Any]:
    section = json.loads(workspace._to_model().model_dump_json(by_alias=True))["spec"]["section"]
    assert isinstance(section, dict)
    return section


def _panels(spec: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    return {s["name"]: [p["config"] for p in s["panels"]] for s in spec["panelBankConfig"]["sections"]}


def _leaves(tree: Any) -> list[dict[str, Any]]:
    if isinstance(tree, list):
        return [leaf for node in tree for leaf in _leaves(node)]
    return _leaves(tree["filters"]) if tree.get("filters") else [tree]


def test_the_panels_are_those_of_what_the_runs_logged() -> None:
    panels = _panels(_spec(build("p", "e", "sweep", Logged.of(runs()))))
    assert list(panels) == ["Numbers", "Reliability", "Progress"]
    assert [p["metrics"] for p in panels["Numbers"]] == [
        ["auroc/few-shot/low", "auroc/few-shot", "auroc/few-shot/high"],
        ["auroc/zero-shot"],
    ]
    *media, chart = panels["Reliability"]
    assert [p["mediaKeys"] for p in media] == [["figures/reliability"], ["figures/roc"]]
    assert chart["panelDefId"] == "wandb/lineseries/v0"
    assert set(chart["fieldSettings"]) == {"step", "lineKey", "lineVal"}
    assert chart["stringSettings"]["title"] == "Reliability"
    assert '"value": "charts/reliability_table"' in json.dumps(chart["userQuery"])
    assert [(p["xAxis"], p["metrics"]) for p in panels["Progress"]] == [("progress/items", ["progress/calls"])]


@pytest.mark.parametrize(
    "group", ["sweep", "a = 1 or b > 2", r"""it's "x" \n""", "seed=1,lr<2", "Größe/7B", "123", "None"]
)
def test_the_filter_is_on_exactly_the_group(group: str) -> None:
    workspace = build("p", "e", group, Logged())
    (leaf,) = _leaves(_spec(workspace)["runSets"][0]["filters"])
    assert leaf["key"] == {"section": "run", "name": "group"}
    assert (leaf["op"], leaf["value"]) == ("=", group)
    read = type(workspace)._from_model(workspace._to_model())
    assert _leaves(_spec(read)["runSets"][0]["filters"]) == [leaf]


def test_metrics_are_chosen_whole_by_name_or_by_level() -> None:
    logged = Logged.of([*runs(), ({"auroc_x/all": 1.0}, {})])
    assert list(logged.only(["auroc"]).numbers) == ["auroc/few-shot", "auroc/zero-shot"]
    assert list(logged.only(["auroc/zero-shot", "auroc_x"]).numbers) == ["auroc/zero-shot", "auroc_x/all"]
    with pytest.raises(HarnessError, match=r"metric brier; there are: auroc, auroc_x"):
        logged.only(["brier"])


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    import wandb

    wandb.teardown()  # its service remembers the address of the server that it first met
    with Server(runs()) as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.base)
        monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
        yield server
        wandb.teardown()


def test_saving_makes_a_view_and_updates_it_by_its_url(server: Server) -> None:
    url = save("p", None, "sweep", metrics=["auroc/few-shot"])
    assert url.startswith(f"{server.base}/team/p?nw=")
    (asked,) = [b["variables"] for _, _, b in server.seen if "runs(" in b["query"]]
    assert json.loads(asked["filters"]) == {"group": "sweep"}
    (view,) = server.views.values()
    spec = json.loads(view["spec"])
    assert len(_panels(spec["section"])["Numbers"]) == 1
    theirs = {"name": "Mine", "panels": [], "isOpen": True}
    spec["section"]["panelBankConfig"]["sections"].append(theirs)
    view["spec"] = json.dumps(spec)

    assert save("p", "team", "other", url.replace("/p?", "/p/workspace?")) == url
    (view,) = server.views.values()
    section = json.loads(view["spec"])["section"]
    assert list(_panels(section)) == ["Numbers", "Reliability", "Progress", "Mine"]
    assert len(_panels(section)["Numbers"]) == 2
    assert [leaf["value"] for leaf in _leaves(section["runSets"][0]["filters"])] == ["other"]

    for wrong, match in {url.split("?")[0]: "ends in", url.replace("/p?", "/q?"): "is not a workspace of"}.items():
        with pytest.raises(HarnessError, match=match):
            save("p", "team", "sweep", wrong)
    server.runs = []
    with pytest.raises(HarnessError, match="team/p has no runs of group sweep"):
        save("p", "team", "sweep")


@pytest.mark.parametrize("missing", ["package", "key"])
def test_without_package_or_key_the_command_says_so_in_one_line(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if missing == "package":
        monkeypatch.setitem(sys.modules, "wandb_workspaces.workspaces", None)
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("it asked"))
    assert main(["wandb", "workspace", "--project", "p", "--group", "g"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    expected = {"package": "pip install 'self-evaluation-harness[workspace]'", "key": "set WANDB_API_KEY"}
    assert expected[missing] in line
