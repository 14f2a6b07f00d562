"""A connector that copies the history of a chat room. Its state is a file; started again, it goes on where it was."""
import json, os, socket, threading
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

import requests
import urllib3.util.connection

from clock import Clock

API, DATA = os.environ["API_URL"], os.environ["DATA"]
TIMEOUT_S, MAX_ATTEMPTS = 15, 6
PREFIX = "/_matrix/client/v3"
clock, lock = Clock(), threading.Lock()
sockets = {}  # by thread: what is hung up when its time is over
connect = urllib3.util.connection.create_connection


def noted(*arguments, **options):
    made = connect(*arguments, **options)
    sockets[threading.get_ident()] = made
    return made


urllib3.util.connection.create_connection = noted


class Store:
    """Everything that must outlive the process, replaced as a whole by each commit."""

    def __init__(self):
        self.path = os.path.join(DATA, "store.json")
        self.all = {"rows": {}, "runs": [], "alerts": [], "holds": [],
                    "access": os.environ["ACCESS_TOKEN"], "refresh": os.environ.get("REFRESH_TOKEN")}
        if os.path.exists(self.path):
            with open(self.path) as file:
                self.all = json.load(file)

    def commit(self):
        with open(self.path + ".new", "w") as file:
            json.dump(self.all, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(self.path + ".new", self.path)

    def audit(self, method, target):
        with open(os.path.join(DATA, "audit.jsonl"), "a") as file:
            file.write(json.dumps({"at": clock.state()["now"], "call": f"{method} {target}"}) + "\n")


store = Store()


def log(level, message):
    print(json.dumps({"level": level, "message": message}), flush=True)


def once(method, target, token, body=None):
    """One request, and no more: neither retries nor connections that wait in a pool."""
    store.audit(method, target)
    me = []

    def send():
        me.append(threading.get_ident())
        with requests.Session() as session:
            session.trust_env = False
            headers = {"Connection": "close"}
            if token:
                headers["Authorization"] = f"Bearer {token}"
            return session.request(method, API + target, json=body, headers=headers, allow_redirects=False)

    def hang_up():
        held = sockets.pop(me[0], None) if me else None
        if held:
            try:
                held.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    try:
        return clock.request(send, hang_up, TIMEOUT_S)
    finally:
        if me:
            sockets.pop(me[0], None)


def call(run, target, check):
    """Asks until there is a good answer: refreshes the token once, waits as long as it is told, and gives up in the end."""
    refreshed, wait = False, 1
    wait_until_allowed(run)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        try:
            answer = once("GET", target, store.all["access"])
            if answer.status_code == 200:
                return check(answer.json())
            if answer.status_code == 401 and not refreshed and store.all["refresh"]:
                log("info", "the access token has expired")
                refreshed = True
                refresh()
                continue
            if answer.status_code < 500 and answer.status_code != 429:
                raise PermissionError(f"the provider refused: {answer.status_code}")
            problem, told = f"the provider answered {answer.status_code}", answer.headers.get("Retry-After")
        except (requests.RequestException, TimeoutError, ValueError, KeyError, TypeError) as error:
            problem, told = f"{type(error).__name__}: {error}", None
        log("warn", problem)
        if attempt < MAX_ATTEMPTS:
            wait_until_allowed(run, int(told) if told and told.isdigit() else wait)
            wait *= 2
    raise PermissionError(f"given up after {MAX_ATTEMPTS} attempts")


def wait_until_allowed(run, seconds=None):
    """How long to wait is kept: whoever starts again in between must not come earlier."""
    if seconds is not None:
        with lock:
            run["not_before"] = (clock.now + timedelta(seconds=seconds)).isoformat()
            store.commit()
    if run.get("not_before"):
        clock.sleep(max(0, (datetime.fromisoformat(run["not_before"]) - clock.now).total_seconds()))
        run["not_before"] = None


def refresh():
    answer = once("POST", f"{PREFIX}/refresh", None, {"refresh_token": store.all["refresh"]})
    if answer.status_code != 200:
        log("error", f"the refresh was refused: {answer.status_code}")
        raise PermissionError("the credentials are no longer good")
    fresh = answer.json()
    with lock:
        store.all["access"], store.all["refresh"] = fresh["access_token"], fresh.get("refresh_token", store.all["refresh"])
        store.commit()


def page_of(body, read):
    if not isinstance(body["chunk"], list):
        raise ValueError("a page without its list")
    if body.get("end") in read:
        raise ValueError("the next page is one that was read")
    return body["chunk"], body.get("end")


def sync(run):
    try:
        if not run.get("room_id"):
            run["room_id"] = call(run, f"{PREFIX}/directory/room/{quote(run['room'], safe='')}", lambda body: body["room_id"])
        while True:
            since = f"&from={quote(run['cursor'], safe='')}" if run.get("cursor") else ""
            target = f"{PREFIX}/rooms/{quote(run['room_id'], safe='')}/messages?dir=b&limit=10{since}"
            read = run.setdefault("read", [])
            events, end = call(run, target, lambda body: page_of(body, read))
            with lock:  # the page and its cursor in one commit
                for event in events:
                    take(event)
                run["cursor"] = end
                read.append(end)
                if not end:
                    run["state"] = "done"
                store.commit()
            if not end:
                return
    except PermissionError as error:
        with lock:
            run["state"] = "stuck"
            store.all["alerts"].append({"kind": "run_stuck", "text": str(error)})
            store.all["holds"].append({"reason": "run_stuck"})
            store.commit()
        log("error", str(error))
    finally:
        clock.change_busy(-1)


def take(event):
    key = event.get("event_id")
    if not isinstance(key, str) or not isinstance(event.get("type"), str):
        store.all["holds"].append({"reason": "invalid_record", "key": key})
        store.all["alerts"].append({"kind": "record_held", "text": "a record without its required fields"})
        log("error", "a record without its required fields is held")
        return
    if event["type"] != "m.room.message":
        return
    kept = {name: event.get(name) for name in ("event_id", "type", "sender", "origin_server_ts", "content")}
    store.all["rows"].setdefault(key, kept)


def begin(run):
    clock.change_busy(1)
    threading.Thread(target=sync, args=(run,), daemon=True).start()


class Endpoints(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        with lock:
            shown = {"/clock": clock.state, "/health": lambda: {"version": "1.0"},
                     "/rows": lambda: {"items": list(store.all["rows"].values())},
                     "/runs": lambda: {"items": store.all["runs"]},
                     "/alerts": lambda: {"items": store.all["alerts"]},
                     "/holds": lambda: {"items": store.all["holds"]}}.get(self.path)
            body = shown() if shown else {}
        self.answer(200 if shown else 404, body)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "{}")
        if self.path == "/clock/advance":
            return self.answer(200, clock.advance(body["to"]))
        run = {"room": body["room"], "state": "working"}
        with lock:
            store.all["runs"].append(run)
            store.commit()
        begin(run)  # busy before the answer
        self.answer(202, {})

    def log_message(self, *arguments):
        pass


for unfinished in [run for run in store.all["runs"] if run["state"] == "working"]:
    begin(unfinished)
ThreadingHTTPServer.request_queue_size = 64
server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Endpoints)
server.daemon_threads = True
server.serve_forever()
