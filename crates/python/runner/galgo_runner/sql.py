"""Takes the literals out of SQL, plans and commands, so that no customer's data leave the host with them."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, Optional

_TOKEN = re.compile(
    r"""
    (?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))
  | (?P<dollar>\$(?P<tag>[A-Za-z_]\w*)?\$.*?(?:\$(?P=tag)?\$|\Z))
  | (?P<string>[NnEeBbXx]?'(?:[^'\\]|\\.|'')*(?:'|\Z))
  | (?P<quoted>"(?:[^"\\]|\\.|"")*(?:"|\Z))
  | (?P<name>`[^`]*`|\[[A-Za-z_][\w ]*\]|[@:]{0,2}[^\W\d][\w$]*)
  | (?P<bind>\$\d+|%s|\?)
  | (?P<number>0[xX][0-9A-Fa-f]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<space>\s+)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_HASH_COMMENT = re.compile(r"(?m)(^|\s)#[^\n]*")

#: Words after which the name of a table comes.
_BEFORE_TABLE = {"FROM", "JOIN", "INTO", "UPDATE", "TABLE", "TRUNCATE"}

#: Words that are noted as commands.
_COMMANDS = {
    "SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE", "JOIN", "CREATE", "ALTER", "DROP", "TRUNCATE",
    "GRANT", "REVOKE", "BEGIN", "COMMIT", "ROLLBACK", "EXPLAIN", "CALL", "EXEC", "EXECUTE", "SET", "SHOW", "USE",
}  # fmt: skip

#: Dialects in which text in double quotes is a name.
_QUOTED_NAMES = {"postgres", "postgresql", "oracle", "mssql", "sqlserver", "sql server", "snowflake"}


class Obfuscated:
    """A statement without its literals, and what it tells of itself."""

    def __init__(self) -> None:
        self.query = ""
        self.tables: List[str] = []
        self.commands: List[str] = []
        self.comments: List[str] = []


def obfuscate(query: str, dialect: str = "", replace_digits: bool = False) -> Obfuscated:
    """Takes literals and comments out of a statement; lists of literals become one."""
    made = Obfuscated()
    if dialect in ("mysql", "mariadb"):
        query = _HASH_COMMENT.sub(r"\1", query)
    quoted_names = dialect in _QUOTED_NAMES
    pieces: List[str] = []
    previous = ""
    for match in _TOKEN.finditer(query):
        kind = "dollar" if match.group("dollar") else match.lastgroup
        token = match.group(0)
        if kind == "comment":
            made.comments.append(token)
            token = " "
        elif kind == "space":
            token = " "
        elif kind in ("string", "dollar", "number", "bind") or (kind == "quoted" and not quoted_names):
            token = "?"
        elif kind in ("name", "quoted"):
            token = _note_name(token, previous, made, replace_digits)
        if token == " ":
            if pieces and pieces[-1] != " ":
                pieces.append(token)
            continue
        pieces.append(token)
        previous = token
    text = "".join(pieces).strip().rstrip(";").rstrip()
    text = re.sub(r"\(\s*\?(?:\s*,\s*\?)*\s*\)", "( ? )", text)
    made.query = re.sub(r"(?i)(\bvalues\s*\( \? \))(?:\s*,\s*\( \? \))+", r"\1", text)
    return made


def _note_name(token: str, previous: str, made: Obfuscated, replace_digits: bool) -> str:
    word = token.upper()
    before = previous.upper()
    if word in ("TRUE", "FALSE") or (word == "NULL" and before not in ("IS", "NOT")):
        return "?"
    if word in _COMMANDS and before != ".":
        made.commands.append(word)
    elif before in _BEFORE_TABLE and word not in ("ONLY", "SELECT", "LATERAL", "IF"):
        table = token.strip('`"[]')
        if replace_digits:
            table = re.sub(r"\d+", "?", table)
        if table not in made.tables:
            made.tables.append(table)
    return re.sub(r"\d+", "?", token) if replace_digits else token


def obfuscate_with_options(query: str, options: Optional[str]) -> str:
    """What ``datadog_agent.obfuscate_sql`` returns: text, or JSON with metadata when the options ask for it."""
    chosen: Dict[str, Any] = {}
    if options:
        parsed = json.loads(options) if isinstance(options, (str, bytes)) else options
        chosen = parsed if isinstance(parsed, dict) else {}
    made = obfuscate(query, str(chosen.get("dbms", "")).lower(), bool(chosen.get("replace_digits")))
    if not chosen.get("return_json_metadata"):
        return made.query
    tables = ",".join(made.tables) if chosen.get("table_names") else ""
    commands = made.commands if chosen.get("collect_commands") else []
    comments = made.comments if chosen.get("collect_comments") else []
    size = len(tables) + sum(map(len, commands)) + sum(map(len, comments))
    metadata = {"size": size, "tables_csv": tables, "commands": commands, "comments": comments, "procedures": []}
    return json.dumps({"query": made.query, "metadata": metadata})


#: Keys of plans that hold conditions with literals in them (PostgreSQL, MySQL).
_CONDITIONS = {
    "filter", "index cond", "recheck cond", "hash cond", "merge cond", "join filter", "one-time filter", "output",
    "sort key", "group key", "attached_condition", "index_condition", "query", "operation", "rows removed by filter",
}  # fmt: skip

#: Parts of keys of plans that differ from run to run.
_VARYING = ("cost", "rows", "width", "actual", "time", "loops", "filtered", "data_read_per_join")


def obfuscate_plan(plan: str, normalize: bool) -> str:
    """A JSON plan with its conditions obfuscated; normalised, also without costs and numbers of rows."""
    try:
        return json.dumps(_plan(json.loads(plan), normalize, ""), separators=(",", ":"))
    except ValueError:
        return obfuscate(plan).query


def _plan(value: Any, normalize: bool, key: str) -> Any:
    if isinstance(value, dict):
        kept = {name: item for name, item in value.items() if not (normalize and _varies(name))}
        return {name: _plan(item, normalize, name) for name, item in kept.items()}
    if isinstance(value, list):
        return [_plan(item, normalize, key) for item in value]
    if isinstance(value, str) and key.lower() in _CONDITIONS:
        return obfuscate(value).query
    return value


def _varies(key: str) -> bool:
    return any(part in key.lower() for part in _VARYING)


def obfuscate_json_values(command: str) -> str:
    """JSON with a question mark in the place of every value."""

    def hide(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: hide(item) for key, item in value.items()}
        if isinstance(value, list):
            return [hide(item) for item in value]
        return "?"

    try:
        return json.dumps(hide(json.loads(command)), separators=(",", ":"))
    except ValueError:
        return "?"
