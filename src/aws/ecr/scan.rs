//! What ECR's scans found in an image, basic or enhanced.

use aws_sdk_ecr::types::{EnhancedImageScanFinding, ImageIdentifier, ImageScanFinding, ImageScanFindings, ScanStatus};

use crate::aws::Aws;
use crate::aws::call::CallError;
use crate::model::image::Repository;

/// Findings read of one image: the worst of these are named, all are counted.
const MOST: i32 = 1000;

/// How far the scan of an image is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scan {
    /// It is not finished.
    UnderWay,
    /// There is none: scanning is off, or it has not begun.
    Absent,
    /// It is finished, or goes on for ever: this was found.
    Done {
        /// How many there are, by severity; complete.
        counts: Vec<(String, u64)>,
        /// The findings that were read; perhaps not all.
        findings: Vec<Vulnerability>,
    },
    /// There will be none; ECR's status and words.
    Impossible(String),
}

/// One finding of a scan. Its texts come from outside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Vulnerability {
    /// `CRITICAL`, `HIGH`, …
    pub severity: String,
    /// Its name, such as `CVE-2024-3094`.
    pub name: String,
    /// Where it is described.
    pub link: Option<String>,
}

impl Aws {
    /// The scan of an image, by the digest of the image itself: an index has none.
    /// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImageScanFindings.html>
    ///
    /// # Errors
    /// The call failed.
    pub async fn describe_image_scan_findings(&self, of: &Repository<'_>, digest: &str) -> Result<Scan, CallError> {
        const ACTION: &str = "ecr:DescribeImageScanFindings";
        let call = self.ecr(of.region).describe_image_scan_findings().registry_id(of.account).repository_name(of.name);
        let image = ImageIdentifier::builder().image_digest(digest).build();
        let answer = match call.image_id(image).max_results(MOST).send().await {
            Ok(answer) => answer,
            Err(error) => {
                let error = CallError::from_sdk(ACTION, &error);
                return match error.code.as_deref() {
                    Some("ScanNotFoundException") => Ok(Scan::Absent),
                    _ => Err(error),
                };
            }
        };
        let Some(status) = answer.image_scan_status else { return Ok(Scan::Absent) };
        Ok(match status.status {
            None | Some(ScanStatus::InProgress | ScanStatus::Pending) => Scan::UnderWay,
            Some(ScanStatus::Complete | ScanStatus::Active) => done(answer.image_scan_findings),
            Some(other) => {
                let words = status.description.filter(|words| !words.is_empty());
                Scan::Impossible(words.map_or_else(|| other.to_string(), |words| format!("{other}: {words}")))
            }
        })
    }
}

fn done(found: Option<ImageScanFindings>) -> Scan {
    let Some(found) = found else { return Scan::Done { counts: Vec::new(), findings: Vec::new() } };
    let counts = found.finding_severity_counts.unwrap_or_default().into_iter();
    let counts = counts.map(|(severity, count)| (severity.to_string(), u64::try_from(count).unwrap_or_default()));
    let enhanced = found.enhanced_findings.unwrap_or_default().into_iter().map(of_enhanced);
    let findings = found.findings.unwrap_or_default().into_iter().map(of_basic).chain(enhanced);
    Scan::Done { counts: counts.collect(), findings: findings.collect() }
}

fn of_basic(finding: ImageScanFinding) -> Vulnerability {
    Vulnerability {
        severity: finding.severity.map(|severity| severity.to_string()).unwrap_or_default(),
        name: finding.name.unwrap_or_default(),
        link: finding.uri,
    }
}

fn of_enhanced(finding: EnhancedImageScanFinding) -> Vulnerability {
    let (id, source) = finding
        .package_vulnerability_details
        .map(|details| (details.vulnerability_id, details.source_url))
        .unwrap_or_default();
    Vulnerability {
        severity: finding.severity.unwrap_or_default(),
        name: id.or(finding.title).unwrap_or_default(),
        link: source,
    }
}
