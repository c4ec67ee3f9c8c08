//! Everything that is true on stage, and the builders a story sets it up with.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::clock::{Calendar, Clock};
use super::cloudwatch::Alarm;
use super::codedeploy::{self, CodeDeploy, Course};
use super::ec2::{self, Subnet};
use super::ecr::Repository;
use super::ecs::{Cluster, Ecs, Service, beginnings, task_definitions};
use super::elbv2::LoadBalancing;
use super::faults::{Fault, Trick};
use super::github::{GitHub, Pull};
use super::identity::{Identity, Key, Role};
use super::ledger::Ledger;
use super::logs::Logs;
use super::random::Dice;
use super::registry::Registry;
use super::roles::Roles;
use super::rollout::Rollout;
use super::secrets::Secrets;

/// The whole pretend world. Every field may be changed, before a run and in the middle of it.
#[derive(Debug)]
pub struct World {
    /// The AWS account.
    pub account: String,
    /// The region of everything but some log groups, secrets and parameters.
    pub region: String,
    /// Where the stage listens; set when it starts.
    pub url: String,
    /// What makes rollouts move.
    pub clock: Clock,
    /// The time of day.
    pub calendar: Calendar,
    /// Roles, keys, web tokens.
    pub identity: Identity,
    /// Clusters, services, task definitions, tasks.
    pub ecs: Ecs,
    /// Deployment groups, and deployments of services that `CodeDeploy` moves.
    pub code_deploy: CodeDeploy,
    /// Image repositories by name; those of other accounts and regions by `<account>.dkr.ecr.<region>.amazonaws.com/<name>`.
    pub ecr: BTreeMap<String, Repository>,
    /// Pull-through caches: prefix, and the registry behind it.
    pub caches: Vec<(String, String)>,
    /// Images outside of ECR.
    pub registry: Registry,
    /// Log groups, and what tasks wrote.
    pub logs: Logs,
    /// Target groups.
    pub load_balancing: LoadBalancing,
    /// Alarms.
    pub alarms: Vec<Alarm>,
    /// Subnets.
    pub subnets: Vec<Subnet>,
    /// Secrets and parameters.
    pub secrets: Secrets,
    /// The roles that tasks run with.
    pub roles: Roles,
    /// The repository on GitHub.
    pub github: GitHub,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// The statements of the role's policies; none: everything is allowed.
    pub allowed: Option<Vec<Value>>,
    /// Every call so far.
    pub ledger: Ledger,
    /// Where names come from.
    pub dice: Dice,
    /// Values a story declares secret.
    pub declared_secrets: Vec<String>,
}

impl Default for World {
    /// Account 123456789012 in eu-central-1: role `deploy`, cluster `prod` with service `web` running `web:7` twice, and
    /// what that names; image repository `web` with tags `v0` to `v2`, and octo-org/shop with the open pull request 12.
    fn default() -> Self {
        let mut world = Self {
            account: "123456789012".into(),
            region: "eu-central-1".into(),
            url: String::new(),
            clock: Clock::Requests,
            calendar: Calendar::default(),
            identity: identity(),
            ecs: Ecs::default(),
            code_deploy: CodeDeploy::default(),
            ecr: BTreeMap::new(),
            caches: Vec::new(),
            registry: Registry::default(),
            logs: Logs::default(),
            load_balancing: LoadBalancing::default(),
            alarms: Vec::new(),
            subnets: ec2::usual(),
            secrets: Secrets::default(),
            roles: Roles::default(),
            github: GitHub::default(),
            faults: Vec::new(),
            allowed: None,
            ledger: Ledger::default(),
            dice: Dice::new(1),
            declared_secrets: Vec::new(),
        };
        world.github.pulls.push(Pull::open(12, "feature/faster-checkout", "4f1c6f3f4a1b2c3d4e5f60718293a4b5c6d7e8f9"));
        let definition = world.web_definition("v1");
        world.add_what_is_named(&definition);
        let pushed = world.now() - 86_400.0;
        let repository = world.ecr.entry("web".into()).or_default();
        repository.push("v0", &["amd64", "arm64"], pushed - 80_000.0);
        repository.push("v1", &["amd64", "arm64"], pushed);
        repository.push("v2", &["amd64", "arm64"], pushed + 80_000.0);
        world.ecs.clusters.push(Cluster { name: "prod".into() });
        for revision in 6..=7 {
            let document = world.web_definition(if revision == 6 { "v0" } else { "v1" });
            task_definitions::store(&mut world, document, revision, json!([]));
        }
        world.with_service(Service::running("prod", "web", 2), "web:7")
    }
}

fn identity() -> Identity {
    Identity {
        roles: vec![Role::trusting("arn:aws:iam::123456789012:role/deploy", "repo:octo-org/shop:ref:refs/heads/main")],
        keys: Vec::new(),
        tokens: Vec::new(),
        provider: true,
        request_token: "sim-request-token".into(),
        issuer: "https://token.actions.githubusercontent.com".into(),
        subject: "repo:octo-org/shop:ref:refs/heads/main".into(),
        claims: Map::new(),
        token_lifetime: 300,
        session_override: None,
        verify_signatures: true,
    }
}

impl World {
    /// Seconds since 1970 on the stage's clock.
    #[must_use]
    pub fn now(&self) -> f64 {
        self.calendar.now()
    }

    /// An ARN of this account and region.
    #[must_use]
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{resource}", self.region, self.account)
    }

    /// The image of a tag in this account's registry.
    #[must_use]
    pub fn image(&self, repository: &str, tag: &str) -> String {
        format!("{}.dkr.ecr.{}.amazonaws.com/{repository}:{tag}", self.account, self.region)
    }

    /// Every secret there is, longest first, so that blotting one out never leaves half of another.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        let mut secrets = self.declared_secrets.clone();
        secrets.extend([self.identity.request_token.clone(), self.github.token.clone()]);
        secrets.extend(self.identity.tokens.iter().map(|issued| issued.token.clone()));
        for key in &self.identity.keys {
            secrets.extend([key.id.clone(), key.secret.clone()]);
            secrets.extend(key.session.clone());
        }
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets
    }

    /// A realistic definition of `web` with the image of this tag.
    #[must_use]
    pub fn web_definition(&self, tag: &str) -> Value {
        json!({
            "family": "web",
            "taskRoleArn": format!("arn:aws:iam::{}:role/web-task", self.account),
            "executionRoleArn": format!("arn:aws:iam::{}:role/web-execution", self.account),
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "cpu": "256",
            "memory": "512",
            "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
            "containerDefinitions": [{
                "name": "web",
                "image": self.image("web", tag),
                "portMappings": [{"containerPort": 8080, "name": "http", "appProtocol": "http"}],
                "environment": [{"name": "LOG_LEVEL", "value": "info"}, {"name": "QUEUE_URL", "value": "https://queue.example/a=b"}],
                "secrets": [{"name": "DATABASE_URL", "valueFrom": self.arn("secretsmanager", "secret:shop/database-AbCdEf:url::")}],
                "logConfiguration": {"logDriver": "awslogs", "options": {
                    "awslogs-group": "/ecs/web", "awslogs-region": self.region, "awslogs-stream-prefix": "web"}},
                "healthCheck": {"command": ["CMD-SHELL", "wget -qO- http://localhost:8080/healthz || exit 1"]},
            }],
        })
    }

    /// Adds a service that runs a registered task definition, with a finished deployment behind it; it takes the place
    /// of one of the same name.
    #[must_use]
    pub fn with_service(mut self, service: Service, task_definition: &str) -> Self {
        super::ecs::services::open(&mut self, service, task_definition);
        self
    }

    /// Adds a brand-new service whose first deployment, of a registered task definition, has just begun.
    #[must_use]
    pub fn with_new_service(mut self, mut service: Service, task_definition: &str) -> Self {
        let (arn, now) =
            (task_definitions::find(&self, task_definition).map(|known| known.arn().to_owned()), self.now());
        service.created = now;
        beginnings::begin(&mut self, &mut service, &arn.unwrap_or_default(), None, now);
        self.ecs.services.push(service);
        self
    }

    /// Adds an empty log group.
    #[must_use]
    pub fn with_log_group(mut self, region: &str, name: &str) -> Self {
        self.logs.groups.insert((region.into(), name.into()));
        self
    }

    /// Puts `CodeDeploy` in charge of the service `web`; its next deployment goes as told.
    #[must_use]
    pub fn with_code_deploy(self, course: Course) -> Self {
        codedeploy::take_over(self, course)
    }

    /// Adds an empty cluster.
    #[must_use]
    pub fn with_cluster(mut self, name: &str) -> Self {
        self.ecs.clusters.push(Cluster { name: name.into() });
        self
    }

    /// Changes a service; nothing happens when there is none of that name.
    pub fn change_service(&mut self, name: &str, change: impl FnOnce(&mut Service)) {
        if let Some(service) = self.ecs.services.iter_mut().find(|service| service.name == name) {
            change(service);
        }
    }

    /// How the next deployment of a service goes; called again, the one after it.
    #[must_use]
    pub fn rollout(mut self, service: &str, rollout: Rollout) -> Self {
        self.change_service(service, |service| service.script.push_back(rollout));
        self
    }

    /// Plays a trick on the next calls of an operation.
    #[must_use]
    pub fn fault(mut self, operation: &str, times: u32, trick: Trick) -> Self {
        self.faults.push(Fault { operation: operation.into(), skip: 0, times, trick });
        self
    }

    /// Denies one operation for good, with AWS's usual sentence.
    #[must_use]
    pub fn denied(self, operation: &str) -> Self {
        self.fault(operation, u32::MAX, Trick::Denied)
    }

    /// Allows only these IAM actions, on anything.
    #[must_use]
    pub fn allow_only(mut self, actions: &[&str]) -> Self {
        self.allowed = Some(vec![json!({"Effect": "Allow", "Action": actions, "Resource": "*"})]);
        self
    }

    /// Allows only what this policy's statements allow.
    #[must_use]
    pub fn allow_policy(mut self, policy: &Value) -> Self {
        self.allowed = Some(policy.get("Statement").and_then(Value::as_array).cloned().unwrap_or_default());
        self
    }

    /// Knows a long-lived access key.
    #[must_use]
    pub fn with_keys(mut self, id: &str, secret: &str) -> Self {
        let arn = format!("arn:aws:iam::{}:user/deployer", self.account);
        self.identity.keys.push(Key { id: id.into(), secret: secret.into(), session: None, expires: None, arn });
        self
    }

    /// Declares a value that must appear nowhere.
    #[must_use]
    pub fn secret(mut self, value: &str) -> Self {
        self.declared_secrets.push(value.into());
        self
    }

    /// Makes rollouts move by requests or by the clock.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Uses other names and numbers.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.dice = Dice::new(seed);
        self
    }
}
