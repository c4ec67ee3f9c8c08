//! The stage: a stateful pretend AWS and GitHub, spoken to over HTTP.
//!
//! It is built from the services' documentation, shares no code with the rooms of the program and knows nothing of its
//! client, so that the two cannot share a mistake. One address serves every door:
//!
//! ```text
//!   POST /            ECS, ECR, CodeDeploy, CloudWatch Logs, Secrets Manager and SSM (AWS JSON 1.1, X-Amz-Target),
//!                     STS, ELB, IAM and EC2 (query protocol)
//!   GET  /oidc/token  the runner's OpenID Connect endpoint
//!   POST /service/…   CloudWatch (Smithy's RPC v2 in CBOR)
//!   *    /github/…    GitHub's REST API (the same under /api/v3)
//!   GET  /v2/…        a registry of images that is not AWS's; /layers/… is where ECR keeps layers
//! ```
//!
//! | file | idea |
//! |---|---|
//! | [`world`] | everything that is true on stage, and the builders a story sets it up with |
//! | [`door`] | who answers what; faults, permissions and the ledger around every answer |
//! | [`identity`], `sts`, `oidc`, `signature`, `iam` | who is asking, and may they |
//! | [`ecs`], [`rollout`], [`trouble`] | clusters, services, deployments, tasks; how a rollout goes |
//! | [`codedeploy`] | deployments of services that `CodeDeploy` moves |
//! | [`ecr`], [`registry`] | images, digests, manifests, scans; images elsewhere |
//! | [`logs`], [`elbv2`] | what failing tasks wrote, and how a load balancer finds them |
//! | [`cloudwatch`], [`ec2`], `cbor` | alarms, subnets, and the protocol that only CloudWatch speaks |
//! | [`secrets`], [`roles`], `named` | secrets, parameters and roles; all that a task definition names |
//! | [`github`] | pull requests, comments, deployments of commits |
//! | [`faults`] | throttles, resets, lost answers, denied actions on command |
//! | [`ledger`] | every call that came in, and which of them changed something |
//! | [`demo`] | four deploys to watch |
//! | [`server`] | the HTTP skin, nothing else |
//!
//! Nothing here sleeps on a thread or reads a clock but tokio's, so that a whole story also runs in virtual time.

mod cbor;
pub mod clock;
pub mod cloudwatch;
pub mod codedeploy;
pub mod demo;
pub mod door;
pub mod ec2;
pub mod ecr;
pub mod ecs;
pub mod elbv2;
pub mod faults;
pub mod github;
mod iam;
pub mod identity;
pub mod ledger;
pub mod logs;
mod named;
mod oidc;
pub mod random;
pub mod registry;
pub mod roles;
pub mod rollout;
pub mod secrets;
pub mod server;
mod signature;
mod sts;
#[cfg(test)]
mod tests;
pub mod trouble;
pub mod wire;
pub mod world;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use clock::Clock;
pub use faults::{Fault, Trick};
pub use ledger::Call;
pub use rollout::{Happening, Lambda, Rollout, WayBack};
pub use server::serve;
pub use trouble::Trouble;
pub use wire::{Answer, Asked, Outcome};
pub use world::World;

/// A running pretend AWS and GitHub. It stops when dropped.
#[derive(Debug)]
pub struct Sim {
    world: Shared,
    url: String,
    server: Option<tokio::task::JoinHandle<()>>,
}

/// The world, shared between the server and the story that watches it.
pub type Shared = Arc<Mutex<World>>;

/// Locks the world; a panic elsewhere while it was locked does not matter to a pretend world.
pub(crate) fn lock(world: &Shared) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sim {
    /// Starts serving on a free loopback port, as a task of the current runtime.
    ///
    /// # Errors
    /// When no loopback port can be bound.
    pub async fn start(world: World) -> std::io::Result<Self> {
        let (listener, url) = server::bind("127.0.0.1:0").await?;
        let world = Arc::new(Mutex::new(world));
        lock(&world).url.clone_from(&url);
        let server = tokio::spawn(server::run(listener, Arc::clone(&world), None));
        Ok(Self { world, url, server: Some(server) })
    }

    /// A stage without an address: only [`Sim::answer`] reaches it.
    #[must_use]
    pub fn without_address(world: World) -> Self {
        Self { world: Arc::new(Mutex::new(world)), url: String::new(), server: None }
    }

    /// Where it listens, such as `http://127.0.0.1:40123`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Every call so far, in order of arrival.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.world).ledger.calls().to_vec()
    }

    /// The calls that changed something in AWS, in order.
    #[must_use]
    pub fn writes(&self) -> Vec<Call> {
        lock(&self.world).ledger.writes()
    }

    /// What was asked and is not known here: the name of each such operation or path.
    #[must_use]
    pub fn unknown(&self) -> Vec<String> {
        lock(&self.world).ledger.unknown()
    }

    /// Every secret that exists on stage: tokens, issued keys, session tokens, and those the story declared.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        lock(&self.world).secrets()
    }

    /// Looks at the world or changes it, also in the middle of a run.
    pub fn with<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        act(&mut lock(&self.world))
    }

    /// Answers one request without a socket, for stories that run in virtual time.
    pub async fn answer(&self, asked: Asked) -> Outcome {
        door::answer(&self.world, asked).await
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}
