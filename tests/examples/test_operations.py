"""The examples for schedulers: read by what will read them, as far as that can be had here.

Airflow, Dagster and Prefect weigh 150 to 300 MB each and are not in the test environment: their
files are compiled, and the command that they start is read by the real command line.
"""

from __future__ import annotations

import ast
import configparser
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import diptych
from schemas.errors import LockHeld, MassDeleteRefused, SettingsError, StoreError, StoreUnavailable
from schemas.report import EXIT_INTERRUPTED, EXIT_ITEMS_FAILED, EXIT_MISMATCH
from schemas.settings import Settings

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "operations"
SNIPPETS = ("airflow_dag.py", "dagster_job.py", "prefect_flow.py")
SYSTEMD = shutil.which("systemd-analyze")


def check_command(arguments: list[str]) -> None:
    """Let the real command line read a command, without running it."""
    assert Path(arguments[0]).name == "diptych"
    with diptych.cli.make_context("diptych", arguments[1:2]) as context:
        command = diptych.cli.get_command(context, arguments[1])
        assert command is not None
        command.make_context(arguments[1], arguments[2:], parent=context)


def read_unit(name: str) -> configparser.ConfigParser:
    unit = configparser.ConfigParser(interpolation=None, strict=True)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string((FOLDER / name).read_text(encoding="utf-8"))
    return unit


def read_manifests() -> dict[str, Any]:
    text = (FOLDER / "kubernetes.yaml").read_text(encoding="utf-8")
    return {one["kind"]: one for one in yaml.safe_load_all(text)}


def statuses(given: str) -> set[int]:
    return set(map(int, given.split()))


def test_the_page_lists_every_file() -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    files = {path.name for path in FOLDER.iterdir() if path.is_file()} - {"README.md"}
    assert {name for name in files if f"`{name}`" in page} == files


def test_the_service_knows_what_an_exit_status_means() -> None:
    service = read_unit("diptych-sync.service")["Service"]
    check_command(shlex.split(service["ExecStart"]))
    assert service["Type"] == "oneshot"
    assert statuses(service["SuccessExitStatus"]) == {
        EXIT_ITEMS_FAILED,
        LockHeld.exit_code,
        EXIT_INTERRUPTED,
    }
    waits = statuses(service["RestartPreventExitStatus"])
    assert waits == {
        2,
        EXIT_MISMATCH,
        MassDeleteRefused.exit_code,
        StoreError.exit_code,
        SettingsError.exit_code,
    }
    assert StoreUnavailable.exit_code not in waits


def test_the_service_stops_in_order_and_may_write_what_it_writes() -> None:
    service = read_unit("diptych-sync.service")["Service"]
    assert (service["KillSignal"], service["KillMode"]) == ("SIGTERM", "mixed")
    assert service["ProtectSystem"] == "strict"
    metrics = re.search(r"--metrics (\S+)", service["ExecStart"])
    assert metrics
    assert Path(metrics[1]).parent == Path(service["ReadWritePaths"])
    assert metrics[1].endswith(".prom")


def test_the_timer_runs_the_service_of_its_name() -> None:
    timer = read_unit("diptych-sync.timer")
    assert timer["Timer"]["OnCalendar"] == "hourly"
    assert timer["Timer"]["Persistent"] == "yes"
    assert "Unit" not in timer["Timer"]
    assert timer["Install"]["WantedBy"] == "timers.target"


@pytest.mark.skipif(SYSTEMD is None, reason="systemd is not installed")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for name in ("diptych-sync.service", "diptych-sync.timer"):
        text = (FOLDER / name).read_text(encoding="utf-8")
        there = text.replace("/opt/diptych/bin/diptych", "/bin/true")
        (tmp_path / name).write_text(there, encoding="utf-8")
    units = sorted(map(str, tmp_path.iterdir()))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    ours = [line for line in done.stderr.splitlines() if "diptych" in line]
    assert (done.returncode, ours) == (0, [])


def test_cron_gets_one_line_of_six_fields_and_a_command() -> None:
    lines = (FOLDER / "diptych.cron").read_text(encoding="utf-8").splitlines()
    entries = [line for line in lines if re.match(r"[\d*]", line)]
    (entry,) = entries
    *times, user, command = entry.split(maxsplit=6)[:7]
    assert (times, user) == (["17", "*", "*", "*", "*"], "diptych")
    assert "%" not in command  # which cron would read as a line break
    subprocess.run(["sh", "-n", "-c", command], check=True)
    start = re.search(r"/opt/diptych/bin/diptych [^>]+", command)
    assert start
    check_command(shlex.split(start[0]))


def test_the_cron_job_of_kubernetes_is_bounded_and_without_privileges() -> None:
    manifests = read_manifests()
    spec = manifests["CronJob"]["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["restartPolicy"] == "Never"
    assert pod["terminationGracePeriodSeconds"] >= 60
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert {"requests", "limits"} <= container["resources"].keys()
    assert "secretKeyRef" in container["env"][0]["valueFrom"]
    check_command(["diptych", "sync", *container["args"]])


def test_kubernetes_mounts_what_the_settings_name() -> None:
    manifests = read_manifests()
    pod = manifests["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert set(mounts.values()) == volumes.keys()
    toml = tomllib.loads(manifests["ConfigMap"]["data"]["diptych.toml"])
    settings = Settings(**toml)
    assert mounts[str(settings.state_dir)] == "state"
    claim = volumes["state"]["persistentVolumeClaim"]["claimName"]
    assert claim == manifests["PersistentVolumeClaim"]["metadata"]["name"]
    assert settings.roots[0].source.startswith("/srv/sources/")
    assert container["workingDir"] == "/etc/diptych"


def test_kubernetes_fails_at_once_what_waits_for_a_person() -> None:
    spec = read_manifests()["CronJob"]["spec"]["jobTemplate"]["spec"]
    rule = spec["podFailurePolicy"]["rules"][0]
    assert rule["action"] == "FailJob"
    assert set(rule["onExitCodes"]["values"]) == {
        2,
        EXIT_MISMATCH,
        MassDeleteRefused.exit_code,
        SettingsError.exit_code,
    }
    assert spec["template"]["spec"]["containers"][0]["name"] == rule["onExitCodes"]["containerName"]


@pytest.fixture
def wrapper(tmp_path: Path) -> list[str]:
    """The shell script of the CronJob, with a ``diptych`` before it that does as told."""
    script = tmp_path / "run.sh"
    script.write_text(read_manifests()["ConfigMap"]["data"]["run.sh"], encoding="utf-8")
    program = tmp_path / "bin" / "diptych"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nimport sys\nexec(sys.argv[2])\n", encoding="utf-8")
    program.chmod(0o755)
    return ["env", f"PATH={program.parent}:/usr/bin:/bin", "/bin/sh", str(script)]


@pytest.mark.parametrize(("code", "seen"), [(0, 0), (3, 0), (75, 0), (5, 5), (69, 69), (78, 78)])
def test_the_job_ends_as_the_command_did(wrapper: list[str], code: int, seen: int) -> None:
    done = subprocess.run([*wrapper, f"sys.exit({code})"], check=False, timeout=60)
    assert done.returncode == seen


def test_a_pod_that_is_told_to_stop_waits_for_the_command(wrapper: list[str]) -> None:
    program = (
        "import signal, time\n"
        "def stop(*_):\n"
        "    print('finishing', flush=True); time.sleep(0.2)\n"
        "    print('finished', flush=True); sys.exit(130)\n"
        "signal.signal(signal.SIGTERM, stop); print('ready', flush=True)\n"
        "while True: time.sleep(0.1)"
    )
    with subprocess.Popen([*wrapper, program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "finishing\nfinished\n"
        assert process.wait(timeout=60) == 130


@pytest.mark.parametrize("name", SNIPPETS)
def test_a_snippet_starts_a_command_that_exists(name: str) -> None:
    tree = ast.parse((FOLDER / name).read_text(encoding="utf-8"))
    compile(tree, name, "exec")
    given: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            target = ast.unparse(node.targets[0])
            if target.isupper() or target.startswith("ITEMS_FAILED"):
                given[target] = ast.literal_eval(node.value)
    check_command(given["COMMAND"])
    assert given["(ITEMS_FAILED, UNAVAILABLE, ALREADY_RUNNING)"] == (
        EXIT_ITEMS_FAILED,
        StoreUnavailable.exit_code,
        LockHeld.exit_code,
    )
    if "REPORT" in given:
        assert given["REPORT"] in given["COMMAND"]
