#!/usr/bin/env python3
"""The stand-in and its peers under load, side by side: each server on one core, wrk on another.

    cargo build --release -p counterpart-benches --bin load_server
    benches/load.py [--seconds 4] [--rounds 3] [--only stand-in,wiremock] [--workloads get-1,post-1000]

Peers that are no crates are measured where they are installed: mountebank as `mb`, Rift as `rift-http-proxy` (both take the
same file of imposters), WireMock where the variable WIREMOCK_JAR names its standalone jar.

It needs wrk and taskset (Debian: wrk, util-linux) and two cores. Every round measures every server once, so that what else
the machine does strikes all of them; the share is taken of the bare hyper server in the same round, and the median
of the rounds is shown. Two shares: of the requests a second, and of the processor time that a request costs the server. The
second holds also where wrk or the machine, not the server, was at its limit. A server that is not installed, or that answers anything but 200, is left out and named.
"""

import argparse
import json
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
SERVER = ROOT / "target" / "release" / "load_server"
SERVERS = ["bare", "stand-in", "wiremock", "httpmock"]
EXTERNAL = ["rift", "mountebank", "wiremock-java"]
WORKLOADS = {
    "get-1": (1, "get"),
    "get-100": (100, "get"),
    "get-1000": (1_000, "get"),
    "get-10000": (10_000, "get"),
    "get-100000": (100_000, "get"),
    "post-1000": (1_000, "post"),
}
# A scan of all stubs, in servers that scan, would take longer than the run.
MOST_STUBS = {name: 10_000 for name in ["wiremock", "httpmock", *EXTERNAL]}
# Real time in which a server must answer its first request.
PATIENCE_S = 120
CONNECTIONS = 32

# The requests are made ahead, and asked for in an order that jumps about.
SCRIPT = """
local stubs, posts = %d, %s
local filler = string.rep("x", 970)
local all = {}
function init(args)
  for stub = 0, stubs - 1 do
    if posts then
      local body = string.format('{"query":{"number":%%d,"expand":true},"filler":"%%s"}', stub, filler)
      all[stub] = wrk.format("POST", "/search", {["content-type"] = "application/json"}, body)
    else
      all[stub] = wrk.format("GET", "/items/" .. stub)
    end
  end
end
local at = 0
function request()
  at = (at + 7919) %% stubs
  return all[at]
end
"""


class Failed(Exception):
    """A server that could not be measured: why."""


def resident_kib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1])


def processor_s(pid):
    """User and system time so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def request_body(stub):
    return {"query": {"number": stub, "expand": True}, "filler": "x" * 970}


def answer_body(stub):
    head = f'{{"id":{stub},"name":"item","text":"'
    return head + "y" * (498 - len(head)) + '"}'


def imposters(stubs, method, port, folder):
    """The stubs as mountebank and Rift take them."""
    def stub(number):
        asked = {"method": "GET", "path": f"/items/{number}"}
        if method == "post":
            asked = {"method": "POST", "path": "/search", "body": request_body(number)}
        answer = {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": answer_body(number)}
        return {"predicates": [{"equals": asked}], "responses": [{"is": answer}]}
    file = pathlib.Path(folder) / "imposters.json"
    all_stubs = [stub(number) for number in range(stubs)]
    file.write_text(json.dumps({"imposters": [{"protocol": "http", "port": port, "stubs": all_stubs}]}))
    return str(file)


def mappings(stubs, method, folder):
    """The stubs as WireMock takes them."""
    def stub(number):
        asked = {"method": "GET", "urlPath": f"/items/{number}"}
        if method == "post":
            body = [{"equalToJson": json.dumps(request_body(number))}]
            asked = {"method": "POST", "urlPath": "/search", "bodyPatterns": body}
        answer = {"status": 200, "headers": {"Content-Type": "application/json"}, "body": answer_body(number)}
        return {"request": asked, "response": answer}
    file = pathlib.Path(folder) / "mappings" / "all.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"mappings": [stub(number) for number in range(stubs)]}))
    return str(folder)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def external(server, stubs, method, folder):
    """The command of a peer that is no crate of ours, and its port."""
    port, own = free_port(), free_port()
    if server == "wiremock-java":
        jar = os.environ.get("WIREMOCK_JAR")
        if jar is None or shutil.which("java") is None:
            raise Failed("not installed: WIREMOCK_JAR names no jar, or there is no java")
        root = mappings(stubs, method, folder)
        return ["java", "-jar", jar, "--port", str(port), "--root-dir", root, "--disable-banner"], port
    program = "mb" if server == "mountebank" else "rift-http-proxy"
    if shutil.which(program) is None:
        raise Failed(f"not installed: no `{program}` on the path")
    words = ["--port", str(own), "--configfile", imposters(stubs, method, port, folder)]
    return [program, *words, *(["--nologfile", "--loglevel", "error"] if server == "mountebank" else [])], port


def wait_until_it_answers(process, port):
    for _ in range(PATIENCE_S * 10):
        if process.poll() is not None:
            raise Failed(f"it ended with {process.returncode}")
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                time.sleep(0.5)
                return
        except OSError:
            time.sleep(0.1)
    raise Failed(f"nobody listens after {PATIENCE_S} s")


def started(server, stubs, method, folder):
    """A process on core 0, and its URL."""
    pinned = ["taskset", "-c", "0"]
    if server in EXTERNAL:
        command, port = external(server, stubs, method, folder)
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen([*pinned, *command], **silent)
        try:
            wait_until_it_answers(process, port)
        except Failed:
            process.kill()
            raise
        return process, f"http://127.0.0.1:{port}/"
    process = subprocess.Popen([*pinned, str(SERVER), server, str(stubs), method], stdout=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    if not line.startswith("listening on "):
        process.kill()
        raise Failed("it did not start")
    return process, f"http://{line.split()[-1]}/"


def measure(server, stubs, method, seconds, script, folder):
    """Requests a second, processor seconds a request, and the memory before and after in KiB."""
    process, url = started(server, stubs, method, folder)
    try:
        wrk = ["taskset", "-c", "1", "wrk", "-t1", f"-c{CONNECTIONS}", "-s", script, url]
        subprocess.run([*wrk, "-d1s"], check=True, capture_output=True)
        before, spent = resident_kib(process.pid), processor_s(process.pid)
        printed = subprocess.run([*wrk, f"-d{seconds}s"], check=True, capture_output=True, text=True).stdout
        after, spent = resident_kib(process.pid), processor_s(process.pid) - spent
        refused = re.search(r"Non-2xx or 3xx responses: (\d+)", printed)
        if refused:
            raise Failed(f"{refused[1]} answers were not 200")
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", printed)[1])
        requests = int(re.search(r"(\d+) requests in", printed)[1])
        return rate, spent / requests, before, after
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=int, default=4, help="of load, for each server in each round")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--only", default=",".join(SERVERS[1:] + EXTERNAL), help="servers, besides the bare one")
    options.add_argument("--workloads", default=",".join(WORKLOADS))
    chosen = options.parse_args()
    missing = [tool for tool in ("wrk", "taskset") if shutil.which(tool) is None]
    if missing or not SERVER.exists():
        missing += [] if SERVER.exists() else ["the load server: see `benches/load.py --help`"]
        sys.exit(f"not measured, for want of: {', '.join(missing)}")
    servers = ["bare", *[name for name in chosen.only.split(",") if name]]
    print(f"{'workload':<12}{'server':<15}{'requests/s':>12}{'of bare':>9}{'us of cpu':>11}{'of bare':>9}   {'memory, MiB':<18}{'bytes/request':>14}")
    for workload in chosen.workloads.split(","):
        stubs, method = WORKLOADS[workload]
        rates, costs, memory, left_out = {}, {}, {}, {}
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            script.write(SCRIPT % (stubs, "true" if method == "post" else "false"))
            script.flush()
            for _ in range(chosen.rounds):
                for server in servers:
                    if server in left_out or stubs > MOST_STUBS.get(server, stubs):
                        continue
                    try:
                        with tempfile.TemporaryDirectory() as folder:
                            rate, cost, before, after = measure(
                                server, stubs, method, chosen.seconds, script.name, folder
                            )
                    except Failed as why:
                        left_out[server] = why
                        continue
                    rates.setdefault(server, []).append(rate)
                    costs.setdefault(server, []).append(cost)
                    memory[server] = (before, after, rate * chosen.seconds)
        for server in servers:
            if server in left_out or server not in rates:
                print(f"{workload:<12}{server:<15}left out: {left_out.get(server, 'so many stubs take it too long')}")
                continue
            shares = [rate / bare for rate, bare in zip(rates[server], rates["bare"])]
            cost_shares = [bare / cost for cost, bare in zip(costs[server], costs["bare"])]
            before, after, requests = memory[server]
            grown = (after - before) * 1024 / requests
            span = f"{before / 1024:.0f} -> {after / 1024:.0f}"
            rate = statistics.median(rates[server])
            cost = statistics.median(costs[server]) * 1e6
            print(
                f"{workload:<12}{server:<15}{rate:>12,.0f}{statistics.median(shares):>9.3f}"
                f"{cost:>11.2f}{statistics.median(cost_shares):>9.3f}   {span:<18}{grown:>14.0f}"
            )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
