"""The project as others receive it: the wheel, its metadata, the Meltano project, the workflows."""

from __future__ import annotations

import ast
import email.parser
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message


ROOT = Path(__file__).resolve().parent.parent
INSIDE_THE_WHEEL = re.compile(r"tap_kapture/(?:[a-z]+/)?[a-z_]+\.py|tap_kapture/py\.typed")
PYTHON_CLASSIFIER = re.compile(r"Programming Language :: Python :: (3\.\d+)")


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    """The project table of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads(read("pyproject.toml"))["project"]
    return table


@pytest.fixture(scope="module")
def meltano() -> dict[str, Any]:
    """The Meltano project file."""
    content: dict[str, Any] = yaml.safe_load(read("meltano.yml"))
    return content


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.Path:
    """A wheel built from the working tree."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(out)]
    built = subprocess.run([*command, str(ROOT)], capture_output=True, check=False)
    assert built.returncode == 0, built.stderr.decode()
    (path,) = out.glob("*.whl")
    return zipfile.Path(path)


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.Path) -> Message:
    """The wheel's METADATA."""
    (info,) = (entry for entry in wheel.iterdir() if entry.name.endswith(".dist-info"))
    return email.parser.Parser().parsestr((info / "METADATA").read_text(encoding="utf-8"))


def read(path: str) -> str:
    """A file of the project, as text."""
    return (ROOT / path).read_text(encoding="utf-8")


def tracked_files() -> list[Path]:
    """What git tracks, or would on the next add."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = [git, "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def supported_pythons(project: dict[str, Any]) -> list[str]:
    """The minor versions that the classifiers name."""
    matches = map(PYTHON_CLASSIFIER.fullmatch, project["classifiers"])
    return [match[1] for match in matches if match]


# --- the wheel ------------------------------------------------------------------------------------


def test_the_wheel_holds_the_tap_its_types_and_nothing_else(wheel: zipfile.Path) -> None:
    names = wheel.root.namelist()
    code = [name for name in names if ".dist-info/" not in name and not name.endswith("/")]

    assert "tap_kapture/py.typed" in code
    assert [name for name in code if not INSIDE_THE_WHEEL.fullmatch(name)] == []
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_the_wheel_installs_the_commands(wheel: zipfile.Path) -> None:
    (info,) = (entry for entry in wheel.iterdir() if entry.name.endswith(".dist-info"))
    entry_points = (info / "entry_points.txt").read_text(encoding="utf-8")

    assert "tap-kapture = tap_kapture.__main__:main" in entry_points
    assert "source-kapture = tap_kapture.airbyte.main:main" in entry_points


def test_the_license_is_the_same_wherever_it_is_named(metadata: Message) -> None:
    assert metadata["License-Expression"] == "Apache-2.0"
    assert not [c for c in metadata.get_all("Classifier", []) if c.startswith("License ::")]
    assert "Version 2.0, January 2004" in read("LICENSE")


def test_the_description_is_the_readme(metadata: Message) -> None:
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert str(metadata.get_payload()).strip() == read("README.md").strip()


def test_only_the_five_dependencies_that_contributing_explains(project: dict[str, Any]) -> None:
    names = {re.split(r"[<>=~!; ]", requirement)[0] for requirement in project["dependencies"]}

    assert names == {"jsonschema", "pendulum", "python-backoff", "requests", "singer-sdk[msgspec]"}
    assert all(f"| `{name}` |" in read("CONTRIBUTING.md") for name in names)


def test_each_package_that_is_imported_at_run_time_is_declared(project: dict[str, Any]) -> None:
    declared = set(re.findall(r"[a-z-]+", " ".join(project["dependencies"])))
    given_by = {"backoff": "python-backoff", "singer_sdk": "singer-sdk"}
    found = {
        module.partition(".")[0]
        for path in (ROOT / "tap_kapture").rglob("*.py")
        for module in imported_at_run_time(ast.parse(path.read_text(encoding="utf-8")))
    }

    assert {given_by.get(name, name) for name in found - sys.stdlib_module_names} - declared == {
        "tap_kapture"
    }


def imported_at_run_time(node: ast.AST) -> Iterator[str]:
    """The modules that a piece of code imports, but for those that only types need."""
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        yield node.module or ""
    for child in ast.iter_child_nodes(node):
        yield from imported_at_run_time(child)


# --- one truth ------------------------------------------------------------------------------------


def test_classifiers_requirement_and_ci_agree_on_pythons(project: dict[str, Any]) -> None:
    pythons = supported_pythons(project)
    matrix = yaml.safe_load(read(".github/workflows/ci.yml"))["jobs"]["test"]["strategy"]["matrix"]

    assert project["requires-python"] == f">={pythons[0]}"
    assert matrix["python-version"] == pythons
    assert {entry["python-version"] for entry in matrix["include"]} <= set(pythons)
    assert {entry["os"] for entry in matrix["include"]} == {"macos-latest", "windows-latest"}


def test_the_changelog_tells_of_this_version(project: dict[str, Any]) -> None:
    versions = re.findall(
        r"^## \[(\d[^]]*)\] - \d{4}-\d\d-\d\d$", read("CHANGELOG.md"), re.MULTILINE
    )

    assert versions[0] == project["version"]


def test_pre_commit_runs_what_make_lint_runs() -> None:
    lint = re.search(r"^lint:.*\n((?:\t.*\n)+)", read("Makefile"), re.MULTILINE)
    assert lint
    tools = re.findall(r"\$\(BIN\)/(.+)", lint[1])
    hooks = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"][0]["hooks"]
    entries = [hook["entry"].removeprefix(".venv/bin/") for hook in hooks]

    assert len(entries) == len(tools)
    for tool, entry in zip(tools, entries, strict=True):
        assert tool.split()[:2] == entry.split()[:2]


# --- nothing from elsewhere -----------------------------------------------------------------------


def test_locks_are_exact_hashed_and_name_no_index() -> None:
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        requirements = re.findall(r"^[a-z0-9].*$", text, re.MULTILINE)
        assert requirements, path.name
        assert [line for line in requirements if "==" not in line] == [], path.name
        assert "://" not in text, path.name
        assert not re.search(r"^\s*-(-index|-extra|-find|i |f )", text, re.MULTILINE), path.name
        # pip refuses to install a local directory along with hashes, so these two have none.
        if path.name not in {"tap.txt", "target-duckdb.txt"}:
            assert text.count("==") <= text.count("--hash=sha256:"), path.name


def test_no_file_names_a_package_registry() -> None:
    registries = (
        "pypi" + ".org",
        "pythonhosted" + ".org",
        "--index" + "-url",
        "--extra-index" + "-url",
    )
    for path in tracked_files():
        text = path.read_text(encoding="utf-8", errors="ignore")
        named = [registry for registry in registries if registry in text]
        assert named == [], path.relative_to(ROOT)


def test_actions_are_pinned_to_commits() -> None:
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        for action in re.findall(r"uses: (.+)", path.read_text(encoding="utf-8")):
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


# --- the image ------------------------------------------------------------------------------------


def test_the_image_is_as_airbyte_wants_it(project: dict[str, Any]) -> None:
    image = read("Dockerfile")
    (entrypoint,) = re.findall(r'^ENTRYPOINT \["(.+)"\]$', image, re.MULTILINE)
    (variable,) = re.findall(r'^ENV AIRBYTE_ENTRYPOINT="(.+)"$', image, re.MULTILINE)
    labels = dict(re.findall(r'(io\.airbyte\.\w+)="(.+?)"', image))

    assert entrypoint == variable == "/opt/kapture/bin/source-kapture"
    assert labels == {
        "io.airbyte.name": "source-kapture",
        "io.airbyte.version": project["version"],
    }
    assert "useradd --uid 1000 " in image
    assert re.findall(r"^USER (.+)$", image, re.MULTILINE) == ["1000"]
    assert not re.search("amd64|x86|arm|aarch", image), "it is built for each architecture alike"


def test_the_image_is_built_from_what_is_let_through() -> None:
    let_through = [line[1:] for line in read(".dockerignore").splitlines() if line[0] == "!"]
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", read("Dockerfile"), re.MULTILINE)

    for source in " ".join(copied).split():
        assert any(pattern.split("/**")[0] == source for pattern in let_through), source


# --- the Meltano project --------------------------------------------------------------------------


def test_meltano_plugins_are_defined_here_in_full(meltano: dict[str, Any]) -> None:
    plugins = [plugin for kind in meltano["plugins"].values() for plugin in kind]

    assert [plugin["name"] for plugin in plugins] == [
        "tap-kapture",
        "target-jsonl",
        "target-duckdb",
        "target-postgres",
    ]
    for plugin in plugins:
        # A namespace makes it a custom plugin, which Meltano does not look up.
        assert {"namespace", "pip_url", "executable", "settings"} <= plugin.keys()
        assert not {"inherit_from", "variant"} & plugin.keys()
        for file in re.findall(r"-[cr] (\S+)|(\./\S+)", plugin["pip_url"]):
            assert (ROOT / "".join(file)).exists()


def test_meltano_settings_tell_people_what_they_need_to_know(meltano: dict[str, Any]) -> None:
    for plugin in (plugin for kind in meltano["plugins"].values() for plugin in kind):
        names = [setting["name"] for setting in plugin["settings"]]
        assert len(set(names)) == len(names)
        for setting in plugin["settings"]:
            assert {"label", "kind", "description"} <= setting.keys(), setting["name"]
            assert re.fullmatch(r"[A-Z].*\.", setting["description"]), setting["name"]


def test_meltano_hides_the_secrets(meltano: dict[str, Any]) -> None:
    (tap,) = meltano["plugins"]["extractors"]
    secret = [setting["name"] for setting in tap["settings"] if setting.get("sensitive")]

    tokens = ["auth_token", "tickets_auth_token", "customers_auth_token"]
    assert secret == [*tokens, "http_headers"]


def test_meltano_asks_nobody_but_the_package_index(meltano: dict[str, Any]) -> None:
    assert meltano["send_anonymous_usage_stats"] is False
    assert meltano["cli"]["disable_version_check"] is True
    assert meltano["venv"]["backend"] == "virtualenv"


def test_the_schedule_runs_a_job_of_known_plugins(meltano: dict[str, Any]) -> None:
    names = {plugin["name"] for kind in meltano["plugins"].values() for plugin in kind}
    (job,) = meltano["jobs"]
    (schedule,) = meltano["schedules"]

    assert schedule["job"] == job["name"] == "kapture-daily"
    assert {name for task in job["tasks"] for name in task.split()} <= names


def test_the_example_environment_names_real_settings(meltano: dict[str, Any]) -> None:
    known = {
        f"{plugin['namespace']}_{setting['name']}".upper()
        for kind in meltano["plugins"].values()
        for plugin in kind
        for setting in [*plugin["settings"], {"name": "_select"}]  # an extra of Meltano's own
    }
    named = set(re.findall(r"^(?:# )?([A-Z_]+)=", read(".env.example"), re.MULTILINE))

    assert named - known == set()
    assert {"TAP_KAPTURE_AUTH_TOKEN", "TAP_KAPTURE_SUBDOMAIN", "TAP_KAPTURE_START_DATE"} <= named


# --- the interpreter ------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="make and sh are not asked for there")
def test_a_python_that_is_too_old_is_refused_in_one_line(tmp_path: Path) -> None:
    old = tmp_path / "python3.9"
    pretended = "import sys; sys.version_info = (3, 9, 1); exec(sys.argv[1])"
    old.write_text(
        f"#!/bin/sh\nexec '{sys.executable}' -c '{pretended}' \"$2\"\n", encoding="utf-8"
    )
    old.chmod(0o755)
    command = ["sh", str(ROOT / "scripts" / "find-python.sh"), str(old)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (ran.returncode, ran.stdout) == (1, "")
    (line,) = ran.stderr.splitlines()
    assert line.startswith("Python 3.10 to 3.14 with venv is needed; ")
    assert "python3.9 does not fit: it is Python 3.9" in line
    assert "make PYTHON=" in line
