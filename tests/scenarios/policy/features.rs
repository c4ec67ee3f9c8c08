//! What may be asked of the program, and for each the stories in which everything is asked that it needs.

use super::replay::{Feature, Inputs, Stage, Story};
use super::worlds::{
    by_code_deploy, by_code_deploy_crashing, by_code_deploy_gone, by_code_deploy_single, by_code_deploy_stalling,
    digested, failing, gone, gone_abroad, looping, scanned, shifting, single, single_abroad, stalled, stalled_abroad,
    tagged, twice, twice_failing, well, well_abroad, without_cluster, without_service,
};
use crate::harness::IMAGE_V2;

/// A deploy of the image `v2`, as the README shows it.
const DEPLOY: [(&str, &str); 3] = [("image", IMAGE_V2), ("container-name", "web"), ("service", "web")];

pub const FILE: (&str, &str) = ("task-definition", "task-definition.json");

const BY_CODE_DEPLOY: (&str, &str) = ("codedeploy-appspec", "appspec.yaml");

const NOT_FOLLOWED: (&str, &str) = ("wait-for-service-stability", "false");

const PLAN: (&str, &str) = ("mode", "plan");

const PINNED: (&str, &str) = ("pin-image-digest", "true");

const UNCHECKED: (&str, &str) = (
    "checks",
    "image-exists=off, image-platform=off, fargate-size=off, secrets-exist=off, log-groups=off, roles=off, \
     target-groups=off, circuit-breaker=off, in-flight=off, alarms=off, subnets=off",
);

/// A run before that deploys another image and does not follow it.
const BEGUN: [(&str, &str); 3] =
    [("image", "123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:v0"), ("service", "web"), NOT_FOLLOWED];

/// The same where CodeDeploy moves the service.
const BEGUN_BY_CODE_DEPLOY: [(&str, &str); 4] = [BEGUN[0], BEGUN[1], BEGUN[2], BY_CODE_DEPLOY];

/// The same with an image of another account.
const BEGUN_ABROAD: [(&str, &str); 3] =
    [("image", "999999999999.dkr.ecr.us-east-2.amazonaws.com/shop/web:v0"), BEGUN[1], BEGUN[2]];

/// A deploy of the image `v2` with more inputs.
pub fn deploying(more: &[(&'static str, &'static str)]) -> Inputs {
    [DEPLOY.as_slice(), more].concat()
}

/// A rollback with more inputs.
fn going_back(more: &[(&'static str, &'static str)]) -> Inputs {
    [&[("mode", "rollback"), ("service", "web")], more].concat()
}

fn feature(inputs: Inputs, stages: &[Stage]) -> Feature {
    Feature { inputs, stories: stages.iter().map(|stage| Story::from(*stage)).collect() }
}

impl Feature {
    fn and(mut self, story: Story) -> Self {
        self.stories.push(story);
        self
    }
}

fn beside_another() -> Story {
    Story::from(stalled as Stage).after(&BEGUN)
}

fn beside_another_of_code_deploy() -> Story {
    Story::from(by_code_deploy_stalling as Stage).after(&BEGUN_BY_CODE_DEPLOY)
}

/// What is not there, and an image alone.
const ODD: [Stage; 4] = [without_service, without_cluster, || gone("v2"), || single("v2")];

/// The same where CodeDeploy moves the service.
const ODD_BY_CODE_DEPLOY: [Stage; 4] =
    [without_service, without_cluster, || by_code_deploy_gone("v2"), || by_code_deploy_single("v2")];

fn with_odd(stages: &[Stage]) -> Vec<Stage> {
    [stages, &ODD].concat()
}

pub fn deploy() -> Feature {
    feature(deploying(&[FILE]), &with_odd(&[well, failing, looping])).and(beside_another())
}

pub fn deploy_of_what_runs() -> Feature {
    feature(deploying(&[]), &with_odd(&[tagged, failing, looping]))
}

pub fn unchecked_deploy() -> Feature {
    feature(deploying(&[FILE, UNCHECKED, PINNED]), &[well, failing, looping, without_service, without_cluster])
}

pub fn plan() -> Feature {
    feature(deploying(&[PLAN, FILE]), &with_odd(&[well])).and(beside_another())
}

pub fn unchecked_plan() -> Feature {
    feature(deploying(&[PLAN, FILE, UNCHECKED]), &[well, without_service, without_cluster]).and(beside_another())
}

pub fn plan_with_scan() -> Feature {
    feature(deploying(&[PLAN, FILE, ("checks", "image-scan=block")]), &with_odd(&[scanned])).and(beside_another())
}

pub fn plan_with_an_image_of_another_account() -> Feature {
    let image = ("image", "999999999999.dkr.ecr.us-east-2.amazonaws.com/shop/web:v2");
    let stages: [Stage; 5] =
        [well_abroad, without_service, without_cluster, || gone_abroad("v2"), || single_abroad("v2")];
    let inputs = vec![image, ("container-name", "web"), ("service", "web"), FILE, PLAN];
    feature(inputs, &stages).and(Story::from(stalled_abroad as Stage).after(&BEGUN_ABROAD))
}

pub fn plan_with_an_image_by_its_digest() -> Feature {
    let image = concat!(
        "123456789012.dkr.ecr.eu-central-1.amazonaws.com/web@",
        "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    );
    let given = [("image", image), ("container-name", "web"), ("service", "web"), FILE, PLAN, PINNED];
    feature(given.to_vec(), &[well, digested, without_service, without_cluster]).and(beside_another())
}

pub fn registration() -> Feature {
    let inputs = vec![("image", IMAGE_V2), ("container-name", "web"), ("tags", "team=shop"), FILE];
    feature(inputs, &[well, || gone("v2"), || single("v2")])
}

pub fn deploy_that_is_not_followed() -> Feature {
    feature(deploying(&[FILE, NOT_FOLLOWED]), &with_odd(&[well])).and(beside_another())
}

pub fn deploy_that_is_left_as_it_is() -> Feature {
    let inputs = deploying(&[FILE, ("on-failure", "none")]);
    feature(inputs, &with_odd(&[well, failing, looping]))
}

pub fn deploy_that_goes_back_when_it_is_cancelled() -> Feature {
    let inputs = deploying(&[FILE, ("on-failure", "none"), ("on-cancel", "rollback")]);
    feature(inputs, &with_odd(&[well, failing, looping])).and(Story::from(stalled as Stage).cancelled(30))
}

pub fn deploy_with_a_hook() -> Feature {
    let hook = r#"{"lifecycleHooks": [{"hookTargetArn": "arn:aws:lambda:eu-central-1:123456789012:function:smoke",
        "roleArn": "arn:aws:iam::123456789012:role/hooks", "lifecycleStages": ["POST_SCALE_UP"]}]}"#;
    let inputs = deploying(&[FILE, NOT_FOLLOWED, UNCHECKED, ("deployment-configuration", hook)]);
    feature(inputs, &[shifting, without_service, without_cluster])
}

pub fn deploy_with_a_volume() -> Feature {
    let volume = r#"{"sizeInGiB": 10, "roleArn": "arn:aws:iam::123456789012:role/ebs"}"#;
    let given = [
        FILE,
        NOT_FOLLOWED,
        UNCHECKED,
        ("patch", r#"{"volumes": [{"name": "data", "configuredAtLaunch": true}]}"#),
        ("service-managed-ebs-volume-name", "data"),
        ("service-managed-ebs-volume", volume),
    ];
    feature(deploying(&given), &[well, without_service, without_cluster]).and(beside_another())
}

pub fn rollback() -> Feature {
    let stages: [Stage; 2] = [without_service, without_cluster];
    let done = [twice as Stage, twice_failing, || gone("v1"), || single("v1")];
    let rollback = feature(going_back(&[]), &stages).and(Story::from(stalled as Stage).after(&BEGUN));
    done.into_iter().fold(rollback, |rollback, stage| rollback.and(Story::from(stage).after(&DEPLOY)))
}

pub fn rollback_that_is_not_followed() -> Feature {
    Feature { inputs: going_back(&[NOT_FOLLOWED]), ..rollback() }
}

pub fn rollback_to_what_is_named() -> Feature {
    let inputs = going_back(&[("task-definition-arn", "arn:aws:ecs:eu-central-1:123456789012:task-definition/web:6")]);
    let stages: [Stage; 6] = [well, failing, without_service, without_cluster, || gone("v0"), || single("v0")];
    feature(inputs, &stages)
}

pub fn deploy_by_code_deploy() -> Feature {
    let stages = [&[by_code_deploy as Stage, by_code_deploy_crashing], ODD_BY_CODE_DEPLOY.as_slice()].concat();
    feature(deploying(&[BY_CODE_DEPLOY, FILE]), &stages).and(beside_another_of_code_deploy())
}

pub fn deploy_by_code_deploy_that_is_left_as_it_is() -> Feature {
    let more = [("on-failure", "none"), NOT_FOLLOWED, UNCHECKED, ("desired-count", "3")];
    let inputs = deploying(&[&[BY_CODE_DEPLOY, FILE], more.as_slice()].concat());
    feature(inputs, &[by_code_deploy, without_service, without_cluster]).and(beside_another_of_code_deploy())
}

pub fn plan_of_code_deploy() -> Feature {
    let stages = [&[by_code_deploy as Stage], ODD_BY_CODE_DEPLOY.as_slice()].concat();
    feature(deploying(&[PLAN, BY_CODE_DEPLOY, FILE]), &stages).and(beside_another_of_code_deploy())
}

/// Every one of them.
pub fn all() -> Vec<Feature> {
    vec![
        deploy(),
        deploy_of_what_runs(),
        unchecked_deploy(),
        plan(),
        unchecked_plan(),
        plan_with_scan(),
        plan_with_an_image_of_another_account(),
        plan_with_an_image_by_its_digest(),
        registration(),
        deploy_that_is_not_followed(),
        deploy_that_is_left_as_it_is(),
        deploy_that_goes_back_when_it_is_cancelled(),
        deploy_with_a_hook(),
        deploy_with_a_volume(),
        rollback(),
        rollback_that_is_not_followed(),
        rollback_to_what_is_named(),
        deploy_by_code_deploy(),
        deploy_by_code_deploy_that_is_left_as_it_is(),
        plan_of_code_deploy(),
    ]
}
