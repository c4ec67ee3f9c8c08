//! What a task definition names outside ECS: a world in which its tasks can start has all of it.

use serde_json::Value;

use super::roles::trusting;
use super::wire::{list, text};
use super::world::World;

impl World {
    /// The same world with every secret, parameter, log group and role that the definition names.
    #[must_use]
    pub fn with_what_is_named(mut self, definition: &Value) -> Self {
        self.add_what_is_named(definition);
        self
    }

    /// The same, in the middle of a story.
    pub fn add_what_is_named(&mut self, definition: &Value) {
        for key in ["taskRoleArn", "executionRoleArn"] {
            if let Some(role) = text(definition, key).filter(|role| !role.is_empty()) {
                self.add_role(role, trusting("ecs-tasks.amazonaws.com"));
            }
        }
        for container in list(definition, "containerDefinitions") {
            let log = container.get("logConfiguration").unwrap_or(&Value::Null);
            let secrets = list(container, "secrets").iter().chain(list(log, "secretOptions"));
            for value_from in secrets.filter_map(|secret| text(secret, "valueFrom")) {
                self.add_secret_or_parameter(value_from);
            }
            let credentials = container.get("repositoryCredentials").and_then(|it| text(it, "credentialsParameter"));
            if let Some(named) = credentials.filter(|named| !named.is_empty()) {
                let arn = self.arn("secretsmanager", &format!("secret:{named}"));
                self.add_secret(&with_suffix(if named.starts_with("arn:") { named } else { &arn }));
            }
            let option = |name: &str| log.get("options").and_then(|options| text(options, name));
            if let (Some("awslogs"), Some(group)) = (text(log, "logDriver"), option("awslogs-group")) {
                let region = option("awslogs-region").unwrap_or(&self.region).to_owned();
                self.logs.groups.insert((region, group.into()));
            }
        }
    }

    fn add_secret_or_parameter(&mut self, value_from: &str) {
        let parts: Vec<&str> = value_from.split(':').collect();
        match parts.as_slice() {
            [] | [""] => {}
            ["arn", _, "secretsmanager", ..] => {
                let arn = parts.iter().take(7).copied().collect::<Vec<_>>().join(":");
                self.add_secret(&with_suffix(&arn));
            }
            ["arn", _, "ssm", region, _, parameter, ..] => {
                let name = parameter.trim_start_matches("parameter");
                let is_path = name.matches('/').count() > 1;
                let name = if is_path { name } else { name.trim_start_matches('/') };
                self.secrets.parameters.insert(((*region).to_owned(), name.to_owned()));
            }
            [name, ..] => {
                self.secrets.parameters.insert((self.region.clone(), (*name).to_owned()));
            }
        }
    }
}

/// The ARN as Secrets Manager made it, where the definition leaves its end out.
fn with_suffix(arn: &str) -> String {
    let ends =
        arn.rsplit_once('-').is_some_and(|(_, end)| end.len() == 6 && end.chars().all(|c| c.is_ascii_alphanumeric()));
    if ends { arn.to_owned() } else { format!("{arn}-AbCdEf") }
}
