"""The clock protocol (docs/clock-protocol.md), for a program with threads. Every change happens under one lock."""
import heapq, itertools, os, threading
from datetime import datetime, timedelta


class Clock:
    def __init__(self):
        self.lock, self.order, self.timers = threading.Lock(), itertools.count(), []
        self.now = datetime.fromisoformat(os.environ["CLOCK_START"].replace("Z", "+00:00"))
        self.busy = self.started = self.finished = 0

    def state(self):
        text = lambda at: at.isoformat().replace("+00:00", "Z")
        with self.lock:
            next_timer = text(self.timers[0][0]) if self.timers else None
            return {"now": text(self.now), "next_timer": next_timer, "busy": self.busy,
                    "started": self.started, "finished": self.finished}

    def advance(self, to):
        to = datetime.fromisoformat(to.replace("Z", "+00:00"))
        with self.lock:
            if self.timers and self.timers[0][0] <= to:
                at, _, fired = heapq.heappop(self.timers)  # exactly one
                self.now, self.busy = max(self.now, at), self.busy + 1
                fired.set()
            else:
                self.now = to
        return self.state()

    def change_busy(self, by):
        with self.lock:
            self.busy += by

    def timer(self, seconds):  # the lock is held
        timer = (self.now + timedelta(seconds=seconds), next(self.order), threading.Event())
        heapq.heappush(self.timers, timer)
        self.busy -= 1
        return timer

    def sleep(self, seconds):
        with self.lock:
            timer = self.timer(seconds)
        timer[2].wait()

    def request(self, send, hang_up, timeout):
        """Runs send() on a thread of its own; its time-out is a timer like any other."""
        answer = []
        with self.lock:
            timer, self.started = self.timer(timeout), self.started + 1

        def work():
            try:
                result = send()
            except Exception as error:
                result = error
            with self.lock:
                if timer in self.timers:  # in time
                    self.timers.remove(timer)
                    heapq.heapify(self.timers)
                    answer.append(result)
                    self.finished, self.busy = self.finished + 1, self.busy + 1
                    timer[2].set()

        threading.Thread(target=work, daemon=True).start()
        timer[2].wait()
        if not answer:  # the timer fired first
            hang_up()
            with self.lock:
                self.finished += 1
            raise TimeoutError(f"no answer within {timeout} s")
        if isinstance(answer[0], Exception):
            raise answer[0]
        return answer[0]
