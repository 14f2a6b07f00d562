//! What is asked of every integration, and which of the catalogue's required checks this run passed: in words that all
//! formats share.

use crate::wording::{count, grouped, list};
use counterpart_outcome::{Catalogued, Found, Integration, Question, Run};

/// How many names a sentence holds before it only counts them.
const NAMED: usize = 8;

/// A question, as the head of a column.
pub(crate) fn heading(question: Question) -> &'static str {
    match question {
        Question::LogsEveryTransaction => "logs every transaction",
        Question::RecoversByItself => "recovers by itself",
        Question::ValidatesBeforeWriting => "validates first",
        Question::ScopedPermissions => "scoped permissions",
    }
}

/// `yes`, `no` or `not shown`.
pub(crate) fn word(found: &Found) -> &'static str {
    match found {
        Found::Yes { .. } => "yes",
        Found::No { .. } => "no",
        Found::NotShown { .. } => "not shown",
    }
}

/// What an answer rests on: `3 scenarios`, or why there is none.
pub(crate) fn grounds(found: &Found) -> String {
    match found {
        Found::Yes { shown_by } => count(shown_by.len(), "scenario"),
        Found::No { shown_by } => named(shown_by),
        Found::NotShown { reason } => reason.clone(),
    }
}

/// Why questions stay open, each reason once with the providers that it stands for.
pub(crate) fn open(integrations: &[Integration]) -> Vec<(Question, String, Vec<&str>)> {
    let mut open: Vec<(Question, String, Vec<&str>)> = Vec::new();
    for question in Question::ALL {
        for integration in integrations {
            let answers = integration.answers.iter().filter(|answer| answer.question == question);
            for answer in answers {
                let Found::NotShown { reason } = &answer.found else { continue };
                match open.iter_mut().find(|(asked, why, _)| *asked == question && why == reason) {
                    Some((_, _, providers)) => providers.push(&integration.provider),
                    None => open.push((question, reason.clone(), vec![&integration.provider])),
                }
            }
        }
    }
    open
}

/// The required checks of a run: how they came out.
pub(crate) struct Required<'a> {
    pub(crate) total: usize,
    pub(crate) failed: Vec<&'a Catalogued>,
    pub(crate) not_shown: Vec<&'a Catalogued>,
}

impl<'a> Required<'a> {
    /// Those of a run; nothing where the catalogue requires none.
    pub(crate) fn of(run: &'a Run) -> Option<Self> {
        let required: Vec<&Catalogued> = run.coverage.cases.iter().filter(|case| case.required).collect();
        let those = |wanted: fn(&Catalogued) -> bool| {
            required.iter().copied().filter(|case| wanted(case)).collect::<Vec<_>>()
        };
        (!required.is_empty()).then(|| Self {
            total: required.len(),
            failed: those(|case| !case.failed_in.is_empty()),
            not_shown: those(|case| case.covered_by.is_empty()),
        })
    }

    /// `10 of 12 required checks passed; failed: a; not shown: b`.
    pub(crate) fn line(&self) -> String {
        let passed = self.total - self.failed.len() - self.not_shown.len();
        let mut line = format!("{} of {} passed", grouped(passed), count(self.total, "required check"));
        for (word, cases) in [("failed", &self.failed), ("not shown", &self.not_shown)] {
            if !cases.is_empty() {
                line.push_str(&format!("; {word}: {}", named(&ids(cases))));
            }
        }
        line
    }
}

/// The ids of catalogue entries.
pub(crate) fn ids(cases: &[&Catalogued]) -> Vec<String> {
    cases.iter().map(|case| case.id.clone()).collect()
}

/// Names for a sentence, the rest counted.
pub(crate) fn named(names: &[String]) -> String {
    let mut shown: Vec<String> = names.iter().take(NAMED).cloned().collect();
    if names.len() > NAMED {
        shown.push(format!("{} more", grouped(names.len() - NAMED)));
    }
    list(&shown)
}
