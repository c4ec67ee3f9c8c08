//! Which pull request a commit belongs to.
//! <https://docs.github.com/en/rest/commits/commits#list-pull-requests-associated-with-a-commit>

use serde::Deserialize;

use super::api::{Api, Trouble};

#[derive(Debug, Deserialize)]
struct PullRequest {
    number: u64,
    state: String,
    merged_at: Option<String>,
    merge_commit_sha: Option<String>,
    head: Head,
}

#[derive(Debug, Deserialize)]
struct Head {
    sha: String,
}

/// The pull request that brought the commit, or else the open one that it is the newest commit of.
pub(super) async fn of_commit(api: &Api, sha: &str) -> Result<Option<u64>, Trouble> {
    // Anything but a commit's hash would lead elsewhere in the API.
    if sha.is_empty() || !sha.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(None);
    }
    let pulls: Vec<PullRequest> = api.list(&format!("commits/{sha}/pulls")).await?;
    Ok(choose(&pulls, sha))
}

fn choose(pulls: &[PullRequest], sha: &str) -> Option<u64> {
    let brought = |pull: &&PullRequest| pull.merged_at.is_some() && pull.merge_commit_sha.as_deref() == Some(sha);
    let newest = |pull: &&PullRequest| pull.state == "open" && pull.head.sha == sha;
    pulls.iter().find(brought).or_else(|| pulls.iter().find(newest)).map(|pull| pull.number)
}

#[cfg(test)]
mod unit {
    use super::*;

    fn pull(number: u64, state: &str, merged_as: Option<&str>, head: &str) -> PullRequest {
        PullRequest {
            number,
            state: state.to_owned(),
            merged_at: merged_as.map(|_| "2026-01-01T00:00:00Z".to_owned()),
            merge_commit_sha: merged_as.map(str::to_owned),
            head: Head { sha: head.to_owned() },
        }
    }

    #[test]
    fn the_merged_one_comes_before_the_open_one() {
        let pulls = [pull(1, "open", None, "abc"), pull(2, "closed", Some("abc"), "def")];
        assert_eq!(choose(&pulls, "abc"), Some(2));
    }

    #[test]
    fn an_open_one_counts_only_with_its_newest_commit() {
        let pulls = [pull(1, "open", None, "def"), pull(2, "closed", None, "abc"), pull(3, "open", None, "abc")];
        assert_eq!(choose(&pulls, "abc"), Some(3));
        assert_eq!(choose(&pulls, "123"), None);
    }
}
