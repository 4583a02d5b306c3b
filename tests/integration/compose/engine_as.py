"""Runs statements in the ClickHouse engine with the profile and the grants of one account of users.xml.

    python -m tests.integration.compose.engine_as ACCOUNT DATA_DIR < statements.json

The engine in a process knows no login: what it runs, it runs as ``default``. So this program gives ``default`` exactly
what users.xml gives to ACCOUNT, and nothing else. It answers with a list: per statement an error code, or 0.
"""

import copy
import json
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Final

import chdb

from tests.unit.project.compose_file import ROOT

USERS: Final = ROOT / "deploy" / "clickhouse-server" / "users.xml"


def as_default(account: str) -> "ET.ElementTree[ET.Element]":
    """users.xml with ``account`` renamed to ``default``, and without a password, which no login would ask for."""
    root = ET.parse(USERS).getroot()
    users = root.find("users")
    original = root.find(f"users/{account}")
    if users is None or original is None:
        raise LookupError(f"{USERS} has no account {account}")
    default = copy.deepcopy(original)
    default.tag = "default"
    password = default.find("password")
    if password is not None:
        password.attrib.clear()
    users.clear()
    users.append(default)
    # The image merges users.xml into a file of its own, which has these two.
    for kind in ("profiles", "quotas"):
        section = root.find(kind)
        ET.SubElement(ET.SubElement(root, kind) if section is None else section, "default")
    return ET.ElementTree(root)


def main(account: str, folder: str) -> None:
    """Run the statements of standard input."""
    configuration = Path(folder, f"{account}.xml")
    as_default(account).write(configuration)
    connection = chdb.connect(f"{folder}/data?config-file={configuration}&users_config={configuration}")
    codes = []
    for statement in json.load(sys.stdin):
        try:
            connection.query(statement)
            codes.append(0)
        except RuntimeError as error:
            match = re.search(r"Code: (\d+)", str(error))
            codes.append(int(match[1]) if match else -1)
    connection.close()
    json.dump(codes, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
