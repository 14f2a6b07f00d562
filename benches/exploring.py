#!/usr/bin/env python3
"""The proof that exploring finds what it should and nothing else, with its figures.

Each of the bugs below is planted in the bundled runtime and must be found within a minute; the sound runtime is then
explored from the same scenarios, and nothing may be found in 10,000 cases. Needs
`cargo build --release -p counterpart-cli`. Exit code 0 if all of it held.
"""

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent

IMPORT = "scenarios/chat-import/happy-path.yaml"
WEBHOOKS = "scenarios/webhooks/happy-path.yaml"
SEND = "scenarios/relay/answer-lost.yaml"
CREATE = "scenarios/relay/answer-lost-behind-a-key.yaml"
WITHOUT_A_KEY = "scenarios/relay/json-rpc-error.yaml"

# What each is called in words, its name, and the scenario that is explored.
BUGS = [
    ("no dedupe", "insert_not_upsert", IMPORT),
    ("no dedupe of webhooks", "webhook_not_deduplicated", WEBHOOKS),
    ("cursor before commit", "cursor_before_commit", IMPORT),
    ("Retry-After ignored", "retry_after_ignored", IMPORT),
    ("error swallowed", "error_swallowed", IMPORT),
    ("partial page committed", "partial_page_committed", IMPORT),
    ("non-idempotent effect on retry", "key_per_attempt", CREATE),
    ("sent again behind its key's life", "key_expiry_ignored", CREATE),
    ("unbounded retry", "unbounded_retry", IMPORT),
    ("tenant mix-up", "tenant_mix_up", IMPORT),
    ("signature not checked", "webhook_unverified", WEBHOOKS),
    ("lost update", "lost_update", WEBHOOKS),
    ("hold dropped", "hold_dropped", IMPORT),
    ("stale worker commits", "stale_worker_commits", IMPORT),
]

SOUND = [(IMPORT, 0.5), (WEBHOOKS, 0.2), (SEND, 0.1), (CREATE, 0.1), (WITHOUT_A_KEY, 0.1)]


def explore(binary, scenario, *arguments):
    """One exploration: its JSON, its exit code, and its wall and processor seconds."""
    with tempfile.TemporaryDirectory() as out:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.monotonic()
        command = [binary, "explore", scenario, "--format", "json", "--out", out, *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        wall = time.monotonic() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if done.returncode not in (0, 1, 3) or not done.stdout:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
    return json.loads(done.stdout), done.returncode, wall, cpu


def bugs(binary, seed, budget_s):
    missed = []
    print(f"{'bug':32} {'found after':>11} {'cases':>6}  cause")
    for words, plant, scenario in BUGS:
        result, _, wall, _ = explore(
            binary, scenario, "--plant", plant, "--stop-at-first", "--budget", f"{budget_s}s", "--seed", str(seed)
        )
        found = result["found"]
        if not found:
            missed.append(words)
            print(f"{words:32} {'not found':>11} {result['cases']:>6}  in {wall:.0f} s", flush=True)
            continue
        first = found[0]
        print(f"{words:32} {first['found_after_ms'] / 1000:>9.1f} s {first['first_case']:>6}  {first['cause']}", flush=True)
    return missed


def sound(binary, seed, cases):
    wrong = []
    print(f"{'scenario':48} {'cases':>6} {'wall':>8} {'processor':>10} {'cases/s':>8} {'a core':>7}")
    for scenario, share in SOUND:
        count = round(cases * share)
        result, code, wall, cpu = explore(binary, scenario, "--cases", str(count), "--seed", str(seed))
        played = result["cases"]
        print(f"{scenario:48} {played:>6} {wall:>6.1f} s {cpu:>8.1f} s {played / wall:>8.0f} {played / cpu:>7.0f}", flush=True)
        for found in result["found"]:
            print(f"  found: {found['cause']}: {found['message']}: {' '.join(found['faults'])}")
        for case in result["unreproduced"]:
            print(f"  not repeated: {case}")
        if result["first_unjudged"]:
            print(f"  not judged: {result['first_unjudged']}")
        if code != 0 or played < count:
            wrong.append(scenario)
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bugs", action="store_true", help="only the first half")
    parser.add_argument("--sound", action="store_true", help="only the second half")
    parser.add_argument("--cases", type=int, default=10_000, help="cases on the sound runtime (default: 10000)")
    parser.add_argument("--budget", type=int, default=60, help="seconds for each bug (default: 60)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--binary", default=str(ROOT / "target/release/counterpart"))
    arguments = parser.parse_args()
    if not os.path.exists(arguments.binary):
        sys.exit(f"there is no {arguments.binary}: cargo build --release -p counterpart-cli")
    both = arguments.bugs == arguments.sound
    missed = bugs(arguments.binary, arguments.seed, arguments.budget) if both or arguments.bugs else []
    wrong = sound(arguments.binary, arguments.seed, arguments.cases) if both or arguments.sound else []
    if missed or wrong:
        sys.exit(f"not found: {', '.join(missed) or 'none'}; not sound: {', '.join(wrong) or 'none'}")


if __name__ == "__main__":
    main()
