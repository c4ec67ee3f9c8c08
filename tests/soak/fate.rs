//! What became of a deployment, by the stage's own state alone.

use std::collections::BTreeSet;

use ecs_deploy::sim::ecs::Place;

use crate::play::{Deployment, Frame, Played};

/// How a deployment has ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ended {
    pub verdict: &'static str,
    pub at: f64,
}

/// All that the stage knows of a run.
#[derive(Debug, Clone, Copy)]
pub struct History<'a> {
    pub frames: &'a [Frame],
    /// The service at the end.
    pub last: &'a Frame,
}

impl<'a> History<'a> {
    pub fn of(played: &'a Played) -> Self {
        Self { frames: &played.frames, last: played.frames.last().unwrap() }
    }

    /// A deployment as it is at the end.
    pub fn find(&self, digits: &str) -> Option<&'a Deployment> {
        self.last.deployments.iter().find(|one| one.digits == digits)
    }

    /// The frames up to a moment.
    pub fn until(&self, moment: f64) -> impl DoubleEndedIterator<Item = &'a Frame> {
        self.frames.iter().filter(move |frame| frame.at.as_secs_f64() <= moment + 0.001)
    }

    /// When the service was gone.
    pub fn gone(&self) -> Option<f64> {
        self.frames.iter().find(|frame| frame.status != "ACTIVE").map(|frame| frame.at.as_secs_f64())
    }

    /// How a deployment has ended.
    pub fn ended(&self, one: &Deployment) -> Option<Ended> {
        let gone = self.gone().map(|at| Ended { verdict: "failed", at });
        // ECS calls it failed and leaves it in place, or something newer takes its place: it need not be stopped in
        // every shape yet.
        let falling = |is_failed: bool| {
            self.frames.iter().find(|frame| {
                frame.deployments.iter().any(|other| {
                    other.digits == one.digits
                        && (other.state == "FAILED") == is_failed
                        && ["STOP_REQUESTED", "STOPPED"].contains(&other.status.as_str())
                })
            })
        };
        let ended = |verdict, frame: &Frame| Ended { verdict, at: frame.at.as_secs_f64() };
        let own = match one.status.as_str() {
            "SUCCESSFUL" => Ended { verdict: "succeeded", at: one.ended? },
            "ROLLBACK_SUCCESSFUL" => Ended { verdict: "rolled-back", at: one.ended? },
            "ROLLBACK_FAILED" => Ended { verdict: "rollback-failed", at: one.ended? },
            "STOP_REQUESTED" | "STOPPED" => match (falling(true), falling(false), self.newer(one)) {
                (None, Some(frame), Some(_)) => ended("superseded", frame),
                (Some(frame), _, _) | (None, Some(frame), None) => ended("failed", frame),
                (None, None, _) => return gone,
            },
            _ => return gone,
        };
        Some(gone.filter(|gone| gone.at < own.at).unwrap_or(own))
    }

    /// The deployment that came right after another.
    pub fn newer(&self, one: &Deployment) -> Option<&'a Deployment> {
        self.last.deployments.iter().skip_while(|other| other.digits != one.digits).nth(1)
    }

    /// The deployment that had completed last when another began.
    pub fn earlier(&self, one: &Deployment) -> Option<&'a Deployment> {
        let before = self.last.deployments.iter().take_while(|other| other.digits != one.digits);
        before.filter(|other| other.status == "SUCCESSFUL").last()
    }

    /// Whether ECS itself had called a deployment failed by a moment.
    pub fn is_failed(&self, one: &Deployment, moment: f64) -> bool {
        self.until(moment).any(|frame| {
            let found = frame.deployments.iter().find(|other| other.digits == one.digits);
            found.is_some_and(|other| other.state == "FAILED")
        })
    }

    /// Whether by a moment so many tasks of a deployment had ended in one and the same way and none ran.
    pub fn keeps_failing(&self, one: &Deployment, times: usize, moment: f64) -> bool {
        self.until(moment).any(|frame| {
            let found = frame.deployments.iter().find(|other| other.digits == one.digits);
            found.is_some_and(|other| {
                other.up == 0 && other.stops.len() == 1 && other.stops.values().all(|count| *count >= times)
            })
        })
    }

    /// Whether at a moment nothing of a deployment ran and at least three of its tasks in a row had failed.
    pub fn is_broken(&self, one: &Deployment, moment: f64) -> bool {
        self.until(moment).next_back().is_some_and(|frame| {
            let found = frame.deployments.iter().find(|other| other.digits == one.digits);
            found.is_some_and(|other| other.running == 0 && other.failed >= 3)
        })
    }
}

pub fn primary(frame: &Frame) -> Option<&Deployment> {
    frame.deployments.iter().rev().find(|one| one.place == Place::Primary)
}

/// What serves: the revision of a completed PRIMARY deployment, until then those whose tasks run. Empty: nothing.
pub fn serving(frame: &Frame) -> BTreeSet<String> {
    let nothing = BTreeSet::from([String::new()]);
    if frame.status != "ACTIVE" {
        return nothing;
    }
    let running = frame.deployments.iter().filter(|one| one.place != Place::Gone && one.running > 0);
    let running: BTreeSet<String> = running.map(|one| one.revision.clone()).collect();
    match primary(frame) {
        Some(primary) if primary.state == "COMPLETED" => BTreeSet::from([primary.revision.clone()]),
        // Nothing is to run: whatever is listed counts.
        _ if frame.desired == 0 => {
            let listed = frame.deployments.iter().filter(|one| one.place != Place::Gone);
            listed.map(|one| one.revision.clone()).collect()
        }
        _ if running.is_empty() => nothing,
        _ => running,
    }
}
