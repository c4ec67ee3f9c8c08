//! `subnets`: whether the service's subnets are there, and have addresses for the tasks that start at once. Each task of
//! network mode `awsvpc` takes one address.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html>

use serde_json::Value;

use super::{Finding, Ruling, Subject};
use crate::aws::Aws;
use crate::error::{Code, Error};
use crate::model::subnet::Subnet;
use crate::plan::{ServicePlan, Step};

/// Asks for the subnets that the deployment's tasks get their addresses from; nothing where ECS starts no tasks. What
/// CodeDeploy starts is in the subnets of a task set or of the AppSpec file, which the service does not tell.
pub(super) async fn check(subject: &Subject<'_>, aws: &Aws) -> Option<Ruling> {
    subject.moved_by_ecs().filter(|_| subject.plan.moves_tasks())?;
    let ids = subnets(subject.plan);
    if ids.is_empty() {
        return Some(Ruling::default());
    }
    Some(match aws.describe_subnets(ids.clone()).await {
        Ok(found) => missing(&ids, &found, subject.plan).and(room(&found, subject.plan)),
        Err(error) => Ruling::unread("whether the subnets of the service have free addresses", &error),
    })
}

fn update(plan: &ServicePlan) -> Option<&Value> {
    plan.steps.iter().find_map(|step| if let Step::UpdateService { body } = step { Some(body) } else { None })
}

/// The subnets of the service, each once; none where its tasks have no addresses of their own.
fn subnets(plan: &ServicePlan) -> Vec<String> {
    let network = plan.service.as_ref().and_then(|service| service.network_configuration.as_ref());
    let listed = network.and_then(|network| network.pointer("/awsvpcConfiguration/subnets")).and_then(Value::as_array);
    let mut ids: Vec<String> = listed.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    ids.sort();
    ids.dedup();
    ids
}

/// Whether each subnet exists. While there are others, tasks may still start.
fn missing(ids: &[String], found: &[Subnet], plan: &ServicePlan) -> Ruling {
    let gone: Vec<String> =
        ids.iter().filter(|id| !found.iter().any(|subnet| subnet.id == **id)).map(|id| format!("`{id}`")).collect();
    if gone.is_empty() {
        return Ruling::default();
    }
    let service = name(plan);
    let (what, why) = match gone.as_slice() {
        [one] => (format!("The subnet {one} of `{service}` does not exist."), "EC2 does not know it"),
        all => (format!("The subnets {} of `{service}` do not exist.", all.join(", ")), "EC2 does not know them"),
    };
    let finding = Finding::new(Error::new(
        Code::SubnetNotFound,
        what,
        format!("{why} in this account and region, and tasks start in the subnets that the service names."),
        "Set subnets that exist in the service's network configuration, where the service is defined.",
    ));
    Ruling::found(if found.is_empty() { finding } else { finding.doubtful() })
}

/// Whether there are addresses for the tasks that start at once. How many are free changes by the minute, and tasks that
/// find none start later: it is certain only where nothing can begin to move.
fn room(found: &[Subnet], plan: &ServicePlan) -> Ruling {
    // A subnet without IPv4 never runs out.
    let free: Option<Vec<i64>> = found.iter().map(|subnet| subnet.free).collect();
    let (Some(free), Some(surge)) = (free, Surge::of(plan)) else { return Ruling::default() };
    let sum: i64 = free.iter().sum();
    if found.is_empty() || sum >= surge.tasks {
        return Ruling::default();
    }
    let each: Vec<String> =
        found.iter().zip(free).map(|(subnet, free)| format!("`{}` ({}) has {free}", subnet.id, subnet.zone)).collect();
    let finding = Finding::new(Error::new(
        if sum == 0 { Code::SubnetFull } else { Code::AddressesScarce },
        format!(
            "The subnets of `{}` have {} free, and {} at once.",
            name(plan),
            if sum == 1 { "1 address".to_owned() } else { format!("{sum} addresses") },
            if surge.tasks == 1 { "1 task starts".to_owned() } else { format!("{} tasks start", surge.tasks) },
        ),
        format!("Each task takes an address. {}. {}", each.join(", "), surge.why),
        surge.fix,
    ));
    Ruling::found(if sum == 0 && surge.nothing_stops_before { finding } else { finding.doubtful() })
}

fn name(plan: &ServicePlan) -> &str {
    plan.service.as_ref().map_or("", |service| service.service_name.as_str())
}

/// The tasks that start before old ones have to stop.
struct Surge {
    tasks: i64,
    /// Whether no old task may stop before a new one runs.
    nothing_stops_before: bool,
    why: String,
    fix: &'static str,
}

impl Surge {
    /// None where ECS starts none before others stop, and for daemons, which follow the instances.
    fn of(plan: &ServicePlan) -> Option<Self> {
        let service =
            plan.service.as_ref().filter(|service| service.scheduling_strategy.as_deref() != Some("DAEMON"))?;
        let asked = update(plan)?.get("desiredCount").and_then(Value::as_i64);
        let desired = asked.unwrap_or(service.desired_count);
        let strategy = plan.deployment_setting("strategy").and_then(Value::as_str).unwrap_or("ROLLING");
        if strategy != "ROLLING" {
            let why = format!("With the strategy {strategy}, ECS starts all {desired} new tasks beside the old ones.");
            let fix = "Free addresses, or add a subnet where the service is defined.";
            return (desired > 0).then_some(Self { tasks: desired, nothing_stops_before: true, why, fix });
        }
        let percent = |field: &str, usual: i64| plan.deployment_setting(field).and_then(Value::as_i64).unwrap_or(usual);
        let (most, least) = (percent("maximumPercent", 200), percent("minimumHealthyPercent", 100));
        let there = service.running_count + service.pending_count;
        // The upper bound is rounded down, the lower one up.
        let tasks = (desired * most / 100 - there).min(desired);
        let nothing_stops_before = service.running_count <= (desired * least + 99) / 100;
        let why = format!(
            "{desired} tasks are desired, {there} are there, and `maximumPercent` is {most}: ECS starts that many new \
             tasks before it stops old ones."
        );
        let fix = "Free addresses, add a subnet where the service is defined, or start fewer tasks at once: lower \
                   `maximumPercent` by `deployment-configuration`.";
        (tasks > 0).then_some(Self { tasks, nothing_stops_before, why, fix })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::checks::tests::Story;

    fn subnet(id: &str, free: i64) -> Subnet {
        Subnet { id: format!("subnet-{id}"), zone: format!("eu-central-1{id}"), free: Some(free) }
    }

    /// A service with these counts (desired, running) and percentages (minimum, maximum) that gets a new revision.
    fn story(counts: (i64, i64), percent: (i64, i64)) -> Story {
        let mut story = Story::default();
        let service = story.service();
        (service.desired_count, service.running_count) = counts;
        service.deployment_configuration =
            Some(json!({"strategy": "ROLLING", "minimumHealthyPercent": percent.0, "maximumPercent": percent.1}));
        service.network_configuration = Some(json!({"awsvpcConfiguration": {"subnets": ["subnet-b", "subnet-a"]}}));
        story
    }

    fn told(ruling: &Ruling) -> String {
        let told =
            ruling.findings.iter().map(|finding| format!("doubtful: {}\n{}", finding.is_doubtful, finding.error));
        told.collect::<Vec<_>>().join("\n\n")
    }

    #[test]
    fn as_many_addresses_are_needed_as_tasks_start_before_others_stop() {
        for (counts, percent, needed) in [
            ((2, 2), (100, 200), 2),
            ((3, 3), (100, 125), 0),
            ((4, 4), (100, 150), 2),
            ((4, 4), (50, 100), 0),
            ((4, 0), (100, 200), 4),
            ((2, 2), (100, 400), 2),
            ((0, 0), (100, 200), 0),
        ] {
            let story = story(counts, percent);
            let ruling = |free| room(&[subnet("a", free)], &story.plan).findings.len();
            assert_eq!(ruling(needed), 0, "{counts:?} {percent:?}: {needed} are enough");
            assert_eq!(ruling(needed - 1), usize::from(needed > 0), "{counts:?} {percent:?}: one less is not");
        }
    }

    #[test]
    fn too_few_addresses_are_told_with_every_subnet_and_certain_only_where_nothing_can_move() {
        let rolling = story((4, 4), (100, 200));
        let mut green = story((4, 4), (100, 200));
        green.asks_for(Some(&json!({"strategy": "BLUE_GREEN"})));
        let texts = [
            told(&room(&[subnet("a", 2), subnet("b", 1)], &rolling.plan)),
            told(&room(&[subnet("a", 0), subnet("b", 0)], &rolling.plan)),
            told(&room(&[subnet("a", 0)], &story((4, 4), (50, 150)).plan)),
            told(&room(&[subnet("a", 0), subnet("b", 1)], &green.plan)),
        ];
        insta::assert_snapshot!(texts.join("\n\n"));
    }

    #[test]
    fn a_count_that_is_asked_for_is_the_one_that_starts() {
        let mut story = story((2, 2), (100, 200));
        for step in &mut story.plan.steps {
            if let Step::UpdateService { body } = step {
                body["desiredCount"] = json!(10);
            }
        }
        assert_eq!(room(&[subnet("a", 9)], &story.plan).findings.len(), 1);
        assert_eq!(room(&[subnet("a", 10)], &story.plan).findings.len(), 0);
    }

    #[test]
    fn subnets_without_ipv4_and_daemons_are_not_counted() {
        let mut story = story((4, 4), (100, 200));
        let endless = Subnet { free: None, ..subnet("b", 0) };
        assert_eq!(room(&[subnet("a", 0), endless], &story.plan), Ruling::default());
        assert_eq!(room(&[subnet("a", 0)], &story.plan).findings.len(), 1);
        story.service().scheduling_strategy = Some("DAEMON".to_owned());
        assert_eq!(room(&[subnet("a", 0)], &story.plan), Ruling::default());
    }

    #[test]
    fn a_missing_subnet_is_told_and_certain_when_there_is_no_other() {
        let story = story((2, 2), (100, 200));
        let ids = subnets(&story.plan);
        assert_eq!(ids, ["subnet-a", "subnet-b"]);
        assert_eq!(missing(&ids, &[subnet("a", 9), subnet("b", 9)], &story.plan), Ruling::default());
        let texts = [told(&missing(&ids, &[subnet("b", 9)], &story.plan)), told(&missing(&ids, &[], &story.plan))];
        insta::assert_snapshot!(texts.join("\n\n"));
        assert_eq!(room(&[], &story.plan), Ruling::default());
    }
}
