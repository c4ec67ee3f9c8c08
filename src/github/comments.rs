//! One comment on a pull request, known by its hidden marker and its author, edited in place.
//! <https://docs.github.com/en/rest/issues/comments>

use serde::Deserialize;
use serde_json::json;

use super::api::{Api, Method, Trouble};

#[derive(Debug, Clone, Deserialize)]
struct Comment {
    id: u64,
    body: Option<String>,
    user: Option<User>,
}

#[derive(Debug, Clone, Deserialize)]
struct User {
    login: String,
    #[serde(rename = "type")]
    kind: String,
}

/// Leaves exactly one comment with this marker, which says `body`; an equal one is left alone.
pub(super) async fn publish(api: &Api, number: u64, marker: &str, body: &str) -> Result<(), Trouble> {
    if let Some(known) = ours(api, number, marker).await?.first() {
        if known.says(body) {
            return Ok(());
        }
        match edit(api, known.id, body).await {
            Ok(()) => return Ok(()),
            // Somebody deleted it in between.
            Err(trouble) if trouble.status == Some(404) => {}
            Err(trouble) => return Err(trouble),
        }
    }
    let text = json!({ "body": body });
    let made = api.call(Method::Post, &format!("issues/{number}/comments"), Some(&text)).await?;
    let made = made.get("id").and_then(serde_json::Value::as_u64);
    // Another run may have written one at the same moment: the older stays and says what we had to say.
    match (ours(api, number, marker).await?.first(), made) {
        (Some(oldest), Some(made)) if oldest.id < made => {
            edit(api, oldest.id, body).await?;
            api.call(Method::Delete, &format!("issues/comments/{made}"), None::<&()>).await?;
        }
        _ => {}
    }
    Ok(())
}

/// Our comments with the marker, oldest first. The author counts: anyone can paste a marker.
async fn ours(api: &Api, number: u64, marker: &str) -> Result<Vec<Comment>, Trouble> {
    let mut found: Vec<Comment> = api.list(&format!("issues/{number}/comments")).await?;
    found.retain(|comment| comment.body.as_deref().is_some_and(|body| body.starts_with(marker)));
    found.sort_by_key(|comment| comment.id);
    let by_person = |comment: &Comment| comment.user.as_ref().is_some_and(|user| user.kind != "Bot");
    // Only the token of a person, not that of a job, may ask who it is: ask only when it matters.
    let me = if found.iter().any(by_person) { api.login().await } else { None };
    found.retain(|comment| {
        let author = comment.user.as_ref();
        author.is_some_and(|user| user.kind == "Bot" || me.as_deref() == Some(user.login.as_str()))
    });
    Ok(found)
}

async fn edit(api: &Api, id: u64, body: &str) -> Result<(), Trouble> {
    let text = json!({ "body": body });
    api.call(Method::Patch, &format!("issues/comments/{id}"), Some(&text)).await.map(|_| ())
}

impl Comment {
    fn says(&self, body: &str) -> bool {
        self.body.as_deref().is_some_and(|said| said.trim_end() == body.trim_end())
    }
}
