//! ARNs and revisions.

use std::fmt;

/// An Amazon Resource Name, in its parts.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arn {
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: String,
    /// `ecs`, `iam`, …
    pub service: String,
    /// Empty for global resources.
    pub region: String,
    /// The account's twelve digits.
    pub account: String,
    /// Everything after the fifth colon.
    pub resource: String,
}

impl Arn {
    /// The parts of `text`, or nothing when it is no ARN.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        if parts.next()? != "arn" {
            return None;
        }
        let mut next = || parts.next().map(str::to_owned);
        Some(Self { partition: next()?, service: next()?, region: next()?, account: next()?, resource: next()? })
    }

    /// The resource's last part, after the last slash.
    pub fn name(&self) -> &str {
        self.resource.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, service, region, account, resource } = self;
        write!(f, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

/// The name in an ARN, or the text itself when it is a bare name: `service/prod/web` and `web` are both `web`.
pub fn short_name(name_or_arn: &str) -> &str {
    name_or_arn.rsplit('/').next().unwrap_or(name_or_arn)
}

/// A revision of a task definition, `web:7`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The family.
    pub family: String,
    /// The number, from 1.
    pub number: u64,
}

impl Revision {
    /// The revision in `web:7` or `arn:…:task-definition/web:7`.
    pub fn parse(text: &str) -> Option<Self> {
        let (family, number) = short_name(text).rsplit_once(':')?;
        let number = number.parse().ok()?;
        (!family.is_empty()).then(|| Self { family: family.to_owned(), number })
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.family, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_read_from_its_arn() {
        let arn = "arn:aws:ecs:eu-central-1:123456789012:task-definition/web:7";
        assert_eq!(Revision::parse(arn).map(|r| r.to_string()), Some("web:7".to_owned()));
        assert_eq!(Arn::parse(arn).map(|a| a.to_string()), Some(arn.to_owned()));
        assert_eq!(Revision::parse("web"), None);
    }
}
