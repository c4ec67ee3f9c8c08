//! Comments, pull requests and deployments.

use super::*;

#[tokio::test]
async fn comments_are_written_edited_paged_and_deleted() {
    let story = Story::new();
    let comments = "/github/repos/octo-org/shop/issues/12/comments";
    for _ in 0..3 {
        assert_eq!(answered(story.github("POST", comments, json!({"body": "hello"})).await).0.status, 201);
    }
    lock(&story.0).github.comment(12, "mine", "octocat", 0.0);
    let (answer, first) = answered(story.github("GET", &format!("{comments}?per_page=3"), Value::Null).await);
    assert_eq!((first.as_array().unwrap().len(), &first[0]["user"]["type"]), (3, &json!("Bot")));
    let link = answer.headers.iter().find(|(name, _)| name == "link").unwrap().1.clone();
    assert!(link.contains("?per_page=3&page=2>; rel=\"next\""), "{link}");
    let (_, second) = answered(story.github("GET", &format!("{comments}?per_page=3&page=2"), Value::Null).await);
    assert_eq!(second[0]["user"]["login"], "octocat");
    let one = |id: &Value| format!("/github/repos/octo-org/shop/issues/comments/{id}");
    let edited = answered(story.github("PATCH", &one(&first[0]["id"]), json!({"body": "new"})).await).1;
    assert_eq!(edited["body"], "new");
    assert_eq!(answered(story.github("PATCH", &one(&second[0]["id"]), json!({"body": "x"})).await).0.status, 403);
    assert_eq!(answered(story.github("DELETE", &one(&first[0]["id"]), Value::Null).await).0.status, 204);
    assert_eq!(answered(story.github("PATCH", &one(&first[0]["id"]), json!({"body": "x"})).await).0.status, 404);
    assert_eq!(answered(story.github("POST", comments, json!({"body": "x".repeat(65_537)})).await).0.status, 422);
    assert_eq!(lock(&story.0).ledger.unknown(), Vec::<String>::new());
}

#[tokio::test]
async fn pull_requests_are_found_by_commit_and_github_can_refuse() {
    let story = Story::new();
    let path = "/api/v3/repos/octo-org/shop/commits/4f1c6f3f4a1b2c3d4e5f60718293a4b5c6d7e8f9/pulls";
    assert_eq!(answered(story.github("GET", path, Value::Null).await).1[0]["number"], 12);
    assert_eq!(
        answered(story.github("GET", "/github/repos/octo-org/shop/pulls/12", Value::Null).await).1["mergeable_state"],
        "clean"
    );
    lock(&story.0).faults.push(Fault {
        operation: "issues/create-comment".into(),
        skip: 0,
        times: 1,
        trick: Trick::NotAccessible,
    });
    let (answer, body) =
        answered(story.github("POST", "/github/repos/octo-org/shop/issues/12/comments", json!({"body": "x"})).await);
    assert_eq!((answer.status, &body["message"]), (403, &json!("Resource not accessible by integration")));
    story.github("GET", "/github/rate_limit", Value::Null).await;
    assert_eq!(lock(&story.0).ledger.unknown(), ["github:GET /rate_limit"]);
}

#[tokio::test]
async fn a_deployment_wants_no_merge_and_no_checks_and_retires_what_served_before() {
    let story = Story::new();
    let (deployments, sha) = ("/github/repos/octo-org/shop/deployments", lock(&story.0).github.sha.clone());
    let careless = answered(story.github("POST", deployments, json!({"ref": sha})).await);
    assert_eq!((careless.0.status, careless.1.get("id")), (202, None));
    let checked = json!({"ref": sha, "auto_merge": false});
    assert_eq!(answered(story.github("POST", deployments, checked).await).0.status, 409);
    let unknown = json!({"ref": "nowhere", "auto_merge": false, "required_contexts": []});
    assert_eq!(answered(story.github("POST", deployments, unknown).await).0.status, 422);
    let wanted = json!({"ref": sha, "auto_merge": false, "required_contexts": [], "environment": "staging", "payload": {"a": 1}});
    let mut ids = Vec::new();
    for _ in 0..2 {
        let (answer, made) = answered(story.github("POST", deployments, wanted.clone()).await);
        assert_eq!((answer.status, &made["payload"]), (201, &json!({"a": 1})));
        let statuses = format!("{deployments}/{}/statuses", made["id"]);
        for (status, wanted) in [
            (422, json!({"state": "done"})),
            (422, json!({"state": "success", "description": "x".repeat(141)})),
            (422, json!({"state": "success", "environment_url": "web.example"})),
            (201, json!({"state": "success", "log_url": "https://github.com/x"})),
        ] {
            assert_eq!(answered(story.github("POST", &statuses, wanted.clone()).await).0.status, status, "{wanted}");
        }
        ids.push(made["id"].clone());
    }
    let (_, listed) = answered(story.github("GET", &format!("{deployments}?environment=staging"), Value::Null).await);
    assert_eq!([&listed[0]["id"], &listed[1]["id"]], [&ids[1], &ids[0]], "the newest first");
    let statuses = format!("{deployments}/{}/statuses?per_page=1", ids[0]);
    assert_eq!(answered(story.github("GET", &statuses, Value::Null).await).1[0]["state"], "inactive");
    let (_, others) = answered(story.github("GET", &format!("{deployments}?environment=other"), Value::Null).await);
    assert_eq!(others, json!([]));
    assert_eq!(lock(&story.0).ledger.unknown(), Vec::<String>::new());
}
