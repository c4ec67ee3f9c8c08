//! Scans of images, basic and enhanced.
//!
//! <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImageScanFindings.html>

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{key, repository};
use crate::sim::wire::{Answered, Refusal, text};
use crate::sim::world::World;

/// What one look at a scan shows.
#[derive(Debug, Clone)]
pub struct Scan {
    /// `IN_PROGRESS`, `COMPLETE`, `ACTIVE`, `UNSUPPORTED_IMAGE`, …; `ScanNotFoundException` when there is none.
    pub status: String,
    /// Severity, name and address of each finding.
    pub findings: Vec<(String, String, String)>,
}

impl Scan {
    /// A scan with this status that has found nothing.
    #[must_use]
    pub fn status(status: &str) -> Self {
        Self { status: status.into(), findings: Vec::new() }
    }

    /// The same with one more finding.
    #[must_use]
    pub fn with(mut self, severity: &str, name: &str) -> Self {
        self.findings.push((severity.into(), name.into(), format!("https://nvd.nist.gov/vuln/detail/{name}")));
        self
    }
}

/// What the scan of one image shows now.
pub(super) fn describe(world: &mut World, input: &Value, region: &str) -> Answered {
    let id = input.get("imageId").cloned().unwrap_or_default();
    let (name, found) = repository(world, input, region)?;
    let Some(image) = found.resolve(text(&id, "imageTag"), text(&id, "imageDigest")) else {
        let message = format!("The image does not exist within the repository with name '{name}'");
        return Err(Refusal::new("ImageNotFoundException", message));
    };
    let (digest, name, account) = (image.digest.clone(), name.to_owned(), world.account.clone());
    let key = key(world, input, region);
    let scans = world.ecr.get_mut(&key).and_then(|repository| repository.scans.get_mut(&digest));
    let scan = scans.and_then(|scans| if scans.len() > 1 { Some(scans.remove(0)) } else { scans.first().cloned() });
    let Some(scan) = scan.filter(|scan| scan.status != "ScanNotFoundException") else {
        let message = format!(
            "Image scan does not exist for the image with '{{imageDigest:'{digest}'}}' in the repository with name '{name}' in the registry with id '{account}'"
        );
        return Err(Refusal::new("ScanNotFoundException", message));
    };
    let mut answer = json!({
        "registryId": account, "repositoryName": name, "imageId": {"imageDigest": digest},
        "imageScanStatus": {"status": scan.status, "description": ""},
    });
    if let (true, Some(answer)) = (matches!(scan.status.as_str(), "COMPLETE" | "ACTIVE"), answer.as_object_mut()) {
        answer.insert("imageScanFindings".into(), findings(&scan, &account));
    }
    Ok(answer)
}

fn findings(scan: &Scan, account: &str) -> Value {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (severity, ..) in &scan.findings {
        *counts.entry(severity).or_default() += 1;
    }
    let basic = |(severity, name, uri): &(String, String, String)| json!({"name": name, "uri": uri, "severity": severity, "description": "What it is.", "attributes": []});
    let enhanced = |(severity, name, uri): &(String, String, String)| {
        json!({
            "awsAccountId": account, "severity": severity, "status": "ACTIVE", "type": "PACKAGE_VULNERABILITY",
            "title": format!("{name} - openssl"), "score": 9.8, "fixAvailable": "YES",
            "packageVulnerabilityDetails": {"vulnerabilityId": name, "sourceUrl": uri, "source": "NVD"},
        })
    };
    if scan.status == "ACTIVE" {
        let found: Vec<Value> = scan.findings.iter().map(enhanced).collect();
        return json!({"imageScanCompletedAt": 1_700_000_000, "findingSeverityCounts": counts, "enhancedFindings": found});
    }
    let found: Vec<Value> = scan.findings.iter().map(basic).collect();
    json!({"imageScanCompletedAt": 1_700_000_000, "findingSeverityCounts": counts, "findings": found})
}
