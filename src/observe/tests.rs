//! What is read before the first write, against the stage.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ffi::OsString;

use serde_json::json;

use super::*;
use crate::aws::tests::wire;
use crate::inputs::Asked;
use crate::inputs::runner::Runner;
use crate::sim::{Sim, Trick, World};

fn inputs(given: &[(&str, &str)]) -> Inputs {
    let given = [("aws-region", "eu-central-1"), ("cluster", "prod")].iter().chain(given);
    let given: BTreeMap<&str, &str> = given.copied().collect();
    let given = given.into_iter().map(|(name, value)| (name.to_owned(), OsString::from(value)));
    crate::inputs::parse(&Asked::new(given, Runner::default())).unwrap().0
}

/// What was observed, and which reads it took.
async fn look(world: World, given: &[(&str, &str)], file: Option<Base>) -> (Result<Observed, Error>, Vec<String>) {
    let sim = Sim::start(world.with_keys("AKIDEXAMPLE", "secret")).await.unwrap();
    let aws = wire::aws(sim.url()).await;
    let observed = observe(&inputs(given), file, &Runner::default(), &aws).await;
    assert!(sim.writes().is_empty());
    (observed, sim.calls().into_iter().map(|call| call.operation).collect())
}

async fn error(world: World, given: &[(&str, &str)]) -> String {
    Box::pin(look(world, given, None)).await.0.unwrap_err().to_string()
}

#[tokio::test]
async fn a_service_that_is_not_there_is_told_what_there_is() {
    let missing = [("service", "wep")];
    insta::assert_snapshot!(error(World::default(), &missing).await);
    insta::assert_snapshot!(error(World::default().denied("ListServices"), &missing).await);
}

#[tokio::test]
async fn a_cluster_that_is_not_there_is_told_what_there_is() {
    let missing = [("service", "web"), ("cluster", "production")];
    insta::assert_snapshot!(error(World::default().with_cluster("staging"), &missing).await);
    insta::assert_snapshot!(error(World::default().denied("ListClusters"), &missing).await);
}

#[tokio::test]
async fn everything_is_read_in_few_calls() {
    let (observed, calls) = look(World::default(), &[("service", "web"), ("image", "web:v2")], None).await;
    let observed = observed.unwrap();
    assert_eq!(observed.running.as_ref().map(|running| running.arn.clone()), Some(observed.base.origin.clone()));
    assert!(observed.newest.is_some());
    assert!(observed.running_revision.unwrap().container_images.iter().all(|image| image.image_digest.is_some()));
    assert!(calls.len() <= 5, "{calls:?}");

    let document = json!({ "family": "web", "containerDefinitions": [{ "name": "web", "image": "web:v2" }] });
    let file = Base { document, origin: "web.json".to_owned(), text: None };
    let given = [("service", "web"), ("task-definition", "web.json")];
    let (observed, calls) = look(World::default(), &given, Some(file)).await;
    let observed = observed.unwrap();
    assert!(observed.running.is_some() && observed.newest.is_some());
    assert!(calls.len() <= 5, "{calls:?}");

    let (observed, calls) = look(World::default(), &[("task-definition-family", "web")], None).await;
    let observed = observed.unwrap();
    assert!(observed.service.is_none() && observed.running.is_none() && observed.newest.is_some());
    assert_eq!(calls.iter().filter(|call| *call == "DescribeTaskDefinition").count(), 1, "{calls:?}");
}

#[tokio::test]
async fn a_family_that_nobody_registered_yet_is_no_error() {
    let document = json!({ "family": "brand-new", "containerDefinitions": [{ "name": "web", "image": "web:v2" }] });
    let file = Base { document, origin: "new.json".to_owned(), text: None };
    let given = [("service", "web"), ("task-definition", "new.json")];
    let observed = look(World::default(), &given, Some(file)).await.0.unwrap();
    assert_eq!(observed.newest, None);
    assert_eq!(observed.warnings, [""; 0]);
}

#[tokio::test]
async fn what_only_adorns_the_report_is_left_out_when_it_cannot_be_read() {
    let given = [("service", "web")];
    let denied = World::default().denied("DescribeServiceRevisions");
    let observed = look(denied, &given, None).await.0.unwrap();
    assert_eq!(observed.running_revision, None);
    assert!(observed.warnings.iter().any(|warning| warning.contains("ecs:DescribeServiceRevisions")));

    let missing = World::default().fault("DescribeServiceRevisions", u32::MAX, Trick::Html(500));
    let observed = look(missing, &given, None).await.0.unwrap();
    assert_eq!((observed.running_revision, observed.warnings), (None, Vec::new()));
}
