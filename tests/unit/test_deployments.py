"""What is shipped to run voxgate elsewhere names nothing that the product does not have."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from voxgate.config.line_models import TWIML_PATH, AudioSocketConfig, TwilioConfig
from voxgate.config.load import parse_config
from voxgate.config.models import AppConfig
from voxgate.observe.desk.probe_api import ProbeApi
from voxgate.observe.metrics_catalog import METRICS, MetricKind

CONFIG = Path(__file__).resolve().parents[2] / "config"
KUBERNETES = CONFIG / "kubernetes"
NOT_APPLIED = {"kustomization.yaml", "prometheus-adapter.yaml", "secret.example.yaml"}
NAME = {"app.kubernetes.io/name": "voxgate"}


def _documents() -> dict[tuple[str, str], dict[str, Any]]:
    found = {}
    for path in sorted(KUBERNETES.glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            if "apiVersion" in document and document["kind"] != "Kustomization":
                found[document["kind"], document["metadata"]["name"]] = document
    return found


DOCUMENTS = _documents()
DEPLOYMENT = DOCUMENTS["Deployment", "voxgate"]["spec"]
POD = DEPLOYMENT["template"]["spec"]
(CONTAINER,) = POD["containers"]
PORTS = {port["name"]: port["containerPort"] for port in CONTAINER["ports"]}


@pytest.fixture(scope="module")
def config() -> AppConfig:
    """Return the configuration that the pods get."""
    text = DOCUMENTS["ConfigMap", "voxgate"]["data"]["ai-agent.yaml"]
    return parse_config(text, "ai-agent.yaml", {}).config


@pytest.mark.parametrize("version", ["1.29", kubernetes_validate.latest_version()])
@pytest.mark.parametrize("key", DOCUMENTS, ids="-".join)
def test_the_schema_takes_it(key: tuple[str, str], version: str) -> None:
    """Of the version that it was written for and of the newest known; unknown keys are errors."""
    kubernetes_validate.validate(DOCUMENTS[key], version, strict=True)


def test_everything_is_applied_together() -> None:
    """But for what each cluster makes its own way."""
    kustomization = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text("utf-8"))
    files = {path.name for path in KUBERNETES.glob("*.yaml")}
    assert set(kustomization["resources"]) == files - NOT_APPLIED


def test_ports_are_those_of_the_configuration(config: AppConfig) -> None:
    """In the pod, the services, the policy and the image; every line that listens has one."""
    lines = {"audiosocket": config.lines.audiosocket.port, "desk": config.desk.port}
    assert lines == PORTS
    assert not config.lines.twilio.enabled
    for name in ("voxgate", "voxgate-pods"):
        service = DOCUMENTS["Service", name]["spec"]
        assert {each["targetPort"]: each["port"] for each in service["ports"]} == PORTS
        assert service["selector"] == NAME
    policy = DOCUMENTS["NetworkPolicy", "voxgate"]["spec"]
    assert {each["port"] for rule in policy["ingress"] for each in rule["ports"]} == set(PORTS)
    dockerfile = (KUBERNETES / "Dockerfile").read_text("utf-8")
    exposed = re.search(r"^EXPOSE (.*)$", dockerfile, re.MULTILINE)
    assert exposed is not None
    assert set(map(int, exposed[1].split())) == set(PORTS.values())


def test_probes_ask_what_is_answered() -> None:
    """At the desk's port, at paths that it has."""
    paths = {route.path for route in ProbeApi(None, None).routes()}  # type: ignore[arg-type]
    for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked = CONTAINER[kind]["httpGet"]
        assert asked["port"] == "desk"
        assert asked["path"] in paths
    assert CONTAINER["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert CONTAINER["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_calls_get_their_time(config: AppConfig) -> None:
    """What stops a pod leaves more time than the pod takes, the pause before it included."""
    pause_s = int(CONTAINER["lifecycle"]["preStop"]["exec"]["command"][1])
    needed_s = pause_s + config.engine.drain_timeout_s + 30
    assert POD["terminationGracePeriodSeconds"] >= needed_s


def test_secrets_are_those_that_the_configuration_names(config: AppConfig) -> None:
    """And none stands in the configuration."""
    (source,) = CONTAINER["envFrom"]
    secret = DOCUMENTS["Secret", source["secretRef"]["name"]]["stringData"]
    answering = config.providers[config.engine.default_provider]
    assert set(secret) == {config.desk.token_env, answering.api_key_env}  # type: ignore[union-attr]


def test_the_autoscaler_goes_by_a_metric_that_exists(config: AppConfig) -> None:
    """A gauge, which the adapter sums a pod; below what a pod takes."""
    autoscaler = DOCUMENTS["HorizontalPodAutoscaler", "voxgate"]["spec"]
    (metric,) = autoscaler["metrics"]
    name = metric["pods"]["metric"]["name"]
    specs = {spec.full_name: spec for spec in METRICS.values()}
    assert specs[name].kind is MetricKind.GAUGE
    limit = config.engine.max_calls * config.engine.workers
    assert 0 < int(metric["pods"]["target"]["averageValue"]) < limit
    assert autoscaler["scaleTargetRef"]["name"] == "voxgate"
    adapter = yaml.safe_load((KUBERNETES / "prometheus-adapter.yaml").read_text("utf-8"))
    (rule,) = adapter["rules"]["custom"]
    assert rule["seriesQuery"].startswith(f"{name}{{")
    assert rule["name"]["as"] == name
    assert "replicas" not in DEPLOYMENT


def test_everything_is_about_the_same_pods() -> None:
    """Selectors and labels agree."""
    assert DEPLOYMENT["template"]["metadata"]["labels"] == NAME
    assert DEPLOYMENT["selector"]["matchLabels"] == NAME
    assert DOCUMENTS["PodDisruptionBudget", "voxgate"]["spec"]["selector"]["matchLabels"] == NAME
    assert DOCUMENTS["NetworkPolicy", "voxgate"]["spec"]["podSelector"]["matchLabels"] == NAME


def test_the_configuration_is_where_it_is_read() -> None:
    """The folder is mounted, as a file that is mounted alone never changes."""
    (mount,) = (each for each in CONTAINER["volumeMounts"] if each["name"] == "config")
    assert CONTAINER["args"] == ["serve", f"{mount['mountPath']}/ai-agent.yaml"]
    assert "subPath" not in mount


@pytest.mark.parametrize(
    ("file_name", "line", "max_connections"),
    [
        ("audiosocket.cfg", AudioSocketConfig(), AppConfig().engine.max_calls),
        ("twilio.cfg", TwilioConfig(), TwilioConfig().max_connections),
    ],
)
def test_haproxy_knows_ports_paths_and_bounds(
    file_name: str, line: AudioSocketConfig | TwilioConfig, max_connections: int
) -> None:
    """Those of the defaults: HAProxy itself judges the rest, in ``make test-haproxy``."""
    text = (CONFIG / "haproxy" / file_name).read_text(encoding="utf-8")
    servers = re.findall(r"^ +server engine\d \S+:(\d+)$", text, re.MULTILINE)
    assert servers == [str(line.port)] * 2
    assert f"check port {AppConfig().desk.port} " in text
    assert f" maxconn {max_connections} " in text
    assert "uri /readyz " in text
    if isinstance(line, TwilioConfig):
        assert f"path {TWIML_PATH} {line.path}\n" in text
