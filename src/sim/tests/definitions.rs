//! Task definitions and images.

use super::*;

#[tokio::test]
async fn a_registered_definition_is_filled_in_and_keeps_what_is_unknown() {
    let story = Story::new();
    let mut definition = lock(&story.0).web_definition("v2");
    definition["brandNewField"] = json!({"a": [1, null, ""]});
    definition["cpu"] = json!("0.25 vCPU");
    definition["tags"] = json!([{"key": "team", "value": "shop"}]);
    let registered = story.ecs("RegisterTaskDefinition", definition).await;
    assert_eq!(registered["tags"], json!([{"key": "team", "value": "shop"}]));
    let stored = &registered["taskDefinition"];
    assert_eq!((&stored["revision"], &stored["status"], &stored["cpu"]), (&json!(8), &json!("ACTIVE"), &json!("256")));
    assert_eq!(stored["brandNewField"], json!({"a": [1, null, ""]}));
    let container = &stored["containerDefinitions"][0];
    assert_eq!(
        container["portMappings"][0],
        json!({"containerPort": 8080, "name": "http", "appProtocol": "http", "protocol": "tcp", "hostPort": 8080})
    );
    assert_eq!((&container["essential"], &container["healthCheck"]["retries"]), (&json!(true), &json!(3)));
    let described = story.ecs("DescribeTaskDefinition", json!({"taskDefinition": "web", "include": ["TAGS"]})).await;
    assert_eq!(described["taskDefinition"], *stored);
    assert_eq!(described["tags"][0]["key"], "team");
    let unknown = story.ecs("DescribeTaskDefinition", json!({"taskDefinition": "nobody"})).await;
    assert_eq!(unknown, json!({"__type": "ClientException", "message": "Unable to describe task definition."}));
}

#[tokio::test]
async fn a_wrong_definition_is_refused_in_ecs_words() {
    let story = Story::new();
    let good = lock(&story.0).web_definition("v2");
    let refused = async |change: fn(&mut Value)| {
        let mut definition = good.clone();
        change(&mut definition);
        story.ecs("RegisterTaskDefinition", definition).await["message"].as_str().unwrap_or("accepted").to_owned()
    };
    assert!(
        refused(|d| d["memory"] = json!("999"))
            .await
            .starts_with("No Fargate configuration exists for given values: 256 CPU, 999 memory.")
    );
    assert_eq!(refused(|d| d["containerDefinitions"] = json!([])).await, "Container list cannot be empty.");
    assert!(refused(|d| d["revision"] = json!(7)).await.contains("revision"));
    assert!(refused(|d| d["containerDefinitions"][0]["cpu"] = json!("10")).await.contains("can not be converted"));
    assert!(
        refused(|d| d["containerDefinitions"][0]["secrets"][0]["name"] = json!("LOG_LEVEL"))
            .await
            .contains("such as 'LOG_LEVEL'")
    );
    assert!(refused(|d| d["padding"] = json!("x".repeat(70_000))).await.starts_with("Actual length: '"));
    assert_eq!(lock(&story.0).ledger.writes().len(), 0);
}

#[tokio::test]
async fn images_have_digests_and_manifests() {
    let story = Story::new();
    let ask = async |operation: &str, input: Value| {
        story.aws(&format!("AmazonEC2ContainerRegistry_V20150921.{operation}"), "ecr", input).await
    };
    let index = "application/vnd.oci.image.index.v1+json";
    let input = json!({"repositoryName": "web", "imageIds": [{"imageTag": "v2"}, {"imageTag": "v9"}], "acceptedMediaTypes": [index]});
    let (status, found) = ask("BatchGetImage", input).await;
    assert_eq!((status, &found["failures"][0]["failureCode"]), (200, &json!("ImageNotFound")));
    let image = &found["images"][0];
    assert_eq!(image["imageManifestMediaType"], index);
    let manifest = image["imageManifest"].as_str().unwrap();
    assert_eq!(image["imageId"]["imageDigest"], format!("sha256:{}", signature::sha256(manifest.as_bytes())));
    let plain = ask("BatchGetImage", json!({"repositoryName": "web", "imageIds": [{"imageTag": "v2"}], "acceptedMediaTypes": ["application/vnd.oci.image.manifest.v1+json"]})).await.1;
    assert_ne!(plain["images"][0]["imageId"]["imageDigest"], image["imageId"]["imageDigest"]);
    let described = ask("DescribeImages", json!({"repositoryName": "web", "imageIds": [{"imageTag": "v1"}]})).await.1;
    assert_eq!(described["imageDetails"][0]["imageTags"], json!(["v1"]));
    assert_eq!(
        ask("DescribeImages", json!({"repositoryName": "web", "imageIds": [{"imageTag": "v9"}]})).await.1["__type"],
        "ImageNotFoundException"
    );
    assert_eq!(
        ask("BatchGetImage", json!({"repositoryName": "api", "imageIds": [{"imageTag": "v1"}]})).await.1["__type"],
        "RepositoryNotFoundException"
    );
}
