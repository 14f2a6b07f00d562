//! What exploring comes to: counts, findings by their causes, and what could not be repeated.

use super::case::{Case, Told, place_of};
use super::coverage::StageCoverage;
use super::shrink::Shrunk;
use counterpart_stand_in::{FaultSite, PlannedFault, WebhookSelector};
use schemars::JsonSchema;
use serde::Serialize;

/// What exploring one scenario came to.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Exploration {
    /// Always `exploration/1`.
    pub counterpart: &'static str,
    /// The scenario that was explored.
    pub scenario: String,
    /// What decided which cases there were, and their order.
    pub seed: u64,
    /// Cases that were played.
    pub cases: usize,
    /// How it took in real milliseconds, shrinking included.
    pub wall_ms: u64,
    /// Cases played each real second while none was shrunk.
    pub cases_per_s: f64,
    /// Each stage.
    pub stages: Vec<StageCoverage>,
    /// Places and kinds of faults that met and had an effect, of how many.
    pub grid: (usize, usize),
    /// Pairs of things that met, of how many.
    pub pairs: (usize, usize),
    /// Kinds of faults that struck at least once.
    pub faults_struck: usize,
    /// Kinds of faults that there are.
    pub faults: usize,
    /// Whether subjects stayed alive between cases.
    pub reuses_subject: bool,
    /// What could not be looked at, and why.
    pub not_checked: Vec<String>,
    /// What was found, one for each cause.
    pub found: Vec<FoundScenario>,
    /// Cases that failed and did not when they were played by themselves, or could not be played so any more.
    pub unreproduced: Vec<Unreproduced>,
    /// Cases that failed and were not looked into: so many causes were found before, or exploring ended.
    pub not_shrunk: usize,
    /// The first reason why a case could not be judged.
    pub first_unjudged: Option<String>,
    /// The first cases that could not be judged.
    pub unjudged: Vec<UnjudgedCase>,
    /// Cases that were under way when it ended, and were dropped.
    pub cut_short: usize,
}

/// A case that could not be judged.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct UnjudgedCase {
    /// Its number, from 1.
    pub case: usize,
    /// Its faults, as on the command line.
    pub faults: Vec<String>,
    /// Why not.
    pub why: String,
}

/// A cause, with the smallest case that shows it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FoundScenario {
    /// What is broken, by what, and where: the same for all cases that it stands for.
    pub cause: String,
    /// The promise: `invariant nothing_lost`.
    pub promise: String,
    /// The faults, as on the command line.
    pub faults: Vec<String>,
    /// What is wrong, in a sentence.
    pub message: String,
    /// What was expected.
    pub expected: String,
    /// What was.
    pub actual: String,
    /// The stage of the case that showed it first.
    pub stage: &'static str,
    /// The number of that case, from 1.
    pub first_case: usize,
    /// Cases with this cause.
    pub cases: usize,
    /// Real milliseconds from the beginning until that case was judged.
    pub found_after_ms: u64,
    /// Candidates that were played to shrink it.
    pub tries: usize,
    /// Records on the pages that it plays, and on those of the recording.
    pub records: (usize, usize),
    /// A name for its file.
    pub name: String,
    /// The scenario that fails by itself.
    #[serde(skip)]
    pub text: String,
}

/// A case that failed once.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Unreproduced {
    /// Its number, from 1.
    pub case: usize,
    /// Its faults, as on the command line.
    pub faults: Vec<String>,
    /// The promises that it broke.
    pub promises: Vec<String>,
    /// What was seen of it, a sentence for each violation.
    pub seen: Vec<String>,
    /// Whether exploring ended before it was played by itself, so that it may well fail again.
    pub cut_short: bool,
}

/// What makes cases the same: the promise, the kinds of faults, and what they strike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cause {
    pub(super) promise: String,
    pub(super) kinds: Vec<&'static str>,
    pub(super) operations: Vec<String>,
    pub(super) ends_the_subject: bool,
}

impl Cause {
    pub(super) fn of(promise: &str, case: &Case, operation_of: &dyn Fn(&PlannedFault) -> String) -> Self {
        let mut operations: Vec<String> = case.faults.iter().map(operation_of).collect();
        operations.sort_unstable();
        operations.dedup();
        Self {
            promise: promise.to_owned(),
            kinds: case.kinds(),
            operations,
            ends_the_subject: case.ends_the_subject(),
        }
    }

    /// Whether a case that broke these promises may well have done so for this cause: all that makes it is there.
    pub(super) fn explains(&self, case: &Self, promises: &[String]) -> bool {
        promises.contains(&self.promise)
            && self.kinds.iter().all(|kind| case.kinds.contains(kind))
            && self.operations.iter().all(|operation| case.operations.contains(operation))
            && (!self.ends_the_subject || case.ends_the_subject)
    }

    /// In a sentence.
    pub(super) fn told(&self) -> String {
        let by = match &self.kinds[..] {
            [] => "no fault at all".to_owned(),
            kinds => format!("{} at {}", kinds.join(" and "), self.operations.join(" and ")),
        };
        let ended = if self.ends_the_subject { ", and the subject being ended" } else { "" };
        format!("{} is not kept with {by}{ended}", self.promise)
    }

    /// A name for a file: letters, digits and dashes.
    pub(super) fn file_name(&self) -> String {
        let words = [self.promise.as_str()].into_iter().chain(self.kinds.iter().copied());
        let words = words.chain(self.operations.iter().map(String::as_str));
        let ended = self.ends_the_subject.then_some("ended");
        let text = words.chain(ended).collect::<Vec<_>>().join("-");
        let mut name = String::new();
        for letter in text.chars() {
            match letter {
                'a'..='z' | '0'..='9' => name.push(letter),
                'A'..='Z' => name.push(letter.to_ascii_lowercase()),
                _ if !name.ends_with('-') => name.push('-'),
                _ => {}
            }
        }
        name.truncate(120);
        name.trim_matches('-').to_owned()
    }
}

/// What a fault strikes where no atom says so: the place itself, without its number.
pub(super) fn operation_at(at: &FaultSite) -> String {
    let place = match at {
        FaultSite::Connection(_) => return "connection".to_owned(),
        FaultSite::Webhook(WebhookSelector::Exchange(exchange)) => format!("webhook {exchange}"),
        other => place_of(other),
    };
    let is_numbered = |(_, number): &(&str, &str)| number.bytes().all(|byte| byte.is_ascii_digit());
    place.rsplit_once('-').filter(is_numbered).map_or(place.clone(), |(operation, _)| operation.to_owned())
}

pub(super) fn told_faults(case: &Case) -> Vec<String> {
    case.faults.iter().map(|fault| Told(fault).to_string()).collect()
}

impl FoundScenario {
    pub(super) fn new(
        cause: &Cause,
        shrunk: &Shrunk,
        origin: &Case,
        first_case: usize,
        after_ms: u64,
    ) -> Self {
        Self {
            cause: cause.told(),
            promise: shrunk.promise.clone(),
            faults: told_faults(&shrunk.case),
            message: shrunk.violation.message.clone(),
            expected: shrunk.violation.expected.clone(),
            actual: shrunk.violation.actual.clone(),
            stage: origin.stage.word(),
            first_case,
            cases: 1,
            found_after_ms: after_ms,
            tries: shrunk.tries,
            records: shrunk.records,
            name: cause.file_name(),
            text: String::new(),
        }
    }
}
