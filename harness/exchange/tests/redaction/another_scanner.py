#!/usr/bin/env python3
"""Lets another scanner, detect-secrets from PyPI, look through what redaction leaves.

    python3 -m venv /tmp/scanner && /tmp/scanner/bin/pip install detect-secrets
    /tmp/scanner/bin/python harness/exchange/tests/redaction/another_scanner.py

Runs the corpus and, where COUNTERPART_REAL_RECORDINGS names them, the real recordings; each test puts what was kept into a
folder. Every finding is told with its rule and the name that it stands under. Values that redaction put there itself are
none. What is found by entropy alone under the name of an identifier is told apart: those are ids, which stay on purpose.
Exit code 1 where anything else is found.
"""

import collections
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from detect_secrets import SecretsCollection
from detect_secrets.settings import default_settings

ENTROPY = {"Base64 High Entropy String", "Hex High Entropy String"}
IDENTIFIERS = re.compile(
    r"(?i)(^|[_.-]|[a-z])(ids?|uuid|guid|sha|md5|sha256|etag|digest|checksum|hash|fingerprint|cursor|commit|revision"
    r"|version|before|after|href|url|key|label|served-by)$"
)


def name_on(line, value):
    """The name right before the value, else the key that the line begins with, in YAML or JSON."""
    before = line[: line.find(value)] if value and value in line else ""
    near = re.search(r"""["']?([A-Za-z0-9_.\[\]-]+)\\?["']?\s*[:=]\s*\\?["']?[^"'\s:=,]*$""", before)
    first = re.match(r"""\s*(?:- )?["']?([A-Za-z0-9_.\[\]-]+)["']?\s*:""", line)
    found = near or first
    return found.group(1) if found else ""


def scan(folder):
    left = collections.Counter()
    ids = collections.Counter()
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        secrets = SecretsCollection()
        with default_settings():
            secrets.scan_file(str(path))
        lines = path.read_text(errors="replace").splitlines()
        for _, secret in secrets:
            line = lines[secret.line_number - 1] if 0 < secret.line_number <= len(lines) else ""
            name = name_on(line, secret.secret_value or "")
            if set("«»") & set(secret.secret_value or ""):
                continue
            if secret.type in ENTROPY and IDENTIFIERS.search(name):
                ids[(secret.type, name)] += 1
            else:
                left[(secret.type, name, path.name, secret.line_number)] += 1
    return left, ids


def main():
    repository = pathlib.Path(__file__).resolve().parents[4]
    bad = False
    for title, variable, test in [
        ("corpus", "COUNTERPART_KEPT_CORPUS", "secrets_that_nobody_named"),
        ("real recordings", "COUNTERPART_KEPT_REAL", "little_is_taken"),
    ]:
        with tempfile.TemporaryDirectory() as folder:
            command = ["cargo", "test", "-q", "-p", "counterpart-exchange", "--test", "redaction", test]
            environment = dict(os.environ, **{variable: folder})
            subprocess.run(command, cwd=repository, env=environment, check=True, stdout=subprocess.DEVNULL)
            files = len(list(pathlib.Path(folder).rglob("*")))
            left, ids = scan(pathlib.Path(folder))
        print(f"{title}: {files} files, {sum(left.values())} findings, {sum(ids.values())} ids by entropy alone")
        for (kind, name), count in ids.most_common(12):
            print(f"  id: {count} {kind}: {name}")
        for (kind, name, file, line), count in left.most_common(60):
            print(f"  LEFT: {count} {kind}: {name} ({file}:{line})")
        bad |= bool(left)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
