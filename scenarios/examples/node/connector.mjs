// A small connector: Slack pushes a channel's messages, and it keeps each as it stands after its last edit.
//
//   PORT            where it listens, on 127.0.0.1
//   DATA            the folder of what it keeps
//   SIGNING_SECRET  what Slack signs with
//   TEAM            the one workspace whose events it takes
//   CLOCK_START     for tests: where a clock begins that is driven over /clock
//
// An event is acknowledged once it is on the disk, and applied two seconds later: an edit that follows at once is
// written together with what it edits.

import { createServer } from "node:http";
import { Clock } from "./clock.mjs";
import { refusal } from "./signature.mjs";
import { Store } from "./store.mjs";

const MAX_BODY_BYTES = 1024 * 1024;
const APPLIED_AFTER_S = 2;

const { PORT, DATA, SIGNING_SECRET, TEAM, CLOCK_START } = process.env;
const clock = new Clock(CLOCK_START);
const store = new Store(DATA);
let waiting = [...store.inbox.values()]; // accepted before a crash, and perhaps not applied
let isSet = false;

function log(level, event, fields = {}) {
  console.log(JSON.stringify({ level, time: clock.now().toISOString(), event, ...fields }));
}

/** What an event says of a message, or why nothing can be made of it. */
function understood(event) {
  const inner = event?.event;
  if (typeof event?.event_id !== "string") return { why: "no event_id" };
  if (event.team_id !== TEAM) return { why: "another workspace" };
  if (inner?.type !== "message") return { why: "unknown type" };
  const said = inner.subtype === "message_changed" ? inner.message : inner;
  if (inner.subtype !== undefined && inner.subtype !== "message_changed") return { why: "unknown subtype" };
  if (!/^\d+\.\d+$/.test(said?.ts ?? "") || typeof said.text !== "string") return { why: "no message" };
  return {
    said: { ts: said.ts, channel: inner.channel, user: said.user, text: said.text, as_of: inner.event_ts },
  };
}

/** Applies what waits, each event once, whatever order they came in. */
function apply() {
  isSet = false;
  const events = waiting;
  waiting = [];
  for (const event of events) {
    const { said } = understood(event);
    if (!said) continue;
    const known = store.message(said.ts);
    if (known?.events.includes(event.event_id)) continue;
    const isNewer = !known || Number(said.as_of) >= Number(known.as_of);
    const events = [...(known?.events ?? []), event.event_id].sort();
    store.write({ ...(isNewer ? said : known), events });
    log("info", "applied", { event_id: event.event_id });
  }
}

function applySoon() {
  if (isSet || waiting.length === 0) return;
  isSet = true;
  clock.after(APPLIED_AFTER_S, apply);
}

/** Takes a delivery; what is answered. */
function take(headers, body) {
  const refused = refusal(SIGNING_SECRET, headers, body, clock.now());
  if (refused) {
    log("warn", "refused", { why: refused.why });
    return { status: refused.status, json: { error: refused.why } };
  }
  let events;
  try {
    events = [JSON.parse(body.toString("utf8"))].flat();
  } catch {
    log("warn", "refused", { why: "no JSON" });
    return { status: 400, json: { error: "no JSON" } };
  }
  const count = { accepted: 0, duplicates: 0, held: 0 };
  for (const event of events) {
    const { said, why } = understood(event);
    if (!said) {
      store.hold(event ?? {}, why);
      log("warn", "held", { why });
      count.held += 1;
    } else if (store.accept(event)) {
      waiting.push(event);
      count.accepted += 1;
    } else {
      count.duplicates += 1;
    }
  }
  applySoon();
  log("info", "taken", count);
  return { status: 200, json: count };
}

function answer(response, status, json) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(json));
}

/** The body, in the very bytes that were signed; undefined where it is too large. */
async function bodyOf(request) {
  const parts = [];
  let length = 0;
  for await (const part of request) {
    length += part.length;
    if (length <= MAX_BODY_BYTES) parts.push(part);
  }
  return length <= MAX_BODY_BYTES ? Buffer.concat(parts) : undefined;
}

async function webhook(request, response) {
  clock.busy += 1; // from before the answer until all that is done at once is done
  try {
    const body = await bodyOf(request);
    const taken = body ? take(request.headers, body) : { status: 413, json: { error: "too large" } };
    store.audit({ at: clock.now().toISOString(), what: "webhook", status: taken.status, ...taken.json });
    answer(response, taken.status, taken.json);
  } finally {
    clock.busy -= 1;
  }
}

const routes = {
  "POST /slack/events": webhook,
  "GET /health": (_, response) => answer(response, 200, { version: "1.0.0" }),
  "GET /alerts": (_, response) => answer(response, 200, { alerts: store.alerts }),
  "GET /holds": (_, response) => answer(response, 200, { holds: store.holds }),
};
if (clock.isDriven) {
  routes["GET /clock"] = (_, response) => answer(response, 200, clock.state());
  routes["POST /clock/advance"] = async (request, response) => {
    clock.advance(new Date(JSON.parse((await bodyOf(request)).toString("utf8")).to));
    answer(response, 200, clock.state());
  };
}

const server = createServer((request, response) => {
  const route = routes[`${request.method} ${request.url}`];
  if (!route) return answer(response, 404, { error: "no such place" });
  Promise.resolve(route(request, response)).catch((error) => {
    log("error", "failed", { error: String(error) });
    if (!response.headersSent) answer(response, 500, { error: "failed" });
  });
});
applySoon();
server.listen(Number(PORT), "127.0.0.1", () => log("info", "listening", { port: Number(PORT) }));
process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeAllConnections();
});
