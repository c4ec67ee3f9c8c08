//! GitHub's objects, whole: its description demands many fields, and typed clients refuse an object without them.

use serde_json::{Value, json};

use super::{Comment, Deployment, DeploymentStatus, Pull};
use crate::sim::clock::iso;
use crate::sim::world::World;

fn api(world: &World) -> String {
    format!("{}/github", world.url)
}

fn html(world: &World) -> String {
    format!("https://github.com/{}", world.github.repository)
}

/// A number that is the same for the same name.
fn number(name: &str) -> u64 {
    name.bytes().fold(7_919, |sum, byte| (sum * 31 + u64::from(byte)) % 90_000_000) + 1_000
}

/// A user or bot.
fn user(world: &World, login: &str, kind: &str) -> Value {
    let path = login.trim_end_matches("[bot]");
    let url = format!("{}/users/{}", api(world), login.replace('[', "%5B").replace(']', "%5D"));
    let page =
        if kind == "Bot" { format!("https://github.com/apps/{path}") } else { format!("https://github.com/{path}") };
    let id = number(login);
    json!({
        "login": login, "id": id, "node_id": format!("MDQ6VXNlcg{id}"), "avatar_url": format!("https://avatars.githubusercontent.com/in/{id}?v=4"),
        "gravatar_id": "", "url": url, "html_url": page,
        "followers_url": format!("{url}/followers"), "following_url": format!("{url}/following{{/other_user}}"),
        "gists_url": format!("{url}/gists{{/gist_id}}"), "starred_url": format!("{url}/starred{{/owner}}{{/repo}}"),
        "subscriptions_url": format!("{url}/subscriptions"), "organizations_url": format!("{url}/orgs"),
        "repos_url": format!("{url}/repos"), "events_url": format!("{url}/events{{/privacy}}"),
        "received_events_url": format!("{url}/received_events"), "type": kind, "user_view_type": "public", "site_admin": false,
    })
}

/// The person a token belongs to, as `GET /user` tells.
pub(super) fn person(world: &World) -> Value {
    let mut person = user(world, &world.github.login, "User");
    if let Some(person) = person.as_object_mut() {
        for name in ["name", "company", "location", "email", "hireable", "bio"] {
            person.insert(name.into(), Value::Null);
        }
        for name in ["public_repos", "public_gists", "followers", "following"] {
            person.insert(name.into(), json!(0));
        }
        for name in ["created_at", "updated_at"] {
            person.insert(name.into(), json!("2018-07-30T09:30:17Z"));
        }
        person.insert("blog".into(), json!(""));
    }
    person
}

/// A comment.
pub(super) fn comment(world: &World, comment: &Comment) -> Value {
    let repository = format!("{}/repos/{}", api(world), world.github.repository);
    let url = format!("{repository}/issues/comments/{}", comment.id);
    let reactions = json!({
        "url": format!("{url}/reactions"), "total_count": 0, "+1": 0, "-1": 0, "laugh": 0, "hooray": 0, "confused": 0,
        "heart": 0, "rocket": 0, "eyes": 0,
    });
    json!({
        "url": url, "html_url": format!("{}/pull/{}#issuecomment-{}", html(world), comment.issue, comment.id),
        "issue_url": format!("{repository}/issues/{}", comment.issue), "id": comment.id,
        "node_id": format!("IC_kwDOA{}", comment.id), "user": user(world, &comment.login, &comment.kind),
        "created_at": iso(comment.created), "updated_at": iso(comment.updated),
        "author_association": if comment.kind == "Bot" { "NONE" } else { "MEMBER" }, "body": comment.body,
        "reactions": reactions, "performed_via_github_app": null,
    })
}

/// A deployment.
pub(super) fn deployment(world: &World, deployment: &Deployment) -> Value {
    let repository = format!("{}/repos/{}", api(world), world.github.repository);
    let url = format!("{repository}/deployments/{}", deployment.id);
    let updated = deployment.statuses.last().map_or(deployment.created, |status| status.created);
    json!({
        "url": url, "id": deployment.id, "node_id": format!("DE_kwDOA{}", deployment.id), "sha": deployment.sha,
        "ref": deployment.git_ref, "task": "deploy", "payload": deployment.payload,
        "original_environment": deployment.environment, "environment": deployment.environment,
        "description": deployment.description, "creator": user(world, &deployment.login, kind(&deployment.login)),
        "created_at": iso(deployment.created), "updated_at": iso(updated), "statuses_url": format!("{url}/statuses"),
        "repository_url": repository, "transient_environment": false,
        "production_environment": deployment.environment == "production", "performed_via_github_app": null,
    })
}

/// A status of a deployment.
pub(super) fn deployment_status(world: &World, deployment: &Deployment, status: &DeploymentStatus) -> Value {
    let repository = format!("{}/repos/{}", api(world), world.github.repository);
    let url = format!("{repository}/deployments/{}", deployment.id);
    json!({
        "url": format!("{url}/statuses/{}", status.id), "id": status.id, "node_id": format!("DES_kwDOA{}", status.id),
        "state": status.state, "creator": user(world, &status.login, kind(&status.login)),
        "description": status.description, "environment": deployment.environment, "target_url": status.log_url,
        "created_at": iso(status.created), "updated_at": iso(status.created), "deployment_url": url,
        "repository_url": repository, "environment_url": status.environment_url, "log_url": status.log_url,
        "performed_via_github_app": null,
    })
}

fn kind(login: &str) -> &'static str {
    if login.ends_with("[bot]") { "Bot" } else { "User" }
}

/// A pull request; `whole`: with the counts that only a single one has.
pub(super) fn pull(world: &World, pull: &Pull, whole: bool) -> Value {
    let repository = format!("{}/repos/{}", api(world), world.github.repository);
    let (url, issue) = (format!("{repository}/pulls/{}", pull.number), format!("{repository}/issues/{}", pull.number));
    let page = format!("{}/pull/{}", html(world), pull.number);
    let statuses = format!("{repository}/statuses/{}", pull.head_sha);
    let link = |href: &str| json!({"href": href});
    let merged = pull.merged_as.as_ref().map(|_| "2026-11-20T10:00:00Z");
    let mut shown = json!({
        "url": url, "id": 1_000_000 + pull.number, "node_id": format!("PR_kwDOA{}", pull.number), "html_url": page,
        "diff_url": format!("{page}.diff"), "patch_url": format!("{page}.patch"), "issue_url": issue, "number": pull.number,
        "state": if pull.open { "open" } else { "closed" }, "locked": false, "title": pull.title,
        "user": user(world, "octocat", "User"), "body": "Checkout is faster.", "created_at": "2026-11-19T09:00:00Z",
        "updated_at": "2026-11-20T09:00:00Z", "closed_at": if pull.open { None } else { Some("2026-11-20T10:00:00Z") },
        "merged_at": merged, "merge_commit_sha": pull.merged_as, "assignee": null, "assignees": [],
        "requested_reviewers": [], "requested_teams": [], "labels": [], "milestone": null, "draft": false,
        "commits_url": format!("{url}/commits"), "review_comments_url": format!("{url}/comments"),
        "review_comment_url": format!("{repository}/pulls/comments{{/number}}"), "comments_url": format!("{issue}/comments"),
        "statuses_url": statuses, "head": branch(world, &pull.head_ref, &pull.head_sha),
        "base": branch(world, &pull.base_ref, "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"),
        "_links": {
            "self": link(&url), "html": link(&page), "issue": link(&issue), "comments": link(&format!("{issue}/comments")),
            "review_comments": link(&format!("{url}/comments")), "review_comment": link(&format!("{repository}/pulls/comments{{/number}}")),
            "commits": link(&format!("{url}/commits")), "statuses": link(&statuses),
        },
        "author_association": "MEMBER", "auto_merge": null, "active_lock_reason": null,
    });
    if let (true, Some(shown)) = (whole, shown.as_object_mut()) {
        let comments = world.github.comments.iter().filter(|comment| comment.issue == pull.number).count();
        for (name, value) in [
            ("merged", json!(pull.merged_as.is_some())),
            ("mergeable", json!(true)),
            ("rebaseable", json!(true)),
            ("mergeable_state", json!("clean")),
            ("merged_by", Value::Null),
            ("comments", json!(comments)),
            ("review_comments", json!(0)),
            ("maintainer_can_modify", json!(false)),
            ("commits", json!(2)),
            ("additions", json!(40)),
            ("deletions", json!(12)),
            ("changed_files", json!(3)),
        ] {
            shown.insert(name.into(), value);
        }
    }
    shown
}

fn branch(world: &World, name: &str, sha: &str) -> Value {
    let owner = world.github.owner();
    json!({"label": format!("{owner}:{name}"), "ref": name, "sha": sha, "user": user(world, owner, "Organization"), "repo": repository(world)})
}

/// The repository, with every address of its parts.
fn repository(world: &World) -> Value {
    const PARTS: [(&str, &str); 37] = [
        ("archive_url", "/{archive_format}{/ref}"),
        ("assignees_url", "/assignees{/user}"),
        ("blobs_url", "/git/blobs{/sha}"),
        ("branches_url", "/branches{/branch}"),
        ("collaborators_url", "/collaborators{/collaborator}"),
        ("comments_url", "/comments{/number}"),
        ("commits_url", "/commits{/sha}"),
        ("compare_url", "/compare/{base}...{head}"),
        ("contents_url", "/contents/{+path}"),
        ("contributors_url", "/contributors"),
        ("deployments_url", "/deployments"),
        ("downloads_url", "/downloads"),
        ("events_url", "/events"),
        ("forks_url", "/forks"),
        ("git_commits_url", "/git/commits{/sha}"),
        ("git_refs_url", "/git/refs{/sha}"),
        ("git_tags_url", "/git/tags{/sha}"),
        ("hooks_url", "/hooks"),
        ("issue_comment_url", "/issues/comments{/number}"),
        ("issue_events_url", "/issues/events{/number}"),
        ("issues_url", "/issues{/number}"),
        ("keys_url", "/keys{/key_id}"),
        ("labels_url", "/labels{/name}"),
        ("languages_url", "/languages"),
        ("merges_url", "/merges"),
        ("milestones_url", "/milestones{/number}"),
        ("notifications_url", "/notifications{?since,all,participating}"),
        ("pulls_url", "/pulls{/number}"),
        ("releases_url", "/releases{/id}"),
        ("stargazers_url", "/stargazers"),
        ("statuses_url", "/statuses/{sha}"),
        ("subscribers_url", "/subscribers"),
        ("subscription_url", "/subscription"),
        ("tags_url", "/tags"),
        ("teams_url", "/teams"),
        ("trees_url", "/git/trees{/sha}"),
        ("url", ""),
    ];
    let (full, owner) = (&world.github.repository, world.github.owner());
    let (name, url, page) =
        (full.rsplit('/').next().unwrap_or_default(), format!("{}/repos/{full}", api(world)), html(world));
    let mut shown = json!({
        "id": number(full), "node_id": format!("R_kgDO{}", number(full)), "name": name, "full_name": full, "private": true,
        "owner": user(world, owner, "Organization"), "html_url": page, "description": "The shop", "fork": false,
        "clone_url": format!("{page}.git"), "git_url": format!("git://github.com/{full}.git"), "ssh_url": format!("git@github.com:{full}.git"),
        "svn_url": page, "mirror_url": null, "homepage": null, "language": "Rust", "license": null, "default_branch": "main",
        "forks": 0, "forks_count": 0, "stargazers_count": 3, "watchers_count": 3, "watchers": 3, "size": 812, "open_issues": 1,
        "open_issues_count": 1, "has_issues": true, "has_projects": true, "has_wiki": false, "has_pages": false,
        "has_downloads": true, "has_discussions": false, "archived": false, "disabled": false, "visibility": "private",
        "pushed_at": "2026-11-20T09:00:00Z", "created_at": "2023-02-01T09:00:00Z", "updated_at": "2026-11-20T09:00:00Z",
    });
    if let Some(shown) = shown.as_object_mut() {
        for (name, path) in PARTS {
            shown.insert(name.into(), format!("{url}{path}").into());
        }
    }
    shown
}
