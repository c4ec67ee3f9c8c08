//! What is true of a run where CodeDeploy moves the tasks, by the stage's own state and the wire.
//!
//! Written from the contract and CodeDeploy's reference alone: it shares no idea with the program's judge.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use ecs_deploy::sim::Trick;
use ecs_deploy::sim::ecs::Place;

use crate::draw::Story;
use crate::play::{Deployment, Frame, Move, Played, Sent};
use crate::truth::{AFTERWORD, FAREWELL, is_applied, told, updates, words};

/// The longest that a way back is followed, whatever the limit says: a contract of the program's own, which a limit must
/// not make lie.
const WAY_BACK: f64 = 900.0;

/// How long it is looked for what follows an end: the way back that CodeDeploy may name later, or somebody else.
const AFTER: f64 = 60.0;

/// What is not true. Nothing, when all is well.
pub fn lies(story: &Story, played: &Played) -> Vec<String> {
    let truth = Moved::of(story, played);
    let mut lies = Vec::new();
    truth.verdict(&mut lies);
    truth.live(&mut lies);
    truth.changed(&mut lies);
    truth.identity(&mut lies);
    truth.writes(&mut lies);
    truth.stops(&mut lies);
    truth.time(&mut lies);
    words(played, &mut lies);
    lies
}

struct Moved<'a> {
    story: &'a Story,
    played: &'a Played,
    last: &'a Frame,
    /// The deployment that the program has to prove: its own, or the one it found in progress.
    ours: Option<&'a Move>,
    /// Whether the program's own request made it.
    is_own: bool,
    /// When the wait began, and its limit at the least and at the most, in seconds.
    wait: Option<(f64, f64, f64)>,
    /// When the run ended.
    end: f64,
}

impl<'a> Moved<'a> {
    fn of(story: &'a Story, played: &'a Played) -> Self {
        let last = played.frames.last().unwrap();
        let find = |id: &str| last.moves.iter().find(|one| one.id == id);
        let made = creates(played).find_map(|sent| find(sent.began.as_deref()?));
        let said =
            |part: &str| played.said.iter().find(|(_, line)| line.contains(part)).map(|(at, _)| at.as_secs_f64());
        let awaited = match (said("▸ waiting for another"), said("the other deployment has ended")) {
            (Some(from), Some(to)) => to - from,
            _ => 0.0,
        };
        let waits = story.input("wait-for-service-stability") != "false" && story.input("mode") != "plan";
        let told = played.outputs.get("codedeploy-deployment-id").map_or("", String::as_str);
        // Joined: somebody else's, which is of what is asked for. Whether it is, `identity` says.
        let joined = || find(told).filter(|_| creates(played).next().is_none());
        let ours = made.or_else(joined);
        let limit = (story.limit().as_secs_f64() - awaited).max(0.0);
        let group = story.code_deploy.as_ref().map(|by_code_deploy| &by_code_deploy.group);
        let minutes = group.map_or(0, |group| group.ready_minutes + group.termination_minutes);
        let slowly = story.input("codedeploy-deployment-config").contains("Canary");
        let at = said("CodeDeploy began").or_else(|| {
            let first = played.sent.iter().find(|sent| sent.operation == "GetDeployment" && made.is_none());
            first.filter(|_| ours.is_some()).map(|sent| sent.at.as_secs_f64())
        });
        let wait = at.filter(|_| waits).map(|at| {
            let earliest = at + limit + f64::from(minutes) * 60.0;
            (at, earliest, if slowly { earliest + 300.0 } else { earliest })
        });
        Self { story, played, last, ours, is_own: made.is_some(), wait, end: played.took.as_secs_f64() }
    }

    /// By how many seconds the program's last look may be older than the limit.
    fn slack(&self) -> f64 {
        let pause: f64 = self.story.input("wait-max-delay-seconds").parse().unwrap_or(5.0);
        // The limit of a deployment that somebody else began is counted from a look that is not known to be it.
        let joined = if self.is_own { 0.0 } else { 30.0 };
        let troubled = if self.story.faults.is_empty() { 2.0 } else { 45.0 + pause * 6.0 };
        joined + troubled + self.story.latency.as_secs_f64() * 4.0
    }

    /// When a signal came, while the program ran.
    fn signal(&self) -> Option<f64> {
        self.story.signal.map(|at| at.as_secs_f64()).filter(|at| *at <= self.end + 0.001)
    }

    fn output(&self, name: &str) -> &'a str {
        self.played.outputs.get(name).map_or("", String::as_str)
    }

    fn goes_back(&self) -> bool {
        self.story.input("on-failure") != "none" && self.story.input("mode") != "rollback"
    }

    /// Which verdicts are true, and why.
    fn allowed(&self) -> (BTreeSet<&'static str>, String) {
        let (mut allowed, mut why) = self.allowed_without_trouble();
        let identity = ["AssumeRole", "GetCallerIdentity", "*"];
        let is_identity_troubled = || self.story.faults.iter().any(|fault| identity.contains(&&*fault.operation));
        let troubled = !self.story.is_mild() || self.story.session.is_some() && is_identity_troubled();
        if troubled && self.failed_late() {
            allowed.insert("denied");
            why.push_str("; calls failed");
        }
        if self.is_unanswered() && !self.can_be_told() {
            allowed.insert("denied");
            why.push_str("; the request was not answered, and nothing tells what came of it");
        }
        if let Some(signal) = self.signal() {
            allowed.insert("cancelled");
            let _ = write!(why, "; a signal came at {signal:.1}");
            let known_before = self.proven_at().is_some_and(|at| at <= signal + 0.001);
            let proven = ["succeeded", "rolled-back", "rollback-failed", "failed", "superseded"];
            if !known_before && self.wait.is_some() {
                allowed.retain(|verdict| !proven.contains(verdict));
            }
        }
        (allowed, why)
    }

    /// Whether one of the last calls of the run failed.
    fn failed_late(&self) -> bool {
        self.played.sent.iter().rev().take(6).any(|sent| sent.status.is_none_or(|status| status >= 400 || status == 0))
    }

    /// Whether no request for a deployment was answered.
    fn is_unanswered(&self) -> bool {
        creates(self.played).next().is_some() && creates(self.played).all(|sent| sent.status != Some(200))
    }

    /// Whether the group's deployments tell which one is ours.
    fn can_be_told(&self) -> bool {
        let Some(by_code_deploy) = &self.story.code_deploy else { return false };
        self.story.tells_group() && !by_code_deploy.hides_digest
    }

    /// When what the verdict speaks of was there to be seen.
    fn proven_at(&self) -> Option<f64> {
        let ours = self.ours?;
        let reached = self.reached().map(|(_, at)| at);
        let fails = self.keeps_failing(ours);
        let ended = self.way_back(ours).unwrap_or(ours).ended;
        reached.into_iter().chain(fails).chain(ended).reduce(f64::min)
    }

    fn allowed_without_trouble(&self) -> (BTreeSet<&'static str>, String) {
        let story = self.story;
        let one = |verdict, why: &str| (BTreeSet::from([verdict]), why.to_owned());
        let some = |verdicts: &[&'static str], why: &str| (verdicts.iter().copied().collect(), why.to_owned());
        if ["soon", "1.5"].contains(&story.input("wait-for-minutes")) {
            return one("invalid", "an input is wrong");
        }
        let nowhere = story.input("mode") == "rollback" && story.input("task-definition-arn").is_empty();
        let refused = story.input("service") != "web"
            || story.input("cluster") != "prod"
            || !story.input("allowed-account-ids").is_empty()
            || !["", "DgpECS-prod-web"].contains(&story.input("codedeploy-deployment-group"))
            || story.input("task-definition-revision") == "77";
        if refused || nowhere {
            return some(&["invalid", "blocked"], "what the inputs name is not there");
        }
        if story.input("mode") == "plan" {
            return one("planned", "mode: plan");
        }
        if let (Some((_, least, _)), Some(ours)) = (self.wait, self.ours) {
            return self.allowed_waiting(ours, least);
        }
        if self.ours.is_some() {
            return one("started", "a deployment is on its way, and nobody waits");
        }
        self.allowed_without_ours()
    }

    /// Which verdicts are true when no deployment is followed.
    fn allowed_without_ours(&self) -> (BTreeSet<&'static str>, String) {
        let (mut allowed, mut why) = (BTreeSet::new(), String::new());
        let begun_at = self.played.sent.iter().find(|sent| sent.operation == "ListDeployments").map(|sent| sent.at);
        let since = begun_at.map_or(0.0, |at| at.as_secs_f64());
        let busy = self.played.frames.iter().any(|frame| {
            frame.at.as_secs_f64() >= since && frame.moves.iter().any(|one| !one.is_closed() || one.goes_back)
        }) || self.story.code_deploy.as_ref().is_some_and(|by_code_deploy| by_code_deploy.other.is_some());
        let asked = creates(self.played).next().is_some();
        let stopped = stops(self.played).next().is_some();
        if busy {
            why.push_str("another deployment was in progress; ");
            if self.has_changed() {
                allowed.extend(["failed", "timed-out"]);
            } else if !asked {
                allowed.extend(["blocked", "timed-out"]);
            }
            if asked || stopped {
                allowed.extend(["blocked", "failed", "timed-out"]);
            }
        }
        if asked || stopped {
            why.push_str("a deployment was asked for, and none was made");
            return (allowed, why);
        }
        match updates(self.played).any(|sent| is_applied(sent, self.played)) {
            // Settings alone: until as many tasks run as are wanted.
            true if self.story.input("wait-for-service-stability") == "false" => {
                allowed.insert("succeeded");
            }
            true => allowed.extend(["succeeded", "timed-out"]),
            false if self.serves_asked(self.last) => {
                allowed.extend(["unchanged", "started"]);
                why.push_str("what was asked for serves");
            }
            false => {}
        }
        (allowed, why)
    }

    /// Which verdicts are true of a run that follows a deployment.
    fn allowed_waiting(&self, ours: &Move, limit: f64) -> (BTreeSet<&'static str>, String) {
        let mut allowed = BTreeSet::new();
        let mut why = format!("{} is {}", ours.id, ours.status);
        let late = self.end >= limit - self.slack();
        let at = ours.ended.unwrap_or(self.end);
        let by_rival = self.next(ours).is_some();
        let back = self.way_back(ours);
        match (ours.status.as_str(), back) {
            ("Succeeded", _) => {
                let is_moved = self.has_applied();
                allowed.insert(if is_moved { "succeeded" } else { "unchanged" });
            }
            ("Failed" | "Stopped", Some(back)) => {
                let _ = write!(why, "; {} goes back from it and is {}", back.id, back.status);
                match back.status.as_str() {
                    "Succeeded" => allowed.insert("rolled-back"),
                    "Failed" | "Stopped" => allowed.insert("rollback-failed"),
                    _ => self.end >= back.began + WAY_BACK - self.slack() && allowed.insert("timed-out"),
                };
            }
            // CodeDeploy is to go back, and nobody looked.
            ("Failed" | "Stopped", None) if ours.goes_back => {}
            ("Failed" | "Stopped", None) => {
                allowed.insert("failed");
            }
            _ => {
                if late {
                    allowed.insert("timed-out");
                }
                if let Some(at) = self.keeps_failing(ours).filter(|_| !self.goes_back() || self.stop_failed()) {
                    allowed.insert("failed");
                    let _ = write!(why, "; its tasks kept failing at {at:.1}");
                }
            }
        }
        if at > limit - self.slack() && !self.was_stopped_by_run() && back.is_none() {
            allowed.insert("timed-out");
        }
        if by_rival {
            allowed.insert("superseded");
            why.push_str("; somebody else's came next");
        }
        if let Some((verdict, at)) = self.reached() {
            allowed.insert(verdict);
            let _ = write!(why, "; what it waited for was there at {at:.1}");
        }
        let _ = write!(why, "; the limit is {limit:.1}, the end {:.1}", self.end);
        (allowed, why)
    }

    /// When what `wait-until` asks for was there, before the deployment's end.
    fn reached(&self) -> Option<(&'static str, f64)> {
        let ours = self.ours?;
        let until = self.story.input("wait-until");
        let frame = self.played.frames.iter().find(|frame| {
            let one = frame.moves.iter().find(|one| one.id == ours.id);
            one.is_some_and(|one| match until {
                "paused" => one.status == "Ready",
                "healthy" => !one.is_closed() && one.is_shifted && is_primary(frame, one),
                _ => false,
            })
        })?;
        let healthy = if self.has_applied() { "succeeded" } else { "unchanged" };
        Some((if until == "paused" { "paused" } else { healthy }, frame.at.as_secs_f64()))
    }

    /// When so many of its tasks had ended in one and the same way and not all ran.
    fn keeps_failing(&self, ours: &Move) -> Option<f64> {
        let after: usize = self.story.input("fail-fast-after").parse().unwrap_or(3);
        let found = self.played.frames.iter().find(|frame| {
            let set = frame.deployments.iter().find(|set| set.digits == ours.set);
            set.is_some_and(|set| {
                set.up == 0 && set.stops.len() == 1 && set.stops.values().all(|count| *count >= after)
            })
        });
        found.filter(|_| after > 0).map(|frame| frame.at.as_secs_f64())
    }

    /// The deployment that goes back from another.
    fn way_back(&self, one: &Move) -> Option<&'a Move> {
        self.last.moves.iter().find(|other| other.from.as_ref() == Some(&one.id))
    }

    /// Somebody else's deployment that came after another.
    fn next(&self, one: &Move) -> Option<&'a Move> {
        self.last.moves.iter().skip_while(|other| other.id != one.id).skip(1).find(|other| other.from.is_none())
    }

    fn was_stopped_by_run(&self) -> bool {
        stops(self.played).any(|sent| is_applied(sent, self.played))
    }

    fn stop_failed(&self) -> bool {
        stops(self.played).next().is_some() && !self.was_stopped_by_run()
    }

    fn verdict(&self, lies: &mut Vec<String>) {
        let Some(verdict) = self.played.verdict else { return lies.push("the run never ended".to_owned()) };
        let name = verdict.name();
        let (allowed, why) = self.allowed();
        if !allowed.contains(name) {
            lies.push(format!("the verdict is {name}; true would be {allowed:?}: {why}"));
        }
        told(verdict, self.output("verdict"), lies);
        if ["invalid", "blocked", "planned", "unchanged"].contains(&name) && self.has_changed() {
            lies.push(format!("{name}, but something was written"));
        }
        match (name, self.ours) {
            ("succeeded" | "unchanged", Some(ours)) => {
                let proven = |frame: &&Frame| is_primary(frame, ours) && self.is_asked(&ours.revision);
                if !self.played.frames.iter().any(|frame| proven(&frame)) {
                    lies.push(format!("green, but the task set of {} never served what was asked for", ours.id));
                }
            }
            ("rolled-back", Some(ours)) => self.earlier_serves(ours, lies),
            ("unchanged", None) if !self.serves_asked(self.last) => {
                lies.push("unchanged, but what was asked for does not serve".to_owned());
            }
            _ => {}
        }
    }

    /// Rolled back: what was PRIMARY before is so again, and runs.
    fn earlier_serves(&self, ours: &Move, lies: &mut Vec<String>) {
        let before = self.played.frames.iter().rfind(|frame| frame.at.as_secs_f64() <= ours.began + 0.001);
        let before = before.or(self.played.frames.first());
        let before = before.and_then(production).filter(|set| set.digits != ours.set).map(|set| &set.revision);
        let since = ours.ended.unwrap_or(self.end) - 0.001;
        let back = self.played.frames.iter().filter(|frame| frame.at.as_secs_f64() >= since).any(|frame| {
            production(frame).is_some_and(|set| {
                set.digits != ours.set && Some(&set.revision) == before && (set.running > 0 || frame.desired == 0)
            })
        });
        if !back {
            lies.push(format!("rolled back, but {before:?} was not seen to serve after {since:.1}"));
        }
    }

    /// Whether a revision is what was asked for.
    fn is_asked(&self, revision: &str) -> bool {
        let (named, number) = (self.story.input("task-definition-arn"), self.story.input("task-definition-revision"));
        if !named.is_empty() {
            return revision == named;
        }
        let definition = self.played.definitions.get(revision);
        let image = definition.and_then(|known| known.pointer("/containerDefinitions/0/image")?.as_str());
        let _ = number;
        image == Some(self.story.input("image"))
    }

    fn serves_asked(&self, frame: &Frame) -> bool {
        production(frame).is_some_and(|set| self.is_asked(&set.revision))
    }

    /// What serves at the moments that the program may speak of: from its last look at the service on.
    fn live(&self, lies: &mut Vec<String>) {
        let told = self.output("live-task-definition-arn");
        let looks = |sent: &&Sent| {
            ["DescribeServices", "UpdateService"].contains(&sent.operation.as_str()) && sent.status == Some(200)
        };
        let since = self.played.sent.iter().filter(looks).filter_map(|sent| sent.call).next_back();
        let frames = self.played.frames.iter().filter(|frame| since.is_some_and(|since| frame.call >= since));
        let mut all: BTreeSet<&str> = frames.filter_map(production).map(|set| set.revision.as_str()).collect();
        if since.is_none() {
            all.insert("");
        }
        let early = ["invalid", "blocked", "denied", "cancelled"].contains(&self.output("verdict")) && told.is_empty();
        if !all.contains(told) && !early {
            lies.push(format!("live is `{told}`; what served was {all:?}"));
        }
    }

    fn has_applied(&self) -> bool {
        self.played.sent.iter().any(|sent| is_changing(sent) && is_applied(sent, self.played))
    }

    fn has_changed(&self) -> bool {
        self.has_applied()
    }

    fn changed(&self, lies: &mut Vec<String>) {
        let told = self.output("changed");
        let unknown = |sent: &Sent| sent.status.is_none_or(|status| status == 0 || status >= 500);
        let maybe =
            self.played.sent.iter().any(|sent| is_changing(sent) && (is_applied(sent, self.played) || unknown(sent)));
        let fine = match told {
            "true" => maybe,
            "false" => !self.has_changed(),
            _ => false,
        };
        if !fine {
            lies.push(format!("changed is `{told}`; writes that were carried out: {}", self.has_changed()));
        }
    }

    /// The ids that are told are those of the deployment that is followed.
    fn identity(&self, lies: &mut Vec<String>) {
        let Some(ours) = self.ours else { return };
        let told = [
            ("codedeploy-deployment-id", ours.id.clone()),
            ("deployment-id", format!("ecs-svc/{}", ours.set)),
            ("task-definition-arn", ours.revision.clone()),
        ];
        for (name, expected) in told {
            let value = self.output(name);
            if !value.is_empty() && value != expected {
                lies.push(format!("{name} is `{value}`, and {expected} was followed"));
            }
        }
        if self.wait.is_some() && self.output("codedeploy-deployment-id").is_empty() {
            lies.push("the deployment is not named".to_owned());
        }
        if !self.is_asked(&ours.revision) {
            lies.push(format!("{} is not what was asked for", ours.revision));
        }
        if ours.from.is_some() {
            lies.push("somebody's way back was followed".to_owned());
        }
    }

    /// Nothing is written twice, nothing after the end, nothing where nothing may be written.
    fn writes(&self, lies: &mut Vec<String>) {
        // What comes to CodeDeploy after nobody waits for it any more is not to be known.
        let slow = |operation: &str| {
            self.story.faults.iter().any(|fault| {
                (fault.operation == operation || fault.operation == "*")
                    && matches!(fault.trick, Trick::Delay(delay) if delay.as_secs() > 15)
            })
        };
        for operation in ["RegisterTaskDefinition", "CreateDeployment"] {
            let sent = || self.played.sent.iter().filter(|sent| sent.operation == operation);
            let times = sent().filter(|sent| is_applied(sent, self.played)).count();
            if times > 1 && !slow(operation) {
                lies.push(format!("{operation} was carried out {times} times"));
            }
            let done = sent().position(|sent| is_applied(sent, self.played));
            if let Some(done) = done.filter(|_| operation == "CreateDeployment" && !slow(operation))
                && sent().nth(done + 1).is_some()
            {
                lies.push(format!("{operation} was sent again after it had been carried out"));
            }
        }
        for sent in self.played.sent.iter().filter(|sent| is_changing(sent)) {
            if sent.is_late {
                lies.push(format!("{} was sent after the outputs were written", sent.operation));
            }
            if self.story.input("mode") == "plan" {
                lies.push(format!("a plan sends {}", sent.operation));
            }
            if self.story.input("mode") == "rollback" && sent.operation == "RegisterTaskDefinition" {
                lies.push("a way back registers a revision".to_owned());
            }
        }
        if self.played.calls_after > 0 {
            lies.push(format!("{} calls after the end", self.played.calls_after));
        }
        if self.story.input("on-concurrent") == "fail"
            && let Some((looks, _)) = self.story.code_deploy.as_ref().and_then(|by_code_deploy| by_code_deploy.other)
            && looks == 0
            && self.played.sent.iter().any(is_changing)
            && !self.was_over_before_the_first_write()
        {
            lies.push("it wrote in the way of another deployment".to_owned());
        }
    }

    fn was_over_before_the_first_write(&self) -> bool {
        // Reads of what is in progress may have been denied, and the other one may have ended, or be what is asked for.
        let Some(first) = self.played.sent.iter().find(|sent| is_changing(sent)) else { return true };
        let frame = self.played.frames.iter().rfind(|frame| frame.at <= first.at);
        let over = frame.is_none_or(|frame| frame.moves.iter().all(Move::is_closed));
        over || !self.story.faults.is_empty() || first.operation == "UpdateService"
    }

    /// Who is stopped, and why: ours, when it failed, was out of time, or a signal came; another one, to take its place.
    fn stops(&self, lies: &mut Vec<String>) {
        let replaces = ["", "replace"].contains(&self.story.input("on-concurrent"));
        for sent in stops(self.played) {
            let at = sent.at.as_secs_f64();
            let request = sent.call.and_then(|call| self.played.ledger.get(call)).map(|call| &call.request);
            let id = request.and_then(|request| request.get("deploymentId")?.as_str()).unwrap_or_default();
            let before = self.played.frames.iter().rfind(|frame| frame.at < sent.at);
            let found = before.and_then(|frame| frame.moves.iter().find(|one| one.id == id));
            let Some(ours) = self.ours.filter(|ours| self.is_own && ours.id == id) else {
                if !replaces || self.ours.is_some_and(|ours| ours.began < at) {
                    lies.push(format!("{id}, which is somebody else's, was stopped"));
                }
                if found.is_some_and(|one| one.from.is_some()) {
                    lies.push(format!("{id}, which is a way back, was stopped"));
                }
                continue;
            };
            let cancelled = self.signal().is_some_and(|signal| at >= signal - 0.001);
            let late = self.wait.is_some_and(|(_, least, _)| at >= least - self.slack());
            let fails = self.keeps_failing(ours).is_some_and(|failed| failed <= at);
            let called_for = if cancelled {
                self.story.input("on-cancel") == "rollback" && self.story.input("mode") != "rollback"
            } else {
                self.goes_back() && (late || fails)
            };
            if !called_for {
                lies.push(format!("{id} was stopped at {at:.1}, unasked"));
            }
            let serves =
                before.is_some_and(|frame| is_primary(frame, ours) && frame.moves.iter().any(|one| one.id == id));
            if serves && !cancelled && self.story.is_mild() {
                lies.push(format!("{id} was stopped at {at:.1}, and its tasks served"));
            }
        }
        self.left_alone(lies);
    }

    /// Nothing of it ran at the limit, and it was to be gone back from.
    fn left_alone(&self, lies: &mut Vec<String>) {
        let (Some((_, least, _)), Some(ours)) = (self.wait, self.ours) else { return };
        let quiet = self.story.faults.is_empty() && self.story.session.is_none() && self.story.others.is_empty();
        let set = self.last.deployments.iter().find(|set| set.digits == ours.set);
        let idle =
            ours.weight == 0.0 && set.is_none_or(|set| set.running < self.last.desired) && ours.status != "Ready";
        let stands =
            !ours.is_closed() && self.end >= least - 1.0 && self.signal().is_none() && self.reached().is_none();
        if quiet && self.is_own && self.goes_back() && idle && stands {
            lies.push(format!("{} was left in progress at the limit, and nothing of it runs", ours.id));
        }
        let asked = self.story.input("on-cancel") == "rollback" && self.story.input("mode") != "rollback";
        let (Some(signal), true) = (self.signal(), quiet && asked && self.is_own) else { return };
        let known = self.wait.is_some_and(|(at, ..)| at < signal) && self.output("verdict") == "cancelled";
        let open = self.played.frames.iter().rfind(|frame| frame.at.as_secs_f64() <= signal + 0.001);
        let open = open.is_some_and(|frame| frame.moves.iter().any(|one| one.id == ours.id && !one.is_closed()));
        if known && open && !ours.is_closed() && self.story.latency.as_millis() < 150 {
            lies.push("it did not go back after the signal".to_owned());
        }
    }

    fn time(&self, lies: &mut Vec<String>) {
        if let (Some((_, _, most)), Some(ours)) = (self.wait, self.ours) {
            let ended = ours.ended.filter(|at| *at <= most + AFTER).map_or(most, |at| most.max(at + AFTER));
            // While the service cannot be read, it is looked once more how the end left it.
            let hidden = self.story.faults.iter().any(|fault| fault.operation == "DescribeServices");
            let ended = if hidden { ended + AFTER } else { ended };
            let gone_back = self.way_back(ours).is_some() || stops(self.played).next().is_some();
            let limit = if gone_back { ended + WAY_BACK } else { ended };
            if self.end > limit + AFTERWORD {
                lies.push(format!("it ended {:.0} s after the limit", self.end - limit));
            }
        }
        if let Some(signal) = self.story.signal.map(|at| at.as_secs_f64())
            && self.end > signal + FAREWELL
        {
            lies.push(format!("it ended {:.1} s after the signal", self.end - signal));
        }
    }
}

fn creates(played: &Played) -> impl Iterator<Item = &Sent> {
    played.sent.iter().filter(|sent| sent.operation == "CreateDeployment")
}

fn stops(played: &Played) -> impl Iterator<Item = &Sent> {
    played.sent.iter().filter(|sent| sent.operation == "StopDeployment")
}

/// Whether a request asks AWS to change something.
fn is_changing(sent: &Sent) -> bool {
    ["RegisterTaskDefinition", "UpdateService", "CreateDeployment", "StopDeployment"].contains(&sent.operation.as_str())
}

/// The task set that serves production.
fn production(frame: &Frame) -> Option<&Deployment> {
    frame.deployments.iter().rev().find(|set| set.place == Place::Primary)
}

/// Whether the task set of a deployment serves production.
fn is_primary(frame: &Frame, one: &Move) -> bool {
    !one.set.is_empty() && production(frame).is_some_and(|set| set.digits == one.set)
}
