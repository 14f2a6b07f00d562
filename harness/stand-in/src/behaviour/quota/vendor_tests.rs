//! Real vendors, described as profiles: what their documentation promises is what comes.

use super::{Admission, Quota, Slots};
use crate::forms::ErrorForms;
use counterpart_exchange::{OperationName, ProviderProfile, Response, parse_document};
use jiff::Timestamp;
use std::path::Path;

struct Vendor {
    quota: Quota,
    now: Timestamp,
}

impl Vendor {
    fn of(quota: &str, now: &str) -> Self {
        let text = format!("counterpart: provider/1\nprovider: vendor\nquota:\n{quota}");
        let profile: ProviderProfile = parse_document(Path::new("provider.yaml"), &text).unwrap();
        Self { quota: Quota::new(&profile), now: now.parse().unwrap() }
    }

    fn at(&mut self, now: &str) {
        self.now = now.parse().unwrap();
    }

    /// Header fields of an answer, `name: value`; where it is refused, after the status and Retry-After.
    fn ask(&mut self, operation: &str) -> Vec<String> {
        let (answer, headers) = self.asked(operation);
        let told = |answer: &Response| {
            let wait = answer.headers.text("retry-after").map_or("no wait".to_owned(), str::to_owned);
            format!("{}, {wait}", answer.status)
        };
        answer
            .iter()
            .map(told)
            .chain(headers.iter().map(|(name, value)| format!("{name}: {value}")))
            .collect()
    }

    fn asked(&mut self, operation: &str) -> (Option<Response>, super::SetHeaders) {
        match self.quota.admit(&OperationName(operation.to_owned()), Some("token"), self.now) {
            Admission::Admitted { headers, slots } => {
                assert_eq!(slots, Slots::default());
                (None, headers)
            }
            Admission::Refused(refused) => {
                (Some(refused.answer(&ErrorForms::default(), self.now)), refused.headers)
            }
        }
    }

    fn ask_times(&mut self, operation: &str, times: usize) -> Vec<String> {
        (1..times).for_each(|_| drop(self.ask(operation)));
        self.ask(operation)
    }
}

/// <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>: 5 000 requests an hour for each
/// user; beyond them 403 or 429 with `x-ratelimit-remaining: 0`, and the reset in UTC epoch seconds. Only a
/// secondary limit is told by `retry-after`.
#[test]
fn github_tells_the_instant_at_which_the_primary_limit_resets() {
    let mut github = Vendor::of(
        r#"
- kind: {fixed_window: {limit: 5000, window_s: 3600}}
  per: token
  cost: {rate_limit: 0}
  headers:
    x-ratelimit-limit: "{limit}"
    x-ratelimit-remaining: "{remaining}"
    x-ratelimit-used: "{used}"
    x-ratelimit-reset: "{reset_epoch_s}"
    x-ratelimit-resource: core
  refusal: {status: 403, retry_after: absent, json: {message: API rate limit exceeded}}
"#,
        "2026-11-22T10:00:00.25Z",
    );
    // The window ends within a second, so the second after it is told.
    let reset = "2026-11-22T11:00:01Z".parse::<Timestamp>().unwrap().as_second();
    let headers = |remaining: u32| {
        vec![
            "x-ratelimit-limit: 5000".to_owned(),
            format!("x-ratelimit-remaining: {remaining}"),
            format!("x-ratelimit-used: {}", 5_000 - remaining),
            format!("x-ratelimit-reset: {reset}"),
            "x-ratelimit-resource: core".to_owned(),
        ]
    };
    assert_eq!(github.ask("repos"), headers(4_999));
    github.at("2026-11-22T10:59:59Z");
    assert_eq!(github.ask_times("repos", 4_999), headers(0));
    let refused: Vec<String> = std::iter::once("403, no wait".to_owned()).chain(headers(0)).collect();
    assert_eq!(github.ask("repos"), refused);
    assert_eq!(github.ask("rate_limit"), headers(0), "to ask for the state costs nothing");
    github.now = Timestamp::from_second(reset).unwrap();
    assert_eq!(github.ask("repos")[1], "x-ratelimit-remaining: 4999");
}

/// <https://shopify.dev/docs/api/admin-rest/usage/rate-limits>: a leaky bucket of 40 requests that leaks 2 a second;
/// `X-Shopify-Shop-Api-Call-Limit: 32/40` on every answer, `Retry-After: 2.0` on a 429.
#[test]
fn shopify_tells_how_full_the_bucket_is() {
    let mut shopify = Vendor::of(
        r#"
- kind: {leaky_bucket: {capacity: 40, leak_per_s: 2}}
  headers: {X-Shopify-Shop-Api-Call-Limit: "{used}/{limit}"}
  refusal: {retry_after: decimal_seconds}
"#,
        "2026-11-22T10:00:00Z",
    );
    assert_eq!(shopify.ask_times("products", 32), ["x-shopify-shop-api-call-limit: 32/40"]);
    assert_eq!(shopify.ask_times("products", 8), ["x-shopify-shop-api-call-limit: 40/40"]);
    let full = ["429, 1.0", "x-shopify-shop-api-call-limit: 40/40"];
    assert_eq!(shopify.ask("products"), full);
    shopify.at("2026-11-22T10:00:00.499999999Z");
    assert_eq!(shopify.ask("products"), full, "a nanosecond more, and there is room for one");
    shopify.at("2026-11-22T10:00:00.5Z");
    assert_eq!(shopify.ask("products"), ["x-shopify-shop-api-call-limit: 40/40"]);
    assert_eq!(shopify.ask("products"), full);
    shopify.at("2026-11-22T10:00:16.5Z");
    assert_eq!(shopify.ask("products"), ["x-shopify-shop-api-call-limit: 9/40"]);
}

/// The same vendor's GraphQL Admin API counts points: 2 000 that come back at 100 a second.
/// <https://shopify.dev/docs/api/usage/limits>
#[test]
fn a_request_costs_what_its_operation_costs() {
    let mut shopify = Vendor::of(
        r#"
- kind: {token_bucket: {capacity: 2000, refill_per_s: 100}}
  cost: {products: 752, shop: 1}
  headers: {x-left: "{remaining}", x-full-in: "{reset_in_s}"}
"#,
        "2026-11-22T10:00:00Z",
    );
    assert_eq!(shopify.ask("products"), ["x-left: 1248", "x-full-in: 8"]);
    assert_eq!(shopify.ask("products"), ["x-left: 496", "x-full-in: 16"]);
    assert_eq!(shopify.ask("products"), ["429, 3", "x-left: 496", "x-full-in: 16"], "752 - 496 points");
    assert_eq!(shopify.ask("shop"), ["x-left: 495", "x-full-in: 16"], "a cheaper one still passes");
}

/// <https://developers.hubspot.com/docs/guides/apps/api-usage/usage-details>: a rolling window of ten seconds and a
/// day that ends at midnight in the account's time zone, each with its header fields; a 429 names the policy.
/// Figures of the limits: <https://developers.hubspot.com/apisbytier>.
#[test]
fn hubspot_has_two_limits_at_once() {
    let mut hubspot = Vendor::of(
        r#"
- kind: {rolling_window: {limit: 100, window_s: 10}}
  headers:
    X-HubSpot-RateLimit-Max: "{limit}"
    X-HubSpot-RateLimit-Remaining: "{remaining}"
    X-HubSpot-RateLimit-Interval-Milliseconds: "{window_ms}"
  refusal:
    retry_after: absent
    json: {status: error, errorType: RATE_LIMIT, policyName: TEN_SECONDLY_ROLLING}
- kind: {daily: {limit: 150, resets_at: "00:00+01:00"}}
  headers:
    X-HubSpot-RateLimit-Daily: "{limit}"
    X-HubSpot-RateLimit-Daily-Remaining: "{remaining}"
  refusal:
    retry_after: absent
    json: {status: error, errorType: RATE_LIMIT, policyName: DAILY}
"#,
        "2026-11-22T22:59:40Z",
    );
    let headers = |ten_seconds: u32, day: u32| {
        let mut headers = vec![
            "x-hubspot-ratelimit-max: 100".to_owned(),
            format!("x-hubspot-ratelimit-remaining: {ten_seconds}"),
            "x-hubspot-ratelimit-interval-milliseconds: 10000".to_owned(),
            "x-hubspot-ratelimit-daily: 150".to_owned(),
            format!("x-hubspot-ratelimit-daily-remaining: {day}"),
        ];
        headers.sort();
        headers
    };
    let sorted = |mut headers: Vec<String>| {
        headers.sort();
        headers
    };
    let policy = |vendor: &mut Vendor| {
        let (answer, headers) = vendor.asked("contacts");
        let answer = answer.unwrap();
        assert_eq!((answer.status, answer.headers.text("retry-after")), (429, None));
        let json = answer.body.json().unwrap().to_value();
        let headers = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        (json["policyName"].as_str().unwrap().to_owned(), sorted(headers))
    };
    assert_eq!(sorted(hubspot.ask_times("contacts", 100)), headers(0, 50));
    assert_eq!(policy(&mut hubspot), ("TEN_SECONDLY_ROLLING".to_owned(), headers(0, 50)));
    hubspot.at("2026-11-22T22:59:50Z");
    assert_eq!(sorted(hubspot.ask_times("contacts", 50)), headers(50, 0), "what was refused used nothing");
    assert_eq!(policy(&mut hubspot), ("DAILY".to_owned(), headers(50, 0)));
    hubspot.at("2026-11-22T23:00:00Z");
    assert_eq!(sorted(hubspot.ask("contacts")), headers(99, 149), "midnight in the account's time zone");
}

/// <https://docs.stripe.com/rate-limits>: so many requests in any second, 25 of them for one endpoint; 429 with the
/// reason in `Stripe-Rate-Limited-Reason`, which stands on refusals only. No wait is promised.
#[test]
fn stripe_limits_each_endpoint_and_all_of_them() {
    let mut stripe = Vendor::of(
        r#"
- kind: {calls_per_second: {limit: 100}}
  refusal: {retry_after: absent}
- kind: {calls_per_second: {limit: 25}}
  per: operation
  refusal: {retry_after: absent, json: {error: {type: rate_limit_error}}}
"#,
        "2026-11-22T10:00:00.999Z",
    );
    let none: [&str; 0] = [];
    assert_eq!(stripe.ask_times("charges", 25), none);
    assert_eq!(stripe.ask("charges"), ["429, no wait"]);
    for operation in ["customers", "refunds", "payouts"] {
        assert_eq!(stripe.ask_times(operation, 25), none);
    }
    assert_eq!(stripe.ask("disputes"), ["429, no wait"], "a hundred in all");
    stripe.at("2026-11-22T10:00:01.998999999Z");
    assert_eq!(stripe.ask("charges"), ["429, no wait"], "a second may begin anywhere");
    stripe.at("2026-11-22T10:00:01.999Z");
    assert_eq!(stripe.ask("charges"), none);
}

/// <https://docs.slack.dev/apis/web-api/rate-limits>: so many requests a minute for each method, workspace and app;
/// 429 with `Retry-After` in seconds, and no header field beside.
#[test]
fn slack_limits_each_method_of_a_workspace() {
    let mut slack = Vendor::of(
        r#"
- kind: {token_bucket: {capacity: 20, refill_per_s: 20/60}}
  per: token_and_operation
  operations: [users_list, files_list]
  refusal: {json: {ok: false, error: ratelimited}}
"#,
        "2026-11-22T10:00:00Z",
    );
    let none: [&str; 0] = [];
    assert_eq!(slack.ask_times("users_list", 20), none);
    assert_eq!(slack.ask("users_list"), ["429, 3"]);
    assert_eq!(slack.ask("files_list"), none, "another method");
    assert_eq!(slack.ask_times("chat_post_message", 50), none, "no limit governs it");
    slack.at("2026-11-22T10:00:02.999999999Z");
    assert_eq!(slack.ask("users_list"), ["429, 1"]);
    slack.at("2026-11-22T10:00:03Z");
    assert_eq!(slack.ask("users_list"), none);
}

/// <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/headers_api_usage.htm>: every answer says
/// how much of the day's allowance is used. The allowance is of the last 24 hours
/// (<https://help.salesforce.com/s/articleView?id=xcloud.setup_system_overview_api.htm>); beyond it 403 with
/// `REQUEST_LIMIT_EXCEEDED`.
#[test]
fn salesforce_tells_the_days_usage() {
    let limit = |kind: &str| {
        format!(
            r#"
- kind: {kind}
  headers: {{Sforce-Limit-Info: "api-usage={{used}}/{{limit}}"}}
  refusal: {{status: 403, retry_after: absent, json: [{{errorCode: REQUEST_LIMIT_EXCEEDED}}]}}
"#
        )
    };
    let usage = |used: u32| format!("sforce-limit-info: api-usage={used}/15000");
    let mut rolling =
        Vendor::of(&limit("{rolling_window: {limit: 15000, window_s: 86400}}"), "2026-11-22T10:00:00Z");
    assert_eq!(rolling.ask_times("query", 25), [usage(25)]);
    assert_eq!(rolling.ask_times("query", 14_975), [usage(15_000)]);
    assert_eq!(rolling.ask("query"), ["403, no wait".to_owned(), usage(15_000)]);
    // So many requests are not kept one by one: those within a thousandth of the window count as its end.
    rolling.at("2026-11-23T10:00:28.799Z");
    assert_eq!(rolling.ask("query"), ["403, no wait".to_owned(), usage(15_000)]);
    rolling.at("2026-11-23T10:00:28.8Z");
    assert_eq!(rolling.ask("query"), [usage(1)]);

    let mut daily =
        Vendor::of(&limit(r#"{daily: {limit: 15000, resets_at: "00:00Z"}}"#), "2026-11-22T10:00:00Z");
    assert_eq!(daily.ask_times("query", 15_001), ["403, no wait".to_owned(), usage(15_000)]);
    daily.at("2026-11-22T23:59:59.999999999Z");
    assert_eq!(daily.ask("query"), ["403, no wait".to_owned(), usage(15_000)]);
    daily.at("2026-11-23T00:00:00Z");
    assert_eq!(daily.ask("query"), [usage(1)]);
}

#[test]
fn a_reset_is_told_in_each_form() {
    let mut vendor = Vendor::of(
        r#"
- kind: {fixed_window: {limit: 10, window_s: 60, begins: clock}}
  headers:
    a: "{reset_epoch_s} {reset_epoch_ms}"
    b: "in {reset_in_s} s of {window_s}"
    c: "{reset_http_date}"
    d: "{reset_iso8601}"
  refusal: {retry_after: http_date, status: 503}
"#,
        "1994-11-06T08:49:00.5Z",
    );
    let told = [
        "a: 784111800 784111800000",
        "b: in 60 s of 60",
        "c: Sun, 06 Nov 1994 08:50:00 GMT",
        "d: 1994-11-06T08:50:00Z",
    ];
    assert_eq!(vendor.ask_times("any", 10), told);
    let refused: Vec<&str> = std::iter::once("503, Sun, 06 Nov 1994 08:50:01 GMT").chain(told).collect();
    assert_eq!(vendor.ask("any"), refused, "half a second more than it must be, never less");
}
