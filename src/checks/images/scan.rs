//! `image-scan`: whether ECR's scan of each image found something as severe as `scan-severity`.
//!
//! <https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning.html>

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::platform::Machine;
use super::{NotKnown, Used, said_by_ecr, used};
use crate::aws::Aws;
use crate::aws::ecr::scan::{Scan, Vulnerability};
use crate::checks::{Finding, Ruling, Subject};
use crate::error::{Code, Error};
use crate::inputs::Severity;
use crate::model::image::ImageRef;
use crate::model::manifest::{Child, Manifest};
use crate::observe::Digest;

/// The longest pause between two looks at a scan that is not finished.
const PAUSE: Duration = Duration::from_secs(5);

/// The shortest one, whatever `wait-max-delay-seconds` says: a scan takes many seconds, and ECR answers only so often.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

/// A scan begins within two minutes of the push, or scanning is off.
const BEGINNING: Duration = Duration::from_mins(2);

/// Findings that are named.
const WORST: usize = 5;

/// How long a scan is waited for.
#[derive(Debug, Clone)]
struct Wait {
    /// Until then it has begun, or there is none.
    beginning: Instant,
    /// Until then it is finished, or it is not known what it finds.
    end: Instant,
    /// Between two looks.
    pause: Duration,
    /// Whether another check refuses the deploy.
    refused: watch::Receiver<bool>,
}

impl Wait {
    /// From now on; `limit` is that of the run's wait, `max_delay` its longest pause.
    fn new(limit: Duration, max_delay: Duration, refused: watch::Receiver<bool>) -> Self {
        let now = Instant::now();
        let pause = max_delay.clamp(SHORTEST_PAUSE, PAUSE);
        Self { beginning: now + BEGINNING, end: now + limit, pause, refused }
    }

    /// Lets some time go by until the next look, or says why there is to be none.
    async fn pause(&mut self) -> Result<(), String> {
        if Instant::now() + self.pause > self.end {
            return Err("its scan was not finished within `wait-for-minutes`".to_owned());
        }
        match timeout(self.pause, self.refused.wait_for(|refused| *refused)).await {
            Ok(_) => Err("its scan goes on and is not awaited, since another check refuses the deploy".to_owned()),
            Err(_) => Ok(()),
        }
    }
}

/// Waits for the scans, within the limit of the run's wait and while no other check has `refused` the deploy, and judges
/// them.
pub(in crate::checks) async fn ruling(subject: &Subject<'_>, refused: &watch::Receiver<bool>, aws: &Aws) -> Ruling {
    let wait = Wait::new(subject.inputs.wait.limit, subject.inputs.wait.max_delay, refused.clone());
    let images = used(&subject.plan.definition);
    let machine = Machine::of(subject);
    let mut not_known = NotKnown::default();
    let mut asked = JoinSet::new();
    for (index, image) in images.iter().enumerate() {
        let Ok(parsed) = ImageRef::parse(image.text) else { continue };
        if parsed.in_ecr().is_none() {
            not_known.add(image.text, "ECR scans only what is in a private registry of it");
            continue;
        }
        match said_by_ecr(image.text, &parsed, subject.observed) {
            Some(Digest::Known { digest, manifest }) => {
                let (aws, mut wait) = (aws.clone(), wait.clone());
                let digests = scanned(digest, manifest, machine.as_ref());
                asked.spawn(async move { (index, scan(&parsed, &digests, &mut wait, &aws).await) });
            }
            Some(Digest::Missing(_)) => not_known.add(image.text, "ECR does not have it"),
            Some(Digest::Archived(_)) => not_known.add(image.text, "it is archived"),
            Some(Digest::Unknown(why)) => not_known.add(image.text, why),
            None => not_known.add(image.text, "it was not looked up"),
        }
    }
    let mut scans = asked.join_all().await;
    scans.sort_by_key(|(index, _)| *index);
    let mut ruling = Ruling::default();
    for (index, scan) in scans {
        let Some(image) = images.get(index) else { continue };
        match scan {
            Ok((counts, findings)) => {
                let found = judge(image, &counts, findings, subject.inputs.checks.scan_severity);
                ruling = found.map(Ruling::found).into_iter().fold(ruling, Ruling::and);
            }
            Err(why) => not_known.add(image.text, why),
        }
    }
    ruling.and(not_known.ruling("What a scan finds"))
}

/// What has a scan: not an index, but the images in it that the tasks can run, or all of them when none says so.
fn scanned(digest: &str, manifest: &Manifest, machine: Option<&Machine>) -> Vec<String> {
    let fits = |child: &&Child| match (&child.platform, machine) {
        (Some(platform), Some(machine)) => machine.runs(platform),
        _ => false,
    };
    let mut children: Vec<&Child> = manifest.images().filter(fits).collect();
    if children.is_empty() {
        children = manifest.images().collect();
    }
    if children.is_empty() {
        return vec![digest.to_owned()];
    }
    children.into_iter().map(|child| child.digest.clone()).collect()
}

/// Counts by severity, and the findings.
type Found = (Vec<(String, u64)>, Vec<Vulnerability>);

/// What was found in an image: of an index, in that of its images which has the most.
async fn scan(image: &ImageRef, digests: &[String], wait: &mut Wait, aws: &Aws) -> Result<Found, String> {
    let mut worst: Option<Found> = None;
    for digest in digests {
        let found = scan_of_one(image, digest, wait, aws).await?;
        let grade = |found: &Found| found.0.iter().filter_map(|(severity, n)| Some((rank(severity)?, *n))).max();
        if worst.as_ref().is_none_or(|worst| grade(worst) < grade(&found)) {
            worst = Some(found);
        }
    }
    worst.ok_or_else(|| "there is no image in its index".to_owned())
}

async fn scan_of_one(image: &ImageRef, digest: &str, wait: &mut Wait, aws: &Aws) -> Result<Found, String> {
    let Some(repository) = image.in_ecr() else { return Err("it is not in ECR".to_owned()) };
    loop {
        let answer = aws.describe_image_scan_findings(&repository, digest).await;
        match answer.map_err(|error| error.to_string())? {
            Scan::Done { counts, findings } => return Ok((counts, findings)),
            Scan::Impossible(why) => return Err(format!("ECR says {why}")),
            Scan::Absent if Instant::now() >= wait.beginning => {
                return Err("there is no scan of it; scanning is off, or did not begin within two minutes".to_owned());
            }
            Scan::Absent | Scan::UnderWay => {}
        }
        wait.pause().await?;
    }
}

/// The severities in their order; none for a word that is not one, such as UNDEFINED.
fn rank(severity: &str) -> Option<Severity> {
    [Severity::Informational, Severity::Low, Severity::Medium, Severity::High, Severity::Critical]
        .into_iter()
        .find(|known| known.name() == severity)
}

fn judge(
    image: &Used<'_>,
    counts: &[(String, u64)],
    mut findings: Vec<Vulnerability>,
    least: Severity,
) -> Option<Finding> {
    let mut severe: Vec<(Severity, u64)> =
        counts.iter().filter_map(|(severity, count)| Some((rank(severity)?, *count))).collect();
    severe.retain(|(severity, count)| *severity >= least && *count > 0);
    severe.sort_by(|one, other| other.cmp(one));
    if severe.is_empty() {
        return None;
    }
    let counted: Vec<String> = severe.iter().map(|(severity, count)| format!("{count} {}", severity.name())).collect();
    findings.retain(|finding| rank(&finding.severity).is_some_and(|severity| severity >= least));
    findings
        .sort_by(|one, other| rank(&other.severity).cmp(&rank(&one.severity)).then_with(|| one.name.cmp(&other.name)));
    findings.dedup_by(|one, other| one.name == other.name);
    let named: Vec<String> = findings.iter().take(WORST).map(told).collect();
    let worst = if named.is_empty() { String::new() } else { format!(" The worst: {}.", named.join(", ")) };
    Some(
        Finding::new(Error::new(
            Code::ImageVulnerable,
            format!("The scan of the image {} found {}.", image.named(), counted.join(", ")),
            format!("`scan-severity` is {}.{worst}", least.name()),
            "Build the image on a base and with packages that have the fixes, or raise `scan-severity`.",
        ))
        .at(&image.pointer),
    )
}

/// One finding; its link only where it is one that a browser opens safely.
fn told(finding: &Vulnerability) -> String {
    let fits = |link: &&String| link.starts_with("https://") && link.bytes().all(|byte| byte.is_ascii_graphic());
    let link = finding.link.as_ref().filter(fits).map(|link| format!(" {link}")).unwrap_or_default();
    format!("{} ({}){link}", finding.name, finding.severity)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use serde_json::json;

    use super::*;
    use crate::checks::tests::Story;

    fn counts(counts: &[(&str, u64)]) -> Vec<(String, u64)> {
        counts.iter().map(|(severity, count)| ((*severity).to_owned(), *count)).collect()
    }

    fn vulnerability(severity: &str, name: &str, link: &str) -> Vulnerability {
        Vulnerability { severity: severity.to_owned(), name: name.to_owned(), link: Some(link.to_owned()) }
    }

    fn judged(found: &[(&str, u64)], findings: Vec<Vulnerability>, least: Severity) -> Option<Finding> {
        let pointer = "/containerDefinitions/0/image".to_owned();
        let image = Used { text: "web:1", containers: vec!["web"], pointer, has_login: false };
        judge(&image, &counts(found), findings, least)
    }

    #[test]
    fn only_what_is_as_severe_counts() {
        for (found, least, expected) in [
            (&[("CRITICAL", 1)][..], Severity::Critical, true),
            (&[("CRITICAL", 0), ("HIGH", 9)], Severity::Critical, false),
            (&[("HIGH", 9)], Severity::High, true),
            (&[("UNDEFINED", 9), ("UNTRIAGED", 2)], Severity::Informational, false),
            (&[("LOW", 1)], Severity::Informational, true),
            (&[], Severity::Informational, false),
        ] {
            assert_eq!(judged(found, Vec::new(), least).is_some(), expected, "{found:?} {least:?}");
        }
    }

    #[test]
    fn the_worst_five_are_named_with_links_that_are_safe() {
        let findings = vec![
            vulnerability("LOW", "CVE-2026-0001", "https://cve.example/1"),
            vulnerability("HIGH", "CVE-2026-0006", "https://cve.example/6"),
            vulnerability("HIGH", "CVE-2026-0003", "javascript:alert(1)"),
            vulnerability("CRITICAL", "CVE-2026-0002", "https://cve.example/2"),
            vulnerability("CRITICAL", "CVE-2026-0002", "https://cve.example/2"),
            vulnerability("HIGH", "CVE-2026-0004", "https://cve.example/ 4"),
            vulnerability("HIGH", "CVE-2026-0005", "https://cve.example/5"),
            vulnerability("HIGH", "CVE-2026-0007", "https://cve.example/7"),
        ];
        let found = judged(&[("LOW", 1), ("HIGH", 5), ("CRITICAL", 1)], findings, Severity::High).unwrap();
        insta::assert_snapshot!(found.error);
    }

    #[test]
    fn an_index_is_scanned_by_the_images_that_the_tasks_can_run() {
        let platform = |os: &str, architecture: &str| json!({"os": os, "architecture": architecture});
        let index = json!({"manifests": [
            {"digest": "sha256:a", "platform": platform("linux", "amd64")},
            {"digest": "sha256:b", "platform": platform("linux", "arm64")},
            {"digest": "sha256:c", "platform": platform("unknown", "unknown")},
        ]});
        let index = Manifest::parse(&index.to_string());
        let story = Story::default();
        let machine = Machine::of(&story.subject());
        assert_eq!(scanned("sha256:index", &index, machine.as_ref()), ["sha256:a"]);
        assert_eq!(scanned("sha256:index", &index, None), ["sha256:a", "sha256:b"]);
        assert_eq!(scanned("sha256:image", &Manifest::default(), None), ["sha256:image"]);
    }
}
