//! Virtual time: moves both clocks from timer to timer, and only when nothing is under way.
//!
//! Quiet means that the subject is busy with nothing and that both sides count the same requests, what the
//! stand-in holds on purpose apart, and that no webhook is on its way, seen twice in a row.

use crate::work::Work;
use counterpart_stand_in::{StandIn, Traffic};
use counterpart_subject::{ClockState, ProbeName, Stopwatch, Subject, SubjectError};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// Real time without any progress after which a subject counts as restless.
const MAX_RESTLESS: Duration = Duration::from_secs(60);
/// Timers fired in one go; a subject that sets ever new ones is stopped here.
const MAX_TIMERS: u64 = 20_000;
/// Requests at one instant of virtual time; a subject that retries without any wait is stopped here.
const MAX_REQUESTS_AT_ONE_INSTANT: u64 = 5_000;
/// Real time that one rest may be waited for, however much happens in it.
const MAX_UNREST: Duration = Duration::from_secs(300);
/// How often a subject on real time is looked at.
const REAL_PAUSE: Duration = Duration::from_millis(20);
/// So many looks, a pause apart, without a request are taken for rest where nothing else tells: a second.
const CALM_LOOKS: u32 = 50;

/// Looks at a provider whose client was killed: the first of them at once, the rest over two seconds.
const MAX_LOOKS_AFTER_A_KILL: usize = 1_100;
const LOOKS_WITHOUT_A_PAUSE: usize = 1_000;

/// How letting time run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Nothing more will happen by itself.
    Quiet {
        /// How many timers fired.
        timers_fired: u64,
    },
    /// The next timer is beyond the horizon, or the time asked for has passed.
    Reached {
        /// How many timers fired.
        timers_fired: u64,
    },
    /// In real time nothing was asked for a second, and nobody was told to wait longer; nothing else tells.
    Calm,
    /// Requests are held, and no timer will ever end the wait.
    Stuck {
        /// How many.
        held: u64,
    },
    /// Real time passed without the subject coming to rest.
    Restless {
        /// Both sides' counts.
        state: String,
    },
    /// Timers without end.
    Endless,
    /// What was waited for was shown.
    Shown {
        /// How many timers fired.
        timers_fired: u64,
    },
}

/// What is moved through time: a subject, or code in the process of its test.
pub trait Timed {
    /// The state of its clock; nothing where it lives in real time.
    fn clock(&self) -> impl Future<Output = Result<Option<ClockState>, SubjectError>>;

    /// Moves its clock: at most one timer fires.
    fn advance(&self, to: Timestamp) -> impl Future<Output = Result<(), SubjectError>>;

    /// Real time alone: lets a little of it pass; then whether all work that so many triggers began is over.
    fn looked_at(&self, _triggers: usize) -> impl Future<Output = Result<Work, SubjectError>> {
        async { Ok(Work::SeenByItsRequests) }
    }

    /// Real time alone: whether nothing is done but while it is triggered.
    fn rests_between_triggers(&self) -> bool {
        false
    }

    /// Real time alone: shifts its dates.
    ///
    /// # Errors
    /// Where they cannot be shifted.
    fn set_time(&self, _to: Timestamp) -> Result<(), SubjectError> {
        Ok(())
    }
}

impl Timed for Subject {
    async fn clock(&self) -> Result<Option<ClockState>, SubjectError> {
        Self::clock(self).await
    }

    async fn advance(&self, to: Timestamp) -> Result<(), SubjectError> {
        Self::advance(self, to).await.map(|_| ())
    }

    async fn looked_at(&self, triggers: usize) -> Result<Work, SubjectError> {
        self.wait(REAL_PAUSE).await;
        // Whoever has ended will never come to rest.
        if let Some(how) = self.has_ended() {
            return Err(SubjectError::Ended { how });
        }
        let probe = self.spec().probe.get(&ProbeName::Runs);
        Ok(match (probe, self.probe(ProbeName::Runs).await?) {
            (Some(probe), Some(runs)) => Work::shown(probe, &runs, triggers),
            _ => Work::SeenByItsRequests,
        })
    }

    fn rests_between_triggers(&self) -> bool {
        Self::rests_between_triggers(self)
    }

    fn set_time(&self, to: Timestamp) -> Result<(), SubjectError> {
        Self::set_time(self, to)
    }
}

/// Moves the clocks of one subject and one stand-in.
pub struct Conductor<'a, T: Timed = Subject> {
    /// Who lives by the one clock.
    pub subject: &'a T,
    /// Who lives by the other.
    pub stand_in: &'a StandIn,
    /// Where both began to count.
    pub baseline: Baseline,
    /// Triggers so far: a subject in real time may list a run only after a while.
    pub triggers: usize,
}

/// Where both sides' counts stood when they began to count the same requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    /// The stand-in's.
    pub received: u64,
    /// The subject's: none for one that has just begun.
    pub started: u64,
}

impl Conductor<'_> {
    /// Lets time run until something is shown, looking whenever nothing is under way; at most for so long.
    pub(crate) async fn wait_until(
        &self,
        within: SignedDuration,
        is_shown: impl AsyncFn() -> Result<bool, SubjectError>,
    ) -> Result<Settled, SubjectError> {
        if self.subject.clock().await?.is_none() {
            return self.wait_in_real_time(within, is_shown).await;
        }
        let horizon = self.stand_in.clock().now().saturating_add(within).unwrap_or(Timestamp::MAX);
        self.run_until(horizon, Stop::WhenNothingIsLeft { longest: MAX_RESTLESS }, is_shown).await
    }

    async fn wait_in_real_time(
        &self,
        within: SignedDuration,
        is_shown: impl AsyncFn() -> Result<bool, SubjectError>,
    ) -> Result<Settled, SubjectError> {
        let longest = within.unsigned_abs().min(MAX_RESTLESS);
        let waited = Stopwatch::start();
        loop {
            if is_shown().await? {
                return Ok(Settled::Shown { timers_fired: 0 });
            }
            if waited.elapsed() >= longest {
                return Ok(Settled::Reached { timers_fired: 0 });
            }
            self.subject.wait(REAL_PAUSE).await;
        }
    }

    /// Lets the subject's next timer fire, whenever that is: a tick of its schedule.
    pub(crate) async fn tick(&self) -> Result<Settled, SubjectError> {
        let state = match self.quiet(MAX_RESTLESS).await? {
            Quiet::Yes(state) => state,
            Quiet::RealTime | Quiet::Calm => {
                let why = "the subject lives in real time: its schedule ticks by itself; describe the call that does the \
                           same, as in tick = { call = \"POST /tick\" }";
                return Err(SubjectError::NotDescribed(why.to_owned()));
            }
            Quiet::No(state) => return Ok(Settled::Restless { state }),
        };
        let Some(next) = state.next_timer else {
            let why = "the subject has no timer, so no schedule that could tick: next_timer is null";
            return Err(SubjectError::NotDescribed(why.to_owned()));
        };
        let _paused = self.stand_in.pause_deliveries();
        self.stand_in.clock().advance_to(next);
        self.subject.advance(next).await?;
        Ok(Settled::Reached { timers_fired: 1 })
    }

    /// Waits until the provider has noticed that a subject which was killed is gone: what it had sent is answered or
    /// broken, and nothing of it is counted later as somebody else's.
    pub(crate) async fn gone(&self) {
        let mut last = None;
        for look in 0..MAX_LOOKS_AFTER_A_KILL {
            let traffic = self.stand_in.traffic();
            let is_over = traffic.received == traffic.answered && traffic.connections_hung == 0;
            if is_over && last == Some(traffic) {
                return;
            }
            last = Some(traffic);
            match look < LOOKS_WITHOUT_A_PAUSE {
                true => tokio::task::yield_now().await,
                false => self.subject.wait(REAL_PAUSE).await,
            }
        }
    }
}

impl<T: Timed> Conductor<'_, T> {
    /// Lets time run until nothing more will happen within a length of time. In real time that is waited for as long, but
    /// no longer than a minute.
    ///
    /// # Errors
    /// Where the subject's clock cannot be read or moved.
    pub async fn settle(&self, within: SignedDuration) -> Result<Settled, SubjectError> {
        let horizon = self.stand_in.clock().now().saturating_add(within).unwrap_or(Timestamp::MAX);
        let longest = within.unsigned_abs().min(MAX_RESTLESS);
        self.run_until(horizon, Stop::WhenNothingIsLeft { longest }, async || Ok(false)).await
    }

    /// Lets a length of time pass, firing what falls due in it.
    ///
    /// # Errors
    /// As [`Self::settle`].
    pub async fn advance(&self, by: SignedDuration) -> Result<Settled, SubjectError> {
        let to = self.stand_in.clock().now().saturating_add(by).unwrap_or(Timestamp::MAX);
        self.run_until(to, Stop::AtTheInstant, async || Ok(false)).await
    }

    async fn run_until(
        &self,
        limit: Timestamp,
        stop: Stop,
        is_shown: impl AsyncFn() -> Result<bool, SubjectError>,
    ) -> Result<Settled, SubjectError> {
        let mut timers_fired = 0;
        loop {
            let longest = match stop {
                Stop::WhenNothingIsLeft { longest } => longest,
                Stop::AtTheInstant => MAX_RESTLESS,
            };
            let state = match self.quiet(longest).await? {
                Quiet::Yes(state) => state,
                // Dates are shifted where nothing is under way; of a subject in real time no plan asks that.
                Quiet::RealTime | Quiet::Calm if stop == Stop::AtTheInstant => {
                    self.stand_in.clock().advance_to(limit);
                    self.subject.set_time(self.stand_in.clock().now())?;
                    return Ok(Settled::Reached { timers_fired });
                }
                Quiet::RealTime => return Ok(Settled::Quiet { timers_fired }),
                Quiet::Calm => return Ok(Settled::Calm),
                Quiet::No(state) => return Ok(Settled::Restless { state }),
            };
            if is_shown().await? {
                return Ok(Settled::Shown { timers_fired });
            }
            // Of both sides' timers the earlier one: what the provider does late, it does on the same clock.
            let next_timer = state.next_timer.into_iter().chain(self.stand_in.clock().next_timer()).min();
            let Some(next) = next_timer.filter(|next| *next <= limit) else {
                let held = self.stand_in.traffic().held;
                if next_timer.is_none() && held > 0 {
                    return Ok(Settled::Stuck { held });
                }
                if stop == Stop::AtTheInstant {
                    let _paused = self.stand_in.pause_deliveries();
                    self.stand_in.clock().advance_to(limit);
                    self.subject.advance(limit).await?;
                    return Ok(Settled::Reached { timers_fired });
                }
                return Ok(match next_timer {
                    None => Settled::Quiet { timers_fired },
                    Some(_) => Settled::Reached { timers_fired },
                });
            };
            if timers_fired == MAX_TIMERS {
                return Ok(Settled::Endless);
            }
            // The provider's clock first: what the timer sets off must find it at the same instant. But what the provider
            // sends waits for the subject's clock.
            let _paused = self.stand_in.pause_deliveries();
            self.stand_in.clock().advance_to(next);
            self.subject.advance(next).await?;
            timers_fired += 1;
        }
    }

    fn reach(&self) -> Reach {
        if self.stand_in.fails_connections() { Reach::NotEvery } else { Reach::Every }
    }

    /// Waits, in real time but without sleeping, until the same quiet is seen twice; for a subject that lives in real time
    /// at most so long.
    async fn quiet(&self, longest: Duration) -> Result<Quiet, SubjectError> {
        let mut last: Option<(ClockState, Traffic)> = None;
        let mut since_change = Stopwatch::start();
        let since_begin = Stopwatch::start();
        let received_at_first = self.stand_in.traffic().received;
        loop {
            let Some(state) = self.subject.clock().await? else { return self.real_quiet(longest).await };
            let traffic = self.stand_in.traffic();
            let now = (state, traffic);
            if last == Some(now) && is_quiet(&state, &traffic, self.baseline, self.reach()) {
                let never_came = (state.started + self.baseline.received)
                    .saturating_sub(traffic.received + self.baseline.started);
                if never_came > traffic.connections_failed {
                    self.stand_in.somebody_was_refused();
                }
                return Ok(Quiet::Yes(state));
            }
            let at_once = traffic.received - received_at_first;
            if at_once > MAX_REQUESTS_AT_ONE_INSTANT || since_begin.elapsed() > MAX_UNREST {
                let took = since_begin.elapsed().as_secs();
                return Ok(Quiet::No(format!(
                    "{at_once} requests in {took} s without any time passing on its clock"
                )));
            }
            if last != Some(now) {
                since_change = Stopwatch::start();
            } else if since_change.elapsed() > MAX_RESTLESS {
                return Ok(Quiet::No(format!(
                    "busy {}, requests begun {} and over {}; the stand-in received {} and answered {}, holds {}, \
                     delivers {}",
                    state.busy,
                    state.started,
                    state.finished,
                    traffic.received,
                    traffic.answered,
                    traffic.held,
                    traffic.deliveries_under_way
                )));
            }
            last = Some(now);
            tokio::task::yield_now().await;
        }
    }

    /// A subject on real time is at rest when its runs say so and no request is under way.
    async fn real_quiet(&self, longest: Duration) -> Result<Quiet, SubjectError> {
        let waited = Stopwatch::start();
        let mut calm = 0;
        let mut seen = "it goes on sending requests".to_owned();
        let mut told_to_wait = self.stand_in.told_to_wait_until();
        let mut last = self.stand_in.traffic();
        while waited.elapsed() < longest {
            if self.subject.rests_between_triggers() {
                let traffic = self.stand_in.traffic();
                if traffic.received == traffic.answered && traffic.deliveries_under_way == 0 {
                    return Ok(Quiet::RealTime);
                }
            }
            let work = self.subject.looked_at(self.triggers).await?;
            let is_seen_by_requests = work == Work::SeenByItsRequests;
            // Without a probe of runs, calm over a while has to do.
            let done = work == Work::Done || is_seen_by_requests && calm >= CALM_LOOKS;
            let traffic = self.stand_in.traffic();
            if traffic != last {
                told_to_wait = self.stand_in.told_to_wait_until();
            }
            // Whoever was told to wait is not at rest because it waits. One that shows its runs tells itself.
            let waits =
                is_seen_by_requests && told_to_wait.is_some_and(|until| until > self.stand_in.clock().now());
            calm = if traffic == last && !waits { calm + 1 } else { 0 };
            last = traffic;
            let under_way = traffic.received.saturating_sub(traffic.answered);
            seen = match work {
                Work::Unfinished(what) => what,
                _ if waits => "a request was told when to come again, and that is not yet".to_owned(),
                _ if under_way > 0 => format!("requests that are not answered yet: {under_way}"),
                _ => "it goes on sending requests".to_owned(),
            };
            if done && calm > 0 && traffic.received == traffic.answered && traffic.deliveries_under_way == 0 {
                return Ok(if is_seen_by_requests { Quiet::Calm } else { Quiet::RealTime });
            }
        }
        Err(SubjectError::NotAtRest { within: longest, seen })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// Of a subject that lives in real time, that is waited for at most so long.
    WhenNothingIsLeft {
        longest: Duration,
    },
    AtTheInstant,
}

enum Quiet {
    Yes(ClockState),
    RealTime,
    /// Nothing was asked for a while, and nothing else tells.
    Calm,
    No(String),
}

/// Whether nothing is under way: every request that the subject began came here, and is over on both sides or held.
///
/// Where connections fail on purpose, the subject began requests that never came. Then its own counts have to
/// agree: what it began and did not finish is just what is held here.
fn is_quiet(state: &ClockState, traffic: &Traffic, baseline: Baseline, reach: Reach) -> bool {
    let (started, finished) = (state.started + baseline.received, state.finished + baseline.received);
    let (received, answered) = (traffic.received + baseline.started, traffic.answered + baseline.started);
    let agree = match reach {
        Reach::Every => started == received && finished == answered,
        Reach::NotEvery => {
            started >= received && started == finished + traffic.held + traffic.connections_hung
        }
    };
    state.busy == 0
        && agree
        && traffic.received == traffic.answered + traffic.held
        && traffic.deliveries_under_way == 0
}

/// Whether every request that the subject begins reaches the stand-in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Every,
    /// Faults end connections before there is a request on them.
    NotEvery,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_is_told_by_both_sides() {
        let state = |busy, started, finished| ClockState {
            now: Timestamp::UNIX_EPOCH,
            next_timer: None,
            busy,
            started,
            finished,
        };
        let traffic = |received, answered, held| Traffic { received, answered, held, ..Traffic::default() };
        assert!(is_quiet(&state(0, 2, 2), &traffic(2, 2, 0), Baseline::default(), Reach::Every));
        assert!(
            is_quiet(&state(0, 2, 1), &traffic(2, 1, 1), Baseline::default(), Reach::Every),
            "one is held on purpose"
        );
        assert!(!is_quiet(&state(1, 2, 2), &traffic(2, 2, 0), Baseline::default(), Reach::Every), "busy");
        assert!(
            !is_quiet(&state(0, 3, 2), &traffic(2, 2, 0), Baseline::default(), Reach::Every),
            "a request is on its way out"
        );
        assert!(
            !is_quiet(&state(0, 2, 1), &traffic(2, 2, 0), Baseline::default(), Reach::Every),
            "an answer is on its way back"
        );
        assert!(
            !is_quiet(&state(0, 2, 2), &traffic(2, 1, 1), Baseline::default(), Reach::Every),
            "the stand-in has not noticed yet"
        );
        assert!(
            is_quiet(&state(0, 1, 1), &traffic(5, 5, 0), Baseline { received: 4, started: 0 }, Reach::Every),
            "begun again after four requests"
        );
        assert!(
            is_quiet(&state(0, 9, 9), &traffic(1, 1, 0), Baseline { received: 0, started: 8 }, Reach::Every),
            "ran before"
        );
        let delivering = Traffic { deliveries_under_way: 1, ..traffic(2, 2, 0) };
        assert!(
            !is_quiet(&state(0, 2, 2), &delivering, Baseline::default(), Reach::Every),
            "a webhook is on its way"
        );
        let not_every = |state, traffic| is_quiet(&state, &traffic, Baseline::default(), Reach::NotEvery);
        assert!(not_every(state(0, 3, 3), traffic(1, 1, 0)), "two connections were refused");
        assert!(!not_every(state(0, 3, 2), traffic(1, 1, 0)), "a connection is being refused");
        assert!(!not_every(state(0, 1, 1), traffic(2, 2, 0)), "somebody else asked");
    }
}
