"""What users read is what the tap does: README, docs/, meltano.yml and --about against the code."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from dataclasses import fields
from datetime import date, timezone
from typing import Any

import pytest
import yaml
from pages import PACKAGE, PAGES, ROOT, SOURCES, codes, marked, read, table_rows

from tap_kapture.dialect import dialect as dialects
from tap_kapture.dialect.dialect import Dialect, Total, Turn
from tap_kapture.dialect.witness import Witness
from tap_kapture.plan.bookmarks import TROUBLES, UNREAD, Bookmark, LedgerDay, from_state
from tap_kapture.pull.memory import Memory
from tap_kapture.settings import checked as settings
from tap_kapture.singer.tap import TapKapture

WRITE_DOCS = ROOT / "scripts" / "write_docs.py"
Json = dict[str, Any]

KINDS = {
    "string": {"string", "date_iso8601", "options"},
    "integer": {"integer"},
    "boolean": {"boolean"},
    "object": {"object"},
    "array": {"array"},
}
"""The kinds of Meltano that fit a type of JSON Schema."""


def code_blocks(language: str, *pages: str) -> list[str]:
    """The code blocks in a language, of some pages or of all."""
    found = (
        re.findall(rf"^```{language}\n(.*?)^```$", read(page), re.MULTILINE | re.DOTALL)
        for page in pages or PAGES
    )
    return [block for blocks in found for block in blocks]


def json_blocks(key: str) -> list[Json]:
    """The JSON blocks of all pages that have a key."""
    return [block for block in map(json.loads, code_blocks("json")) if key in block]


def example_config() -> Json:
    """The minimal configuration that README shows."""
    (example,) = code_blocks("json", "README.md")
    config: Json = json.loads(example)
    return config


@pytest.fixture(scope="module")
def about() -> Json:
    """What `tap-kapture --about --format=json` says of the settings."""
    command = [sys.executable, "-m", "tap_kapture", "--about", "--format=json"]
    printed = subprocess.run(command, capture_output=True, check=True, cwd=ROOT).stdout
    schema: Json = json.loads(printed)["settings"]
    return schema


@pytest.fixture(scope="module")
def meltano() -> Json:
    """The tap's settings in meltano.yml, by name."""
    (tap,) = yaml.safe_load(read("meltano.yml"))["plugins"]["extractors"]
    return {setting["name"]: setting for setting in tap["settings"]}


@pytest.fixture(scope="module")
def write_docs() -> Json:
    """The names in scripts/write_docs.py."""
    return runpy.run_path(str(WRITE_DOCS))


# --- settings -------------------------------------------------------------------------------------


def test_about_meltano_and_docs_name_the_same_settings(
    about: Json, meltano: Json, write_docs: Json
) -> None:
    own = [codes(row[0])[0] for row in table_rows(marked("settings"))]
    builtin = codes(marked("builtins"))

    assert list(about["properties"]) == own + builtin == list(meltano)
    assert builtin == write_docs["builtin_settings"]()


def test_docs_and_about_agree_on_each_setting(about: Json) -> None:
    for name, kind, default, meaning in table_rows(marked("settings")):
        definition = about["properties"][codes(name)[0]]

        assert meaning == definition["description"]
        assert ("secret" in kind) == bool(definition.get("secret"))
        assert ("required" in kind) == (codes(name)[0] in about["required"])
        assert ("default" in definition) == bool(default)
        if default:
            assert json.loads(codes(default)[0]) == definition["default"]
        if "enum" in definition:
            assert codes(kind) == definition["enum"]
            continue
        assert kind.startswith(definition["type"][0])
        bounds = [definition[bound] for bound in ("minimum", "maximum") if bound in definition]
        assert [int(number) for number in re.findall(r"\d+", kind)] == bounds


def test_meltano_and_about_agree_on_each_setting(about: Json, meltano: Json) -> None:
    own = [codes(row[0])[0] for row in table_rows(marked("settings"))]
    for name in own:
        definition, setting = about["properties"][name], meltano[name]

        assert setting["label"] == definition["title"], name
        assert setting["description"] == definition["description"], name
        assert setting.get("value") == definition.get("default"), name
        assert setting.get("sensitive", False) == definition.get("secret", False), name
        assert setting["kind"] in KINDS[definition["type"][0]], name
        options = [option["value"] for option in setting.get("options", [])]
        assert options == definition.get("enum", []), name
        assert (setting["kind"] == "date_iso8601") == name.endswith("_date"), name
    for name in about["properties"].keys() - set(own):
        assert meltano[name]["kind"] in KINDS[about["properties"][name]["type"][0]], name


def test_meltano_asks_for_what_the_tap_requires(about: Json) -> None:
    (tap,) = yaml.safe_load(read("meltano.yml"))["plugins"]["extractors"]

    for group in tap["settings_group_validation"]:
        tokens = set(group) & set(settings.TOKENS)
        assert set(group) - {"subdomain", "api_url"} - tokens == set(about["required"])
        assert tokens in ({"auth_token"}, {"tickets_auth_token"})


def test_each_declared_setting_is_read(about: Json) -> None:
    asked = set()

    class Config(dict[str, Any]):
        def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - whatever the setting holds
            asked.add(name)
            return super().__getitem__(name)

        def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - as above
            asked.add(name)
            return super().get(name, default)

    own = {codes(row[0])[0] for row in table_rows(marked("settings"))}
    defaults = {
        name: definition["default"]
        for name, definition in about["properties"].items()
        if "default" in definition
    }
    settings.parse(Config(defaults | example_config()))

    assert asked == own


# --- tables and examples --------------------------------------------------------------------------


def test_what_is_generated_is_what_this_code_says(write_docs: Json) -> None:
    for path, wanted in write_docs["contents"]().items():
        assert read(path) == wanted, f"{path}: run python scripts/write_docs.py"


def test_the_plugin_definition_has_the_settings_of_about(about: Json, meltano: Json) -> None:
    definition = yaml.safe_load(read("plugins/extractors/tap-kapture.yml"))
    settings_of_definition = {setting["name"]: setting for setting in definition["settings"]}

    assert list(settings_of_definition) == list(about["properties"])
    assert settings_of_definition == meltano


def test_readme_is_short() -> None:
    assert len(read("README.md").splitlines()) <= 200


def test_docs_describe_every_column_of_every_stream() -> None:
    tap = TapKapture(config=example_config())
    for stream in tap.streams.values():
        rows = {codes(row[0])[0]: row[2] for row in table_rows(marked(stream.name))}

        assert list(rows) == list(stream.schema["properties"])
        for name, definition in stream.schema["properties"].items():
            assert rows[name] == definition["description"] != ""


def test_the_example_configuration_is_valid() -> None:
    tap = TapKapture(config=example_config())

    assert [name for name, stream in tap.streams.items() if stream.selected] == [
        "customers",
        "pulled_days",
        "tickets",
    ]


def test_the_example_of_maps_and_batches_is_valid() -> None:
    (example,) = json_blocks("stream_maps")

    tap = TapKapture(config={**example_config(), **example})
    properties = tap.streams["tickets"].stream_maps[0].transformed_schema["properties"]

    assert "customerPhone" not in properties
    assert "customerEmail" in properties


def test_the_example_state_is_one_that_the_tap_reads_and_writes() -> None:
    (example,) = map(json.loads, code_blocks("json", "docs/state.md"))
    for bookmark in example["bookmarks"].values():
        read_back = from_state(bookmark, start_day=date(2024, 1, 1), zone=timezone.utc)
        dialect = dialects.from_state(bookmark["dialect"])
        written = read_back.to_state(bookmark["replication_key"])

        assert {key: value for key, value in written.items() if value is not None} == bookmark
        assert dialect is not None
        assert dialect.to_state().items() <= bookmark["dialect"].items()


def test_docs_explain_each_key_of_a_state() -> None:
    day = date(2024, 4, 19)
    parsed = settings.parse(TapKapture(config=example_config()).config)
    full = Bookmark(
        value=day,
        pulled_from=day,
        days={day: LedgerDay(0, "", UNREAD, "2024-04-19T08:49:00.000+00:00")},
        followed_from=day,
        closed_statuses=frozenset(),
        dialect=Memory(None, parsed, "tickets", day).to_state(
            Dialect(confirmed=True), Witness(day, 1, "0badcafe"), anew=True
        ),
        empty=True,
    ).to_state("date")
    (entry,) = full["days"].values()
    parts = {field.name for field in fields(Dialect)} - {"confirmed"} | full["dialect"].keys()
    parts |= full["dialect"]["witness"].keys()

    rows = table_rows(read("docs/state.md"))
    explained = [codes(row[0])[0] for row in rows]

    assert sorted(explained) == sorted([*full, *entry, *full["followed"], *parts])
    assert {*Turn, *Total, *TROUBLES} <= {code for row in rows for code in codes(row[-1])}


def test_the_commands_in_docs_and_contributing_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):.*##", read("Makefile"), re.MULTILINE))
    pages = (*PAGES, "CONTRIBUTING.md")
    named = {
        name
        for path in pages
        for name in re.findall(r"(?:^|[`$] ?)make ([a-z]+)", read(path), re.MULTILINE)
    }

    assert {"demo", "test", "docs"} <= named <= targets
    for path in pages:
        for script in re.findall(r"python (\S+\.py)", read(path)):
            assert (ROOT / script).is_file(), script


def test_the_meltano_examples_in_docs_name_real_plugins_and_jobs() -> None:
    project = yaml.safe_load(read("meltano.yml"))
    plugins = {found["name"] for kind in project["plugins"].values() for found in kind}
    (example,) = [
        yaml.safe_load(block) for block in code_blocks("yaml") if block.startswith("jobs:")
    ]
    (job,) = example["jobs"]

    assert example["schedules"][0]["job"] == job["name"]
    assert set(job["tasks"][0].split()) <= plugins


def test_each_line_of_the_environment_example_is_a_setting() -> None:
    lines = re.findall(r"^(?:# )?(TAP_KAPTURE_[A-Z_]+)=(.*)$", read(".env.example"), re.MULTILINE)
    values = dict(lines)

    assert all(values.values()), "Meltano cannot make a number of a blank value"
    selected = values.pop("TAP_KAPTURE__SELECT")
    assert json.loads(selected) == ["tickets.*", "pulled_days.*"]
    assert f"TAP_KAPTURE__SELECT={selected}" in read("docs/meltano.md")
    own = {name.removeprefix("TAP_KAPTURE_").lower(): value for name, value in values.items()}
    own["http_headers"] = json.loads(own["http_headers"])
    own["cm_id"] = int(own["cm_id"])
    del own["api_url"]  # instead of subdomain

    assert settings.parse(TapKapture(config=own).config).account.cm_id == own["cm_id"]


def test_links_inside_the_pages_lead_somewhere() -> None:
    for page in PAGES:
        folder = (ROOT / page).parent
        for target in re.findall(r"\]\((?!https?:)([^)]+)\)", read(page)):
            path, _, anchor = target.partition("#")
            file = folder / path if path else ROOT / page
            headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in headings}
            assert not anchor or anchor in anchors, f"{page}: {target}"


def test_contributing_tells_of_each_module() -> None:
    named = set()
    for row in table_rows(section_of_contributing()):
        (first,) = codes(row[0])
        modules_of_room = [name for name in codes(row[1]) if name.endswith(".py")]
        named |= {first} if first.endswith(".py") else {first + name for name in modules_of_room}

    modules = {path.relative_to(PACKAGE).as_posix() for path in SOURCES}

    assert named == {name for name in modules if not name.endswith("__init__.py")}


def section_of_contributing() -> str:
    """The part of CONTRIBUTING.md that says where things are."""
    return read("CONTRIBUTING.md").partition("## Where things are")[2].partition("\n## ")[0]
