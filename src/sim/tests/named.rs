//! What a task definition names: found by AWS's own rules, and refused in AWS's own words.

use super::*;

const DATABASE: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop/database-AbCdEf";

#[tokio::test]
async fn a_secret_is_found_by_its_name_and_its_arn_with_or_without_the_end() {
    let story = Story::new();
    let found = async |id: &str| {
        let (status, answer) =
            story.aws("secretsmanager.DescribeSecret", "secretsmanager", json!({"SecretId": id})).await;
        if status == 200 { answer["ARN"].clone() } else { answer["__type"].clone() }
    };
    for id in [DATABASE, "shop/database", DATABASE.trim_end_matches("-AbCdEf")] {
        assert_eq!(found(id).await, DATABASE, "{id}");
    }
    for id in ["shop/data", "shop/database-AbCdEf", &DATABASE.replace("eu-central-1", "us-east-1")] {
        assert_eq!(found(id).await, "ResourceNotFoundException", "{id}");
    }
}

#[tokio::test]
async fn parameters_are_filtered_and_come_in_pages() {
    let names: Vec<String> = (0..55).map(|n| format!("/shop/p{n:02}")).collect();
    let world = names.iter().fold(World::default(), |world, name| world.with_parameter("eu-central-1", name));
    let story = Story::of(world);
    let ask = async |input: Value| story.aws("AmazonSSM.DescribeParameters", "ssm", input).await.1;
    let by = |values: &[String]| json!([{"Key": "Name", "Option": "Equals", "Values": values}]);
    let some = ask(json!({"ParameterFilters": by(&["/shop/p01".into(), "/shop/absent".into()])})).await;
    assert_eq!(some["Parameters"].as_array().unwrap().len(), 1);
    assert_eq!(some["Parameters"][0]["ARN"], "arn:aws:ssm:eu-central-1:123456789012:parameter/shop/p01");
    let first = ask(json!({"MaxResults": 50})).await;
    let rest = ask(json!({"MaxResults": 50, "NextToken": first["NextToken"]})).await;
    assert_eq!((first["Parameters"].as_array().unwrap().len(), rest["Parameters"].as_array().unwrap().len()), (50, 5));
    assert_eq!(rest.get("NextToken"), None);
    assert_eq!(ask(json!({"ParameterFilters": by(&names)})).await["__type"], "ValidationException");
}

#[tokio::test]
async fn log_groups_that_begin_so_come_sorted() {
    let world = World::default().with_log_group("eu-central-1", "/ecs/web-2").with_log_group("us-east-1", "/ecs/web-1");
    let story = Story::of(world);
    let input = json!({"logGroupNamePrefix": "/ecs/w"});
    let answer = story.aws("Logs_20140328.DescribeLogGroups", "logs", input).await.1;
    let groups: Vec<&Value> =
        answer["logGroups"].as_array().unwrap().iter().map(|group| &group["logGroupName"]).collect();
    assert_eq!(groups, ["/ecs/web", "/ecs/web-2"]);
}
