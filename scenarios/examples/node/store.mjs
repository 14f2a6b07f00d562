// What outlives the process: files in one folder. An event is in the inbox before it is acknowledged, and a message is
// replaced whole, so a crash at any place loses nothing and leaves nothing half written.

import { appendFileSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export class Store {
  constructor(folder) {
    this.folder = folder;
    mkdirSync(join(folder, "messages"), { recursive: true });
    this.inbox = new Map(this.#lines("inbox.jsonl").map((event) => [event.event_id, event]));
    this.holds = this.#lines("holds.jsonl");
    this.alerts = this.#lines("alerts.jsonl");
  }

  /** Keeps an event, unless it is known; whether it was new. */
  accept(event) {
    if (this.inbox.has(event.event_id)) return false;
    this.#append("inbox.jsonl", event);
    this.inbox.set(event.event_id, event);
    return true;
  }

  /** Keeps what cannot be processed, and tells somebody. */
  hold(event, reason) {
    const held = { event_id: event.event_id ?? null, reason };
    const alert = { kind: "event_held", text: `an event is held: ${reason}` };
    this.#append("holds.jsonl", { ...held, event });
    this.holds.push(held);
    this.#append("alerts.jsonl", alert);
    this.alerts.push(alert);
  }

  audit(entry) {
    this.#append("audit.jsonl", entry);
  }

  message(ts) {
    const path = this.#messagePath(ts);
    return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
  }

  write(message) {
    const path = this.#messagePath(message.ts);
    writeFileSync(`${path}.new`, JSON.stringify(message), { flush: true });
    renameSync(`${path}.new`, path);
  }

  #messagePath(ts) {
    return join(this.folder, "messages", `${ts}.json`);
  }

  #append(name, line) {
    const file = openSync(join(this.folder, name), "a");
    try {
      appendFileSync(file, `${JSON.stringify(line)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }

  /** The lines of a file; a last one that a crash cut short was never acknowledged. */
  #lines(name) {
    const path = join(this.folder, name);
    if (!existsSync(path)) return [];
    const lines = readFileSync(path, "utf8").split("\n");
    const rest = lines.pop();
    if (rest) writeFileSync(path, lines.map((line) => `${line}\n`).join(""));
    return lines.map((line) => JSON.parse(line));
  }
}
