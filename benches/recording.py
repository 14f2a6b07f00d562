#!/usr/bin/env python3
"""What recording costs: requests that go directly, through the recorder, through the same proxy when it records nothing, and
through mitmproxy where it is installed (as `mitmdump` on the path, or as MITMDUMP names it).

    cargo build --release -p counterpart-benches --bin recording_server
    benches/recording.py [--seconds 3] [--rounds 5]

It needs wrk, curl and taskset (Debian: wrk, curl, util-linux) and two cores. Every round measures everything once, so that
what else the machine does strikes all of it; the median of the rounds is shown, of differences and ratios within a round.

latency:    one connection, one request after the other, every process where the system puts it. What is added to p50 and p99 over going directly.
throughput: 32 connections, the proxy on a core of its own. The share of what it carries when it records nothing.
large:      one body of 1 GB (10^9 bytes), and the most memory that the proxy had by then.
"""

import argparse
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SERVER = ROOT / "target" / "release" / "recording_server"
MITMDUMP = os.environ.get("MITMDUMP", "mitmdump")
CONNECTIONS = 32
LARGE_BYTES = 10**9
UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6}


def asking(target):
    return f'request = function() return wrk.format("GET", "{target}") end\n'


DIRECT = asking("/items/0")


class Proxy:
    """A process to be measured, and the script by which wrk asks it."""

    def __init__(self, name, command, port=None, script=DIRECT, pinned=True):
        self.name, self.script = name, script
        words = ["taskset", "-c", "0", *command] if pinned else list(command)
        out = subprocess.PIPE if port is None else subprocess.DEVNULL
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.DEVNULL, text=True)
        if port is None:
            line = self.process.stdout.readline()
            if not line.startswith("listening on "):
                sys.exit(f"{name} did not start: {line!r}")
            port = line.split()[-1].rsplit(":", 1)[1]
        else:
            wait_until_it_answers(port)
        self.url = f"http://127.0.0.1:{port}"

    def peak_mib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def wait_until_it_answers(port):
    for _ in range(600):
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"nobody listens on port {port}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wrk(url, script, connections, seconds, pinned):
    """Requests a second, and the latencies at p50 and p99 in microseconds."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        words = [*(["taskset", "-c", "1"] if pinned else []), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", file.name]
        printed = subprocess.run([*words, url + "/items/0"], check=True, capture_output=True, text=True).stdout
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", printed)
    if bad:
        sys.exit(f"{bad[1]} answers of {url} were not 200")
    at = {percent: float(number) * UNITS[unit]
          for percent, number, unit in re.findall(r"(\d+)%\s+([\d.]+)(us|ms|s)", printed)}
    return float(re.search(r"Requests/sec:\s+([\d.]+)", printed)[1]), at["50"], at["99"]


def mitmproxy(upstream, folder, pinned):
    port = free_port()
    words = [MITMDUMP, "-q", "--mode", f"reverse:{upstream}", "--listen-host", "127.0.0.1", "-p", str(port)]
    words += ["--set", f"confdir={folder}", "-w", f"{folder}/flows"]
    return Proxy("mitmproxy, writing", words, port, pinned=pinned)


def proxies(upstream, folder, pinned):
    # In absolute form, as clients send a request to a proxy.
    proxied = asking(f"{upstream}/items/0")
    def ours(name, mode, script):
        return name, lambda: Proxy(name, [str(SERVER), mode, upstream], script=script, pinned=pinned)

    all_of_them = [
        ours("recording, reverse", "reverse", DIRECT),
        ours("recording", "record", proxied),
        ours("passing on", "pass", proxied),
    ]
    if shutil.which(MITMDUMP):
        all_of_them.append(("mitmproxy, writing", lambda: mitmproxy(upstream, folder, pinned)))
    return all_of_them


def measured(start, connections, seconds, pinned):
    """A fresh process each time: what it recorded before is not to weigh on it."""
    proxy = start()
    try:
        wrk(proxy.url, proxy.script, connections, 1, pinned)
        return wrk(proxy.url, proxy.script, connections, seconds, pinned)
    finally:
        proxy.end()


def compare(upstream, connections, options, pinned, told):
    found = {}
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            direct = wrk(upstream, DIRECT, connections, options.seconds, pinned)
            found.setdefault("direct", []).append(direct)
            for name, start in proxies(upstream, folder, pinned):
                found.setdefault(name, []).append(measured(start, connections, options.seconds, pinned))
    told(found)


def latency(found):
    print(f"\n{'one after the other':<22}{'p50':>9}{'added':>9}{'p99':>9}{'added':>9}   in microseconds")
    for name, rounds in found.items():
        added = [(one[1] - direct[1], one[2] - direct[2]) for one, direct in zip(rounds, found["direct"])]
        p50, p99 = (statistics.median(one[place] for one in rounds) for place in (1, 2))
        more50, more99 = (statistics.median(one[place] for one in added) for place in (0, 1))
        print(f"{name:<22}{p50:>9.0f}{more50:>9.0f}{p99:>9.0f}{more99:>9.0f}")


def throughput(found):
    print(f"\n{f'{CONNECTIONS} connections':<22}{'a second':>10}{'of direct':>11}{'of passing on':>15}")
    for name, rounds in found.items():
        share = lambda of: statistics.median(one[0] / other[0] for one, other in zip(rounds, found[of]))
        rate = statistics.median(one[0] for one in rounds)
        print(f"{name:<22}{rate:>10,.0f}{share('direct'):>11.3f}{share('passing on'):>15.3f}")


def large(upstream):
    proxy = Proxy("recording, reverse", [str(SERVER), "reverse", upstream], pinned=False)
    try:
        subprocess.run(["curl", "-sf", "-o", os.devnull, f"{proxy.url}/bytes/1000000"], check=True)
        before = proxy.peak_mib()
        begun = time.monotonic()
        subprocess.run(["curl", "-sf", "-o", os.devnull, f"{proxy.url}/bytes/{LARGE_BYTES}"], check=True)
        took = time.monotonic() - begun
        after = proxy.peak_mib()
    finally:
        proxy.end()
    print(f"\n1 GB through the recorder: {took:.1f} s; peak memory {before:.0f} MiB after 1 MB, {after:.0f} MiB after 1 GB")
    if after > before + 32:
        sys.exit("memory grows with the body")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=int, default=3, help="of load, for each in each round")
    options.add_argument("--rounds", type=int, default=5)
    options = options.parse_args()
    missing = [tool for tool in ("wrk", "taskset", "curl") if shutil.which(tool) is None]
    if missing or not SERVER.exists():
        missing += [] if SERVER.exists() else ["the servers: see `benches/recording.py --help`"]
        sys.exit(f"not measured, for want of: {', '.join(missing)}")
    if shutil.which(MITMDUMP) is None:
        print(f"mitmproxy is left out: no `{MITMDUMP}`; MITMDUMP may name it")
    for connections, pinned, told in ((1, False, latency), (CONNECTIONS, True, throughput)):
        core = ["taskset", "-c", "1"] if pinned else []
        upstream = Proxy("upstream", [*core, str(SERVER), "upstream"], pinned=False)
        try:
            compare(upstream.url, connections, options, pinned, told)
            if pinned:
                large(upstream.url)
        finally:
            upstream.end()


if __name__ == "__main__":
    main()
