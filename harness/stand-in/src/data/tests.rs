//! Properties of the data: paging gives every record once, whatever the method; writes do what a naive model does.

use super::*;
use counterpart_exchange::{
    Body, Direction, Ended, ExchangeId, HeaderValue, Headers, JsonText, RequestTarget, parse_document,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const PROFILE: &str = "
counterpart: provider/1
provider: shop
operations:
  list: GET /items
  make: POST /items
  show: GET /items/{id}
  put: PUT /items/{id}
  patch: PATCH /items/{id}
  archive: POST /items/{id}/archive
  drop: DELETE /items/{id}
pagination:
  operations: [list]
  items: items
  by: BY
  size: {query: limit, default: 3, max: 50}
  next: [NEXT]
  total: total
resources:
  item:
    id: id
    create: make
    read: show
    update: [put, patch]
    delete: drop
    list: list
    order: ORDER
    timestamps: {created: made_at, updated: changed_at}
    filters: {since: updated_since, colour: {equals: colour}}
";

fn profile(by: &str, next: &str, order: &str) -> ProviderProfile {
    let text = PROFILE.replace("BY", by).replace("NEXT", next).replace("ORDER", order);
    parse_document(Path::new("provider.yaml"), &text).unwrap()
}

fn request(method: &str, target: &str, body: &str) -> Request {
    let body = if body.is_empty() { Body::None } else { Body::Json(JsonText::parse(body).unwrap()) };
    Request { method: method.to_owned(), target: target.to_owned(), headers: Headers::default(), body }
}

fn exchange(method: &str, target: &str, sent: &str, status: u16, answer: &str) -> (String, Exchange) {
    let mut headers = Headers::default();
    headers.append("content-type", HeaderValue::Text("application/json".to_owned()));
    let body = if answer.is_empty() { Body::None } else { Body::Json(JsonText::parse(answer).unwrap()) };
    let exchange = Exchange {
        id: ExchangeId::nth("one", 1),
        direction: Direction::Outbound,
        offset_ms: 0,
        latency_ms: 0,
        caused_by: None,
        ended: Ended::Complete,
        request: request(method, target, sent),
        response: Some(Response { status, headers, body }),
    };
    (format!("shop/flow#{method}-{target}"), exchange)
}

/// A recorded list of so many items, in one page.
fn listed(count: usize) -> (String, Exchange) {
    let items: Vec<String> = (0..count)
        .map(|n| {
            let colour = ["red", "green"][n % 2];
            format!(
                r#"{{"id":"i{n}","colour":"{colour}","price":1.50,"url":"http://shop/items/i{n}","made_at":"2024-01-0{}T00:00:00Z","changed_at":"2024-01-0{}T00:00:00Z"}}"#,
                n % 9 + 1,
                n % 9 + 1
            )
        })
        .collect();
    exchange(
        "GET",
        "/items",
        "",
        200,
        &format!(r#"{{"items":[{}],"total":{count},"kept":1.0}}"#, items.join(",")),
    )
}

struct Shop {
    profile: ProviderProfile,
    data: Data,
    now: Timestamp,
}

impl Shop {
    fn new(profile: ProviderProfile, exchanges: &[(String, Exchange)]) -> Self {
        let data = Data::learn(&profile, exchanges, "http://shop");
        Self { profile, data, now: Timestamp::from_second(1_800_000_000).unwrap() }
    }

    fn ask(&mut self, method: &str, target: &str, body: &str) -> Option<Answered> {
        let request = request(method, target, body);
        let operation = self.profile.operation_of(method, target);
        let forms = ErrorForms::default();
        let ask = Ask {
            profile: &self.profile,
            forms: &forms,
            operation: &operation,
            request: &request,
            now: self.now,
            last_given: None,
        };
        self.data.answer(&ask)
    }

    /// Asks, and keeps what it changes.
    fn done(&mut self, method: &str, target: &str, body: &str) -> Response {
        let answered = self.ask(method, target, body).unwrap_or_else(|| panic!("{method} {target}"));
        self.data.keep(answered.change);
        answered.response
    }

    /// Pages through the list by what the answers say, and hands back the ids in order.
    fn ids(&mut self, query: &str) -> Vec<String> {
        let mut target = format!("/items?{query}");
        let mut ids = Vec::new();
        for _ in 0..10_000 {
            let response = self.done("GET", &target, "");
            assert_eq!(response.status, 200, "{target}: {:?}", response.body);
            let page = body(&response);
            ids.extend(page["items"].as_array().unwrap().iter().map(|item| text(&item["id"])));
            let next = page.get("next").cloned().or_else(|| {
                let link = response.headers.text("link")?;
                let url = link.split(", ").find(|one| one.ends_with(r#"rel="next""#))?;
                Some(url.trim_start_matches('<').split('>').next()?.into())
            });
            match next {
                Some(Value::String(url)) if url.starts_with("http://shop/") => {
                    url["http://shop".len()..].clone_into(&mut target);
                }
                Some(next) => target = format!("/items?{query}&at={}", text(&next)),
                None => return ids,
            }
        }
        panic!("the list has no end");
    }
}

fn body(response: &Response) -> Value {
    response.body.json().map(JsonText::to_value).unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

const METHODS: [(&str, &str); 6] = [
    ("{cursor: {query: at}}", "{value: next}"),
    ("{cursor: {query: at}}", "{url: next}"),
    ("{offset: {query: at}}", "{value: next}"),
    ("{page: {query: at}}", "{value: next}"),
    ("{page: {query: at, first: 0}}", "link_header"),
    ("{cursor: {query: at}}", "link_header"),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn paging_gives_every_record_once_and_in_order(
        method in 0_usize..METHODS.len(),
        newest_first in any::<bool>(),
        recorded in 1_usize..12,
        grown in 0_u64..60,
        size in 1_usize..60,
        writes in proptest::collection::vec((any::<bool>(), 0_usize..80), 0..20),
    ) {
        let (by, next) = METHODS[method];
        let order = if newest_first { "newest_first" } else { "oldest_first" };
        let mut shop = Shop::new(profile(by, next, order), &[listed(recorded)]);
        shop.data.grow("item", grown).unwrap();
        let mut model = shop.ids("limit=7");
        prop_assert_eq!(model.len(), usize::try_from(grown).unwrap().max(recorded));
        for (creates, nth) in writes {
            if creates || model.is_empty() {
                let made = body(&shop.done("POST", "/items", r#"{"colour":"blue"}"#));
                let at = if newest_first { 0 } else { model.len() };
                model.insert(at, text(&made["id"]));
            } else {
                let gone = model.remove(nth % model.len());
                prop_assert_eq!(shop.done("DELETE", &format!("/items/{gone}"), "").status, 204);
            }
        }
        let found = shop.ids(&format!("limit={size}"));
        prop_assert_eq!(&found, &model);
        let distinct: BTreeSet<_> = found.iter().collect();
        prop_assert_eq!(distinct.len(), found.len());
        let total = body(&shop.done("GET", "/items", ""))["total"].as_u64();
        prop_assert_eq!(total, Some(model.len() as u64));
        for id in &found {
            prop_assert_eq!(text(&body(&shop.done("GET", &format!("/items/{id}"), ""))["id"]), id.as_str());
        }
    }

    #[test]
    fn writes_do_what_a_naive_model_does(
        steps in proptest::collection::vec((0_u8..5, 0_usize..8, "[a-c]", proptest::option::of(0_i64..5)), 1..40),
    ) {
        let recorded = [
            listed(3),
            exchange(
                "POST",
                "/items",
                r#"{"colour":"red","size":4}"#,
                201,
                r#"{"id":"i9","colour":"red","size":4,"price":2,"made_at":"2024-01-09T00:00:00Z","changed_at":"2024-01-09T00:00:00Z"}"#,
            ),
        ];
        let mut shop = Shop::new(profile(METHODS[0].0, METHODS[0].1, "oldest_first"), &recorded);
        let mut model: BTreeMap<String, BTreeMap<&str, Value>> = shop
            .ids("limit=50")
            .into_iter()
            .map(|id| {
                let shown = body(&shop.done("GET", &format!("/items/{id}"), ""));
                let own = ["colour", "size"].into_iter().filter_map(|name| Some((name, shown.get(name)?.clone())));
                (id, own.collect())
            })
            .collect();
        for (what, nth, colour, size) in steps {
            shop.now += jiff::SignedDuration::from_secs(1);
            let id = model.keys().nth(nth % model.len().max(1)).cloned().unwrap_or_else(|| "nobody".to_owned());
            let path = format!("/items/{id}");
            let known = model.contains_key(&id);
            let size_json = size.map_or(Value::Null, Value::from);
            match what {
                0 => {
                    let made = body(&shop.done("POST", "/items", &json!({"colour": colour}).to_string()));
                    // The recorded client wrote a size, this one did not.
                    prop_assert_eq!(&made["size"], &Value::Null);
                    prop_assert_eq!(&made["price"], &json!(2));
                    let fields = [("colour", json!(colour)), ("size", Value::Null)];
                    prop_assert!(model.insert(text(&made["id"]), fields.into()).is_none());
                }
                1 => {
                    let sent = json!({"colour": colour, "size": size_json}).to_string();
                    let response = shop.done("PATCH", &path, &sent);
                    prop_assert_eq!(response.status, if known { 200 } else { 404 });
                    if let Some(fields) = model.get_mut(&id) {
                        fields.insert("colour", json!(colour));
                        match size {
                            Some(size) => drop(fields.insert("size", json!(size))),
                            None => drop(fields.remove("size")),
                        }
                        prop_assert_eq!(&body(&response)["changed_at"], &json!(shop.now.to_string()));
                    }
                }
                2 => {
                    let sent = json!({"colour": colour}).to_string();
                    let response = shop.done("PUT", &path, &sent);
                    prop_assert_eq!(response.status, if known { 200 } else { 404 });
                    if let Some(fields) = model.get_mut(&id) {
                        *fields = [("colour", json!(colour))].into();
                    }
                }
                3 => {
                    let response = shop.done("DELETE", &path, "");
                    prop_assert_eq!(response.status, if known { 204 } else { 404 });
                    model.remove(&id);
                }
                _ => {
                    // Asked and not kept: as if it had never been asked.
                    drop(shop.ask("DELETE", &path, ""));
                    drop(shop.ask("PATCH", &path, r#"{"colour":"lost"}"#));
                }
            }
            for (id, fields) in &model {
                let shown = body(&shop.done("GET", &format!("/items/{id}"), ""));
                prop_assert_eq!(&shown["id"], &json!(id));
                for name in ["colour", "size"] {
                    prop_assert_eq!(shown.get(name), fields.get(name), "{} of {}", name, id);
                }
            }
            let listed: BTreeSet<String> = shop.ids("limit=2").into_iter().collect();
            prop_assert_eq!(listed, model.keys().cloned().collect::<BTreeSet<_>>());
        }
    }

    #[test]
    fn filters_choose_the_same_on_every_page(
        grown in 0_u64..80,
        size in 1_usize..9,
        age_s in 0_i64..100,
        method in 0_usize..4,
    ) {
        let (by, next) = METHODS[method];
        let mut shop = Shop::new(profile(by, next, "newest_first"), &[listed(5)]);
        shop.data.grow("item", grown).unwrap();
        let all: Vec<Value> = shop
            .ids("limit=50")
            .into_iter()
            .map(|id| body(&shop.done("GET", &format!("/items/{id}"), "")))
            .collect();
        let since = Timestamp::from_second(1_704_067_200 - age_s).unwrap();
        let at = |item: &Value| item["changed_at"].as_str().unwrap().parse::<Timestamp>().unwrap();
        let expected: Vec<String> = all
            .iter()
            .filter(|item| at(item) >= since && item["colour"] == "red")
            .map(|item| text(&item["id"]))
            .collect();
        prop_assert_eq!(shop.ids(&format!("limit={size}&since={since}&colour=red")), expected);
    }
}

/// A page of a million records is made in the time of a page, wherever it is; and the same one comes again.
#[test]
fn a_million_records_need_no_memory() {
    for (by, next) in METHODS {
        let mut shop = Shop::new(profile(by, next, "oldest_first"), &[listed(10)]);
        shop.data.grow("item", 1_000_000).unwrap();
        let kept: usize = shop.data.kinds[0].collections.values().map(Collection::kept_len).sum();
        assert_eq!(kept, 10, "only what was recorded is kept");
        let first = body(&shop.done("GET", "/items?limit=50", ""));
        assert_eq!(first["total"], 1_000_000);
        assert_eq!(first, body(&shop.done("GET", "/items?limit=50", "")));
        if by.contains("offset") {
            let last = body(&shop.done("GET", "/items?limit=50&at=999980", ""));
            assert_eq!(last["items"].as_array().unwrap().len(), 20);
            assert_eq!(last["items"][19]["id"], "i9", "the recorded ones are the newest");
        }
    }
}

#[test]
fn grown_records_vary_in_ids_and_times_and_in_nothing_else() {
    let mut shop = Shop::new(profile(METHODS[2].0, METHODS[2].1, "newest_first"), &[listed(1)]);
    shop.data.grow("item", 3).unwrap();
    let page = shop.done("GET", "/items", "");
    let text = page.body.json().unwrap().as_str();
    assert_eq!(
        text,
        concat!(
            r#"{"items":["#,
            r#"{"id":"i0","colour":"red","price":1.50,"url":"http://shop/items/i0","made_at":"2024-01-01T00:00:00Z","changed_at":"2024-01-01T00:00:00Z"},"#,
            r#"{"id":"i1","colour":"red","price":1.50,"url":"http://shop/items/i1","made_at":"2023-12-31T23:59:59Z","changed_at":"2023-12-31T23:59:59Z"},"#,
            r#"{"id":"i2","colour":"red","price":1.50,"url":"http://shop/items/i2","made_at":"2023-12-31T23:59:58Z","changed_at":"2023-12-31T23:59:58Z"}"#,
            r#"],"total":3,"kept":1.0}"#
        )
    );
}

/// With the data as recorded, the recorded cursors come back: places of faults that name an exchange stay good.
#[test]
fn recorded_cursors_are_handed_out_again() {
    let first = exchange("GET", "/items?limit=2", "", 200, r#"{"items":[{"id":1},{"id":2}],"next":"abc"}"#);
    let second = exchange("GET", "/items?limit=2&at=abc", "", 200, r#"{"items":[{"id":3}]}"#);
    let mut shop = Shop::new(profile(METHODS[0].0, METHODS[0].1, "oldest_first"), &[first, second]);
    assert_eq!(body(&shop.done("GET", "/items?limit=2", ""))["next"], "abc");
    let page = body(&shop.done("GET", "/items?limit=2&at=abc", ""));
    assert_eq!((page["items"].clone(), page.get("next")), (json!([{"id":3}]), None));
    let next = body(&shop.done("GET", "/items?limit=1", ""))["next"].clone();
    assert!(next != "abc", "between two recorded pages there is a cursor of the stand-in's own: {next}");
    let wrong = shop.done("GET", "/items?at=nonsense", "");
    assert_eq!(wrong.status, 400);
    let of_another_list = shop.done("GET", &format!("/items?colour=red&at={}", text(&next)), "");
    assert_eq!(of_another_list.status, 400, "a cursor is good for the filters that it came from");
}

#[test]
fn what_is_written_is_bounded() {
    let mut shop = Shop::new(profile(METHODS[0].0, METHODS[0].1, "oldest_first"), &[listed(1)]);
    shop.data.room = Room { records: 9, bytes: 10_300 };
    let large = json!({ "colour": "x".repeat(1_500) }).to_string();
    let statuses: Vec<u16> = (0..7).map(|_| shop.done("POST", "/items", &large).status).collect();
    assert_eq!(statuses, [201, 201, 201, 201, 201, 201, 507]);
    let refused = shop.done("POST", "/items", &large);
    assert!(text(&body(&refused)["error"]).contains("start it anew"), "{:?}", refused.body);
    assert_eq!(shop.done("POST", "/items", r#"{"colour":"small"}"#).status, 201, "what fits is still taken");
    assert_eq!(shop.done("PATCH", "/items/i0", &json!({"colour": "small"}).to_string()).status, 200);
    assert_eq!(shop.done("PATCH", "/items/i0", &large).status, 507, "by a change as well");
    let statuses: Vec<u16> = (0..3).map(|_| shop.done("POST", "/items", "{}").status).collect();
    assert_eq!(statuses, [201, 507, 507], "and only so many");
}

#[test]
fn hostile_requests_are_refused_in_words() {
    let mut shop = Shop::new(profile(METHODS[2].0, METHODS[2].1, "oldest_first"), &[listed(3)]);
    for (method, target, sent) in [
        ("GET", "/items?limit=0", ""),
        ("GET", "/items?limit=-1", ""),
        ("GET", "/items?at=1e9", ""),
        ("GET", "/items?since=yesterday", ""),
        ("POST", "/items", "[1]"),
        ("POST", "/items", "7"),
        ("PATCH", "/items/i1", r#"[{"op":"remove","path":"/colour"}]"#),
    ] {
        let refused = shop.done(method, target, sent);
        assert_eq!(refused.status, 400, "{method} {target}");
        assert!(body(&refused)["error"].is_string(), "{method} {target}");
    }
    let beyond = body(&shop.done("GET", &format!("/items?at={}", u64::MAX), ""));
    assert_eq!((beyond["items"].clone(), beyond.get("next")), (json!([]), None));
    assert_eq!(
        shop.done("GET", &format!("/items?limit={}", u64::MAX), "").status,
        200,
        "no page is over its maximum"
    );
    assert!(shop.ask("GET", "/elsewhere", "").is_none());
    assert_eq!(RequestTarget::of("/items").path, "/items");
    assert!(shop.data.grow("itme", 5).unwrap_err().contains("did you mean `item`?"));
}
