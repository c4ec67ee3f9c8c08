//! ecs-deploy-action: from a commit to a proven, healthy Amazon ECS service in one step.
//!
//! The rooms, in reading order; data only moves right:
//!
//! ```text
//!    inputs ──► observe ──► plan ──► checks ──► apply ──► diagnose ──► report
//!    asked      true now    decided  allowed?   done      why not      told
//!    (pure)     (reads)     (pure)   (reads)    (writes)  (reads)      (pure)
//! ```
