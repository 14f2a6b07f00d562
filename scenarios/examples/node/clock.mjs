// The clock protocol (docs/clock-protocol.md): the time, and every wait, come from here and from nowhere else.
//
// Node runs one thing at a time, so no lock is needed: what happens between two awaits is one step.

export class Clock {
  /** Begins at an instant and stands still until it is advanced; without one it is the machine's clock. */
  constructor(start) {
    this.isDriven = start !== undefined;
    this.time = this.isDriven ? new Date(start) : undefined;
    this.timers = []; // [{at, run}], the earliest first
    this.busy = 0;
    this.started = 0; // requests to a provider: this connector makes none
    this.finished = 0;
  }

  now() {
    return this.isDriven ? this.time : new Date();
  }

  state() {
    const next = this.timers[0];
    return {
      now: this.time.toISOString(),
      next_timer: next ? next.at.toISOString() : null,
      busy: this.busy,
      started: this.started,
      finished: this.finished,
    };
  }

  /** Calls `run` once so many seconds have passed. */
  after(seconds, run) {
    if (!this.isDriven) return void setTimeout(run, seconds * 1000);
    const at = new Date(this.time.getTime() + seconds * 1000);
    const place = this.timers.findIndex((timer) => timer.at > at);
    this.timers.splice(place < 0 ? this.timers.length : place, 0, { at, run });
  }

  /** Fires the one timer that is due first, if one is due by then. */
  advance(to) {
    if (Number.isNaN(to.getTime()) || to < this.time) throw new RangeError("`to` lies before the present");
    const next = this.timers[0];
    if (!next || next.at > to) return void (this.time = to);
    this.timers.shift();
    this.time = next.at;
    this.work(next.run);
  }

  /** Does something, and counts as busy from now until it is done. */
  work(run) {
    this.busy += 1;
    setImmediate(() => {
      try {
        run();
      } finally {
        this.busy -= 1;
      }
    });
  }
}
