#!/usr/bin/env python3
"""Runs real HTTP clients through `counterpart exec` and prints what came of it as a table. See README.md."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[3]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"
COUNTERPART = Path(os.environ.get("COUNTERPART", TARGET / "counterpart"))
CACHE = Path.home() / ".cache/counterpart/clients"
PYTHON = CACHE / "python/bin/python"
TOKEN = "q7Jx92KdLm3PzR8vTn0Ws4Ya"
ALL = {"base", "proxy"}

# Name, command (the base URL is put in place of {}), and the ways on which it must work.
CLIENTS = [
    ("curl", ["sh", HERE / "ask.sh", "{}"], ALL),
    ("Python requests", [PYTHON, HERE / "ask_requests.py", "{}"], ALL),
    ("Python httpx", [PYTHON, HERE / "ask_httpx.py", "{}"], ALL),
    ("Python aiohttp", [PYTHON, HERE / "ask_aiohttp.py", "{}"], {"base"}),
    ("Python aiohttp, `trust_env=True`", [PYTHON, HERE / "ask_aiohttp.py", "{}", "trust_env"], ALL),
    ("Python urllib", [PYTHON, HERE / "ask_urllib.py", "{}"], ALL),
    ("Node fetch", ["node", HERE / "ask_fetch.mjs", "{}"], None),
    ("Node axios", ["node", CACHE / "node/ask_axios.mjs", "{}"], ALL),
    ("Node undici", ["node", CACHE / "node/ask_undici.mjs", "{}"], {"base"}),
    ("Node undici, `EnvHttpProxyAgent`", ["node", CACHE / "node/ask_undici.mjs", "{}", "EnvHttpProxyAgent"], ALL),
    ("Rust reqwest", [TARGET / "examples/ask_with_reqwest", "{}"], ALL),
    ("Java java.net.http", ["sh", HERE / "ask_java.sh", "{}"], {"base"}),
    ("Java java.net.http, properties", ["sh", HERE / "ask_java.sh", "{}", "properties"], ALL),
    ("Perl HTTP::Tiny", ["perl", HERE / "ask.pl", "{}"], None),
]


def quiet(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def prepare():
    if not PYTHON.exists():
        quiet(sys.executable, "-m", "venv", CACHE / "python")
        quiet(PYTHON, "-m", "pip", "install", "-q", "requests", "httpx", "aiohttp")
    if shutil.which("npm"):
        node = CACHE / "node"
        if not (node / "node_modules").exists():
            node.mkdir(parents=True, exist_ok=True)
            quiet("npm", "install", "--silent", "--prefix", node, "axios", "undici")
        for file in HERE.glob("*.mjs"):
            shutil.copy(file, node)


def expected(name, ways):
    """What depends on the machine: Node's fetch heeds proxies from 24 on, Perl needs a module for TLS."""
    if name == "Node fetch":
        major = int(subprocess.check_output(["node", "--version"], text=True)[1:].split(".")[0])
        return ALL if major >= 24 else {"base"}
    if name.startswith("Perl"):
        has_tls = subprocess.run(["perl", "-MIO::Socket::SSL", "-e1"], capture_output=True).returncode == 0
        return ALL if has_tls else {"base"}
    return ways


class Trial:
    """One client on one way: recorded from a real server, then played without it."""

    def __init__(self, folder, command, way, flow):
        self.folder, self.command, self.way = folder, command, way
        self.fixture = ["--fixture", f"hub/{flow}", "--ca", folder / "ca"]

    def run(self):
        trusted = self.folder / "real-ca"
        serve = [COUNTERPART, "--format", "json", "serve", "real", "--tls", "--tls-ca", trusted]
        server = subprocess.Popen(serve, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            port = json.loads(server.stdout.readline())["base_url"].rsplit(":", 1)[1]
            api = f"https://{own_name()}:{port}"
            upstream = ["--upstream", api, "--upstream-ca", trusted / "ca.pem"]
            recorded = self.exec(["--record", *self.fixture, *upstream], api)
        finally:
            server.terminate()
            server.wait()
        return recorded, recorded and self.exec(self.fixture, api)

    def exec(self, options, api):
        url = '"$COUNTERPART_URL"' if self.way == "base" else api
        script = " ".join(url if word == "{}" else f"'{word}'" for word in map(str, self.command))
        hosts = ["--host", api.removeprefix("https://")] if self.way == "proxy" else ["--no-proxy"]
        environment = {**os.environ, "TOKEN": TOKEN}
        for name in "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY":
            environment.pop(name, None), environment.pop(name.lower(), None)
        command = [COUNTERPART, "--format", "json", "exec", *options, *hosts, "--", "sh", "-c", script]
        ended = subprocess.run(command, env=environment, cwd=self.folder, capture_output=True, text=True, timeout=120)
        try:
            answers = [json.loads(line) for line in ended.stdout.splitlines()]
        except ValueError:
            answers = []
        if os.environ.get("VERBOSE"):
            print(script, ended.returncode, ended.stdout, ended.stderr, sep="\n", file=sys.stderr)
        return ended.returncode == 0 and answers == [["first"], {"id": 1}]


def own_name():
    """A name of the loopback interface by which nobody knows it: some clients send what is for `localhost` to no proxy."""
    name = socket.gethostname()
    try:
        return name if socket.gethostbyname(name).startswith("127.") else "localhost"
    except OSError:
        return "localhost"


def main():
    chosen = [client for client in CLIENTS if not sys.argv[1:] or client[0].lower().startswith(tuple(sys.argv[1:]))]
    if not COUNTERPART.exists():
        sys.exit(f"{COUNTERPART} is not there: build it as README.md says, or name it in COUNTERPART")
    CACHE.mkdir(parents=True, exist_ok=True)
    prepare()
    failed = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "real/hub").mkdir(parents=True)
        shutil.copy(HERE / "api.yaml", folder / "real/hub/api.yaml")
        config = '[exec.hub]\ncredentials_env = { TOKEN = "{access_token}" }\n'
        (folder / "counterpart.toml").write_text(f'counterpart = "config/1"\n{config}')
        print("| client | base URL: record | replay | proxy: record | replay |\n|---|---|---|---|---|")
        for number, (client, command, ways) in enumerate(chosen):
            program = command[0]
            if not (Path(program).exists() or shutil.which(program)):
                print(f"SKIPPED: {client}: there is no {program}", file=sys.stderr)
                continue
            ways = expected(client, ways)
            cells = []
            for way in "base", "proxy":
                outcome = Trial(folder, command, way, f"flow-{number}-{way}").run()
                cells += outcome
                if all(outcome) != (way in ways):
                    failed.append(f"{client}, {way}")
            print("|", client, "|", " | ".join("yes" if cell else "no" for cell in cells), "|", flush=True)
        everything = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
        if TOKEN.encode() in everything:
            failed.append("the token is on the disk")
    if failed:
        sys.exit("not as expected: " + "; ".join(failed))


main()
