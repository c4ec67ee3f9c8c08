//! How a rollout goes: the scripts a story can give a service's next deployments.

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
    /// What it wrote before that.
    pub log: Vec<String>,
    /// What the load balancer found of it: reason and description of its target.
    pub target: Option<(String, String)>,
}

impl Trouble {
    /// The essential container exits with a code.
    #[must_use]
    pub fn exit(code: i64) -> Self {
        Self {
            stop_code: "EssentialContainerExited".into(),
            stopped_reason: "Essential container in task exited".into(),
            exit_code: Some(code),
            container_reason: None,
            ran: true,
            log: Vec::new(),
            target: None,
        }
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
            stop_code: "TaskFailedToStart".into(),
            stopped_reason: reason.into(),
            exit_code: None,
            container_reason: Some(reason.into()).filter(|reason: &String| reason.starts_with("CannotPull")),
            ran: false,
            log: Vec::new(),
            target: None,
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
        Self {
            stop_code: "ServiceSchedulerInitiated".into(),
            stopped_reason: format!("Task failed ELB health checks in (target-group {target_group})"),
            ..Self::exit(143)
        }
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
}

/// The script of one deployment. A number of ticks counts from the deployment's start; see [`super::Clock`].
#[derive(Debug, Clone, PartialEq)]
pub enum Rollout {
    /// It completes after so many ticks.
    Succeed {
        /// Ticks until it is completed.
        after: u32,
    },
    /// All new tasks are healthy after some ticks, but old ones keep draining.
    Drain {
        /// Ticks until every new task runs.
        healthy: u32,
        /// Ticks until the old tasks are gone and it is completed.
        after: u32,
    },
    /// One task fails each tick until the circuit breaker trips.
    CircuitBreaker {
        /// Failed tasks that trip it.
        failures: u32,
        /// Whether ECS then goes back by itself.
        rollback: bool,
        /// How the tasks end.
        trouble: Trouble,
    },
    /// The tasks come up, then an alarm fires.
    Alarm {
        /// Ticks until it fires.
        after: u32,
        /// Whether ECS then goes back by itself.
        rollback: bool,
        /// The alarm's name.
        name: String,
    },
    /// So many tasks come up and no more, for ever.
    Stall {
        /// Tasks that run.
        running: i64,
    },
    /// One task fails each tick, for ever: no circuit breaker.
    CrashLoop {
        /// How the tasks end.
        trouble: Trouble,
    },
    /// Somebody else deploys another revision.
    Superseded {
        /// Ticks until they do.
        after: u32,
    },
    /// The circuit breaker trips, and the way back fails too.
    RollbackFailed {
        /// Failed tasks that trip it.
        failures: u32,
        /// How the tasks end.
        trouble: Trouble,
    },
    /// A person rolls it back in the console.
    ManualRollback {
        /// Ticks until they do.
        after: u32,
    },
    /// The service is deleted under us.
    Deleted {
        /// Ticks until it is.
        after: u32,
    },
}
