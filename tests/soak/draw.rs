//! Draws a world, a step and everything that goes wrong from a seed.

use std::collections::BTreeMap;
use std::time::Duration;

use ecs_deploy::sim::codedeploy::{Course, Group};
use ecs_deploy::sim::ecs::Lag;
use ecs_deploy::sim::random::Dice;
use ecs_deploy::sim::{Fault, Lambda, Rollout, Trick, Trouble, WayBack};
use serde_json::{Value, json};

/// Everything that makes one run what it is.
#[derive(Debug, Clone)]
pub struct Story {
    /// How long a tick of a rollout takes; none: each read is a tick.
    pub tick: Option<Duration>,
    /// How long a request and its answer travel.
    pub latency: Duration,
    /// Seconds by which AWS's clock is ahead.
    pub skew: f64,
    /// The tasks that the service wants.
    pub desired: i64,
    /// Whether the circuit breaker is on, and goes back.
    pub breaker: (bool, bool),
    /// Whether alarms are watched, and go back.
    pub alarms: Option<bool>,
    /// What kind of service it is.
    pub kind: Kind,
    /// CodeDeploy moves its tasks.
    pub code_deploy: Option<CodeDeploy>,
    /// Settings of its deployments besides.
    pub settings: Vec<(&'static str, Value)>,
    /// How the functions behind its lifecycle hooks answer.
    pub lambda: Lambda,
    /// How its pauses are answered.
    pub answers: Vec<(u32, String)>,
    /// How a way back goes.
    pub way_back: WayBack,
    /// Ticks for which a new deployment is `PENDING`.
    pub starts_after: u32,
    /// How deployments went that others made before the run, oldest first.
    pub past: Vec<Rollout>,
    /// What the service is doing when the run begins.
    pub before: Before,
    /// How its next deployments go, whoever begins them.
    pub scripts: Vec<Rollout>,
    /// How late reads are.
    pub lag: Lag,
    /// Moves of the autoscaler.
    pub autoscaling: Vec<(u32, i64)>,
    /// Whether the answer to the update already names the new service deployment.
    pub update_names_deployment: bool,
    /// Whether ECS reorders the lists of a definition.
    pub reorders: bool,
    /// A role is assumed, for sessions of so many seconds.
    pub session: Option<u64>,
    /// The step's inputs.
    pub inputs: BTreeMap<&'static str, String>,
    /// What goes wrong on the wire.
    pub faults: Vec<Fault>,
    /// When the runner cancels.
    pub signal: Option<Duration>,
    /// What others do, and when.
    pub others: Vec<(Duration, Other)>,
}

/// What kind of service it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Rolling updates of so many tasks.
    Rolling,
    /// A task on each instance.
    Daemon,
    /// A strategy that shifts traffic.
    Shifting(&'static str),
}

/// How CodeDeploy moves the tasks.
#[derive(Debug, Clone)]
pub struct CodeDeploy {
    /// The deployment group, with how its next deployments go, whoever begins them.
    pub group: Group,
    /// Whether `GetDeployment` leaves out the digest of the revision.
    pub hides_digest: bool,
    /// Another deployment is in progress when the run begins, so many looks old; whether it is of what is asked for.
    pub other: Option<(u32, bool)>,
}

/// What the service is doing when the run begins.
#[derive(Debug, Clone, PartialEq)]
pub enum Before {
    /// Its last deployment is completed.
    Standing,
    /// Somebody's deployment is in progress.
    InProgress(Rollout),
    /// Its very first deployment is in progress.
    New(Rollout),
}

/// What somebody else does to the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other {
    /// Registers and deploys a revision of their own.
    Deploys,
    /// Forces a new deployment of the revision that is deployed last.
    Forces,
    /// Asks for so many tasks.
    Resizes(i64),
    /// Stops the deployment in progress.
    Stops,
    /// Stops the deployment in progress of CodeDeploy; whether it is to go back, where that is said.
    Halts(Option<bool>),
    /// Stops the deployment in progress of CodeDeploy, and deploys a revision of their own as soon as that is over.
    Takes,
}

/// Reads that the verdict does not rest on.
const OPTIONAL: [&str; 5] =
    ["ListServiceDeployments", "DescribeServiceDeployments", "DescribeServiceRevisions", "ListTasks", "DescribeTasks"];

const NEEDED: [&str; 4] = ["DescribeServices", "DescribeTaskDefinition", "RegisterTaskDefinition", "UpdateService"];

/// What the verdict rests on where CodeDeploy moves the tasks.
const NEEDED_BY_CODE_DEPLOY: [&str; 6] = [
    "DescribeServices",
    "RegisterTaskDefinition",
    "GetDeploymentGroup",
    "CreateDeployment",
    "GetDeployment",
    "StopDeployment",
];

/// What it does not rest on there.
const OPTIONAL_TO_CODE_DEPLOY: [&str; 5] =
    ["ListDeployments", "BatchGetDeploymentTargets", "GetDeploymentConfig", "ListTasks", "DescribeTasks"];

impl Story {
    /// The story of a seed.
    pub fn draw(seed: u64) -> Self {
        let mut luck = Luck(Dice::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x5eed));
        let desired: i64 = luck.pick(&[2, 2, 2, 1, 3, 4, 6, 0]);
        let breaker = luck.pick(&[(true, true), (true, true), (true, true), (true, false), (false, false)]);
        let alarms = luck.chance(30).then(|| luck.chance(60));
        let session = luck.chance(25).then(|| luck.pick(&[900, 900, 3600]));
        let mut story = Self {
            tick: (!luck.chance(30))
                .then(|| Duration::from_millis(luck.pick(&[500, 1000, 2000, 3000, 5000, 9000, 15_000]))),
            latency: Duration::from_millis(luck.between(20, 300)),
            skew: if session.is_none() && luck.chance(20) { luck.pick(&[-3600.0, 3600.0]) } else { 0.0 },
            desired,
            breaker,
            alarms,
            kind: Kind::Rolling,
            code_deploy: None,
            settings: Vec::new(),
            lambda: Lambda::Slow(1),
            answers: Vec::new(),
            way_back: WayBack::default(),
            starts_after: 0,
            past: Vec::new(),
            before: Before::Standing,
            scripts: Vec::new(),
            lag: Lag::default(),
            autoscaling: Vec::new(),
            update_names_deployment: luck.chance(50),
            reorders: luck.chance(20),
            session,
            inputs: luck.inputs(),
            faults: Vec::new(),
            signal: luck.chance(9).then(|| luck.moment()),
            others: Vec::new(),
        };
        for _ in 0..3 {
            story.scripts.push(luck.rollout(breaker, alarms));
        }
        story.before = match luck.below(100) {
            0..12 => Before::InProgress(luck.rollout(breaker, alarms)),
            12..18 => Before::New(luck.rollout(breaker, alarms)),
            _ => Before::Standing,
        };
        if luck.chance(25) {
            // Reads are late by seconds, not by minutes.
            let most = match story.input("wait-max-delay-seconds") {
                "1" | "3" => 5,
                "5" => 3,
                _ => 2,
            };
            let mut reads = || u32::try_from(luck.below(most)).unwrap();
            story.lag = Lag { describes: reads(), lists: reads(), current: reads() };
        }
        if desired > 0 && luck.chance(10) {
            story
                .autoscaling
                .push((u32::try_from(luck.between(1, 12)).unwrap(), i64::try_from(luck.between(1, 8)).unwrap()));
        }
        story.faults = luck.faults();
        for _ in 0..luck.pick(&[0, 0, 0, 0, 0, 0, 0, 1, 1, 2]) {
            let other = match luck.below(8) {
                0..3 => Other::Deploys,
                3 | 4 => Other::Forces,
                5 => Other::Stops,
                _ => Other::Resizes(i64::try_from(luck.below(6)).unwrap()),
            };
            story.others.push((luck.moment(), other));
        }
        luck.widen(&mut story);
        // By dice of their own: the other stories stay as they are.
        let mut luck = Luck(Dice::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0xbac4));
        match luck.below(100) {
            0..12 => luck.go_back(&mut story),
            12..24 => luck.by_code_deploy(&mut story),
            _ => {}
        }
        story
    }

    /// `wait-for-minutes`.
    pub fn limit(&self) -> Duration {
        Duration::from_mins(self.inputs.get("wait-for-minutes").and_then(|text| text.parse().ok()).unwrap_or(30))
    }

    /// The input's value.
    pub fn input(&self, name: &str) -> &str {
        self.inputs.get(name).map_or("", String::as_str)
    }

    /// Whether nothing on the wire may keep the program from its verdict.
    pub fn is_mild(&self) -> bool {
        let optional = if self.code_deploy.is_some() { OPTIONAL_TO_CODE_DEPLOY } else { OPTIONAL };
        let needed = || self.faults.iter().filter(|fault| !optional.contains(&fault.operation.as_str()));
        needed().all(|fault| {
            let hits = |other: &&Fault| other.operation == fault.operation || other.operation == "*";
            let times: u32 = needed().filter(hits).map(|other| other.times.min(99)).sum();
            times <= 2 && !matches!(fault.trick, Trick::Denied | Trick::Html(500) | Trick::Missing)
        })
    }
}

impl Story {
    /// Whether service deployments can be read.
    pub fn tells_deployments(&self) -> bool {
        self.tells(&["ListServiceDeployments", "DescribeServiceDeployments"])
    }

    /// Whether it can be read what the service ran before.
    pub fn tells_history(&self) -> bool {
        self.tells(&["ListServiceDeployments", "DescribeServiceRevisions"])
    }

    /// Whether it can be read what CodeDeploy did for the group.
    pub fn tells_group(&self) -> bool {
        self.tells(&["ListDeployments", "GetDeploymentGroup", "GetDeployment"])
    }

    fn tells(&self, operations: &[&str]) -> bool {
        !self.faults.iter().any(|fault| {
            operations.contains(&fault.operation.as_str())
                && (fault.times > 2 || matches!(fault.trick, Trick::Denied | Trick::Missing))
        })
    }
}

/// Dice with the weights of a story.
struct Luck(Dice);

impl Luck {
    fn below(&mut self, limit: u64) -> u64 {
        self.0.below(limit)
    }

    fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }

    /// A moment of the run: often in its first seconds, when everything happens.
    fn moment(&mut self) -> Duration {
        let longest = self.pick(&[2_000, 10_000, 60_000, 150_000]);
        Duration::from_millis(self.between(0, longest))
    }

    fn inputs(&mut self) -> BTreeMap<&'static str, String> {
        let mut inputs = BTreeMap::from([
            ("aws-region", "eu-central-1".to_owned()),
            ("aws-access-key-id", "AKIAIOSFODNN7EXAMPLE".to_owned()),
            ("aws-secret-access-key", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned()),
            ("cluster", "prod".to_owned()),
            ("service", "web".to_owned()),
            ("pr-comment", "never".to_owned()),
        ]);
        let registry = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
        let tag = match self.below(100) {
            0..8 => "v1",
            8..10 => "v9",
            _ => "v2",
        };
        inputs.insert("image", format!("{registry}/web:{tag}"));
        if tag == "v9" {
            // What comes of an image that is not there is the story; the check would not let it begin.
            inputs.insert("checks", "image-exists=off".to_owned());
        }
        inputs.insert("wait-for-minutes", self.pick(&["1", "1", "2", "2", "3", "5"]).to_owned());
        inputs.insert("wait-max-delay-seconds", self.pick(&["1", "3", "5", "5", "8", "15", "30"]).to_owned());
        let mut sometimes = |percent: u64, name: &'static str, values: &[&str]| {
            if self.chance(percent) {
                let value = self.pick(values).to_owned();
                inputs.insert(name, value);
            }
        };
        sometimes(10, "force-new-deployment", &["true", "true", "false"]);
        sometimes(8, "desired-count", &["0", "1", "2", "3", "5"]);
        sometimes(7, "wait-for-service-stability", &["false"]);
        sometimes(4, "mode", &["plan"]);
        sometimes(10, "environment-variables", &["LOG_LEVEL=debug", "SHARDS=4"]);
        sometimes(2, "wait-for-minutes", &["soon", "1.5"]);
        sometimes(1, "service", &["wbe"]);
        sometimes(1, "cluster", &["prd"]);
        sometimes(2, "allowed-account-ids", &["999999999999"]);
        sometimes(2, "task-definition-revision", &["6", "77"]);
        if inputs.contains_key("task-definition-revision") {
            inputs.insert("task-definition-family", "web".to_owned());
        }
        inputs
    }

    /// What is less usual: other ways of going back, other kinds of services, other ways for a rollout to go.
    fn widen(&mut self, story: &mut Story) {
        let mut sometimes = |percent: u64, name: &'static str, values: &[&str]| {
            if self.chance(percent) {
                let value = self.pick(values).to_owned();
                story.inputs.insert(name, value);
            }
        };
        sometimes(20, "on-failure", &["none"]);
        sometimes(15, "fail-fast-after", &["0", "1", "5"]);
        sometimes(50, "on-cancel", &["rollback"]);
        sometimes(30, "on-concurrent", &["wait", "fail", "replace"]);
        if self.chance(20) {
            story.way_back =
                self.pick(&[WayBack::Well(0), WayBack::Well(9), WayBack::Fails, WayBack::Stalls, WayBack::TooLate]);
        }
        story.starts_after = self.pick(&[0, 0, 0, 0, 1, 3]);
        for nth in 0..story.scripts.len() {
            if self.chance(20) {
                story.scripts[nth] = self.oddity();
            }
        }
        match self.below(100) {
            0..6 => {
                story.kind = Kind::Daemon;
                story.inputs.remove("desired-count");
                story.others.retain(|(_, other)| !matches!(other, Other::Resizes(_)));
            }
            6..22 => self.shift(story),
            22..30 => {
                story.inputs.insert("wait-until", "healthy".to_owned());
            }
            _ => {}
        }
    }

    /// A rollout that goes in a less usual way.
    fn oddity(&mut self) -> Rollout {
        let after = u32::try_from(self.between(1, 14)).unwrap();
        let trouble = self.trouble();
        match self.below(8) {
            0 => Rollout::EarlySuccess { after, lingering: 6 },
            1 => Rollout::Slow { every: after },
            2 => Rollout::Flapping { troubles: vec![trouble, self.trouble()] },
            3 => Rollout::Interrupted { after, stops: vec![Trouble::spot(), trouble] },
            4 => Rollout::Blocked { running: 1, event: "was unable to place a task.".to_owned() },
            5 => Rollout::RollbackStalls { failures: 3, trouble },
            6 => Rollout::Refreshed { after },
            _ => Rollout::ClusterGone { after },
        }
    }

    /// `mode: rollback`, after others' deployments that ended well or badly, or did not end.
    fn go_back(&mut self, story: &mut Story) {
        for name in ["image", "environment-variables", "task-definition-family", "task-definition-revision", "checks"] {
            story.inputs.remove(name);
        }
        story.inputs.insert("mode", "rollback".to_owned());
        match self.below(10) {
            0 => {
                let revision = self.pick(&["6", "7", "77"]);
                story.inputs.insert("task-definition-family", "web".to_owned());
                story.inputs.insert("task-definition-revision", revision.to_owned());
            }
            1 => {
                let revision = self.pick(&["6", "7"]);
                let arn = format!("arn:aws:ecs:eu-central-1:123456789012:task-definition/web:{revision}");
                story.inputs.insert("task-definition-arn", arn);
            }
            _ => {}
        }
        if !matches!(story.before, Before::New(_)) {
            for _ in 0..self.pick(&[0, 0, 1, 1, 1, 2, 3]) {
                story.past.push(self.past(story.breaker, story.alarms));
            }
        }
        if story.before == Before::Standing && self.chance(45) {
            let rollout = if self.chance(30) { self.oddity() } else { self.rollout(story.breaker, story.alarms) };
            story.before = Before::InProgress(rollout);
        }
        if self.chance(20) {
            let trick = self.trick();
            let (times, trick) = if self.chance(50) { (u32::MAX, Trick::Denied) } else { (1, trick) };
            story.faults.push(Fault { operation: "StopServiceDeployment".to_owned(), skip: 0, times, trick });
        }
    }

    /// CodeDeploy moves the tasks: what is ECS's own to tell is not there, and the rest is CodeDeploy's.
    fn by_code_deploy(&mut self, story: &mut Story) {
        (story.kind, story.before, story.alarms, story.lag) = (Kind::Rolling, Before::Standing, None, Lag::default());
        (story.settings, story.answers, story.scripts) = (Vec::new(), Vec::new(), Vec::new());
        story.autoscaling = Vec::new();
        let mut events = vec!["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"];
        events.truncate(self.pick(&[0, 1, 2, 2, 3]));
        let minutes = [0, 0, 0, 0, 0, 1, 3];
        let group = Group {
            application: "AppECS-prod-web".to_owned(),
            name: "DgpECS-prod-web".to_owned(),
            cluster: "prod".to_owned(),
            service: "web".to_owned(),
            rolls_back_on: events.into_iter().map(str::to_owned).collect(),
            ready_minutes: self.pick(&minutes),
            termination_minutes: self.pick(&minutes),
            script: (0..3).map(|_| self.course()).collect(),
        };
        let other = self.chance(20).then(|| (u32::try_from(self.below(12)).unwrap(), self.chance(25)));
        story.code_deploy = Some(CodeDeploy { group, hides_digest: self.chance(20), other });
        story.inputs.remove("wait-until");
        let mut sometimes = |percent: u64, name: &'static str, values: &[&str]| {
            if self.chance(percent) {
                let value = self.pick(values).to_owned();
                story.inputs.insert(name, value);
            }
        };
        sometimes(20, "wait-until", &["healthy", "paused", "stable"]);
        sometimes(20, "codedeploy-deployment-description", &["by a job"]);
        sometimes(
            20,
            "codedeploy-deployment-config",
            &["CodeDeployDefault.ECSAllAtOnce", "CodeDeployDefault.ECSCanary10Percent5Minutes", "Shop.Slowly"],
        );
        sometimes(4, "codedeploy-deployment-group", &["DgpECS-prod-wbe"]);
        if self.chance(8) {
            self.go_back_by_code_deploy(story);
        }
        story.others.clear();
        for _ in 0..self.pick(&[0, 0, 0, 0, 0, 1, 1, 2]) {
            let other = match self.below(8) {
                0 | 1 => Other::Deploys,
                2 | 3 => Other::Halts(self.pick(&[None, Some(true), Some(false)])),
                4 | 5 => Other::Takes,
                _ => Other::Resizes(i64::try_from(self.below(6)).unwrap()),
            };
            story.others.push((self.moment(), other));
        }
        self.faults_by_code_deploy(story);
    }

    /// To a revision that is named, or to none.
    fn go_back_by_code_deploy(&mut self, story: &mut Story) {
        for name in ["image", "environment-variables", "task-definition-family", "task-definition-revision", "checks"] {
            story.inputs.remove(name);
        }
        story.inputs.insert("mode", "rollback".to_owned());
        if self.chance(80) {
            let revision = self.pick(&["6", "6", "7"]);
            let arn = format!("arn:aws:ecs:eu-central-1:123456789012:task-definition/web:{revision}");
            story.inputs.insert("task-definition-arn", arn);
        }
    }

    fn faults_by_code_deploy(&mut self, story: &mut Story) {
        story
            .faults
            .retain(|fault| ["AssumeRole", "GetCallerIdentity", "BatchGetImage", "*"].contains(&&*fault.operation));
        // What no token protects: the answer is lost after a deployment was begun.
        if self.chance(15) {
            let operation = "CreateDeployment".to_owned();
            story.faults.push(Fault { operation, skip: 0, times: 1, trick: Trick::LostAnswer });
        }
        for _ in 0..self.pick(&[0, 0, 0, 0, 1, 1, 2, 3, 5]) {
            let is_optional = self.chance(40);
            let operation =
                if is_optional { self.pick(&OPTIONAL_TO_CODE_DEPLOY) } else { self.pick(&NEEDED_BY_CODE_DEPLOY) };
            let mut fault = Fault {
                operation: operation.to_owned(),
                skip: u32::try_from(self.pick(&[0, 0, 0, 1, 2, 5, 9])).unwrap(),
                times: u32::try_from(self.between(1, 2)).unwrap(),
                trick: self.trick(),
            };
            // What begins or ends a deployment is asked once.
            if ["CreateDeployment", "StopDeployment"].contains(&operation) {
                fault.skip = 0;
            }
            match self.below(100) {
                0..25 if is_optional => (fault.skip, fault.times, fault.trick) = (0, u32::MAX, Trick::Denied),
                25..50 if is_optional => fault.times = self.pick(&[5, 20, u32::MAX]),
                0..6 => fault.times = self.pick(&[5, 20, u32::MAX]),
                6..12 => (fault.times, fault.trick) = (u32::MAX, Trick::Denied),
                _ => {}
            }
            story.faults.push(fault);
        }
    }

    /// How a deployment of CodeDeploy goes.
    fn course(&mut self) -> Course {
        let event = self.pick(&[
            "BeforeInstall",
            "AfterInstall",
            "AfterAllowTestTraffic",
            "BeforeAllowTraffic",
            "AfterAllowTraffic",
        ]);
        match self.below(100) {
            0..38 => Course::Succeeds,
            38..54 => Course::HookFails { event: event.to_owned(), and_back: self.chance(25) },
            54..62 => Course::Alarm { name: "errors".to_owned() },
            62..70 => Course::StoppedByHand { rolls_back: self.chance(50) },
            70..76 => Course::Waits,
            76..82 => Course::Stalls,
            82..92 => Course::NeverSteady { trouble: self.trouble(), after: self.pick(&[6, 12, 400]) },
            _ => Course::Keeps,
        }
    }

    /// How a deployment of the past went: mostly well. What is gone cannot be gone back in.
    fn past(&mut self, breaker: (bool, bool), alarms: Option<bool>) -> Rollout {
        loop {
            let rollout = match self.below(10) {
                0..5 => Rollout::Succeed { after: u32::try_from(self.between(1, 6)).unwrap() },
                5 => self.oddity(),
                _ => self.rollout(breaker, alarms),
            };
            if !matches!(rollout, Rollout::Deleted { .. } | Rollout::ClusterGone { .. }) {
                return rollout;
            }
        }
    }

    /// A strategy that shifts traffic, with bakes and hooks.
    fn shift(&mut self, story: &mut Story) {
        let strategy = self.pick(&["BLUE_GREEN", "LINEAR", "CANARY"]);
        story.kind = Kind::Shifting(strategy);
        let bake = self.pick(&[0, 0, 1, 2]);
        let step = self.pick(&[0, 0, 1]);
        story.settings.push(("bakeTimeInMinutes", bake.into()));
        story.settings.push(("linearConfiguration", json!({"stepPercent": 40.0, "stepBakeTimeInMinutes": step})));
        story.settings.push(("canaryConfiguration", json!({"canaryPercent": 20.0, "canaryBakeTimeInMinutes": step})));
        let stage = self.pick(&["PRE_SCALE_UP", "POST_SCALE_UP", "PRE_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME"]);
        let hook = match self.below(5) {
            0 => Some(json!({"hookTargetArn": "arn:aws:lambda:eu-central-1:123456789012:function:check",
                "roleArn": "arn:aws:iam::123456789012:role/hooks", "lifecycleStages": [stage]})),
            1 => {
                let action = self.pick(&["ROLLBACK", "CONTINUE"]);
                let minutes = self.pick(&[1, 2, 1440]);
                Some(json!({"targetType": "PAUSE", "lifecycleStages": [stage],
                    "timeoutConfiguration": {"timeoutInMinutes": minutes, "action": action}}))
            }
            _ => None,
        };
        story.settings.extend(hook.map(|hook| ("lifecycleHooks", json!([hook]))));
        story.lambda = self
            .pick(&[Some(1), Some(8), None])
            .map_or_else(|| Lambda::Fails("Lifecycle hook target returned FAILED status".to_owned()), Lambda::Slow);
        for _ in 0..self.below(3) {
            story
                .answers
                .push((u32::try_from(self.between(1, 20)).unwrap(), self.pick(&["CONTINUE", "ROLLBACK"]).to_owned()));
        }
        if self.chance(30) {
            let until = self.pick(&["healthy", "paused", "stage:BAKE_TIME", "stage:POST_SCALE_UP", "stage:CLEAN_UP"]);
            story.inputs.insert("wait-until", until.to_owned());
        }
    }

    fn trouble(&mut self) -> Trouble {
        match self.below(6) {
            0 => Trouble::image_not_found("web:v2"),
            1 => Trouble::out_of_memory(),
            2 => Trouble::unhealthy(
                "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/50dc6c495c0c9188",
            ),
            3 => Trouble::never_started("ResourceInitializationError: unable to pull secrets or registry auth"),
            4 => Trouble::exit(1),
            _ => Trouble::exit(i64::try_from(self.between(2, 255)).unwrap()),
        }
    }

    /// A script that goes with the service's settings.
    fn rollout(&mut self, (breaker, rollback): (bool, bool), alarms: Option<bool>) -> Rollout {
        let after = u32::try_from(self.between(1, 14)).unwrap();
        let failures = u32::try_from(self.between(3, 10)).unwrap();
        loop {
            let trouble = self.trouble();
            return match self.below(100) {
                0..28 => Rollout::Succeed { after },
                28..36 => Rollout::Drain { healthy: after, after: after + 1 + u32::try_from(self.below(12)).unwrap() },
                36..56 if breaker => Rollout::CircuitBreaker { failures, rollback, trouble },
                36..56 => Rollout::CrashLoop { trouble },
                56..62 if breaker && rollback => Rollout::RollbackFailed { failures, trouble },
                62..74 if alarms.is_some() => {
                    Rollout::Alarm { after, rollback: alarms == Some(true), name: "errors".to_owned() }
                }
                74..80 => Rollout::Stall { running: i64::try_from(self.below(4)).unwrap() },
                80..88 => Rollout::Superseded { after },
                88..94 => Rollout::ManualRollback { after },
                94..98 => Rollout::Deleted { after },
                98..100 => Rollout::Succeed { after: after * 20 },
                _ => continue,
            };
        }
    }

    fn faults(&mut self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for _ in 0..self.pick(&[0, 0, 0, 0, 1, 1, 2, 3, 5]) {
            let mut fault = Fault {
                operation: if self.chance(50) { self.pick(&NEEDED) } else { self.pick(&OPTIONAL) }.to_owned(),
                skip: u32::try_from(self.pick(&[0, 0, 1, 2, 5, 9])).unwrap(),
                times: u32::try_from(self.between(1, 2)).unwrap(),
                trick: self.trick(),
            };
            let is_optional = OPTIONAL.contains(&fault.operation.as_str());
            match self.below(100) {
                0..25 if is_optional => (fault.skip, fault.times, fault.trick) = (0, u32::MAX, Trick::Denied),
                25..35 if is_optional => (fault.skip, fault.times, fault.trick) = (0, u32::MAX, Trick::Missing),
                35..60 if is_optional => fault.times = self.pick(&[5, 20, u32::MAX]),
                0..8 => fault.times = self.pick(&[5, 20, u32::MAX]),
                8..12 => (fault.times, fault.trick) = (u32::MAX, Trick::Denied),
                _ => {}
            }
            faults.push(fault);
        }
        if self.chance(4) {
            let (operation, trick) =
                (self.pick(&["AssumeRole", "GetCallerIdentity", "BatchGetImage", "*"]), self.trick());
            faults.push(Fault { operation: operation.to_owned(), skip: 0, times: 1, trick });
        }
        faults
    }

    fn trick(&mut self) -> Trick {
        match self.below(12) {
            0 | 1 => Trick::Throttle,
            2 => Trick::Status(500),
            3 => Trick::Status(503),
            4 => Trick::Html(502),
            5 => Trick::Html(504),
            6 | 7 => Trick::Reset,
            8 => Trick::Delay(Duration::from_millis(self.between(500, 6_000))),
            9 => Trick::Delay(Duration::from_secs(self.between(6, 45))),
            _ => Trick::LostAnswer,
        }
    }
}
