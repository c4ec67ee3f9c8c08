//! Which checks run before the first write, and what their findings mean.

use std::collections::BTreeMap;

use strum::{EnumIter, IntoEnumIterator, IntoStaticStr};

use super::given::{Given, Remarks, given};
use super::raw::RawInputs;
use super::suggest::{nearest, shortened};

/// A check, by its name in `checks`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Check {
    /// Each image is in its registry.
    ImageExists,
    /// Each image is built for the platform that the tasks run on.
    ImagePlatform,
    /// Sizes and parameters are ones that Fargate has.
    FargateSize,
    /// Each secret and parameter exists.
    SecretsExist,
    /// Each log group exists.
    LogGroups,
    /// The task's roles exist, and tasks may have them.
    Roles,
    /// The service's target groups exist and fit the containers.
    TargetGroups,
    /// Something ends a deployment that fails.
    CircuitBreaker,
    /// No other deployment is in progress.
    InFlight,
    /// No alarm of the deployment is in ALARM already.
    Alarms,
    /// The subnets have addresses for the tasks that run at once.
    Subnets,
    /// The image scan found nothing as severe as `scan-severity`.
    ImageScan,
}

/// What a finding of a check means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The check does not run.
    Off,
    /// It is told.
    Warn,
    /// It is told, and nothing is written.
    Block,
}

/// The severities of a scan's findings, the least first.
/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageScanFinding.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, EnumIter, IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Severity {
    /// Worth knowing.
    Informational,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

/// `checks` and `scan-severity`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checks {
    levels: BTreeMap<Check, Level>,
    /// `scan-severity`.
    pub scan_severity: Severity,
}

impl Check {
    /// Its name in `checks`.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// What its findings mean when nothing is given.
    fn level(self) -> Level {
        match self {
            Self::ImageExists | Self::ImagePlatform | Self::FargateSize | Self::SecretsExist => Level::Block,
            Self::LogGroups
            | Self::Roles
            | Self::TargetGroups
            | Self::CircuitBreaker
            | Self::InFlight
            | Self::Alarms
            | Self::Subnets => Level::Warn,
            Self::ImageScan => Level::Off,
        }
    }
}

impl Severity {
    /// Its name in the API.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl Checks {
    /// What a finding of this check means.
    pub fn level(&self, check: Check) -> Level {
        self.levels.get(&check).copied().unwrap_or(check.level())
    }
}

impl Default for Checks {
    /// As when no input is given.
    fn default() -> Self {
        Self { levels: BTreeMap::new(), scan_severity: Severity::Critical }
    }
}

const LEVELS: &[(&str, Level)] = &[("off", Level::Off), ("warn", Level::Warn), ("block", Level::Block)];

pub(super) fn parse(raw: &RawInputs, remarks: &mut Remarks) -> Checks {
    let severities: Vec<(&str, Severity)> = Severity::iter().map(|severity| (severity.name(), severity)).collect();
    let severity = given!(raw.scan_severity).word(&severities, remarks);
    let checks =
        Checks { levels: levels(given!(raw.checks), remarks), scan_severity: severity.unwrap_or(Severity::Critical) };
    if severity.is_some() && checks.level(Check::ImageScan) == Level::Off {
        remarks
            .warnings
            .push("`scan-severity` has no effect without `image-scan=warn` or `=block` in `checks`.".to_owned());
    }
    checks
}

fn levels(input: Given<'_>, remarks: &mut Remarks) -> BTreeMap<Check, Level> {
    let mut levels = BTreeMap::new();
    for entry in input.items() {
        let (name, level) = entry.split_once('=').unwrap_or((entry, ""));
        let (name, level) = (name.trim(), level.trim());
        let check = Check::iter().find(|check| check.name().eq_ignore_ascii_case(name));
        let found = LEVELS.iter().find(|(word, _)| word.eq_ignore_ascii_case(level)).map(|(_, level)| *level);
        match (check, found) {
            (Some(check), Some(level)) if levels.insert(check, level).is_none() => {}
            (Some(_), Some(_)) => {
                remarks.wrong(input, &format!("names `{name}` twice"), "A check has one level", "Keep one of them.");
            }
            (None, _) => {
                let names: Vec<&str> = Check::iter().map(Check::name).collect();
                let fix = nearest(name, names.iter().copied())
                    .map_or_else(|| "Correct the name.".to_owned(), |near| format!("Did you mean `{near}`?"));
                let problem = format!("names no check: `{}`", shortened(name));
                remarks.wrong(input, &problem, &format!("The checks are {}", names.join(", ")), &fix);
            }
            (Some(check), None) => {
                let problem = format!("gives `{}` no level: `{}`", check.name(), shortened(level));
                let fix = format!("Write `{}=off`, `=warn` or `=block`.", check.name());
                remarks.wrong(input, &problem, "Its entries are `name=off|warn|block`", &fix);
            }
        }
    }
    levels
}
