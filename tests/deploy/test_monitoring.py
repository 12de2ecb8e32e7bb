"""Prometheus' rules, Alertmanager's routes and Grafana's dashboard speak of figures that there are."""

import json
import re
import subprocess
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import temporalio.bridge
import yaml
from prometheus_client import REGISTRY

from services.commands.serve import ASSEMBLIES
from services.contracts.names import QUEUE_NOTIFY, QUEUE_SURVEY, QUEUE_TICKETS, Role
from tests.programs import CHECKOUT, program

DEPLOY = CHECKOUT / "deploy"
PROMETHEUS = DEPLOY / "prometheus"
RULES = sorted((PROMETHEUS / "rules").glob("*.yml"))
TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
RUNBOOKS = DEPLOY / "runbooks"

GIVEN_BY_PROMETHEUS = {"__name__", "instance", "job", "le", "role"}
OF_THE_PLATFORM = {"up", "process_resident_memory_bytes"}
_SERIES = re.compile(r"\b((?:bihuan|temporal|process)_\w+|up)\b(?:\{([^}]*)\})?")
_LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_SUFFIX = re.compile(r"_(?:bucket|count|sum|total|created)$")


def rules() -> list[dict[str, Any]]:
    """Every alerting rule."""
    groups = [group for file in RULES for group in yaml.safe_load(file.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> Iterator[tuple[str, str]]:
    """Every expression, with the place in which it stands."""
    for rule in rules():
        yield rule["alert"], rule["expr"]
    for file in DASHBOARDS:
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel.get("targets", ()):
                yield f"{file.name}: {panel['title']}", target["expr"]


def series() -> set[tuple[str, str, frozenset[str]]]:
    """Place, name and labels of every series that an expression selects."""
    return {
        (place, _SUFFIX.sub("", name), frozenset(_LABEL.findall(labels or "")))
        for place, expression in expressions()
        for name, labels in _SERIES.findall(expression)
    }


def run(*command: str) -> str:
    """Run a program that must be content; answers what it said."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def measured() -> dict[str, frozenset[str]]:
    """The labels of every figure of our own, by its name: loading every role makes them all."""
    for package, _, _ in ASSEMBLIES.values():
        import_module(f"{package}.assembly")
    collectors: Iterable[Any] = set(REGISTRY._collector_to_names)
    named = [each for each in collectors if hasattr(each, "_labelnames")]
    return {_SUFFIX.sub("", each._name): frozenset(each._labelnames) for each in named}


def test_the_configuration_and_the_rules_are_well_formed() -> None:
    promtool = program("promtool")
    run(promtool, "check", "config", str(PROMETHEUS / "prometheus.yml"))
    run(promtool, "check", "rules", *map(str, RULES))


def test_the_rules_fire_when_they_must_and_only_then() -> None:
    run(program("promtool"), "test", "rules", *map(str, TESTS))


def test_every_rule_has_a_test_that_sees_it_fire_and_a_runbook() -> None:
    tests = [test for file in TESTS for test in yaml.safe_load(file.read_text())["tests"]]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    fired = {case["alertname"] for case in cases if case.get("exp_alerts")}
    assert {rule["alert"] for rule in rules()} - fired == set()
    for rule in rules():
        assert (CHECKOUT / rule["annotations"]["runbook"]).is_file(), rule["alert"]


def test_every_runbook_belongs_to_a_rule() -> None:
    needed = {Path(rule["annotations"]["runbook"]).name for rule in rules()}
    assert {file.name for file in RUNBOOKS.glob("*.md")} - {"README.md"} == needed


def test_every_rule_wakes_somebody_or_waits_for_working_hours() -> None:
    assert {rule["labels"]["severity"] for rule in rules()} == {"page", "watch"}


def test_rules_and_dashboards_speak_of_figures_that_there_are(measured: dict[str, frozenset[str]]) -> None:
    for place, name, labels in series():
        if name.startswith("bihuan_"):
            assert name in measured, f"{place}: nobody measures {name}"
            assert labels - GIVEN_BY_PROMETHEUS <= measured[name], f"{place}: {name} has no such label"


def test_figures_of_the_sdk_are_those_that_it_knows() -> None:
    library = b"".join(file.read_bytes() for file in Path(temporalio.bridge.__path__[0]).glob("*.so"))
    for place, name, _ in series():
        if name.startswith("temporal_"):
            bare = name.removeprefix("temporal_").removesuffix("_seconds")
            assert bare.encode() in library, f"{place}: the SDK does not measure {name}"
        elif not name.startswith("bihuan_"):
            assert name in OF_THE_PLATFORM, place


def test_every_figure_of_our_own_is_named_by_the_convention(measured: dict[str, frozenset[str]]) -> None:
    ours = [name for name in measured if name.startswith("bihuan")]
    assert all(re.fullmatch(r"bihuan_[a-z]+(_[a-z]+)*", name) for name in ours)
    assert all("ticket_no" not in labels for labels in measured.values())


def test_prometheus_scrapes_every_role_and_misses_any_that_is_absent() -> None:
    configuration = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    [ours] = [job for job in configuration["scrape_configs"] if job["job_name"] == "bihuan"]
    roles = {role.value for role in Role}
    assert set(ours["dns_sd_configs"][0]["names"]) == roles
    [absent] = [rule for rule in rules() if rule["alert"] == "RoleAbsent"]
    assert set(re.findall(r'role="([\w-]+)"', absent["expr"])) == roles
    [polling] = [rule for rule in rules() if rule["alert"] == "WorkerNotPolling"]
    assert all(queue in polling["expr"] for queue in (QUEUE_TICKETS, QUEUE_NOTIFY, QUEUE_SURVEY))


def test_pages_and_watches_reach_their_receivers(tmp_path: Path) -> None:
    amtool = program("amtool")
    # Before 0.26 Alertmanager did not know `url_file`; all else is judged as it is.
    text = (DEPLOY / "alertmanager" / "alertmanager.yml").read_text()
    judged = tmp_path / "alertmanager.yml"
    judged.write_text(re.sub(r"url_file: .*", "url: http://receiver.invalid/", text))
    run(amtool, "check-config", str(judged))
    for severity in ("page", "watch"):
        assert _receiver(amtool, judged, [f"severity={severity}", "alertname=Any"]) == severity


def _receiver(amtool: str, configuration: Path, labels: Iterable[str]) -> str:
    return run(amtool, "config", "routes", "test", f"--config.file={configuration}", *labels).strip()


def test_every_panel_of_a_dashboard_has_its_own_place_and_the_provisioned_source() -> None:
    source = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"][0]
    for file in DASHBOARDS:
        panels = json.loads(file.read_text())["panels"]
        assert len({panel["id"] for panel in panels}) == len(panels)
        assert len({(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}) == len(panels)
        assert {panel["datasource"]["uid"] for panel in panels if "targets" in panel} == {source["uid"]}
