//! The vendor: delivers signed webhooks from several senders at once, as vendors do.
//!
//! Each sender waits for the acknowledgement of an event before it goes on to the next. What is not acknowledged is
//! delivered again with the same id until it is. Some events are delivered twice at the same moment, and some again
//! long after they were acknowledged. The ledger knows all of it.

use crate::clock;
use crate::dice::Dice;
use crate::events;
use crate::oracle::Ledger;
use crate::runtime_api::{Connection, SECRET, Work, client};
use counterpart_signatures::{Delivery, Secret};
use serde_json::Value;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Events that are delivered twice at once, and acknowledged ones that come again.
const TWICE_PERCENT: u64 = 5;
const AGAIN_PERCENT: u64 = 10;
/// A sender's pause between two events is at most so long.
const LONGEST_PAUSE_MS: u64 = 6;
/// After a refusal, or where nobody answers.
const BACK_OFF: Duration = Duration::from_millis(15);

/// What a runtime said to a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: Value,
}

impl Answer {
    /// How many events of it were new, if it acknowledges the delivery.
    fn accepted(&self) -> Option<u64> {
        let count = |name: &str| self.body[name].as_u64().unwrap_or(0);
        let taken = (200..300).contains(&self.status) && count("accepted") + count("duplicates") == 1;
        taken.then(|| count("accepted"))
    }

    /// Whether it asks to try again later, and says when.
    pub(crate) fn asks_to_wait(&self) -> bool {
        matches!(self.status, 429 | 503) && self.retry_after.is_some()
    }
}

/// Delivers one event once to a connection of a runtime. An error is no answer: the event may have been accepted or not.
pub(crate) async fn deliver(
    http: &reqwest::Client,
    runtime: &str,
    connection: &Connection,
    id: &str,
    body: &[u8],
) -> Result<Answer, reqwest::Error> {
    let url = &connection.hook(runtime);
    let mut headers = match connection.work {
        // Slack tells the id in the body alone.
        Work::Apply => Vec::new(),
        Work::Forward | Work::ForwardInOrder => vec![("webhook-id".to_owned(), id.to_owned())],
    };
    let unsigned = Delivery { method: "POST", url, headers: &headers, body };
    let signed = connection.scheme().sign(&Secret::new(SECRET), &unsigned, clock::now()).unwrap();
    signed.set_headers(&mut headers);
    let mut request = http.post(url).header("content-type", "application/json").body(body.to_vec());
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let response = request.send().await?;
    let status = response.status().as_u16();
    let retry_after = response.headers().get("retry-after");
    let retry_after = retry_after.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let text = response.text().await?;
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Ok(Answer { status, retry_after, body })
}

/// What was sent, and how it went.
#[derive(Debug, Default)]
pub(crate) struct Books {
    pub(crate) ledger: Ledger,
    pub(crate) deliveries: u64,
    pub(crate) unanswered: u64,
    pub(crate) asked_to_wait: u64,
    pub(crate) duplicates: u64,
}

impl Books {
    /// Notes an answer; whether it acknowledges the event.
    pub(crate) fn note(&mut self, id: &str, answer: Result<&Answer, &reqwest::Error>) -> bool {
        self.deliveries += 1;
        match answer {
            Err(_) => self.unanswered += 1,
            Ok(answer) if answer.asks_to_wait() => self.asked_to_wait += 1,
            Ok(answer) => match answer.accepted() {
                Some(accepted) => {
                    self.duplicates += u64::from(accepted == 0);
                    self.ledger.acknowledged(id, accepted);
                    return true;
                }
                None => self.ledger.unexpected(format!("{answer:?} ({id})")),
            },
        }
        false
    }
}

/// Senders that are under way until they are told to finish.
pub(crate) struct Load {
    books: Arc<Mutex<Books>>,
    runtimes: watch::Sender<Vec<String>>,
    finishing: watch::Sender<bool>,
    senders: JoinSet<()>,
}

impl Load {
    /// So many senders for each connection. They wait until there is a runtime.
    pub(crate) fn start(connections: &[Connection], senders_each: u64, dice: &Dice) -> Self {
        let books = Arc::new(Mutex::new(Books::default()));
        let (runtimes, watched) = watch::channel(Vec::new());
        let (finishing, finish) = watch::channel(false);
        let mut senders = JoinSet::new();
        for connection in connections {
            for _ in 0..senders_each {
                let number = senders.len();
                let sender = Sender {
                    name: format!("s{number}"),
                    connection: connection.clone(),
                    dice: dice.apart(1_000 + number as u64),
                    books: Arc::clone(&books),
                    runtimes: watched.clone(),
                    finish: finish.clone(),
                    http: client(),
                };
                senders.spawn(sender.run());
            }
        }
        Self { books, runtimes, finishing, senders }
    }

    /// Where deliveries go from now on; nowhere while nothing runs.
    pub(crate) fn aim(&self, runtimes: &[&str]) {
        self.runtimes.send_replace(runtimes.iter().map(|&url| url.to_owned()).collect());
    }

    /// Where deliveries go.
    pub(crate) fn runtimes(&self) -> watch::Receiver<Vec<String>> {
        self.runtimes.subscribe()
    }

    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    /// Each sender delivers the event that it has begun until it is acknowledged, and no further one. Whether all were
    /// within the limit.
    pub(crate) async fn finish(&mut self, limit: Duration) -> bool {
        self.finishing.send_replace(true);
        let all = async {
            while let Some(ended) = self.senders.join_next().await {
                ended.unwrap();
            }
        };
        clock::within(limit, all).await.is_some()
    }
}

struct Sender {
    name: String,
    connection: Connection,
    dice: Dice,
    books: Arc<Mutex<Books>>,
    runtimes: watch::Receiver<Vec<String>>,
    finish: watch::Receiver<bool>,
    http: reqwest::Client,
}

impl Sender {
    async fn run(mut self) {
        for number in 0.. {
            if self.runtime().await.is_none() {
                return;
            }
            let id = format!("{}-{number}", self.name);
            let body = self.begin(&id, number);
            self.deliver_until_acknowledged(&id, &body).await;
            if self.dice.chance(AGAIN_PERCENT) {
                self.once(&id, &body).await;
            }
            let moment = self.dice.below(LONGEST_PAUSE_MS);
            clock::pause(Duration::from_millis(moment)).await;
        }
    }

    /// The body of its next event, which the ledger knows from now on.
    fn begin(&mut self, id: &str, number: u64) -> Vec<u8> {
        let padding = self.dice.below(600) as usize;
        let Connection { tenant, name, work } = self.connection;
        let ledger = &mut self.books.lock().unwrap().ledger;
        match work {
            Work::Apply => {
                let (body, record) = events::message(tenant, id, &self.name, number, padding);
                ledger.sent_for_record(id, record);
                body
            }
            Work::Forward | Work::ForwardInOrder => {
                let account = (work == Work::ForwardInOrder).then_some(self.name.as_str());
                let body = events::forwarded(id, account, padding);
                let group = account.map(|account| format!("{tenant}/{name}/{account}"));
                ledger.sent(id, &body, group.as_deref());
                body
            }
        }
    }

    async fn deliver_until_acknowledged(&mut self, id: &str, body: &[u8]) {
        loop {
            let acknowledged = if self.dice.chance(TWICE_PERCENT) {
                let (other, mut same) = (self.runtimes.clone(), self.dice.clone());
                let both = tokio::join!(
                    attempt(&self.http, &self.connection, pick(&other, &mut self.dice), id, body),
                    attempt(&self.http, &self.connection, pick(&other, &mut same), id, body),
                );
                let mut books = self.books.lock().unwrap();
                [both.0, both.1].iter().flatten().fold(false, |known, answer| {
                    let acknowledged = books.note(id, answer.as_ref());
                    known || acknowledged
                })
            } else {
                self.once(id, body).await
            };
            if acknowledged {
                return;
            }
            clock::pause(BACK_OFF).await;
        }
    }

    async fn once(&mut self, id: &str, body: &[u8]) -> bool {
        let runtime = pick(&self.runtimes, &mut self.dice);
        let answer = attempt(&self.http, &self.connection, runtime, id, body).await;
        answer.is_some_and(|answer| self.books.lock().unwrap().note(id, answer.as_ref()))
    }

    /// Waits until there is a runtime; none once it is to finish.
    async fn runtime(&mut self) -> Option<()> {
        loop {
            if *self.finish.borrow() {
                return None;
            }
            if !self.runtimes.borrow().is_empty() {
                return Some(());
            }
            let changed = tokio::select! {
                changed = self.runtimes.changed() => changed,
                changed = self.finish.changed() => changed,
            };
            changed.ok()?;
        }
    }
}

fn pick(runtimes: &watch::Receiver<Vec<String>>, dice: &mut Dice) -> Option<String> {
    let runtimes = runtimes.borrow();
    let count = runtimes.len() as u64;
    (count > 0).then(|| runtimes[dice.below(count) as usize].clone())
}

/// One delivery, if there is a runtime to deliver to.
async fn attempt(
    http: &reqwest::Client,
    connection: &Connection,
    runtime: Option<String>,
    id: &str,
    body: &[u8],
) -> Option<Result<Answer, reqwest::Error>> {
    Some(deliver(http, &runtime?, connection, id, body).await)
}

#[cfg(test)]
mod tests {
    use super::{Books, Load};
    use crate::clock;
    use crate::dice::Dice;
    use crate::oracle::{Applied, Arrived, Record, Violation, judge};
    use crate::runtime_api::{Connection, SECRET, Work};
    use axum::Router;
    use axum::body::Bytes;
    use axum::extract::State;
    use axum::http::{HeaderMap, StatusCode};
    use axum::response::IntoResponse;
    use axum::routing::post;
    use counterpart_signatures::{Delivery, Scheme, Secret};
    use serde_json::{Value, json};
    use std::collections::BTreeSet;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    const WORKS: [Work; 2] = [Work::ForwardInOrder, Work::Apply];

    /// A receiver in this process that keeps, forgets or applies again what it acknowledges.
    #[derive(Default)]
    struct Receiver {
        known: BTreeSet<String>,
        arrived: Arrived,
        requests: u64,
        forgets_each: Option<u64>,
        deduplicates: bool,
    }

    async fn receive(
        State(receiver): State<Arc<Mutex<Receiver>>>,
        headers: HeaderMap,
        body: Bytes,
    ) -> axum::response::Response {
        let fields: Vec<(String, String)> = headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned()))
            .collect();
        let delivery = Delivery { method: "POST", url: "http://x/", headers: &fields, body: &body };
        let is_message = !headers.contains_key("webhook-id");
        let scheme = if is_message { Scheme::Slack } else { Scheme::StandardWebhooks };
        let verified = scheme.verify(&[Secret::new(SECRET)], &delivery, clock::now(), scheme.tolerance());
        assert!(verified.is_ok(), "{verified:?}");
        let mut receiver = receiver.lock().unwrap();
        receiver.requests += 1;
        if receiver.requests % 7 == 0 {
            return (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "1")]).into_response();
        }
        let event: Value = serde_json::from_slice(&body).unwrap();
        let id = event[if is_message { "event_id" } else { "id" }].as_str().unwrap().to_owned();
        assert!(is_message || headers["webhook-id"] == id);
        let accepted = u64::from(receiver.known.insert(id));
        let forgets = receiver.forgets_each.is_some_and(|each| receiver.requests.is_multiple_of(each));
        if (accepted == 1 || !receiver.deduplicates) && !forgets {
            if is_message {
                receiver.arrived.records.push(record(&event["event"]));
            } else {
                let key = format!("key-{}", receiver.arrived.applied.len());
                receiver.arrived.applied.push(Applied { key, body: body.to_vec() });
            }
        }
        let answer = json!({ "accepted": accepted, "duplicates": 1 - accepted, "refused": 0 });
        axum::Json(answer).into_response()
    }

    /// What a runtime makes of a message.
    fn record(message: &Value) -> Record {
        let text = |name: &str| message[name].as_str().unwrap();
        let key = format!("{}/{}", text("channel"), text("ts"));
        let sent_at_s: u64 = text("ts").strip_suffix(".000000").unwrap().parse().unwrap();
        let content = json!({
            "event_id": key, "room_id": text("channel"), "sender": text("user"), "kind": text("type"),
            "body": text("text"), "sent_at_ms": sent_at_s * 1_000,
        });
        Record { tenant: "acme".to_owned(), key, content }
    }

    async fn loaded(work: Work, receiver: Receiver) -> (Vec<Violation>, Books, Arrived) {
        let receiver = Arc::new(Mutex::new(receiver));
        let app = Router::new().route("/hooks/{tenant}/{name}", post(receive));
        let app = app.with_state(Arc::clone(&receiver));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let connection = Connection { tenant: "acme", name: "orders", work };
        let mut load = Load::start(&[connection], 4, &Dice::new(5));
        load.aim(&[&url]);
        let enough = async || (load.books().deliveries > 200).then_some(());
        clock::wait_for("deliveries", Duration::from_secs(20), enough).await;
        assert!(load.finish(Duration::from_secs(10)).await);
        serving.abort();
        let arrived = std::mem::take(&mut receiver.lock().unwrap().arrived);
        let books = std::mem::take(&mut *load.books());
        (judge(&books.ledger, &arrived), books, arrived)
    }

    #[tokio::test]
    async fn a_sound_receiver_is_found_sound_and_was_really_loaded() {
        for work in WORKS {
            let receiver = Receiver { deduplicates: true, ..Receiver::default() };
            let (broken, books, arrived) = loaded(work, receiver).await;
            assert_eq!(broken, []);
            assert_eq!(books.ledger.acknowledgements(), books.ledger.len());
            let both = (arrived.applied.len(), arrived.records.len());
            let count = books.ledger.len();
            assert_eq!(both, if work == Work::Apply { (0, count) } else { (count, 0) });
            assert!(books.duplicates > 5 && books.asked_to_wait > 5, "{books:?}");
        }
    }

    #[tokio::test]
    async fn one_that_forgets_what_it_acknowledged_is_found_out() {
        for work in WORKS {
            let receiver = Receiver { deduplicates: true, forgets_each: Some(20), ..Receiver::default() };
            let (broken, ..) = loaded(work, receiver).await;
            assert!(broken.iter().any(|one| matches!(one, Violation::Lost { .. })), "{broken:?}");
        }
    }

    #[tokio::test]
    async fn one_that_applies_duplicates_again_is_found_out() {
        for work in WORKS {
            let (broken, ..) = loaded(work, Receiver::default()).await;
            assert!(broken.iter().any(|one| matches!(one, Violation::Doubled { .. })), "{broken:?}");
        }
    }

    fn begun_and_acknowledged(load: &Load) -> (usize, usize) {
        let books = load.books();
        (books.ledger.len(), books.ledger.acknowledgements())
    }

    #[tokio::test]
    async fn what_nobody_answers_is_delivered_until_somebody_does() {
        let connection = Connection { tenant: "acme", name: "orders", work: Work::Forward };
        let mut load = Load::start(&[connection], 1, &Dice::new(5));
        load.aim(&["http://127.0.0.1:9"]);
        let refused = async || (load.books().unanswered > 3).then_some(());
        clock::wait_for("attempts", Duration::from_secs(10), refused).await;
        assert_eq!(begun_and_acknowledged(&load), (1, 0));
        let serving = Receiver { deduplicates: true, ..Receiver::default() };
        let app = Router::new().route("/hooks/{tenant}/{name}", post(receive));
        let app = app.with_state(Arc::new(Mutex::new(serving)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        load.aim(&[&url]);
        assert!(load.finish(Duration::from_secs(10)).await);
        assert_eq!(begun_and_acknowledged(&load), (1, 1));
        serving.abort();
    }
}
