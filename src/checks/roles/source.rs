//! Whose policies decide what this job may do.

use crate::aws::Identity;
use crate::inputs::Role;
use crate::model::names::{Arn, short_name};

/// The ARN of the user or role behind the identity; nothing where it cannot be told from its session. A session's ARN
/// leaves out the path of its role, which `role-to-assume` may tell.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>
pub(super) fn source(identity: &Identity, asked: Option<&Role>) -> Option<String> {
    let arn = Arn::parse(&identity.arn)?;
    match (arn.service.as_str(), arn.resource.split('/').collect::<Vec<_>>().as_slice()) {
        ("iam", ["user", ..]) => Some(identity.arn.clone()),
        ("sts", ["assumed-role", name, _]) => {
            let asked = match asked {
                Some(Role::Arn(asked)) if short_name(asked) == *name && asked.contains(&arn.account) => Some(asked),
                _ => None,
            };
            let plain = || format!("arn:{}:iam::{}:role/{name}", arn.partition, arn.account);
            // IAM Identity Center keeps its roles under paths of its own.
            let has_path = name.starts_with("AWSReservedSSO_");
            asked.cloned().or_else(|| (!has_path).then(plain))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_role_behind_a_session_is_told_with_its_path_where_that_is_known() {
        let of = |arn: &str, asked: Option<&str>| {
            let identity = Identity { account: "123456789012".into(), arn: arn.into(), partition: "aws".into() };
            source(&identity, asked.map(|arn| Role::Arn(arn.to_owned())).as_ref())
        };
        let session = "arn:aws:sts::123456789012:assumed-role/deploy/GitHubActions";
        let with_path = "arn:aws:iam::123456789012:role/ci/deploy";
        let plain = "arn:aws:iam::123456789012:role/deploy";
        let user = "arn:aws:iam::123456789012:user/ci/deployer";
        assert_eq!(of(session, Some(with_path)).as_deref(), Some(with_path));
        assert_eq!(of(session, None).as_deref(), Some(plain));
        assert_eq!(of(session, Some("arn:aws:iam::123456789012:role/other")).as_deref(), Some(plain));
        assert_eq!(of(user, None).as_deref(), Some(user));
        assert_eq!(of("arn:aws:iam::123456789012:root", None), None);
        assert_eq!(of("arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_0a1b/me", None), None);
        assert_eq!(of("arn:aws:sts::123456789012:federated-user/me", None), None);
    }
}
