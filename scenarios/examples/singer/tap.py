"""A tap in the form of Singer: prints the messages of a chat room, oldest pages last, and how far it has come.

A run that fails ends with exit code 1; the next one goes on at the page that its state names.
"""
import argparse, json, sys, time
from urllib.parse import quote

import requests

PREFIX = "/_matrix/client/v3"
MAX_ATTEMPTS, TIMEOUT_S = 3, 2
SCHEMA = {"type": "object", "properties": {"event_id": {"type": "string"}, "sender": {"type": "string"},
                                            "sent_at_ms": {"type": "integer"}, "text": {"type": ["string", "null"]}}}


def say(**message):
    print(json.dumps(message), flush=True)


def log(text):
    print(text, file=sys.stderr, flush=True)


class Api:
    def __init__(self, config):
        self.config, self.session = config, requests.Session()
        self.session.trust_env = False

    def get(self, path):
        refreshed = False
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                token = {"Authorization": f"Bearer {self.config['access_token']}"}
                answer = self.session.get(self.config["base_url"] + path, headers=token, timeout=TIMEOUT_S)
                if answer.status_code == 200:
                    return answer.json()
                if answer.status_code == 401 and not refreshed:
                    refreshed = True
                    self.refresh()
                    continue
                told = answer.headers.get("Retry-After", "")
                log(f"attempt {attempt}: answered {answer.status_code}")
                if answer.status_code < 500 and answer.status_code != 429:
                    sys.exit(1)
                self.wait(attempt, int(told) if told.isdigit() else None)
            except (requests.RequestException, ValueError) as error:
                log(f"attempt {attempt}: {type(error).__name__}")
                self.wait(attempt)
        log(f"given up after {MAX_ATTEMPTS} attempts")
        sys.exit(1)

    def wait(self, attempt, told=None):
        if attempt < MAX_ATTEMPTS:
            time.sleep(0.4 * 2**attempt if told is None else told)

    def refresh(self):
        log("the access token has expired")
        answer = self.session.post(self.config["base_url"] + f"{PREFIX}/refresh", timeout=TIMEOUT_S,
                                   json={"refresh_token": self.config["refresh_token"]})
        answer.raise_for_status()
        self.config["access_token"] = answer.json()["access_token"]
        self.config["refresh_token"] = answer.json()["refresh_token"]


def read(path):
    with open(path) as file:
        return json.load(file)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--config", required=True)
    arguments.add_argument("--state")
    arguments.add_argument("--room", required=True)
    arguments = arguments.parse_args()
    state = read(arguments.state) if arguments.state else {}
    api = Api(read(arguments.config))
    # A token that was refreshed is the state's: the config still has the one before.
    api.config.update(state.get("tokens", {}))
    say(type="SCHEMA", stream="messages", schema=SCHEMA, key_properties=["event_id"])
    room = state.get("room_id") or api.get(f"{PREFIX}/directory/room/{quote(arguments.room, safe='')}")["room_id"]
    cursor = state.get("cursor")
    while True:
        since = f"&from={quote(cursor, safe='')}" if cursor else ""
        page = api.get(f"{PREFIX}/rooms/{quote(room, safe='')}/messages?dir=b&limit=10{since}")
        for event in page["chunk"]:
            if event["type"] == "m.room.message":
                say(type="RECORD", stream="messages", record={
                    "event_id": event["event_id"], "sender": event["sender"],
                    "sent_at_ms": event["origin_server_ts"], "text": event["content"].get("body")})
        cursor = page.get("end")
        if not cursor:
            return
        tokens = {name: api.config[name] for name in ("access_token", "refresh_token")}
        say(type="STATE", value={"room_id": room, "cursor": cursor, "tokens": tokens})


main()
