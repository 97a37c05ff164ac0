"""What the repository promises outside its code: packaging, pins, services, pages."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pathspec
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

import diptych

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("ingest", "schemas", "search")
MAX_FILE_BYTES = 4_500_000
MAX_FILE_LINES = 300
SHELL_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
MARKDOWN_LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")


def _read(*parts: str) -> str:
    return ROOT.joinpath(*parts).read_text(encoding="utf-8")


def _project() -> dict[str, Any]:
    return tomllib.loads(_read("pyproject.toml"))


@cache
def _files() -> tuple[Path, ...]:
    """Every file that git would take, whether or not there is a git here."""
    ignored = pathspec.GitIgnoreSpec.from_lines([*_read(".gitignore").splitlines(), ".git"])
    found = []
    for folder, folders, names in os.walk(ROOT):
        here = Path(folder).relative_to(ROOT)
        folders[:] = sorted(one for one in folders if not ignored.match_file(f"{here / one}/"))
        found += [ROOT / here / one for one in sorted(names) if not ignored.match_file(here / one)]
    return tuple(found)


@cache
def _texts() -> tuple[tuple[Path, str], ...]:
    """Each of them that is text: its path below the root, and what is in it."""
    contents = ((path.relative_to(ROOT), path.read_bytes()) for path in _files())
    return tuple((path, content.decode()) for path, content in contents if b"\0" not in content)


def _make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", _read("Makefile"), re.MULTILINE))


def _qdrant_images(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        image = node.get("image", "")
        if isinstance(image, str) and image.startswith("qdrant/qdrant"):
            yield image
        for child in node.values():
            yield from _qdrant_images(child)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(_read("docker-compose.yml"))
    return loaded


@pytest.fixture(scope="module")
def workflow() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(_read(".github", "workflows", "ci.yml"))
    return loaded


@pytest.fixture(scope="module")
def pins() -> dict[str, Version]:
    """The tested versions by normalised name."""
    requirements = [
        Requirement(line)
        for line in _read("constraints.txt").splitlines()
        if line and not line.startswith("#")
    ]
    return {
        _normalised(one.name): Version(str(one.specifier).removeprefix("=="))
        for one in requirements
    }


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_one_version_everywhere(compose: dict[str, Any]) -> None:
    version = _project()["project"]["version"]
    released = re.findall(r"^## \[(\d[^]]*)\]", _read("CHANGELOG.md"), re.MULTILINE)
    assert released[0] == version
    assert compose["services"]["search"]["image"] == f"diptych:{version}"


def test_every_requirement_has_a_tested_version_in_its_range(pins: dict[str, Version]) -> None:
    project = _project()["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    requirements = [Requirement(line) for group in groups for line in group]
    for one in requirements:
        if one.name != "diptych":
            assert pins[_normalised(one.name)] in one.specifier, one


def test_whatever_we_import_we_declare() -> None:
    project = _project()["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    declared = {_normalised(Requirement(line).name) for group in groups for line in group}
    homes = {**packages_distributions(), "pydantic_core": ["pydantic"]}  # pinned by pydantic
    homes["starlette"] = ["fastapi"]  # the same
    undeclared = {
        (str(path), name)
        for path, text in _texts()
        if path.suffix == ".py" and path.parts[0] in {*PACKAGES, "diptych.py"}
        for name in _imported_roots(ast.parse(text)) - {*PACKAGES, *sys.stdlib_module_names}
        if declared.isdisjoint(map(_normalised, homes.get(name, [name])))
    }
    assert undeclared == set()


def _imported_roots(tree: ast.Module) -> set[str]:
    roots = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            roots |= {alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            roots.add((node.module or "").partition(".")[0])
    return roots


def test_base_install_asks_for_no_torch() -> None:
    names = {Requirement(line).name for line in _project()["project"]["dependencies"]}
    assert names.isdisjoint({"torch", "transformers", "sentence-transformers"})


def test_qdrant_is_pinned_within_one_minor_of_the_client(
    compose: dict[str, Any], workflow: dict[str, Any], pins: dict[str, Version]
) -> None:
    images = {*_qdrant_images(compose), *_qdrant_images(workflow)}
    assert len(images) == 1
    server = Version(images.pop().partition(":v")[2])
    client = pins["qdrant-client"]
    assert server.major == client.major
    assert abs(server.minor - client.minor) <= 1


def test_qdrant_listens_on_loopback_and_asks_for_a_key(compose: dict[str, Any]) -> None:
    qdrant = compose["services"]["qdrant"]
    assert all(port.startswith("127.0.0.1:") for port in qdrant["ports"])
    assert qdrant["environment"]["QDRANT__SERVICE__API_KEY"].startswith("${QDRANT_API_KEY:?")
    assert "/readyz" in qdrant["healthcheck"]["test"][-1]
    volume = qdrant["volumes"][0].partition(":")[0]
    assert volume in compose["volumes"]


def test_only_qdrant_and_the_server_open_ports_and_on_loopback(compose: dict[str, Any]) -> None:
    opened = {name: one["ports"] for name, one in compose["services"].items() if "ports" in one}
    assert opened.keys() == {"qdrant", "serve"}
    assert all(port.startswith("127.0.0.1:") for ports in opened.values() for port in ports)


def test_every_service_of_ours_is_locked_in(compose: dict[str, Any]) -> None:
    for name in compose["services"].keys() - {"qdrant"}:
        one = compose["services"][name]
        assert one["read_only"] is True
        assert one["cap_drop"] == ["ALL"]
        assert one["security_opt"] == ["no-new-privileges:true"]
        assert "user" not in one  # the image's own, which is not root
        written = [mount for mount in one["volumes"] if not mount.endswith(":ro")]
        assert {mount.partition(":")[0] for mount in written} <= compose["volumes"].keys()


def test_the_server_asks_for_a_token_and_is_watched(compose: dict[str, Any]) -> None:
    serve = compose["services"]["serve"]
    assert "${DIPTYCH_TOKEN:?" in serve["environment"]["DIPTYCH_SERVE__TOKENS"]
    assert serve["environment"]["DIPTYCH_URL"] == "http://qdrant:6333"  # merged, not replaced
    port = serve["ports"][0].rpartition(":")[2]
    probe = serve["healthcheck"]["test"]
    assert probe[:3] == ["CMD", "python", "-c"]
    assert f"127.0.0.1:{port}/readyz" in probe[3]
    compile(probe[3], "probe", "exec")
    assert serve["depends_on"] == {"sync": {"condition": "service_healthy"}}
    assert compose["services"]["sync"]["healthcheck"]["test"] == ["CMD", "diptych", "status"]


def test_commands_of_services_are_ones_that_we_have(compose: dict[str, Any]) -> None:
    for name, one in compose["services"].items():
        if name == "qdrant":
            continue
        command = [*one.get("entrypoint", ["diptych"])[1:], *one["command"]]
        group = diptych.cli
        found = group.get_command(click.Context(group), command[0])
        assert found is not None
        if "--help" not in command:
            found.make_context(command[0], command[1:])  # parses, or raises a usage error


def test_folders_that_services_write_belong_to_their_user(compose: dict[str, Any]) -> None:
    dockerfile = _read("Dockerfile")
    owned = re.search(
        r"install --directory --owner=diptych .*?((?: /\S+)+)$", dockerfile, re.MULTILINE
    )
    assert owned
    targets = {
        mount.split(":")[1]
        for name in compose["services"].keys() - {"qdrant"}
        for mount in compose["services"][name]["volumes"]
        if not mount.endswith(":ro")
    }
    assert targets == set(owned[1].split())
    assert "[server,watch]" in dockerfile


def test_images_are_pinned_and_run_without_privileges() -> None:
    dockerfile = _read("Dockerfile")
    bases = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    assert all(re.search(r":\d", base) for base in bases)
    users = re.findall(r"^USER (\S+)", dockerfile, re.MULTILINE)
    assert users
    assert users[-1] not in {"root", "0"}


def test_workflow_runs_our_targets_and_pinned_actions(workflow: dict[str, Any]) -> None:
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert all(re.search(r"@v\d+$", step["uses"]) for step in steps if "uses" in step)
    commands = [step["run"] for step in steps if "run" in step]
    assert ".ci/run" in commands
    made = {command.split()[1] for command in commands if command.startswith("make ")}
    assert {"demo", "test-base", "test-server"} <= made <= _make_targets()


def test_ci_run_does_what_the_readme_says() -> None:
    made = set(re.findall(r"^ *make ([a-z-]+)", _read(".ci", "run"), re.MULTILINE))
    assert made == {"demo", "check", "test"}
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o100


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_pages_name_targets_that_exist(page: str) -> None:
    blocks = "\n".join(SHELL_BLOCK.findall(_read(page)))
    named = set(re.findall(r"^(?:\w+=\S+ )*make ([a-z-]+)", blocks, re.MULTILINE))
    assert named
    assert named <= _make_targets()


def test_every_target_is_explained_and_phony() -> None:
    makefile = _read("Makefile")
    explained = set(re.findall(r"^## .+\n([a-z-]+):", makefile, re.MULTILINE))
    phony = set(re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[1].split())  # type: ignore[index]
    assert _make_targets() == explained == phony


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{path}: {link}"
        for path, text in _texts()
        if path.suffix == ".md" and path.parts[:2] != ("examples", "documents")
        for link in MARKDOWN_LINK.findall(text)
        if not (ROOT / path.parent / link).exists()
    ]
    assert broken == []


def test_files_are_small_and_end_well() -> None:
    wrong = [f"{path}: large" for path in _files() if path.stat().st_size > MAX_FILE_BYTES]
    for path, text in _texts():
        if text and (not text.endswith("\n") or text.endswith("\n\n") or "\r" in text):
            wrong.append(f"{path}: line endings")
        if re.search(r"[ \t]$", text, re.MULTILINE):
            wrong.append(f"{path}: trailing space")
    assert wrong == []


def test_no_file_names_the_home_or_the_index_of_one_machine() -> None:
    personal = re.compile(r"/Users/\w|/home/(?!diptych)\w|index-url[ =]+(?:https?|file):")
    this_file = Path(__file__).relative_to(ROOT)
    found = [path for path, text in _texts() if personal.search(text) and path != this_file]
    assert found == []


def test_code_files_are_one_page_of_purpose() -> None:
    long = [
        f"{path}: {text.count(chr(10))} lines"
        for path, text in _texts()
        if path.suffix == ".py" and path.parts[0] in {*PACKAGES, "diptych.py"}
        if text.count("\n") > MAX_FILE_LINES
    ]
    assert long == []


@pytest.mark.parametrize(
    "room",
    [
        "schemas/collection.py",
        "schemas/payload_indexes.py",
        "search/filters.py",
        "search/candidates.py",
    ],
)
def test_payload_layout_and_filters_use_qdrant_models_only(room: str) -> None:
    for node in ast.walk(ast.parse(_read(room))):
        if isinstance(node, ast.Import):
            assert all(not alias.name.startswith("qdrant_client") for alias in node.names)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("qdrant_client"):
            names = {alias.name for alias in node.names}
            assert node.module == "qdrant_client.models" or names == {"models"}


def test_wheel_holds_the_packages_and_the_weights_and_no_tests(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    roots = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert roots == {"diptych.py", *PACKAGES}
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)
    assert [name for name in names if re.match(r"ingest/encoders/hinge/.*\.safetensors$", name)]


def test_corpus_is_what_its_page_says() -> None:
    pytest.importorskip("skimage")
    demo = ast.parse(_read("examples", "demo.py"))
    photographs = next(
        ast.literal_eval(node.value)
        for node in demo.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PHOTOGRAPHS"
    )
    from importlib.resources import files

    shipped = files("skimage") / "data"
    assert all((shipped / source).is_file() for source in photographs)
    page = _read("examples", "README.md")
    documents = list((ROOT / "examples" / "documents").iterdir())
    assert all(name in page for name, _ in photographs.values())
    assert {document for _, document in photographs.values()} <= {one.name for one in documents}
    assert f"a corpus of {len(photographs) + len(documents)} files" in page
    assert {path.suffix for path in documents} == {".md", ".txt", ".html"}
