"""The Grafana dashboard and the alerts ask for metrics that there are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.promql import asked_by
from voxgate.config.models import AppConfig
from voxgate.engine import AIEngine
from voxgate.observe.metrics import CallMetrics
from voxgate.observe.metrics_catalog import METRICS, MetricKind

ROOT = Path(__file__).resolve().parents[3]
DASHBOARD = ROOT / "config/grafana/voxgate.json"
ALERTS = ROOT / "config/prometheus/voxgate-alerts.yml"

_BY_SCRAPER = {"instance", "job"}
_OF_SCRAPER = {"up": set[str]()}
"""What Prometheus adds by itself."""
_UNITS = {"s", "short", "percentunit", "bytes", "string"}
_FUNCTIONS = {"histogram_quantile", "increase", "rate", "sum", "vector"}


def _samples() -> dict[str, set[str]]:
    """Return the labels of everything that a scrape can show, by the name of the sample."""
    shown = {name: set(labels) for name, labels in _OF_SCRAPER.items()}
    for spec in METRICS.values():
        labels = set(spec.labels)
        if spec.kind is MetricKind.HISTOGRAM:
            shown |= {f"{spec.full_name}_{part}": labels for part in ("sum", "count")}
            shown[f"{spec.full_name}_bucket"] = labels | {"le"}
        else:
            shown[spec.full_name] = labels
    for family in CallMetrics(AIEngine(AppConfig())).snapshot():
        for sample in family.samples:
            if sample.name.startswith("process_"):
                shown[sample.name] = set(sample.labels)
    return {name: labels | _BY_SCRAPER for name, labels in shown.items()}


SAMPLES = _samples()


def _dashboard() -> Any:
    return json.loads(DASHBOARD.read_text(encoding="utf-8"))


PANELS = [panel for panel in _dashboard()["panels"] if panel["type"] != "row"]
RULES = [
    rule
    for group in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]


def _expressions() -> Iterator[tuple[str, str]]:
    for panel in PANELS:
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", target["expr"]
    for rule in RULES:
        yield rule["alert"], rule["expr"]


every_panel = pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])


every_expression = pytest.mark.parametrize(
    "expression", [text for _, text in _expressions()], ids=[name for name, _ in _expressions()]
)


@every_expression
def test_an_expression_asks_for_what_there_is(expression: str) -> None:
    """Metrics with their suffixes, labels that they have, and sides that match."""
    asked = asked_by(expression)
    assert asked.metrics
    asked.labels(SAMPLES)
    assert asked.functions <= _FUNCTIONS


@every_expression
def test_what_counts_is_looked_at_by_its_rate_and_nothing_else_is(expression: str) -> None:
    """A counter's value says when it began; a gauge has no rate."""
    for metric, function in asked_by(expression).looked_at:
        is_counter = bool(re.search(r"_(total|bucket|sum|count)$", metric))
        assert (function in {"rate", "increase"}) is is_counter, metric


def test_label_values_that_are_picked_exist() -> None:
    """A misspelt reason or event type would pick nothing, silently."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    picked = {
        word
        for _, expression in _expressions()
        for label, text in asked_by(expression).picked
        if label not in _BY_SCRAPER and "$" not in text
        for word in text.split("|")
    }
    assert {"draining", "provider_lost", "dropped", "resumed"} <= picked
    assert {word for word in picked if not re.search(rf"\b{word}\b", source)} == set()


@every_panel
def test_a_panel_says_what_it_shows(panel: dict[str, Any]) -> None:
    """With a unit, a description and, where good and bad are told apart, thresholds."""
    defaults = panel["fieldConfig"]["defaults"]
    unit = defaults.get("unit") or panel["options"]["yAxis"]["unit"]
    assert unit in _UNITS
    assert panel["description"].endswith(".")
    steps = defaults.get("thresholds", {}).get("steps", [{"value": None}])
    bounds = [step["value"] for step in steps]
    assert bounds[0] is None
    assert bounds[1:] == sorted(bounds[1:])


@every_panel
def test_a_legend_names_all_that_tells_lines_apart(panel: dict[str, Any]) -> None:
    """Lines of the same name are one line to whoever reads; one number needs no name."""
    for target in panel["targets"]:
        labels = asked_by(target["expr"]).labels(SAMPLES)
        named = set(re.findall(r"{{(\w+)}}", target.get("legendFormat", "")))
        if panel["type"] == "timeseries":
            assert named == labels - {"job"}, target["expr"]
        elif panel["type"] == "stat":
            assert labels == set(), target["expr"]


@every_panel
def test_a_panel_of_times_is_in_seconds(panel: dict[str, Any]) -> None:
    """The unit of a panel is that of its metrics."""
    for target in panel["targets"]:
        is_time = "histogram_quantile" in target["expr"]
        if is_time or "_audio_seconds" in target["expr"]:
            assert panel["fieldConfig"]["defaults"]["unit"] == "s"


def test_panels_are_told_apart_and_lie_beside_each_other() -> None:
    """No id and no title twice; none overlaps another or leaves the grid."""
    panels = _dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({panel["title"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (place["x"] + dx, place["y"] + dy)
            for dx in range(place["w"])
            for dy in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


def test_the_dashboard_asks_which_engine_and_which_provider() -> None:
    """By variables that are filled from metrics, and that every panel goes by."""
    variables = {each["name"]: each for each in _dashboard()["templating"]["list"]}
    assert set(variables) == {"datasource", "instance", "provider"}
    for name in ("instance", "provider"):
        query = variables[name]["query"]["query"]
        parts = re.fullmatch(r"label_values\((.+), (\w+)\)", query)
        assert parts
        (metric,) = asked_by(parts[1]).metrics
        assert parts[2] in SAMPLES[metric]
    for panel in PANELS:
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == "${datasource}"
            selected = asked_by(target["expr"]).metrics
            assert all(
                "instance" in labels
                for metric, labels in selected.items()
                if metric != "voxgate_build_info" or len(selected) == 1
            ), target["expr"]


def test_every_metric_is_looked_at_somewhere() -> None:
    """What nobody looks at need not be counted."""
    asked = {metric for _, text in _expressions() for metric in asked_by(text).metrics}
    bases = {re.sub(r"_(bucket|sum|count)$", "", metric) for metric in asked} | asked
    unseen = {spec.full_name for spec in METRICS.values()} - bases
    assert unseen == {"voxgate_config_last_applied_timestamp_seconds"}


@every_rule
def test_a_share_of_few_calls_alarms_nobody(rule: dict[str, Any]) -> None:
    """One slow answer at night is all answers of the night: how many there were counts too. Frames
    come by the thousand wherever there is a call."""
    asked = asked_by(rule["expr"])
    of_what_is_rare = {
        metric
        for metric, function in asked.looked_at
        if function in {"rate", "increase"}
        and not metric.startswith(("voxgate_frame_", "voxgate_call_skipped_slots"))
    }
    is_share = "/" in rule["expr"] or "histogram_quantile" in asked.functions
    if is_share and of_what_is_rare:
        assert re.search(r"\band sum by \([^)]*\) \(increase\(.*\) > \d+$", rule["expr"])


def test_what_a_line_counts_without_turning_anybody_away_is_left_out_everywhere() -> None:
    """Of the alert as of the panel."""
    left_out = {
        value
        for _, expression in _expressions()
        for label, value in asked_by(expression).picked
        if label == "event"
    }
    assert left_out == {"accepted_calls|served_twiml|transferred_calls|metadata_failures"}


@pytest.mark.parametrize(
    "panel", [each for each in PANELS if each["type"] == "stat"], ids=lambda panel: panel["title"]
)
def test_one_number_of_what_is_rare_is_of_all_the_time_that_is_shown(panel: dict[str, Any]) -> None:
    """Of the last minute it would mostly be none, or one call's; and none is said to be none."""
    for target in panel["targets"]:
        if "rate(" in target["expr"]:
            assert "[$__range]" in target["expr"]
            assert target["instant"]
            (mapping,) = panel["fieldConfig"]["defaults"]["mappings"]
            assert mapping["options"]["match"] == "null+nan"
            assert "Over the time that is shown." in panel["description"]


@every_rule
def test_an_alert_says_what_to_do(rule: dict[str, Any]) -> None:
    """And how bad it is; what it names in braces is a label of the result."""
    assert re.fullmatch(r"Voxgate[A-Z]\w+", rule["alert"])
    assert rule["labels"]["severity"] in {"warning", "critical"}
    texts = rule["annotations"]
    assert set(texts) == {"summary", "description"}
    assert texts["description"].endswith((".", "?"))
    named = set(re.findall(r"\$labels\.(\w+)", " ".join(texts.values())))
    assert named <= asked_by(rule["expr"]).labels(SAMPLES)


def test_alerts_have_names_of_their_own() -> None:
    """One that is there twice would be told twice."""
    names = [rule["alert"] for rule in RULES]
    assert len(set(names)) == len(names)
