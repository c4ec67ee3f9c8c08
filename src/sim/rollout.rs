//! How a rollout goes: the scripts a story can give a service's next deployments.

pub use super::trouble::Trouble;

/// How the way back goes that a service takes after a failed deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WayBack {
    /// The earlier revision serves again after so many ticks.
    Well(u32),
    /// It fails too.
    Fails,
    /// It never ends.
    Stalls,
    /// A rollback on request comes too late: the deployment completes.
    TooLate,
}

impl Default for WayBack {
    fn default() -> Self {
        Self::Well(2)
    }
}

/// How the function behind a lifecycle hook answers. One that is not told of succeeds in a tick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lambda {
    /// It succeeds after so many ticks.
    Slow(u32),
    /// It fails; the text is AWS's, such as `Lifecycle hook target ARN returned FAILED status`.
    Fails(String),
}

/// What happens to a service whatever its deployments do.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// Somebody else deploys a revision of their own, which goes like this.
    Rival(Rollout),
    /// Somebody else forces a new deployment of what runs, which goes like this.
    Refresh(Rollout),
    /// A person rolls back what is under way.
    Stop,
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
    /// The circuit breaker trips, and the way back never ends.
    RollbackStalls {
        /// Failed tasks that trip it.
        failures: u32,
        /// How the tasks end.
        trouble: Trouble,
    },
    /// ECS rolls it back for another reason: a lifecycle hook, the network configuration.
    RolledBack {
        /// Ticks until it does.
        after: u32,
        /// `statusReason`, whole.
        because: String,
    },
    /// It is called successful while old tasks still run.
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentEarlySuccessCriteria.html>
    EarlySuccess {
        /// Ticks until it is.
        after: u32,
        /// Ticks for which old tasks still run then.
        lingering: u32,
    },
    /// One task more every so many ticks, until it completes.
    Slow {
        /// Ticks for each task.
        every: u32,
    },
    /// Tasks come up and end again, each in the next of these ways, for ever.
    Flapping {
        /// How they end, in turn.
        troubles: Vec<Trouble>,
    },
    /// It completes, but tasks are stopped on the way by nobody's fault: one a tick.
    Interrupted {
        /// Ticks until it is completed.
        after: u32,
        /// How they are stopped.
        stops: Vec<Trouble>,
    },
    /// So many tasks come up and no more, and an event says why.
    Blocked {
        /// Tasks that run.
        running: i64,
        /// AWS's text after `(service NAME) `.
        event: String,
    },
    /// Somebody else forces a new deployment of the same revision.
    Refreshed {
        /// Ticks until they do.
        after: u32,
    },
    /// The service and its cluster are deleted under us.
    ClusterGone {
        /// Ticks until they are.
        after: u32,
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

impl Rollout {
    /// A lifecycle hook's function answers `FAILED` at a stage.
    #[must_use]
    pub fn hook_failed(after: u32, stage: &str, target: &str) -> Self {
        let because = format!(
            "Service deployment rolled back because {stage} lifecycle hook(s) failed. Lifecycle hook target {target} returned FAILED status"
        );
        Self::RolledBack { after, because }
    }

    /// The load balancer's rules are wrong; `detail` follows AWS's sentence, with its `: ` or `. `.
    #[must_use]
    pub fn bad_networking(after: u32, detail: &str) -> Self {
        let because = format!("Service deployment rolled back because of invalid networking configuration{detail}");
        Self::RolledBack { after, because }
    }
}
