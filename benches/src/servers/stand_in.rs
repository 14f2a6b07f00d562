//! The stand-in: matching, binding and journal as in every scenario.

use super::Running;
use crate::exchange;
use crate::workload::Workload;
use counterpart_exchange::{Fixture, OperationName, Provenance, ProviderProfile, Written};
use counterpart_stand_in::{ErrorForms, ProviderConfig, StandIn, StandInClock, StandInConfig};
use std::net::{Ipv4Addr, SocketAddr};

pub(super) async fn start(workload: Workload) -> Running {
    let method = if workload.posts { "POST" } else { "GET" };
    let exchanges = (0..workload.stubs).map(|stub| {
        let body = if workload.posts { workload.request_body(stub) } else { String::new() };
        exchange(stub + 1, method, &workload.path(stub), &body, &workload.answer_body(stub))
    });
    let fixture = Fixture {
        provider: "load".to_owned(),
        flow: "items".to_owned(),
        provenance: Provenance::Written(Written { after: "the benchmark".to_owned() }),
        redacted: std::collections::BTreeMap::new(),
        exchanges: exchanges.collect(),
    };
    let mut profile = ProviderProfile::unknown("load");
    // A search: its answer may be given again and again.
    profile.operations.insert(OperationName("search".to_owned()), "POST /search".parse().unwrap());
    profile.reads.push(OperationName("search".to_owned()));
    // Binding has something to look for.
    profile.volatile.fields.push("nonce".to_owned());
    let stand_in = StandIn::start(StandInConfig {
        providers: vec![ProviderConfig {
            profile,
            fixtures: vec![fixture],
            forms: ErrorForms::default(),
            faults: Vec::new(),
        }],
        clock: StandInClock::Real,
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        tls: None,
    })
    .await
    .unwrap();
    Running { address: stand_in.address(), _kept: Box::new(stand_in) }
}
