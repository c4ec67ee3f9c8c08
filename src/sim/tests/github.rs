//! Comments and pull requests.

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
