//! What ECS says of the whole deployment: lifecycle hooks, listener rules, the way back.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/troubleshooting-blue-green-deployments.html>

use super::{Cause, Scene, Sign, quoted};
use crate::error::Code;

fn is_hook(sign: &Sign<'_>) -> bool {
    sign.says("lifecycle hook")
}

/// The stage that a hook belongs to: `POST_SCALE_UP`.
fn stage(sign: &Sign<'_>) -> String {
    sign.after("because ", &[' '])
        .filter(|word| word.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        .map_or_else(|| "a lifecycle hook".to_owned(), |stage| format!("the lifecycle hook at {}", quoted(stage)))
}

/// The function that a hook calls, as the sentence names it.
fn function(sign: &Sign<'_>) -> String {
    let named = sign.arn("lambda").or_else(|| sign.after("hook target ", &[' ', ',']));
    named.map_or_else(|| "its function".to_owned(), |arn| format!("the function {}", quoted(arn)))
}

/// ECS may not assume the hook's role.
pub fn hook_role_not_assumable<'a>(sign: &Sign<'a>, _: &Scene<'a>) -> Option<Cause> {
    (is_hook(sign) && sign.says("unable to assume role")).then(|| {
        let role =
            sign.arn("iam").map_or_else(|| "the hook's role".to_owned(), |arn| format!("the role {}", quoted(arn)));
        Cause::certain(
            Code::HookRoleNotAssumable,
            format!("was not rolled out: ECS may not assume {role} of {}.", stage(sign)),
            format!("Allow `sts:AssumeRole` for the principal `ecs.amazonaws.com` in the trust policy of {role}."),
        )
    })
}

/// The hook's role may not call the function.
pub fn hook_not_invocable<'a>(sign: &Sign<'a>, _: &Scene<'a>) -> Option<Cause> {
    (is_hook(sign) && sign.says("unable to invoke hook target")).then(|| {
        let action = sign.refused_action().unwrap_or("lambda:InvokeFunction");
        Cause::certain(
            Code::HookNotInvocable,
            format!("was not rolled out: ECS could not call {} of {}.", function(sign), stage(sign)),
            format!("Allow {} on {} for the role in `roleArn` of the hook.", quoted(action), function(sign)),
        )
    })
}

/// The function answered something else than a hook status.
pub fn hook_answer_invalid<'a>(sign: &Sign<'a>, _: &Scene<'a>) -> Option<Cause> {
    (is_hook(sign) && sign.says("unable to parse the response")).then(|| {
        Cause::certain(
            Code::HookAnswerInvalid,
            format!("was not rolled out: {} of {} did not answer as ECS needs it.", answerer(sign), stage(sign)),
            format!(
                "Let {} return `{{\"hookStatus\": \"SUCCEEDED\"}}`; FAILED and `IN_PROGRESS` are the other two.",
                answerer(sign)
            ),
        )
    })
}

fn answerer(sign: &Sign<'_>) -> String {
    let named = sign.arn("lambda").or_else(|| sign.after("response from ", &[' ', ',']));
    named.map_or_else(|| "the function".to_owned(), |arn| format!("the function {}", quoted(arn)))
}

/// Nobody said "continue".
pub fn pause_hook_timed_out<'a>(sign: &Sign<'a>, _: &Scene<'a>) -> Option<Cause> {
    sign.says("pause hook timed out").then(|| {
        let at = sign.after("because ", &[' ']).map_or_else(String::new, |stage| format!(" at {}", quoted(stage)));
        Cause::certain(
            Code::PauseHookTimedOut,
            format!("was not rolled out: nobody continued the pause{at} before its time was up."),
            "Deploy again and continue it in time (`aws ecs continue-service-deployment`), or raise \
             `timeoutConfiguration.timeoutInMinutes` of the pause hook.",
        )
    })
}

/// The hook ran and said no.
pub fn hook_failed<'a>(sign: &Sign<'a>, _: &Scene<'a>) -> Option<Cause> {
    (is_hook(sign) && sign.says_any(&["lifecycle hook(s) failed", "returned failed status"])).then(|| {
        Cause::certain(
            Code::HookFailed,
            format!("was not rolled out: {} refused it.", stage(sign)),
            format!("Read the log of {}, correct it or the revision, then deploy again.", function(sign)),
        )
    })
}

/// The role that ECS moves traffic with lacks a permission.
pub fn infrastructure_role_denied<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    let says =
        sign.says("missing permissions on ecs infrastructure role") || sign.says("unable to manage the elb resources");
    says.then(|| {
        let role = scene.service().and_then(|service| {
            let mut balancers = service.load_balancers.iter();
            balancers.find_map(|balancer| balancer.advanced_configuration.as_ref()?.get("roleArn")?.as_str())
        });
        let role = role
            .map_or_else(|| "the service's infrastructure role".to_owned(), |arn| format!("the role {}", quoted(arn)));
        Cause::certain(
            Code::InfrastructureRoleDenied,
            format!("was not rolled out: {role} may not manage the load balancer."),
            format!("Attach the policy `AmazonECSInfrastructureRolePolicyForLoadBalancers` to {role}."),
        )
    })
}

/// Listener rules and target groups do not belong together.
pub fn listener_misconfigured<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    sign.says("invalid networking configuration").then(|| {
        let service = scene.service_name();
        let rule = sign.after("listenerrule ", &[' ', ',']).filter(|word| word.starts_with("arn:")).map(quoted);
        let rule = rule.map_or_else(|| "the production listener rule".to_owned(), |arn| format!("the listener rule {arn}"));
        let fix = if sign.says("not associated with") {
            let group = sign.after("target group ", &[' ', ',']).map_or_else(|| "the target group".to_owned(), |arn| format!("the target group {}", quoted(arn)));
            format!("Let the production or the test listener rule of {service} forward to {group}.")
        } else if sign.says("exactly one target group") {
            format!("Let {rule} of {service} forward 100 % to one target group and 0 to the other.")
        } else if sign.says("rules not found") {
            format!("Name rules that exist in `advancedConfiguration` of {service}: `productionListenerRule` and `testListenerRule`.")
        } else {
            format!("Let {rule} forward only to the target group and the alternate target group of {service}.")
        };
        let what = "was not rolled out: the listener rules and target groups are not wired as the strategy needs them.";
        Cause::certain(Code::ListenerMisconfigured, what, fix)
    })
}

/// Nothing to go back to.
pub fn no_rollback_candidate<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    sign.says("no rollback candidate was found").then(|| {
        Cause::certain(
            Code::NoRollbackCandidate,
            "was not rolled out, and no earlier deployment of the service ever completed that ECS could go back to.",
            format!("Deploy a revision to {} that is known to work, by `task-definition-arn`.", scene.service_name()),
        )
    })
}
