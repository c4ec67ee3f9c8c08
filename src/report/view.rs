//! What the parts of a report agree on, whatever of it is there.

use crate::apply::What;
use crate::apply::facts::live;
use crate::checks::{Checked, Finding};
use crate::diagnose::Evidence;
use crate::error::Error;
use crate::model::names::{Arn, Revision, short_name};
use crate::model::service::Service;
use crate::model::verdict::Verdict;
use crate::plan::ServicePlan;

use super::Report;
use super::links::Place;
use super::markdown::link;

impl Report {
    /// The ending, if there is one yet.
    pub fn ending(&self) -> Option<Verdict> {
        self.verdict.or(self.outcome.verdict).or_else(|| self.errors.first().map(|error| error.code.verdict()))
    }

    /// Every failure, the cause first, none twice.
    pub fn failures(&self) -> Vec<&Error> {
        let mut failures: Vec<&Error> = Vec::new();
        for error in self.errors.iter().chain(&self.outcome.cause) {
            if !failures.contains(&error) {
                failures.push(error);
            }
        }
        failures
    }

    /// The check that found this failure, and what else it said of it.
    pub fn finding(&self, error: &Error) -> Option<(&Checked, &Finding)> {
        let all = self.checked.iter().flat_map(|it| it.ruling.findings.iter().map(move |finding| (it, finding)));
        all.into_iter().find(|(_, finding)| finding.error == *error)
    }

    /// Every remark that does not change the verdict, none twice.
    pub fn remarks(&self) -> Vec<&str> {
        let told = self.timeline.iter().filter_map(|event| match &event.what {
            What::Warned(text) => Some(text),
            _ => None,
        });
        let all = (self.warnings.iter())
            .chain(self.observed.iter().flat_map(|observed| &observed.warnings))
            .chain(self.plan.iter().flat_map(|plan| &plan.services).flat_map(|plan| &plan.warnings))
            .chain(told)
            .chain(self.outcome.evidence.iter().flat_map(|evidence| &evidence.missing));
        let mut remarks: Vec<&str> = Vec::new();
        for remark in all {
            if !remarks.contains(&remark.as_str()) {
                remarks.push(remark);
            }
        }
        remarks
    }

    /// The evidence of a failure.
    pub fn evidence(&self) -> Option<&Evidence> {
        self.outcome.evidence.as_ref().filter(|_| self.ending().is_some_and(|verdict| !verdict.is_green()))
    }

    /// The text with the run's revisions as code where they stand bare, so that they look the same everywhere.
    pub fn named(&self, text: &str) -> String {
        let outcome = &self.outcome;
        let arns = [self.previous_arn(), self.live_arn()].into_iter().flatten();
        let arns = arns.chain(outcome.task_definition_arn.as_deref()).chain(outcome.superseded_by.as_deref());
        let names: Vec<String> = arns.map(revision).collect();
        let word = |word: &str| {
            let bare = word.trim().trim_end_matches(['.', ',', ';', ':']);
            if names.iter().any(|name| name == bare) {
                word.replacen(bare, &format!("`{bare}`"), 1)
            } else {
                word.to_owned()
            }
        };
        let part = |(index, part): (usize, &str)| match index % 2 {
            0 => part.split_inclusive(char::is_whitespace).map(word).collect(),
            _ => part.to_owned(),
        };
        text.split('`').enumerate().map(part).collect::<Vec<String>>().join("`")
    }

    /// What was decided for the service.
    pub fn service_plan(&self) -> Option<&ServicePlan> {
        self.plan.as_ref()?.services.first()
    }

    /// The service as seen last.
    pub fn service(&self) -> Option<&Service> {
        self.outcome.service.as_ref().or_else(|| self.service_before())
    }

    /// The service as it was before the first change.
    pub fn service_before(&self) -> Option<&Service> {
        (self.service_plan().and_then(|plan| plan.service.as_ref()))
            .or_else(|| self.observed.as_ref()?.service.as_ref())
    }

    /// The service's name; none when only registering, or before the inputs are known.
    pub fn service_name(&self) -> Option<&str> {
        match self.service() {
            Some(service) if !service.service_name.is_empty() => Some(&service.service_name),
            _ => self.inputs.as_ref()?.deploy.service.as_deref().map(short_name),
        }
    }

    /// The cluster's name, where there is a service.
    pub fn cluster_name(&self) -> Option<&str> {
        self.service_name()?;
        match self.service() {
            Some(service) if !service.cluster_arn.is_empty() => Some(short_name(&service.cluster_arn)),
            _ => self.inputs.as_ref().map(|inputs| short_name(&inputs.deploy.cluster)),
        }
    }

    /// The region's name.
    pub fn region(&self) -> Option<&str> {
        self.inputs.as_ref().map(|inputs| inputs.region.as_str())
    }

    /// The family of the task definition.
    pub fn family(&self) -> Option<String> {
        let arn = self.outcome.task_definition_arn.as_deref().or(self.previous_arn());
        (arn.and_then(Revision::parse).map(|revision| revision.family))
            .or_else(|| Some(self.service_plan()?.definition.family().to_owned()))
            .filter(|family| !family.is_empty())
    }

    /// Where the service is, for links to the console.
    pub fn place(&self) -> Option<Place> {
        let arn = self.service().and_then(|service| Arn::parse(&service.service_arn));
        let region = arn.map(|arn| arn.region).or_else(|| self.region().map(str::to_owned))?;
        self.place_in(&region)
    }

    /// Another region of the same partition.
    pub fn place_in(&self, region: &str) -> Option<Place> {
        let arn = self.service().and_then(|service| Arn::parse(&service.service_arn));
        let partition = arn.map(|arn| arn.partition);
        Place::new(&partition.or_else(|| Some(self.identity.as_ref()?.partition.clone()))?, region)
    }

    /// The first eight characters of a task's id, linked to its page; Markdown.
    pub fn task(&self, id: &str) -> String {
        let page = self.place().zip(self.cluster_name()).map(|(place, cluster)| place.task(cluster, id));
        link(id.get(..8).unwrap_or(id), page.as_deref())
    }

    /// The revision that the service ran before.
    pub fn previous_arn(&self) -> Option<&str> {
        let running = || self.observed.as_ref()?.running.as_ref().map(|running| running.arn.as_str());
        let described = || self.observed.as_ref()?.service.as_ref().map(|service| service.task_definition.as_str());
        (self.service_plan().and_then(|plan| plan.previous_task_definition_arn.as_deref()))
            .or_else(running)
            .or_else(described)
            .filter(|arn| !arn.is_empty())
    }

    /// What stands over the newer side of a comparison: it may not have become true.
    pub fn newer(&self) -> &'static str {
        match self.ending() {
            Some(Verdict::Succeeded | Verdict::Unchanged) => "Now",
            _ => "Asked for",
        }
    }

    /// What serves now: as seen last, or what served before when nothing was changed.
    pub fn live_arn(&self) -> Option<&str> {
        // Where others move the tasks, the service lists no deployments: what it had before is all that is known.
        let observed = || match self.observed.as_ref()?.service.as_ref() {
            Some(service) if !service.deployments.is_empty() => live(service),
            _ => self.previous_arn(),
        };
        let untouched = if self.outcome.service.is_some() || self.outcome.changed { None } else { observed() };
        self.outcome.live_task_definition_arn.as_deref().or(untouched)
    }
}

/// `web:7` of an ARN; the text itself when it is none.
pub fn revision(arn: &str) -> String {
    Revision::parse(arn).map_or_else(|| arn.to_owned(), |revision| revision.to_string())
}

#[cfg(test)]
mod tests {
    use crate::report::stories;

    #[test]
    fn revisions_of_the_run_are_code_wherever_they_stand_bare() {
        let named = |text: &str| stories::bad_image().named(text);
        assert_eq!(named("web:8 failed, and web:7 serves again."), "`web:8` failed, and `web:7` serves again.");
        assert_eq!(named("it is web:7."), "it is `web:7`.");
        assert_eq!(
            named("`web:8` of `a web:8 b`, web:80 and repo/web:8"),
            "`web:8` of `a web:8 b`, web:80 and repo/web:8"
        );
    }
}
