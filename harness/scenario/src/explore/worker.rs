//! A worker plays one case after the other: a subject that stays alive, a tenant and a stand-in of each case's own.

use super::case::Case;
use super::judgement::{Judged, Oracle, judge};
use super::limit::Limit;
use super::reused::ReusedLaunch;
use crate::observed::Observed;
use crate::plan::Plan;
use crate::player::{Player, tenant_named};
use crate::run::RunOptions;
use crate::steps::happy_steps;
use crate::unjudged::Unjudged;
use counterpart_subject::{Launch, SubjectSpec};
use std::collections::HashMap;

/// Cases after which a subject is started anew: what it keeps of them slows it down.
const CASES_OF_ONE_SUBJECT: usize = 250;

/// Plays cases against a subject of its own.
pub(super) struct Worker<'a> {
    base: &'a Plan,
    oracle: &'a Oracle,
    subject: &'a SubjectSpec,
    reused: &'a ReusedLaunch<'a>,
    player: Player<'a>,
    /// Happy paths by their steps: another order of acts is another one.
    happy_paths: HashMap<String, Observed>,
    cases_since_launch: usize,
    tenants: String,
}

impl<'a> Worker<'a> {
    /// `launch` is what `reused` is, or a fresh subject for each case.
    pub(super) fn new(
        base: &'a Plan,
        oracle: &'a Oracle,
        subject: &'a SubjectSpec,
        (reused, launch): (&'a ReusedLaunch<'a>, &'a dyn Launch),
        http: reqwest::Client,
        options: RunOptions,
    ) -> Self {
        let tenants = options.tenants.clone();
        let mut player = Player::new(subject.clone(), launch, http, options);
        player.looks_before = false;
        Self {
            base,
            oracle,
            subject,
            reused,
            player,
            happy_paths: HashMap::new(),
            cases_since_launch: 0,
            tenants,
        }
    }

    /// Plays the case of this number, unless exploring is over.
    pub(super) async fn play(&mut self, number: usize, case: &Case, limit: &Limit) -> Judged {
        if limit.is_over() {
            return Judged::NotBegun;
        }
        self.cases_since_launch += 1;
        if self.cases_since_launch > CASES_OF_ONE_SUBJECT {
            self.begin_anew();
        }
        let Some(played) = limit.until_over(self.played(number, case)).await else {
            self.begin_anew();
            return Judged::CutShort;
        };
        match played {
            Ok((judged, at_rest)) => {
                // What goes on by itself would go on in the next case.
                if !at_rest {
                    self.begin_anew();
                }
                judged
            }
            Err(Unjudged(why)) => {
                self.begin_anew();
                Judged::Unjudged(why)
            }
        }
    }

    fn begin_anew(&mut self) {
        self.reused.forget();
        self.cases_since_launch = 0;
    }

    async fn played(&mut self, number: usize, case: &Case) -> Result<(Judged, bool), Unjudged> {
        let plan = self.oracle.plan_of(self.base, case);
        let steps = happy_steps(&plan.file.steps);
        let key = format!("{:?}", steps.iter().map(|step| &step.value).collect::<Vec<_>>());
        if !self.happy_paths.contains_key(&key) {
            let tenant = tenant_named(&format!("{}-happy-{}", self.tenants, self.happy_paths.len() + 1));
            let happy = self.player.play_as(tenant, self.base, &steps, &[]).await?;
            if let Some(violation) = happy.step_violations.first() {
                return Err(Unjudged(format!(
                    "without any fault the steps do not pass: {} ({})",
                    violation.message, violation.actual
                )));
            }
            self.happy_paths.insert(key.clone(), happy);
        }
        let tenant = tenant_named(&format!("{}-{number}", self.tenants));
        let observed = self.player.play_as(tenant, self.base, &plan.file.steps, &plan.faults).await?;
        let happy = &self.happy_paths[&key];
        let judged = judge(&plan, self.subject, &observed, happy)?;
        Ok((judged, observed.at_rest))
    }
}
