//! How a task ends, in AWS's words.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html>

/// How a task ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Trouble {
    /// `stopCode` of the task.
    pub stop_code: String,
    /// `stoppedReason` of the task.
    pub stopped_reason: String,
    /// Exit code of its container; none when it never started.
    pub exit_code: Option<i64>,
    /// `reason` of its container.
    pub container_reason: Option<String>,
    /// Whether it ran before it ended.
    pub ran: bool,
    /// Which container it is; none: the first essential one.
    pub container: Option<String>,
    /// Whether its container's health check fails.
    pub ill: bool,
    /// What it wrote before that.
    pub log: Vec<String>,
    /// What the load balancer found of it: reason and description of its target.
    pub target: Option<(String, String)>,
    /// What the service's events say beside it, after `(service NAME) `.
    pub event: Option<String>,
}

impl Trouble {
    /// A task that ran and ended by a stop code, without an exit code.
    #[must_use]
    pub fn stopped(code: &str, reason: &str) -> Self {
        Self {
            stop_code: code.into(),
            stopped_reason: reason.into(),
            exit_code: None,
            container_reason: None,
            ran: true,
            container: None,
            ill: false,
            log: Vec::new(),
            target: None,
            event: None,
        }
    }

    /// The essential container exits with a code.
    #[must_use]
    pub fn exit(code: i64) -> Self {
        let stopped = Self::stopped("EssentialContainerExited", "Essential container in task exited");
        Self { exit_code: Some(code), ..stopped }
    }

    /// The container is killed because it uses too much memory.
    #[must_use]
    pub fn out_of_memory() -> Self {
        let reason = "OutOfMemoryError: Container killed due to memory usage".to_owned();
        Self { container_reason: Some(reason), ..Self::exit(137) }
    }

    /// The task never starts; the reason is AWS's text, such as `CannotPullContainerError: …`.
    #[must_use]
    pub fn never_started(reason: &str) -> Self {
        Self {
            container_reason: Some(reason.into()).filter(|reason: &String| reason.starts_with("Cannot")),
            ran: false,
            ..Self::stopped("TaskFailedToStart", reason)
        }
    }

    /// The image is not in its repository.
    #[must_use]
    pub fn image_not_found(image: &str) -> Self {
        Self::never_started(&format!(
            "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {image}: {image}: not found"
        ))
    }

    /// The load balancer finds the task unhealthy.
    #[must_use]
    pub fn unhealthy(target_group: &str) -> Self {
        let reason = format!("Task failed ELB health checks in (target-group {target_group})");
        Self { exit_code: Some(143), ..Self::stopped("ServiceSchedulerInitiated", &reason) }
    }

    /// The load balancer finds the task unhealthy, and an event says why, such as
    /// `Health checks failed with these codes: [404]`.
    #[must_use]
    pub fn unhealthy_because(target_group: &str, port: u16, why: &str) -> Self {
        let event = format!("(port {port}) is unhealthy in (target-group {target_group}) due to (reason {why}).");
        Self { event: Some(event), ..Self::unhealthy(target_group) }
    }

    /// The container's own health check fails.
    #[must_use]
    pub fn failed_health_check() -> Self {
        let stopped = Self::stopped("ServiceSchedulerInitiated", "Task failed container health checks");
        Self { exit_code: Some(143), ill: true, ..stopped }
    }

    /// Fargate takes its Spot capacity back: nobody's failure.
    #[must_use]
    pub fn spot() -> Self {
        Self { exit_code: Some(143), ..Self::stopped("SpotInterruption", "Your Spot Task was interrupted.") }
    }

    /// A deployment replaces or scales in the task: nobody's failure. `by` is that deployment, `ecs-svc/<digits>`.
    #[must_use]
    pub fn scaled_in(by: &str) -> Self {
        let reason = format!("Scaling activity initiated by (deployment {by})");
        Self { exit_code: Some(143), ..Self::stopped("ServiceSchedulerInitiated", &reason) }
    }

    /// The same; the container writes these lines first.
    #[must_use]
    pub fn writing(mut self, lines: &[&str]) -> Self {
        self.log = lines.iter().map(|&line| line.to_owned()).collect();
        self
    }

    /// The same; it answers the load balancer's health check with this code.
    #[must_use]
    pub fn answering(mut self, code: u16) -> Self {
        let found = format!("Health checks failed with these codes: [{code}]");
        self.target = Some(("Target.ResponseCodeMismatch".into(), found));
        self
    }

    /// The same, of another container of the task.
    #[must_use]
    pub fn of(self, container: &str) -> Self {
        Self { container: Some(container.into()), ..self }
    }
}
