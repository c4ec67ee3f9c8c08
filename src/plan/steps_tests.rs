#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::*;

use crate::inputs::Asked;
use crate::inputs::runner::Runner;
use crate::model::image::StoredImage;
use crate::model::manifest::Manifest;
use crate::model::service::Deployment;
use crate::observe::Base;
use crate::plan::{ServicePlan, plan};

const OLD: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
const NEW: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
const IMAGE: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:v1";

/// An index of two platforms' images.
fn index(digest: &str) -> Digest {
    let child = |platform| json!({"digest": format!("{}{platform}", &digest[..digest.len() - 5])});
    let manifest = json!({"manifests": [child("amd64"), child("arm64")]}).to_string();
    Digest::Known { digest: digest.to_owned(), manifest: Manifest::parse(&manifest) }
}

fn arn(number: u64) -> String {
    format!("arn:aws:ecs:eu-central-1:123456789012:task-definition/web:{number}")
}

/// A revision as ECS tells of it.
fn revision(number: u64, image: &str, status: &str) -> Registered {
    let document = json!({
        "taskDefinitionArn": arn(number), "family": "web", "revision": number, "status": status, "volumes": [],
        "containerDefinitions": [{"name": "web", "image": image, "cpu": 0, "essential": true, "environment": []}],
    });
    Registered { arn: arn(number), status: status.to_owned(), document, tags: Vec::new() }
}

/// A service that runs `web:7` with nothing to do; each test changes what it is about.
struct Case {
    inputs: Vec<(&'static str, &'static str)>,
    observed: Observed,
}

impl Case {
    fn new(inputs: &[(&'static str, &'static str)]) -> Self {
        let service = json!({
            "serviceName": "web", "taskDefinition": arn(7), "desiredCount": 2, "runningCount": 2, "propagateTags": "SERVICE", "enableECSManagedTags": true,
            "deploymentConfiguration": {"strategy": "ROLLING", "minimumHealthyPercent": 100, "alarms": {"enable": false, "alarmNames": []}},
            "deployments": [{"id": "ecs-svc/1", "status": "PRIMARY", "taskDefinition": arn(7), "rolloutState": "COMPLETED"}],
        });
        let running_revision =
            json!({"containerImages": [{"containerName": "web", "image": IMAGE, "imageDigest": OLD}]});
        let running = revision(7, IMAGE, "ACTIVE");
        let file = json!({"family": "web", "containerDefinitions": [{"name": "web", "image": IMAGE}]});
        let observed = Observed {
            service: serde_json::from_value(service).unwrap(),
            code_deploy: None,
            base: Base { document: file, origin: "web.json".to_owned(), text: None },
            newest: Some(running.clone()),
            running: Some(running),
            running_revision: serde_json::from_value(running_revision).unwrap(),
            digests: BTreeMap::from([(IMAGE.to_owned(), index(OLD))]),
            way_back: None,
            warnings: Vec::new(),
        };
        let always =
            [("aws-region", "eu-central-1"), ("service", "web"), ("cluster", "prod"), ("task-definition", "web.json")];
        let kept = always.into_iter().filter(|(name, _)| inputs.iter().all(|(other, _)| other != name));
        Self { inputs: kept.chain(inputs.iter().copied()).collect(), observed }
    }

    fn with(mut self, change: impl FnOnce(&mut Observed)) -> Self {
        change(&mut self.observed);
        self
    }

    fn plan(&self) -> ServicePlan {
        let given = |(name, value): &(&str, &str)| ((*name).to_owned(), OsString::from(value));
        let (inputs, _) = crate::inputs::parse(&Asked::new(self.inputs.iter().map(given), Runner::default())).unwrap();
        plan(&inputs, &self.observed).unwrap().services.remove(0)
    }

    /// The steps in short, with the remarks under them.
    fn told(&self) -> String {
        let plan = self.plan();
        let step = |step: &Step| match step {
            Step::RegisterTaskDefinition { body } => format!("register {}", body["containerDefinitions"][0]["image"]),
            Step::UpdateService { body } => format!("update {body}"),
            Step::StopDeployment { service_deployment_arn, otherwise } => {
                format!("stop {}, otherwise update {otherwise}", short_name(service_deployment_arn))
            }
            Step::UpdateSettings { body } => format!("settings {body}"),
            Step::JoinCodeDeploy { deployment_id } => format!("join {deployment_id}"),
            Step::CodeDeploy(deployment) => format!("codedeploy {}", deployment.body),
            Step::AwaitRollout => "await".to_owned(),
        };
        let reuse = plan.reuse.iter().map(|reuse| format!("reuse {}", short_name(&reuse.arn)));
        let warnings = plan.warnings.iter().map(|warning| format!("! {warning}"));
        reuse.chain(plan.steps.iter().map(step)).chain(warnings).collect::<Vec<_>>().join("\n")
    }
}

fn rollout_is(state: &'static str) -> impl FnOnce(&mut Observed) {
    move |observed| observed.service.as_mut().unwrap().deployments[0].rollout_state = Some(state.to_owned())
}

#[test]
fn a_service_that_is_as_asked_needs_nothing() {
    assert_eq!(Case::new(&[]).told(), "reuse web:7");
}

#[test]
fn a_changed_definition_is_registered_deployed_and_followed() {
    let case = Case::new(&[("image", "nginx:2")]);
    assert_eq!(case.told(), "register \"nginx:2\"\nupdate {\"cluster\":\"prod\",\"service\":\"web\"}\nawait");
    let plan = case.plan();
    assert_eq!(plan.previous_task_definition_arn, Some(arn(7)));
    let image = &plan.images[0];
    assert_eq!(
        (image.from.as_deref(), image.from_digest.as_deref(), image.to.as_str()),
        (Some(IMAGE), Some(OLD), "nginx:2")
    );
    assert_eq!(plan.changes[0].path, "container web › image");
}

#[test]
fn without_waiting_nothing_is_followed_and_without_a_service_nothing_is_updated() {
    let not_waiting = Case::new(&[("image", "nginx:2"), ("wait-for-service-stability", "false")]);
    assert_eq!(not_waiting.told(), "register \"nginx:2\"\nupdate {\"cluster\":\"prod\",\"service\":\"web\"}");
    let alone = |observed: &mut Observed| (observed.service, observed.running) = (None, None);
    assert_eq!(Case::new(&[("service", ""), ("image", "nginx:2")]).with(alone).told(), "register \"nginx:2\"");
    assert_eq!(Case::new(&[("service", "")]).with(alone).told(), "reuse web:7");
}

#[test]
fn an_identical_revision_is_reused_and_the_one_that_runs_comes_first() {
    let runs =
        |image: &'static str| move |observed: &mut Observed| observed.running = Some(revision(7, image, "ACTIVE"));
    let newest = |number, image: &'static str, status: &'static str| {
        move |observed: &mut Observed| observed.newest = Some(revision(number, image, status))
    };
    let broken = Case::new(&[]).with(newest(8, "broken", "ACTIVE"));
    assert_eq!(broken.told(), "reuse web:7", "the newest may be one that was rolled back");
    let twin = Case::new(&[]).with(newest(8, IMAGE, "ACTIVE"));
    assert_eq!(twin.told(), "reuse web:7");
    let other = Case::new(&[]).with(runs("other")).with(newest(8, IMAGE, "ACTIVE"));
    assert_eq!(other.told(), "reuse web:8\nupdate {\"cluster\":\"prod\",\"service\":\"web\"}\nawait");
    let inactive = Case::new(&[]).with(runs("other")).with(newest(8, IMAGE, "INACTIVE"));
    assert!(inactive.told().starts_with("register"), "{}", inactive.told());
}

#[test]
fn a_revision_asked_for_by_number_is_deployed_itself() {
    let asks = [("task-definition", ""), ("task-definition-family", "web"), ("task-definition-revision", "5")];
    let base =
        |status: &'static str| move |observed: &mut Observed| observed.base = Base::of(&revision(5, IMAGE, status));
    let active = Case::new(&asks).with(base("ACTIVE"));
    assert_eq!(active.told(), "reuse web:5\nupdate {\"cluster\":\"prod\",\"service\":\"web\"}\nawait");
    let inactive = Case::new(&asks).with(base("INACTIVE"));
    insta::assert_snapshot!(inactive.told(), @r"
    reuse web:7
    ! web:5 is INACTIVE and cannot be deployed itself; a revision with the same content takes its place.
    ");
    let family = Case::new(&asks[..2]).with(base("ACTIVE"));
    assert_eq!(family.told(), "reuse web:7", "a bare family asks for its content");
}

#[test]
fn a_described_revision_in_a_file_is_no_proof_that_it_is_registered() {
    let described = |observed: &mut Observed| {
        observed.base =
            Base { document: revision(5, "other", "ACTIVE").answer(), origin: "web.json".to_owned(), text: None };
    };
    let told = Case::new(&[]).with(described).told();
    assert!(told.starts_with("register"), "{told}");
}

#[test]
fn only_what_was_given_rides_along() {
    let case = Case::new(&[
        ("desired-count", "4"),
        ("force-new-deployment", "true"),
        ("enable-ecs-managed-tags", "false"),
        ("propagate-tags", "NONE"),
        ("deployment-configuration", "{strategy: ROLLING, bakeTimeInMinutes: 5, newField: {a: null}}"),
        ("service-managed-ebs-volume-name", "data"),
        ("service-managed-ebs-volume", "{sizeInGiB: 10, roleArn: 'arn:aws:iam::123456789012:role/ebs'}"),
    ]);
    insta::assert_snapshot!(case.told(), @r#"
    reuse web:7
    update {"cluster":"prod","service":"web","desiredCount":4,"forceNewDeployment":true,"enableECSManagedTags":false,"propagateTags":"NONE","volumeConfigurations":[{"name":"data","managedEBSVolume":{"sizeInGiB":10,"roleArn":"arn:aws:iam::123456789012:role/ebs"}}],"deploymentConfiguration":{"strategy":"ROLLING","bakeTimeInMinutes":5,"newField":{"a":null}}}
    await
    "#);
}

#[test]
fn a_setting_that_the_service_already_has_needs_no_update() {
    let volume = |observed: &mut Observed| {
        let volume =
            json!({"name": "data", "managedEBSVolume": {"sizeInGiB": 10, "roleArn": "r", "filesystemType": "xfs"}});
        observed.service.as_mut().unwrap().deployments[0].volume_configurations = vec![volume];
    };
    for (inputs, needed) in [
        (&[("desired-count", "2")][..], false),
        (&[("desired-count", "3")], true),
        (&[("propagate-tags", "SERVICE"), ("enable-ecs-managed-tags", "true")], false),
        (&[("propagate-tags", "NONE")], true),
        (&[("deployment-configuration", "{minimumHealthyPercent: 100, alarms: {alarmNames: []}}")], false),
        (&[("deployment-configuration", "{minimumHealthyPercent: 50}")], true),
        (&[("deployment-configuration", "{bakeTimeInMinutes: 1}")], true),
        (&[("force-new-deployment", "false")], false),
        (
            &[
                ("service-managed-ebs-volume-name", "data"),
                ("service-managed-ebs-volume", "{sizeInGiB: 10, roleArn: r}"),
            ],
            false,
        ),
        (
            &[
                ("service-managed-ebs-volume-name", "data"),
                ("service-managed-ebs-volume", "{sizeInGiB: 20, roleArn: r}"),
            ],
            true,
        ),
    ] {
        let told = Case::new(inputs).with(volume).told();
        assert_eq!(told != "reuse web:7", needed, "{inputs:?}: {told}");
    }
}

#[test]
fn a_tag_that_moved_is_deployed_again() {
    let moved = |observed: &mut Observed| {
        observed.digests.insert(IMAGE.to_owned(), index(NEW));
    };
    insta::assert_snapshot!(Case::new(&[]).with(moved).told(), @r#"
    reuse web:7
    update {"cluster":"prod","service":"web","forceNewDeployment":true}
    await
    ! Another image now has the tag that the service runs, so it is deployed again: `123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:v1`.
    "#);
}

#[test]
fn a_tag_that_moved_is_not_deployed_again_by_who_said_not_to_force() {
    let moved = |observed: &mut Observed| {
        observed.digests.insert(IMAGE.to_owned(), index(NEW));
    };
    insta::assert_snapshot!(Case::new(&[("force-new-deployment", "false")]).with(moved).told(), @r"
    reuse web:7
    ! Another image now has the tag that the service runs: `123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:v1`. It is not deployed again: `force-new-deployment` is false.
    ");
}

#[test]
fn a_platforms_image_in_the_index_is_the_image_that_the_tag_names() {
    let reports = |digest: &str| {
        let digest = digest.to_owned();
        |observed: &mut Observed| {
            observed.running_revision.as_mut().unwrap().container_images[0].image_digest = Some(digest);
        }
    };
    let Digest::Known { manifest, .. } = index(OLD) else { unreachable!() };
    for running in [OLD, &manifest.children[0].digest, &manifest.children[1].digest] {
        let case = Case::new(&[]).with(reports(running));
        assert_eq!(case.told(), "reuse web:7", "{running}");
        let image = case.plan().images.remove(0);
        assert_eq!((image.from_digest.as_deref(), image.to_digest.as_deref()), (Some(OLD), Some(OLD)), "{running}");

        let moved = case.with(|observed| drop(observed.digests.insert(IMAGE.to_owned(), index(NEW))));
        assert!(moved.told().contains("forceNewDeployment"), "{running}");
        assert_eq!(moved.plan().images[0].to_digest.as_deref(), Some(NEW));
    }
}

#[test]
fn a_pinned_image_runs_with_the_digest_it_is_pinned_to() {
    let pinned = format!("123456789012.dkr.ecr.eu-central-1.amazonaws.com/web@{OLD}");
    let case = Case::new(&[]).with(|observed| {
        observed.base.document["containerDefinitions"][0]["image"] = pinned.clone().into();
        let running = revision(7, &pinned, "ACTIVE");
        (observed.newest, observed.running) = (Some(running.clone()), Some(running));
        observed.digests =
            BTreeMap::from([(pinned.clone(), Digest::Known { digest: OLD.to_owned(), manifest: Manifest::default() })]);
        observed.running_revision.as_mut().unwrap().container_images[0].image_digest = Some(NEW.to_owned());
    });
    assert_eq!(case.told(), "reuse web:7");
    assert_eq!(case.plan().images[0].from_digest.as_deref(), Some(OLD));
}

#[test]
fn a_tag_that_cannot_be_compared_is_said() {
    let unknown = |observed: &mut Observed| {
        observed.digests.insert(IMAGE.to_owned(), Digest::Unknown("denied".to_owned()));
    };
    insta::assert_snapshot!(Case::new(&[]).with(unknown).told(), @r"
    reuse web:7
    ! Whether these tags still name the images that the service runs is not known: `123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:v1`. Use `force-new-deployment` or digests if they were pushed again.
    ");
    assert_eq!(Case::new(&[]).with(unknown).with(|o| o.running_revision = None).plan().warnings.len(), 1);
    let forced = Case::new(&[("force-new-deployment", "true")]).with(unknown).told();
    assert!(!forced.contains('!'), "a forced deployment resolves every tag: {forced}");
}

#[test]
fn a_rollout_that_goes_on_is_followed_and_a_failed_one_is_started_again() {
    insta::assert_snapshot!(Case::new(&[]).with(rollout_is("IN_PROGRESS")).told(), @r"
    reuse web:7
    await
    ! Nothing is to be changed, but the rollout of web:7 is still in progress.
    ");
    let baking = |o: &mut Observed| {
        rollout_is("COMPLETED")(o);
        let service = o.service.as_mut().unwrap();
        service.deployment_configuration = Some(json!({ "strategy": "BLUE_GREEN" }));
        service.deployments.push(Deployment { status: "ACTIVE".to_owned(), ..Deployment::default() });
    };
    assert_eq!(Case::new(&[]).with(baking).told(), Case::new(&[]).with(rollout_is("IN_PROGRESS")).told());
    insta::assert_snapshot!(Case::new(&[]).with(rollout_is("FAILED")).told(), @r#"
    reuse web:7
    update {"cluster":"prod","service":"web","forceNewDeployment":true}
    await
    ! The last rollout of web:7 failed, so it is deployed again.
    "#);
    let not_waiting = Case::new(&[("wait-for-service-stability", "false")]).with(rollout_is("IN_PROGRESS"));
    insta::assert_snapshot!(not_waiting.told(), @r"
    reuse web:7
    ! Nothing is to be changed, but the rollout of web:7 is still in progress.
    ");
}

#[test]
fn a_service_that_has_it_all_but_its_tasks_is_not_called_fine_in_silence() {
    let crashed = |observed: &mut Observed| {
        observed.service.as_mut().unwrap().running_count = 0;
    };
    insta::assert_snapshot!(Case::new(&[]).with(crashed).told(), @r"
    reuse web:7
    ! Nothing is to be changed, but only 0 of 2 tasks of `web` run: read the service's events.
    ");
}

#[test]
fn an_image_tells_its_size_and_age_where_they_are_known() {
    let stored = StoredImage { size: Some(28_412_345), pushed: Some(1_700_000_000), ..StoredImage::default() };
    let mut image = Case::new(&[]).plan().images.remove(0);
    image.describe(&BTreeMap::from([(OLD.to_owned(), stored)]));
    assert_eq!((image.from_size, image.from_pushed), (Some(28_412_345), Some(1_700_000_000)));
    assert_eq!((image.to_size, image.to_pushed), (image.from_size, image.from_pushed));
}
