//! Services that ECS does not deploy by itself.

use super::*;
use crate::sim::ecs::{External, task_sets};

fn of(service: Service) -> Story {
    Story::of(World::default().with_service(service, "web:7"))
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskSet.html>
#[tokio::test]
async fn under_codedeploy_a_service_has_task_sets_and_no_deployments() {
    let story = of(Service::code_deploy("prod", "web", 2));
    let service = story.service().await;
    assert_eq!(service["deployments"], json!([]));
    assert_eq!(service.get("currentServiceDeployment"), None);
    let sets = service["taskSets"].as_array().unwrap();
    assert_eq!(sets.len(), 1);
    assert_eq!((&sets[0]["status"], &sets[0]["startedBy"]), (&json!("PRIMARY"), &json!("CODE_DEPLOY")));
    assert_eq!((&sets[0]["runningCount"], &sets[0]["stabilityStatus"]), (&json!(2), &json!("STEADY_STATE")));
    assert!(sets[0]["externalId"].as_str().unwrap().starts_with("d-"));
    let listed = story.ecs("ListServiceDeployments", json!({"cluster": "prod", "service": "web"})).await;
    assert_eq!(listed["serviceDeployments"], json!([]));
}

#[tokio::test]
async fn a_green_task_set_comes_up_takes_over_and_the_blue_one_goes() {
    let story = of(Service::code_deploy("prod", "web", 2));
    let blue = story.service().await["taskSets"][0]["id"].as_str().unwrap().to_owned();
    let green = {
        let mut world = lock(&story.0);
        let definition = world.web_definition("v2");
        ecs::task_definitions::store(&mut world, definition, 8, json!([]));
        let external = External { id: "d-ABCDEFGHI".into(), started_by: "CODE_DEPLOY".into(), balancers: json!([]) };
        let green = task_sets::create(&mut world, "web", "web:8", external).unwrap();
        task_sets::fail(&mut world, "web", &green, &Trouble::exit(1));
        task_sets::scale(&mut world, "web", &green, 2, 0);
        green
    };
    let both = story.service().await;
    assert_eq!((&both["taskSets"][0]["id"], &both["taskSets"][1]["id"]), (&json!(blue), &json!(green)));
    assert_eq!(both["runningCount"], 4);
    let tasks = story.ecs("ListTasks", json!({"cluster": "prod", "startedBy": green})).await;
    assert_eq!(tasks["taskArns"].as_array().unwrap().len(), 2);
    {
        let mut world = lock(&story.0);
        task_sets::promote(&mut world, "web", &green);
        task_sets::remove(&mut world, "web", &blue);
    }
    let after = story.service().await;
    assert_eq!((after["taskSets"].as_array().unwrap().len(), &after["taskSets"][0]["status"]), (1, &json!("PRIMARY")));
    assert!(after["taskDefinition"].as_str().unwrap().ends_with("web:8"));
    assert_eq!(after["runningCount"], 2);
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>
#[tokio::test]
async fn other_controllers_refuse_a_task_definition_and_take_a_desired_count() {
    for (service, name) in
        [(Service::code_deploy("prod", "web", 2), "CODE_DEPLOY"), (Service::external("prod", "web", 2), "EXTERNAL")]
    {
        let story = of(service);
        let input = json!({"cluster": "prod", "service": "web", "taskDefinition": "web:6"});
        let refused = story.ecs("UpdateService", input).await;
        assert_eq!(refused["__type"], "InvalidParameterException", "{name}");
        assert!(
            refused["message"].as_str().unwrap().starts_with("Unable to update task definition on services with a")
        );
        story.ecs("UpdateService", json!({"cluster": "prod", "service": "web", "desiredCount": 3})).await;
        assert_eq!(story.service().await["taskSets"][0]["runningCount"], 3, "{name}");
    }
}

#[tokio::test]
async fn an_express_service_says_that_ecs_manages_it() {
    let story = of(Service::express("prod", "web", 2));
    assert_eq!(story.service().await["resourceManagementType"], "ECS");
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_services.html#service_scheduler_daemon>
#[tokio::test]
async fn a_daemon_service_takes_no_desired_count() {
    let story = of(Service::daemon("prod", "web", 3));
    assert_eq!(story.service().await["schedulingStrategy"], "DAEMON");
    let refused = story.ecs("UpdateService", json!({"cluster": "prod", "service": "web", "desiredCount": 3})).await;
    assert!(refused["message"].as_str().unwrap().contains("does not support a desired count for services"));
}
