//! What may be shown of a text that is to name a secret. Put there by mistake, it may be the secret's own value:
//! `DB_PASSWORD=${{ secrets.DB_PASSWORD }}` instead of an ARN. GitHub masks the log, and no comment and no file.

use serde_json::Value;

use super::task_definition::TaskDefinition;

/// What stands in place of what is not shown.
pub const HIDDEN: &str = "***";

/// What may be shown of the `valueFrom` of a secret: an ARN, or what may be the name of a parameter.
pub fn shown_value_from(text: &str) -> &str {
    if is_arn(text) || odd_in_parameter(text).is_none() { text } else { HIDDEN }
}

/// What may be shown of the `credentialsParameter` of a registry or a file system: an ARN, or what may be the name of a
/// secret.
pub fn shown_credentials(text: &str) -> &str {
    if is_arn(text) || odd_in_secret(text).is_none() { text } else { HIDDEN }
}

/// The first character that keeps a text from being the name of a parameter, with `:` and a version or label behind it.
/// <https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html>
/// <https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-labels.html>
pub fn odd_in_parameter(text: &str) -> Option<char> {
    match text.split_once(':') {
        Some(("", _)) => Some(':'),
        Some((name, label)) => odd(name, "_.-/").or_else(|| odd(label, "_.-")),
        None => odd(text, "_.-/"),
    }
}

/// The first character that keeps a text from being the name of a secret. AWS's own have a `!`: `rds!db-…`.
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html>
pub fn odd_in_secret(name: &str) -> Option<char> {
    odd(name, "/_+=.@-!")
}

fn odd(text: &str, marks: &str) -> Option<char> {
    text.chars().find(|c| !c.is_ascii_alphanumeric() && !marks.contains(*c))
}

fn is_arn(text: &str) -> bool {
    text.starts_with("arn:")
}

/// What stands in a task definition where a secret is to be named, and must not be shown.
pub fn misplaced(definition: &TaskDefinition) -> Vec<&str> {
    let mut found = Vec::new();
    for container in definition.containers() {
        let options = container.get("logConfiguration").and_then(|log| log.get("secretOptions"));
        for list in [container.get("secrets"), options] {
            let entries = list.and_then(Value::as_array).into_iter().flatten();
            let texts = entries.filter_map(|entry| entry.get("valueFrom")?.as_str());
            found.extend(texts.filter(|text| shown_value_from(text) == HIDDEN));
        }
        let login =
            container.get("repositoryCredentials").and_then(|login| login.get("credentialsParameter")?.as_str());
        found.extend(login.filter(|text| shown_credentials(text) == HIDDEN));
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_may_be_a_secret_itself_is_not_shown_and_a_name_is() {
        let arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop/db-AbCdEf:url::";
        for shown in [arn, "arn:${X}", "/shop/db", "shop.db_1-a", "db:3", "db:prod"] {
            assert_eq!(shown_value_from(shown), shown);
        }
        let key = "-----BEGIN KEY-----\nabc\n";
        for hidden in
            ["hunter2!", "mongodb://me:pw@db/shop", "a:b:c", ":pw", " arn:aws:ssm", "${TOKEN}", "pässword", "a=b", key]
        {
            assert_eq!(shown_value_from(hidden), HIDDEN, "{hidden}");
        }
        for shown in [arn, "dockerhub", "team/docker+hub=a@b.c", "rds!db-1"] {
            assert_eq!(shown_credentials(shown), shown);
        }
        for hidden in ["me:pw", "{\"username\":\"me\"}", "a b"] {
            assert_eq!(shown_credentials(hidden), HIDDEN, "{hidden}");
        }
    }

    #[test]
    fn what_is_misplaced_is_found_wherever_a_secret_is_named() {
        let definition = json!({"containerDefinitions": [
            {"name": "web", "secrets": [{"name": "A", "valueFrom": "/shop/a"}, {"name": "B", "valueFrom": "hunter2!"}],
             "logConfiguration": {"secretOptions": [{"name": "splunk-token", "valueFrom": "hunter3!"}]}},
            {"name": "side", "repositoryCredentials": {"credentialsParameter": "me:pw"}},
        ]});
        let definition = TaskDefinition::from_document(definition).unwrap_or(TaskDefinition(serde_json::Map::new()));
        assert_eq!(misplaced(&definition), ["hunter2!", "hunter3!", "me:pw"]);
    }
}
