//! What keeps the service's scheduler from going on.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html>

use super::capacity::setting;
use super::{Cause, Scene, Sign, quoted};
use crate::error::Code;
use crate::model::names::short_name;

/// The two percentages leave room for nothing.
pub fn bounds_too_tight<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    sign.says("because of the service deployment configuration").then(|| {
        let desired = scene.service().map_or(0, |service| service.desired_count);
        let (least, most) =
            (setting(scene, "minimumHealthyPercent").unwrap_or(100), setting(scene, "maximumPercent").unwrap_or(200));
        let bounds = Bounds::of(desired, least, most);
        let cause = Cause::certain(
            Code::DeploymentBoundsTooTight,
            "was not rolled out: ECS may neither start nor stop a task of the service.",
            match Bounds::way_out(desired) {
                Some(percent) => {
                    format!("Set `maximumPercent` of {} to at least {percent}, so that one more task may start.", scene.service_name())
                }
                None => format!("Give {} a desired count above 0.", scene.service_name()),
            },
        );
        cause.seen(format!(
            "With {desired} tasks wanted, `minimumHealthyPercent` {least} keeps at least {} of them and `maximumPercent` \
             {most} allows {}.",
            bounds.least, bounds.most
        ))
    })
}

/// How many tasks ECS may leave and have during a deployment: rounded up and down, as it does.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html>
struct Bounds {
    least: i64,
    most: i64,
}

impl Bounds {
    fn of(desired: i64, least_percent: i64, most_percent: i64) -> Self {
        let part = |percent: i64| desired.saturating_mul(percent);
        Self { least: part(least_percent).saturating_add(99) / 100, most: part(most_percent) / 100 }
    }

    /// The smallest maximum percent with which one task more than now wanted fits.
    fn way_out(desired: i64) -> Option<i64> {
        (desired > 0).then(|| (desired.saturating_add(1).saturating_mul(100) + desired - 1) / desired)
    }
}

/// Protected tasks stay.
pub fn tasks_protected<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    let says = ["protected tasks are more than the desired", "deployment_blocked", "blocked by task protection"];
    sign.says_any(&says).then(|| {
        Cause::certain(
            Code::TasksProtected,
            "was not rolled out: tasks protected from scale-in stay, and leave no room for it.",
            format!(
                "Take the protection away (`aws ecs update-task-protection --no-protection-enabled`), or raise \
                 `maximumPercent` of {}, now {}.",
                scene.service_name(),
                setting(scene, "maximumPercent").unwrap_or(200)
            ),
        )
    })
}

/// ECS had to wait for other services of AWS.
pub fn throttled<'a>(sign: &Sign<'a>, _: &Scene<'a>) -> Option<Cause> {
    sign.says_any(&["operations are being throttled"]).then(|| {
        let on = sign.after("throttled on ", &['.', ' ']);
        let on = on.map_or_else(String::new, |on| format!(" by {}", quoted(on)));
        Cause::certain(
            Code::SchedulerThrottled,
            format!("was not rolled out in time: ECS itself was throttled{on}."),
            "Run the job again later, and deploy fewer services of the account at the same time.",
        )
    })
}

/// Somebody deregistered the revision.
pub fn task_definition_inactive<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    sign.says_any(&["taskdefinition is inactive", "task definition is inactive"]).then(|| {
        let ours = scene
            .subject
            .map_or_else(|| "the revision".to_owned(), |subject| quoted(short_name(subject.task_definition)));
        Cause::certain(
            Code::TaskDefinitionInactive,
            "cannot start: the revision was deregistered.",
            format!("Run the job again: it registers the content of {ours} anew."),
        )
    })
}

/// ECS gives up trying often; the stopped tasks are gone.
pub fn crash_loop<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    sign.says("is unable to consistently start tasks successfully").then(|| {
        Cause::certain(
            Code::TasksFailing,
            "keeps stopping, and ECS waits longer and longer before it starts the next task.",
            format!(
                "Read why the newest task of {} stopped (ECS keeps it for an hour), then deploy again.",
                scene.service_name()
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_of_a_deployment_are_rounded_as_ecs_does() {
        let told = |desired, least, most| {
            let bounds = Bounds::of(desired, least, most);
            (bounds.least, bounds.most, Bounds::way_out(desired))
        };
        assert_eq!(told(1, 100, 100), (1, 1, Some(200)));
        assert_eq!(told(1, 50, 150), (1, 1, Some(200)));
        assert_eq!(told(3, 67, 120), (3, 3, Some(134)));
        assert_eq!(told(4, 100, 110), (4, 4, Some(125)));
        assert_eq!(told(0, 100, 200), (0, 0, None));
    }
}
