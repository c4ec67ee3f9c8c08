//! What is true of a run, by the stage's own state and the wire, and what of the program's words is not.
//!
//! Written from the contract and the reference alone: it shares no idea with the program's judge.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use ecs_deploy::model::verdict::Verdict;
use ecs_deploy::sim::ecs::Place;
use ecs_deploy::sim::{Fault, Trick};
use serde_json::Value;

use crate::draw::{Before, Story};
use crate::fate::{Ended, History, primary, serving};
use crate::play::{Deployment, Frame, Played, Sent};

/// The longest that a run may go on after its limit: evidence, and the report.
pub const AFTERWORD: f64 = 45.0;

/// The least that a way back may take: the limit is the deployment's, and one that began at it could never be seen to
/// end. A contract of the README.
const WAY_BACK: f64 = 600.0;

/// How long a way back that has ended may take to show.
const SHOWING: f64 = 40.0;

/// The longest that a run may go on after a signal.
pub const FAREWELL: f64 = 5.0;

/// What is not true. Nothing, when all is well.
pub fn lies(story: &Story, played: &Played) -> Vec<String> {
    if story.code_deploy.is_some() {
        return crate::moved::lies(story, played);
    }
    let truth = Truth::of(story, played);
    let mut lies = Vec::new();
    truth.verdict(&mut lies);
    truth.live(&mut lies);
    truth.changed(&mut lies);
    truth.identity(&mut lies);
    truth.writes(&mut lies);
    truth.way_back(&mut lies);
    truth.on_request(&mut lies);
    truth.time(&mut lies);
    words(played, &mut lies);
    lies
}

pub struct Truth<'a> {
    pub story: &'a Story,
    pub played: &'a Played,
    pub history: History<'a>,
    /// The deployment that the program has to prove: its own, or the one it found in progress.
    pub followed: Option<&'a Deployment>,
    /// Whether the program's own update began it.
    pub is_ours: bool,
    /// When the wait began, and its limit, in seconds.
    pub wait: Option<(f64, f64)>,
    /// The way back that the program took itself.
    back: Option<Back<'a>>,
    /// When the run ended.
    end: f64,
}

/// A way back that the program took itself.
struct Back<'a> {
    /// When it began, and its limit, in seconds.
    at: f64,
    limit: f64,
    /// What was sent to change something.
    sent: Vec<&'a Sent>,
    /// The deployment that an update began.
    deployment: Option<&'a Deployment>,
}

impl<'a> Truth<'a> {
    fn of(story: &'a Story, played: &'a Played) -> Self {
        let history = History::of(played);
        let asked = updates(played).next().and_then(|sent| definition(sent, played));
        let began = || updates(played).filter(|sent| sent.began.is_some() && definition(sent, played) == asked);
        let ours = began().find(|sent| sent.status == Some(200)).or_else(|| began().next());
        let ours = ours.and_then(|sent| sent.began.as_ref());
        let said =
            |part: &str| played.said.iter().find(|(_, line)| line.contains(part)).map(|(at, _)| at.as_secs_f64());
        // Waiting for another deployment takes from the limit.
        let awaited = match (said("▸ waiting for another"), said("the other deployment has ended")) {
            (Some(from), Some(to)) => to - from,
            _ => 0.0,
        };
        let limit = (story.limit().as_secs_f64() - awaited).max(0.0);
        let requested = story.input("mode") == "rollback";
        let awaited =
            || said("▸ asking ECS to roll back").filter(|_| story.input("wait-for-service-stability") != "false");
        let wait = said("waiting for the rollout of").or_else(awaited).map(|at| (at, at + limit));
        let found = || {
            let applied = updates(played).find(|sent| is_applied(sent, played)).and_then(|sent| sent.call);
            let frame = match (applied, wait) {
                (Some(call), _) => played.frames.iter().find(|frame| frame.call == call),
                (None, Some((began, _))) => history.until(began).next_back(),
                (None, None) => None,
            };
            frame.and_then(primary).map(|primary| &primary.digits)
        };
        let followed = ours.or_else(found).and_then(|digits| history.find(digits));
        let is_back = |sent: &&Sent| {
            !requested
                && (sent.operation == "StopServiceDeployment"
                    || (sent.operation == "UpdateService" && definition(sent, played) != asked))
        };
        let sent: Vec<&Sent> = played.sent.iter().filter(is_back).collect();
        let at = said("▸ going back from").or(sent.first().map(|sent| sent.at.as_secs_f64()));
        let back = at.map(|at| Back {
            at,
            limit: wait.map_or(at, |(_, limit)| limit).max(at + WAY_BACK),
            deployment: sent.iter().rev().find_map(|sent| history.find(sent.began.as_ref()?)),
            sent,
        });
        let end = played.took.as_secs_f64();
        Self { story, played, history, followed, is_ours: ours.is_some(), wait, back, end }
    }

    /// How the deployment that is followed has ended, by the stage.
    fn ended(&self) -> Option<Ended> {
        self.history.ended(self.followed?)
    }

    /// How what the verdict speaks of has ended: the way back, where there is one.
    fn last_ended(&self) -> Option<Ended> {
        match self.back.as_ref().and_then(|back| back.deployment) {
            Some(deployment) => self.history.ended(deployment),
            None => self.ended(),
        }
    }

    /// `wait-max-delay-seconds`.
    fn pause(&self) -> u32 {
        self.story.input("wait-max-delay-seconds").parse().unwrap_or(5)
    }

    /// By how many seconds the program's last look may be older than the limit.
    pub fn slack(&self) -> f64 {
        let pause = f64::from(self.pause());
        let lag = &self.story.lag;
        let lagging = lag.describes + lag.lists + lag.current > 0;
        if !self.story.faults.is_empty() || lagging { 45.0 + pause * 6.0 } else { self.story.latency.as_secs_f64() }
    }

    /// Which verdicts are true, and why.
    fn allowed(&self) -> (BTreeSet<&'static str>, String) {
        let (mut allowed, mut why) = self.allowed_without_trouble();
        let troubled = !self.story.is_mild() || self.story.session.is_some() && self.is_identity_troubled();
        if troubled && self.failed_late() {
            allowed.insert("denied");
            why.push_str("; calls failed");
        }
        if let Some(signal) = self.signal() {
            allowed.insert("cancelled");
            let _ = write!(why, "; a signal came at {signal:.1}");
            // What ended only after the signal cannot have been the verdict.
            let known_before = self.last_ended().is_some_and(|ended| ended.at <= signal + 0.001);
            let proven = ["succeeded", "rolled-back", "rollback-failed", "failed", "superseded"];
            if !known_before && self.wait.is_some() {
                allowed.retain(|verdict| !proven.contains(verdict));
            }
        }
        (allowed, why)
    }

    /// When a signal came, while the program ran.
    fn signal(&self) -> Option<f64> {
        self.story.signal.map(|at| at.as_secs_f64()).filter(|at| *at <= self.end + 0.001)
    }

    fn is_identity_troubled(&self) -> bool {
        self.story
            .faults
            .iter()
            .any(|fault| ["AssumeRole", "GetCallerIdentity", "*"].contains(&fault.operation.as_str()))
    }

    /// Whether one of the last calls of the run failed.
    fn failed_late(&self) -> bool {
        self.played.sent.iter().rev().take(6).any(|sent| sent.status.is_none_or(|status| status >= 400 || status == 0))
    }

    fn allowed_without_trouble(&self) -> (BTreeSet<&'static str>, String) {
        let story = self.story;
        let one = |verdict, why: &str| (BTreeSet::from([verdict]), why.to_owned());
        if ["soon", "1.5"].contains(&story.input("wait-for-minutes")) {
            return one("invalid", "an input is wrong");
        }
        let refused = story.input("service") != "web"
            || story.input("cluster") != "prod"
            || !story.input("allowed-account-ids").is_empty()
            || story.input("task-definition-revision") == "77";
        if refused {
            return (BTreeSet::from(["invalid", "blocked"]), "what the inputs name is not there".to_owned());
        }
        let writes = self.played.sent.iter().any(is_changing);
        let gone_before = self.history.gone().is_some() && !writes;
        if gone_before {
            return (BTreeSet::from(["invalid", "blocked", "failed"]), "the service was gone".to_owned());
        }
        if story.input("mode") == "plan" {
            return one("planned", "mode: plan");
        }
        if self.is_requested() {
            return self.allowed_on_request();
        }
        match self.wait {
            Some((_, limit)) => self.allowed_waiting(limit),
            None => self.allowed_unawaited(writes),
        }
    }

    /// Which verdicts are true of a run that follows nothing.
    pub fn allowed_unawaited(&self, writes: bool) -> (BTreeSet<&'static str>, String) {
        let one = |verdict, why: &str| (BTreeSet::from([verdict]), why.to_owned());
        if !writes && ["wait", "fail"].contains(&self.story.input("on-concurrent")) {
            if self.is_in_others_way() {
                return one("blocked", "another deployment is in progress");
            }
            let unread =
                |sent: &Sent| sent.operation == "DescribeServiceDeployments" && sent.status.is_none_or(|it| it != 200);
            if self.output("reason") == "deployments-unread" && self.played.sent.iter().any(unread) {
                return one("blocked", "whether another deployment is in progress could not be read");
            }
        }
        let applied = || updates(self.played).any(|sent| is_applied(sent, self.played));
        // The update itself was refused, or its answer never came: sent again, it would replace what somebody else
        // began meanwhile.
        if writes && self.history.gone().is_none() && self.is_unanswered() && self.has_foreign_beginning() && !applied()
        {
            return one("denied", "the update was not answered, and somebody else began a deployment");
        }
        if self.story.input("wait-for-service-stability") == "false" {
            let applied = self.played.sent.iter().any(|sent| {
                ["UpdateService", "StopServiceDeployment"].contains(&sent.operation.as_str())
                    && is_applied(sent, self.played)
            });
            return match (applied, self.history.gone()) {
                (true, _) => one("started", "an update was made, and nobody waits"),
                (false, Some(_)) => {
                    (BTreeSet::from(["failed", "invalid", "blocked"]), "the service was gone".to_owned())
                }
                (false, None) if self.primary_in_progress_at_start() => {
                    one("started", "another's rollout is in progress")
                }
                (false, None) => one("unchanged", "nothing was to do"),
            };
        }
        if writes {
            if self.history.gone().is_none() && self.is_unanswered() && self.has_foreign_beginning() {
                return one("denied", "the update was not answered, and somebody else began a deployment");
            }
            return match self.history.gone() {
                Some(_) => (BTreeSet::from(["failed", "invalid", "blocked"]), "the service was gone".to_owned()),
                None => (BTreeSet::new(), "the writes were not answered".to_owned()),
            };
        }
        one("unchanged", "nothing was to do")
    }

    /// Whether no update was answered by what was begun.
    fn is_unanswered(&self) -> bool {
        updates(self.played).next().is_some() && updates(self.played).all(|sent| sent.status != Some(200))
    }

    /// Whether somebody else began a deployment after the program's first look at the service, and before its last.
    fn has_foreign_beginning(&self) -> bool {
        let ours: BTreeSet<&String> = updates(self.played).filter_map(|sent| sent.began.as_ref()).collect();
        let mut looks = self.played.sent.iter().filter(|sent| sent.operation == "DescribeServices");
        let Some((first, last)) = looks.next().map(|first| (first, looks.next_back().unwrap_or(first))) else {
            return false;
        };
        // The first look may show the service as it was before.
        let since = if self.story.lag.describes > 0 { 0.0 } else { first.at.as_secs_f64() };
        let between = since..=last.at.as_secs_f64() + self.story.latency.as_secs_f64();
        let foreign = |one: &&Deployment| !ours.contains(&one.digits) && between.contains(&one.began);
        self.history.last.deployments.iter().any(|one| foreign(&one))
    }

    /// Whether the newest look at the service showed another deployment in progress.
    fn is_in_others_way(&self) -> bool {
        self.looked_at(self.end)
            .and_then(primary)
            .is_some_and(|newest| newest.state == "IN_PROGRESS" || !is_over(newest))
    }

    /// The service as the program's last read before a moment showed it.
    fn looked_at(&self, moment: f64) -> Option<&'a Frame> {
        let read = |sent: &&Sent| {
            sent.operation == "DescribeServices" && sent.at.as_secs_f64() < moment && sent.status == Some(200)
        };
        let call = self.played.sent.iter().rev().find(read)?.call;
        self.played.frames.iter().find(|frame| Some(frame.call) == call)
    }

    fn primary_in_progress_at_start(&self) -> bool {
        self.story.before != Before::Standing
    }

    pub fn allowed_waiting(&self, limit: f64) -> (BTreeSet<&'static str>, String) {
        let (mut verdicts, mut why) = self.allowed_at_its_end(limit);
        if let Some((verdict, at)) = self.reached() {
            verdicts.insert(verdict);
            let _ = write!(why, "; what it waited for was there at {at:.1}");
        }
        if let Some(at) = self.failed_fast() {
            verdicts.insert("failed");
            let _ = write!(why, "; its tasks kept failing at {at:.1}");
        }
        (verdicts, why)
    }

    /// When what `wait-until` asks for was there, before the deployment's end.
    pub fn reached(&self) -> Option<(&'static str, f64)> {
        const STAGES: [&str; 11] = [
            "RECONCILE_SERVICE",
            "PRE_SCALE_UP",
            "SCALE_UP",
            "POST_SCALE_UP",
            "TEST_TRAFFIC_SHIFT",
            "POST_TEST_TRAFFIC_SHIFT",
            "PRE_PRODUCTION_TRAFFIC_SHIFT",
            "PRODUCTION_TRAFFIC_SHIFT",
            "POST_PRODUCTION_TRAFFIC_SHIFT",
            "BAKE_TIME",
            "CLEAN_UP",
        ];
        let digits = &self.followed?.digits;
        let until = self.story.input("wait-until");
        let is_there = |frame: &&Frame| {
            let Some(ours) = frame.deployments.iter().find(|one| one.digits == *digits) else { return false };
            let goes_on = ours.state != "FAILED" && ["IN_PROGRESS", "SUCCESSFUL"].contains(&ours.status.as_str());
            let place = |stage: &str| STAGES.iter().position(|known| *known == stage);
            goes_on
                && match until.strip_prefix("stage:") {
                    Some(asked) => ours.stage.as_deref().and_then(place).is_some_and(|at| Some(at) >= place(asked)),
                    None if until == "paused" => ours.paused,
                    None => until == "healthy" && is_healthy(ours, frame),
                }
        };
        let frame = self.played.frames.iter().find(is_there)?;
        Some((if until == "paused" { "paused" } else { "succeeded" }, frame.at.as_secs_f64()))
    }

    /// When the run may have ended because tasks kept failing, with nobody going back.
    fn failed_fast(&self) -> Option<f64> {
        let after: usize = self.story.input("fail-fast-after").parse().unwrap_or(3);
        let followed = self.followed.filter(|_| self.back.is_none() && after > 0)?;
        if self.must_go_back() {
            return None;
        }
        self.history.keeps_failing(followed, after, self.end).then_some(self.end)
    }

    /// Which verdicts are true when the deployment has ended, or the limit was reached before.
    fn allowed_at_its_end(&self, limit: f64) -> (BTreeSet<&'static str>, String) {
        let ended = self.ended().map(|ended| match ended.verdict {
            "succeeded" if !self.has_applied() => Ended { verdict: "unchanged", ..ended },
            _ => ended,
        });
        let told = format!("{ended:?} of {:?}, the limit is {limit:.1}", self.followed.map(|one| &one.digits));
        if let Some(back) = &self.back {
            let (verdicts, why) = self.allowed_back(back, limit);
            return (verdicts, format!("{told}; the way back began at {:.1}, {why}", back.at));
        }
        let newer = self.followed.and_then(|followed| self.history.newer(followed));
        let came_and_went = newer.is_some_and(|newer| newer.place == Place::Gone);
        let verdicts: &[&'static str] = match ended {
            // What took over is gone again: nothing shows it any more but the list of service deployments.
            Some(Ended { verdict: "superseded", .. })
                if (came_and_went && !self.was_shown(newer)) || !self.story.is_mild() =>
            {
                &["superseded", "failed", "rolled-back", "timed-out"]
            }
            Some(Ended { verdict: "failed", at }) if self.must_go_back() && at <= limit - self.slack() => {
                return (BTreeSet::new(), format!("{told}; nobody went back"));
            }
            _ => verdicts(ended, limit, self.slack()),
        };
        (verdicts.iter().copied().collect(), told)
    }

    /// Whether a read of the service, by the program, showed a deployment as the newest.
    fn was_shown(&self, one: Option<&Deployment>) -> bool {
        let read = |sent: &&Sent| sent.operation == "DescribeServices" && sent.status == Some(200);
        let calls: BTreeSet<usize> = self.played.sent.iter().filter(read).filter_map(|sent| sent.call).collect();
        let mut frames = self.played.frames.iter().filter(|frame| calls.contains(&frame.call));
        self.story.lag.describes == 0
            && frames.any(|frame| primary(frame).map(|newest| &newest.digits) == one.map(|one| &one.digits))
    }

    /// Whether a failure of the deployment that is followed is the program's to undo.
    fn must_go_back(&self) -> bool {
        let asked = self.story.input("on-failure") != "none" && !self.is_requested();
        self.is_ours && asked && self.history.gone().is_none()
    }

    /// Which verdicts are true after a way back that the program took itself.
    fn allowed_back(&self, back: &Back, limit: f64) -> (BTreeSet<&'static str>, String) {
        let Some(followed) = self.followed else { return (BTreeSet::new(), "from nothing".to_owned()) };
        let mut failures = BTreeSet::new();
        if back.at >= limit - self.slack() {
            failures.insert("timed-out");
        }
        if self.is_failed(followed, back) {
            failures.insert("failed");
        }
        let slack = self.slack();
        if let Some(way) = back.deployment {
            let ended = self.history.ended(way);
            let why = format!("by {}: {ended:?}", way.digits);
            let by_rival = self
                .history
                .newer(way)
                .is_some_and(|newer| ended.is_some_and(|ended| newer.began <= ended.at + f64::from(self.pause())));
            let after: usize = self.story.input("fail-fast-after").parse().unwrap_or(3);
            let allowed = match ended {
                Some(Ended { verdict: "superseded", .. }) => failures,
                // Somebody else took over before its end was seen; who only reads the service sees just that.
                Some(_) if by_rival && !self.story.tells_deployments() => failures,
                // Its tasks keep failing, too.
                None if after > 0 && self.history.keeps_failing(way, after, self.end) => {
                    BTreeSet::from(["rollback-failed", "timed-out"])
                }
                Some(Ended { verdict: "failed", .. }) if self.history.gone().is_some() => failures,
                ended => verdicts(ended, back.limit, slack)
                    .iter()
                    .map(|verdict| match *verdict {
                        "succeeded" => "rolled-back",
                        "failed" => "rollback-failed",
                        other => other,
                    })
                    .collect(),
            };
            return (allowed, why);
        }
        let ended = self.history.ended(followed);
        if self.was_overtaken_unseen(followed) {
            failures.extend(["failed", "rolled-back"]);
            // ECS still goes back from what took over.
            if self.history.newer(followed).is_some_and(|newer| newer.place != Place::Gone) {
                failures.insert("timed-out");
            }
            return (failures, "and what took over came and went unseen".to_owned());
        }
        match ended {
            Some(Ended { verdict: "superseded" | "failed", .. }) | None if !self.is_going_back(followed) => {
                let (excuse, why) = self.excuse(followed, back);
                if !excuse {
                    return (BTreeSet::new(), format!("and there was a way: {why}"));
                }
                if back.sent.iter().any(|sent| sent.status.is_none_or(|status| status != 200)) {
                    failures.insert("rollback-failed");
                }
                (failures, why)
            }
            Some(Ended { verdict: "superseded" | "failed", .. }) => (failures, "and was cut short".to_owned()),
            _ => (verdicts(ended, back.limit, slack).iter().copied().collect(), format!("by ECS: {ended:?}")),
        }
    }

    /// Whether what took over from a deployment came and went without being shown.
    fn was_overtaken_unseen(&self, one: &Deployment) -> bool {
        let newer = self.history.newer(one);
        newer.is_some_and(|newer| newer.place != Place::Primary) && !self.was_shown(newer)
    }

    /// Whether ECS ever went back from a deployment, or was asked to.
    fn is_going_back(&self, one: &Deployment) -> bool {
        self.played.frames.iter().any(|frame| {
            let found = frame.deployments.iter().find(|other| other.digits == one.digits);
            found.is_some_and(|other| other.status.starts_with("ROLLBACK_"))
        })
    }

    /// Whether the deployment had failed when the way back began: ECS said so, or its tasks kept failing alike.
    fn is_failed(&self, followed: &Deployment, back: &Back) -> bool {
        let after: usize = self.story.input("fail-fast-after").parse().unwrap_or(3);
        let ended = self.history.ended(followed).filter(|ended| ended.at <= back.at);
        ended.is_some_and(|ended| ended.verdict == "failed")
            || self.history.is_failed(followed, back.at)
            || (after > 0 && self.history.keeps_failing(followed, after, back.at))
    }

    /// Why a way back changed nothing.
    fn excuse(&self, followed: &Deployment, back: &Back) -> (bool, String) {
        match (self.history.earlier(followed), self.history.newer(followed)) {
            (None, _) => (true, "and nothing had completed before".to_owned()),
            (_, Some(newer)) if newer.began <= back.at + SHOWING => (true, format!("and {} began", newer.digits)),
            (Some(earlier), _) if earlier.revision == followed.revision => (true, "to the same revision".to_owned()),
            _ if self.history.gone().is_some() => (true, "of a service that is gone".to_owned()),
            (Some(earlier), _) => (!self.story.is_mild() && self.failed_late(), format!("to {}", earlier.revision)),
        }
    }

    pub fn has_applied(&self) -> bool {
        self.played.sent.iter().any(|sent| is_changing(sent) && is_applied(sent, self.played))
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
        let is_reached = name == "succeeded" && self.reached().is_some();
        if (name == "succeeded" && !is_reached) || name == "unchanged" {
            self.serves_what_was_asked(lies);
        }
        if name == "rolled-back" {
            self.earlier_serves(lies);
        }
    }

    /// Rolled back: after the deployment had failed, another one that is no rival's was PRIMARY and completed.
    fn earlier_serves(&self, lies: &mut Vec<String>) {
        let Some(followed) = self.followed else { return lies.push("rolled back, from nothing".to_owned()) };
        let since = followed.ended.or(self.back.as_ref().map(|back| back.at)).unwrap_or(0.0) - 0.001;
        let back = self.back.as_ref().and_then(|back| back.deployment).map(|one| &one.digits);
        // A newer deployment may have begun before anybody looked.
        let is_back = |frame: &&Frame| {
            let is_newer = primary(frame).is_some_and(|newest| newest.began >= since);
            frame.deployments.iter().any(|one| {
                one.state == "COMPLETED"
                    && (one.place == Place::Primary || (one.place == Place::Active && is_newer))
                    && (one.began < followed.began || Some(&one.digits) == back)
            })
        };
        let mut after = self.played.frames.iter().filter(|frame| frame.at.as_secs_f64() >= since);
        if !after.any(|frame| is_back(&frame)) {
            lies.push(format!("rolled back, but no earlier revision was seen to serve after {since:.1}"));
        }
    }

    /// Green: at the end, or when it was proven, what serves is what was asked for.
    fn serves_what_was_asked(&self, lies: &mut Vec<String>) {
        if self.is_requested() {
            return self.serves_on_request(lies);
        }
        let asked = self.story.input("image");
        let is_asked = |deployment: &Deployment| {
            let definition = self.played.definitions.get(&deployment.revision);
            let image = definition.and_then(|known| known.pointer("/containerDefinitions/0/image")?.as_str());
            image == Some(asked) && deployment.state == "COMPLETED"
        };
        let has_it = |frame: &&Frame| primary(frame).is_some_and(is_asked);
        // What was asked for may be less than an end.
        if self.is_ours && (self.followed.is_some_and(is_asked) || self.reached().is_some()) {
            return;
        }
        let proven = self.played.frames.iter().rev().take_while(|frame| {
            self.followed.is_none_or(|followed| frame.at.as_secs_f64() + 60.0 >= followed.ended.unwrap_or(0.0))
        });
        let mut proven = proven;
        if !proven.any(|frame| has_it(&frame)) {
            lies.push(format!("green, but {asked} was not what PRIMARY ran, completed"));
        }
    }

    /// The moments that the program may speak of: from its last look at the service on, or as far back as reads lag.
    pub fn since_last_look(&self) -> Vec<&'a Frame> {
        let looks = |sent: &&Sent| {
            ["DescribeServices", "UpdateService"].contains(&sent.operation.as_str()) && sent.status == Some(200)
        };
        let back = usize::try_from(self.story.lag.describes).unwrap();
        let calls: Vec<usize> = self.played.sent.iter().filter(looks).filter_map(|sent| sent.call).collect();
        let Some(since) = calls.get(calls.len().saturating_sub(1 + back)).or(calls.first()) else { return Vec::new() };
        self.played.frames.iter().filter(|frame| frame.call >= *since).collect()
    }

    fn live(&self, lies: &mut Vec<String>) {
        let told = self.output("live-task-definition-arn");
        let frames = self.since_last_look();
        let mut all: BTreeSet<String> = BTreeSet::new();
        for frame in &frames {
            all.extend(serving(frame));
        }
        if frames.is_empty() {
            all.insert(String::new());
        }
        let early = ["invalid", "blocked", "denied", "cancelled"].contains(&self.output("verdict")) && told.is_empty();
        if !all.contains(told) && !early {
            lies.push(format!("live is `{told}`; what served was {all:?}"));
        }
    }

    fn has_changed(&self) -> bool {
        self.played.sent.iter().any(|sent| {
            is_changing(sent)
                && is_applied(sent, self.played)
                && (sent.operation != "UpdateService" || sent.began.is_some())
        })
    }

    fn changed(&self, lies: &mut Vec<String>) {
        let told = self.output("changed");
        let maybe = self.played.sent.iter().any(|sent| {
            is_changing(sent)
                && (is_applied(sent, self.played) || sent.status.is_none_or(|status| status == 0 || status >= 500))
        });
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
        // Where ECS goes back by itself, there is no deployment of this run.
        let by_ecs = self.is_requested() && !self.is_ours;
        let Some(followed) = self.followed.filter(|_| self.wait.is_some() && !by_ecs) else { return };
        let told = [
            ("deployment-id", format!("ecs-svc/{}", followed.digits)),
            ("task-definition-arn", followed.revision.clone()),
            ("service-deployment-arn", format!("/web/{}", followed.id)),
        ];
        for (name, expected) in told {
            let value = self.output(name);
            if !value.is_empty() && !value.ends_with(&expected) {
                lies.push(format!("{name} is `{value}`, and {expected} was followed"));
            }
        }
        if self.is_ours && self.output("deployment-id").is_empty() {
            lies.push("the deployment is not named".to_owned());
        }
    }

    /// Nothing is written twice, nothing after the end, nothing where nothing may be written.
    fn writes(&self, lies: &mut Vec<String>) {
        let slow = |operation: &str| {
            self.story.faults.iter().any(|Fault { operation: hit, trick, .. }| {
                (hit == operation || hit == "*")
                    && matches!(trick, Trick::Delay(delay) if *delay > Duration::from_secs(15))
            })
        };
        let is_back = |sent: &Sent| {
            let back = self.back.iter().flat_map(|back| &back.sent);
            back.into_iter().any(|other| std::ptr::eq(*other, sent))
        };
        let kinds = [
            ("RegisterTaskDefinition", false),
            ("UpdateService", false),
            ("UpdateService", true),
            ("StopServiceDeployment", false),
            ("StopServiceDeployment", true),
        ];
        for (operation, of_back) in kinds {
            let carried_out = self.played.sent.iter().filter(|sent| {
                sent.operation == operation
                    && is_applied(sent, self.played)
                    && is_back(sent) == of_back
                    && (operation != "UpdateService" || sent.began.is_some())
            });
            let times = carried_out.count();
            if times > 1 && !slow(operation) {
                lies.push(format!("{operation} was carried out {times} times (on the way back: {of_back})"));
            }
        }
        if ["wait", "fail"].contains(&self.story.input("on-concurrent"))
            && let Some(first) = self.played.sent.iter().find(|sent| is_changing(sent))
            // Settings alone take nobody's place.
            && (first.operation != "UpdateService" || first.began.is_some())
            && let Some(newest) = self.looked_at(first.at.as_secs_f64()).and_then(primary)
            && !is_over(newest)
            && self.story.lag.describes == 0
            && self.is_found(newest)
        {
            lies.push(format!("{} was sent in the way of {}", first.operation, newest.digits));
        }
        for sent in self.played.sent.iter().filter(|sent| is_changing(sent) && sent.is_late) {
            lies.push(format!("{} was sent after the outputs were written", sent.operation));
        }
        if self.played.calls_after > 0 {
            lies.push(format!("{} calls after the end", self.played.calls_after));
        }
        if self.story.input("mode") == "plan" && self.played.sent.iter().any(is_changing) {
            lies.push("a plan writes".to_owned());
        }
    }

    /// Whether a signal came upon a deployment of ours in progress, was to be answered by going back, and nothing stood in
    /// the way of that.
    fn should_go_back_now(&self) -> bool {
        let Some((signal, followed)) = self.signal().zip(self.followed) else { return false };
        let quiet = self.story.faults.is_empty() && self.story.others.is_empty() && self.story.session.is_none();
        let lag = &self.story.lag;
        let calm =
            quiet && lag.describes + lag.lists + lag.current == 0 && self.wait.is_some_and(|(at, _)| at < signal);
        let (before, after) = (self.history.until(signal).next_back(), self.played.frames.last());
        let in_progress = [before, after].into_iter().flatten().all(|frame| {
            frame.deployments.iter().any(|one| one.digits == followed.digits && one.status == "IN_PROGRESS")
        });
        let asked = self.story.input("on-cancel") == "rollback"
            && !self.is_requested()
            && self.output("verdict") == "cancelled";
        let earlier = self.history.earlier(followed).is_some();
        asked && calm && in_progress && earlier && self.is_ours && self.story.latency.as_millis() < 150
    }

    /// A way back is taken only from what failed, and only while nothing newer is there.
    fn way_back(&self, lies: &mut Vec<String>) {
        if self.back.is_none() && self.should_go_back_now() {
            lies.push("it did not go back after the signal".to_owned());
        }
        let Some(back) = &self.back else { return };
        let Some(followed) = self.followed else { return lies.push("it went back from nothing".to_owned()) };
        if self.is_requested() {
            return lies.push("it went back from a way back".to_owned());
        }
        let cancelled = self.signal().is_some_and(|signal| back.at >= signal - 0.001);
        if cancelled {
            if self.story.input("on-cancel") != "rollback" {
                lies.push("it went back after a signal, unasked".to_owned());
            }
        } else {
            let late = self.wait.is_some_and(|(_, limit)| back.at >= limit - self.slack());
            if !self.is_ours || self.story.input("on-failure") == "none" {
                lies.push("it went back, unasked".to_owned());
            }
            let broken = late && self.history.is_broken(followed, back.at);
            let called_for = self.is_failed(followed, back) || self.was_overtaken_unseen(followed) || broken;
            if !called_for {
                lies.push(format!("it went back at {:.1} from what had not failed", back.at));
            }
        }
        for update in back.sent.iter().filter(|sent| sent.operation == "UpdateService") {
            let at = update.at.as_secs_f64();
            let looked =
                self.played.sent.iter().rev().find(|sent| {
                    sent.operation == "DescribeServices" && sent.at < update.at && sent.status == Some(200)
                });
            let frame = looked.and_then(|sent| self.played.frames.iter().find(|frame| Some(frame.call) == sent.call));
            let newest = frame.and_then(primary).map(|newest| &newest.digits);
            if newest != Some(&followed.digits) && self.story.lag.describes == 0 {
                lies.push(format!("it went back at {at:.1}, over {newest:?}"));
            }
        }
    }

    fn time(&self, lies: &mut Vec<String>) {
        let limit = match (&self.back, self.wait) {
            (Some(back), _) => Some(back.limit + SHOWING),
            (None, Some((_, limit))) => Some(limit),
            (None, None) => None,
        };
        if let Some(limit) = limit
            && self.end > limit + AFTERWORD
        {
            lies.push(format!("it ended {:.0} s after the limit", self.end - limit));
        }
        if let Some(signal) = self.story.signal.map(|at| at.as_secs_f64())
            && self.end > signal + FAREWELL
        {
            lies.push(format!("it ended {:.1} s after the signal", self.end - signal));
        }
    }

    fn output(&self, name: &str) -> &'a str {
        self.played.outputs.get(name).map_or("", String::as_str)
    }
}

/// What is told of a verdict is that verdict.
pub fn told(verdict: Verdict, output: &str, lies: &mut Vec<String>) {
    let name = verdict.name();
    if output != name {
        lies.push(format!("the output says `{output}`"));
    }
    let code = match name {
        "succeeded" | "unchanged" | "planned" | "started" | "paused" => 0,
        "invalid" => 2,
        "blocked" => 3,
        "rolled-back" => 4,
        "failed" | "rollback-failed" => 5,
        "timed-out" => 6,
        "denied" => 7,
        "superseded" => 8,
        _ => 130,
    };
    if verdict.exit_code() != code {
        lies.push(format!("{name} ends with {}", verdict.exit_code()));
    }
}

/// No secret is told, and nothing was asked that AWS does not know.
pub fn words(played: &Played, lies: &mut Vec<String>) {
    let said: Vec<&str> = played.said.iter().map(|(_, line)| line.as_str()).collect();
    let said = said.join("\n");
    let places = played.written.iter().map(|(place, text)| (*place, text)).chain([("the log", &said)]);
    for (place, text) in places {
        for secret in played.secrets.iter().filter(|secret| text.contains(secret.as_str())) {
            lies.push(format!("a secret ({}…) is in {place}", &secret[..4]));
        }
    }
    for (place, text) in &played.written {
        if text.is_empty() {
            lies.push(format!("{place} are empty"));
        }
    }
    for unknown in &played.unknown {
        lies.push(format!("asked of the stage, which does not know it: {unknown}"));
    }
}

pub fn updates(played: &Played) -> impl Iterator<Item = &Sent> {
    played.sent.iter().filter(|sent| sent.operation == "UpdateService")
}

/// Whether a request asks ECS to change something.
pub fn is_changing(sent: &Sent) -> bool {
    ["RegisterTaskDefinition", "UpdateService", "StopServiceDeployment"].contains(&sent.operation.as_str())
}

pub fn is_applied(sent: &Sent, played: &Played) -> bool {
    sent.call.and_then(|call| played.ledger.get(call)).is_some_and(|call| call.applied)
}

/// Whether a deployment's own end is behind it.
pub fn is_over(one: &Deployment) -> bool {
    ["SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"].contains(&one.status.as_str())
}

/// Stages at which all production traffic goes to the new tasks.
const SHIFTED: [&str; 3] = ["POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME", "CLEAN_UP"];

/// Whether all tasks of a deployment are up and healthy, by what ECS goes by: it takes the old ones away, has given the
/// new ones all the traffic, or they ran for as long as it takes where nothing checks them.
fn is_healthy(one: &Deployment, frame: &Frame) -> bool {
    let all_up = one.running == frame.desired && i64::try_from(one.up) == Ok(frame.desired);
    let old = || frame.deployments.iter().filter(|other| other.digits != one.digits && other.place != Place::Gone);
    let has_all_traffic = one.stage.as_deref().is_some_and(|stage| SHIFTED.contains(&stage));
    all_up
        && (has_all_traffic
            || old().all(|old| old.draining || old.running == 0)
            || frame.at.as_secs_f64() - one.up_since >= 39.0)
}

/// The task definition that an update asks for.
pub fn definition<'a>(sent: &Sent, played: &'a Played) -> Option<&'a str> {
    played.ledger.get(sent.call?)?.request.get("taskDefinition").and_then(Value::as_str)
}

/// What is true of a deployment that ended so, as far as it could be seen until a limit.
pub fn verdicts(ended: Option<Ended>, limit: f64, slack: f64) -> &'static [&'static str] {
    let Some(Ended { verdict, at }) = ended.filter(|ended| ended.at <= limit + 2.0) else { return &["timed-out"] };
    let sure = at <= limit - slack;
    match verdict {
        "succeeded" if sure => &["succeeded"],
        "succeeded" => &["succeeded", "timed-out"],
        "unchanged" if sure => &["unchanged"],
        "unchanged" => &["unchanged", "timed-out"],
        "rolled-back" if sure => &["rolled-back"],
        "rolled-back" => &["rolled-back", "timed-out"],
        "rollback-failed" if sure => &["rollback-failed"],
        "rollback-failed" => &["rollback-failed", "timed-out"],
        "failed" if sure => &["failed"],
        "failed" => &["failed", "timed-out"],
        "superseded" if sure => &["superseded"],
        _ => &["superseded", "timed-out"],
    }
}
