"""The files of deploy/ fit their schemas; `study` takes the commands in them and in the documentation."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import ray.autoscaler
import typer.main
import yaml

from study.cli import app
from study.registry.lookup import FOLDERS, names

ROOT = Path(__file__).parents[2]
TEXTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "deploy").glob("*.yaml"))]
KUBERNETES = "1.34"


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((ROOT / "deploy" / name).read_text()))


def commands(text: str) -> list[str]:
    """Returns the `study ...` commands of plain and console blocks, and of a manifest's entrypoint on one line."""
    text = re.sub(r" \\\n +", " ", text)  # a command on several lines
    blocks = re.findall(r"^```(?:console)?\n(.*?)^```", text, re.S | re.M)
    blocks += re.findall(r"entrypoint: >-\n((?: {4}.*\n)+)", text)
    lines = [" ".join(b.split()) if "entrypoint" in text else b for b in blocks]
    found = [
        re.sub(r".* (--|\S*slurm\.sbatch) (?=study )", "", line).split("#")[0].strip().removeprefix("$ ")
        for b in lines
        for line in b.splitlines()
    ]
    return [line for line in found if line.startswith("study ")]


def test_the_cluster_fits_rays_schema() -> None:
    schema = json.loads((Path(ray.autoscaler.__file__).parent / "ray-schema.json").read_text())
    (cluster,) = documents("cluster.yaml")
    jsonschema.validate(cluster, {**schema, "additionalProperties": False} | _local(schema))


def _local(schema: dict[str, Any]) -> dict[str, Any]:
    """Ray's local provider counts workers with two keys that its schema leaves out."""
    whole = {"type": "integer", "minimum": 0}
    return {"properties": {**schema["properties"], "min_workers": whole, "max_workers": whole}}


def pods() -> list[dict[str, Any]]:
    cluster = documents("rayjob.yaml")[0]["spec"]["rayClusterSpec"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    return [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, **g["template"]} for g in groups]


def test_kubernetes_takes_the_pods_and_the_server() -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed").validate
    for resource in [*pods(), *documents("mlflow.yaml")]:
        validate(resource, KUBERNETES, strict=True)


def test_every_pod_mounts_what_the_job_names() -> None:
    job = documents("rayjob.yaml")[0]["spec"]
    command = shlex.split(job["entrypoint"])
    for option in ("--output", "--data-root"):
        folder = Path(command[command.index(option) + 1])
        for pod in pods():
            (container,) = pod["spec"]["containers"]
            assert any(folder.is_relative_to(mount["mountPath"]) for mount in container["volumeMounts"])
    server = documents("mlflow.yaml")[0]
    assert f"http://{server['metadata']['name']}:{server['spec']['ports'][0]['port']}" in command


def test_the_job_asks_for_what_a_worker_has() -> None:
    job = documents("rayjob.yaml")[0]["spec"]
    command = shlex.split(job["entrypoint"])
    (group,) = job["rayClusterSpec"]["workerGroupSpecs"]
    limits = group["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert float(command[command.index("--cpus-per-trial") + 1]) <= float(limits["cpu"])
    assert float(command[command.index("--gpus-per-trial") + 1]) <= float(limits["nvidia.com/gpu"])


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_study_takes_the_commands_that_are_written_down(path: Path) -> None:
    group = typer.main.get_command(app)
    for command in commands(path.read_text()):
        name, *arguments = shlex.split(command)[1:]
        with group.make_context("study", [name, *arguments]) as outer:
            inner = group.get_command(outer, name)  # type: ignore[attr-defined]
            assert inner is not None, command
            context = inner.make_context(name, arguments)  # raises for an unknown option or a missing argument
            assert not context.params.get("name") or _exists(context.params["name"]), command


def _exists(name: str) -> bool:
    """Whether it is a file, or the name of a study or of anything else that `study show` knows."""
    return name.endswith(".py") or any(name in names(kind) for kind in FOLDERS)


def test_commands_are_found() -> None:
    assert sum(len(commands(path.read_text())) for path in TEXTS) > 15
