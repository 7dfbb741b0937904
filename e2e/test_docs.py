"""What the documents say of settings, calls and files is so."""

import os
import re
import subprocess

import pytest
from conftest import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "examples/exercise/README.md", ROOT / "web/README.md"])


def binary():
    return os.environ.get("GALGO_BIN") or str(ROOT / "target" / "debug" / "galgo")


def help_of(command):
    return subprocess.run([binary(), *command], capture_output=True, text=True, check=True, timeout=60).stdout


def anchors(document):
    """Anchors of a document's headings, as web pages of repositories make them."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document):
    text = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        assert file.exists(), f"{target} does not exist"
        if anchor and file.suffix == ".md":
            assert anchor in anchors(file), f"{target}: no such heading"


def test_every_setting_is_described_and_no_other():
    page = (ROOT / "docs/configuration.md").read_text()
    flags = {flag for flag in re.findall(r"--[a-z][a-z-]+", help_of(["serve", "--help"])) if flag not in ("--help", "--version")}
    rows = re.findall(r"^\| `(--[a-z-]+)[^|]*\| `(GALGO_[A-Z_]+)`", page, re.MULTILINE)
    described = dict(rows)
    reserved = {"--trace-addr", "--otlp-http-addr", "--syslog-addr", "--smtp-url"}
    assert flags == set(described) - reserved
    for flag, variable in described.items():
        assert variable == "GALGO_" + flag[2:].replace("-", "_").upper()


def test_defaults_are_those_of_the_help():
    page = (ROOT / "docs/configuration.md").read_text()
    # Help wraps its lines.
    text = " ".join(help_of(["serve", "--help"]).split())
    for flag, default in re.findall(r"(--[a-z][a-z-]+) <[A-Z]+> [^\[]*\[default: ([^\s\]]+)\]", text):
        row = re.search(rf"^\| `{flag} .*$", page, re.MULTILINE)
        assert row and default in row.group(0), f"{flag}: {default}"


def test_calls_of_the_table_exist(galgo):
    """A documented GET is answered by something else than 404 for an unknown path."""
    page = (ROOT / "docs/api.md").read_text()
    table = page[page.index("## Calls") : page.index("## Where it differs")]
    paths = set(re.findall(r"`(?:GET )?(/[a-z0-9_/.-]*[a-z0-9])`", table))
    assert len(paths) > 20
    for path in sorted(paths):
        answer = galgo.get(path)
        unknown = answer.status_code == 404 and answer.text == '{"errors":["Not found"]}'
        assert not unknown, path
