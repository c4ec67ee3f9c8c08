//! What ARNs and names look like.

use crate::model::names::Arn;

use super::given::{Given, Remarks};

impl<'a> Given<'a> {
    /// A role's ARN or name.
    pub(super) fn role(self, remarks: &mut Remarks) -> Option<&'a str> {
        let text = self.text()?;
        if !is_role(text) {
            let allowed = "It takes a role's ARN, `arn:aws:iam::ACCOUNT:role/NAME`, or its name";
            remarks.invalid(self, allowed, "Copy the ARN of the role from IAM.");
        }
        Some(text)
    }
}

/// The ARN of an IAM role in any partition, or a name that a role can have.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
fn is_role(text: &str) -> bool {
    let is_name =
        |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@-/".contains(c));
    match Arn::parse(text) {
        Some(arn) => {
            let account = is_account(&arn.account);
            let place = arn.partition.starts_with("aws") && arn.service == "iam" && arn.region.is_empty();
            place && account && arn.resource.strip_prefix("role/").is_some_and(is_name) && text.len() <= 2048
        }
        None => is_name(text) && text.len() <= 512,
    }
}

/// A name that a family can have.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html>
pub(super) fn is_family(name: &str) -> bool {
    let letters = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    letters && (1..=255).contains(&name.len())
}

/// The ARN of a revision, or of a family.
pub(super) fn is_task_definition(text: &str) -> bool {
    let Some(arn) = Arn::parse(text) else { return false };
    let name = arn.resource.strip_prefix("task-definition/").map(|name| name.split_once(':').unwrap_or((name, "1")));
    arn.service == "ecs" && name.is_some_and(|(family, revision)| is_family(family) && revision.parse::<u32>().is_ok())
}

/// The ARN of an object in S3.
pub(super) fn is_s3(text: &str) -> bool {
    Arn::parse(text).is_some_and(|arn| arn.service == "s3" && arn.resource.contains('/'))
}

/// The ARN of a managed policy.
pub(super) fn is_policy(text: &str) -> bool {
    Arn::parse(text).is_some_and(|arn| arn.service == "iam" && arn.resource.starts_with("policy/"))
}

/// An account id.
pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.chars().all(|c| c.is_ascii_digit())
}
