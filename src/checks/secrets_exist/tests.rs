#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::json;

use super::*;
use crate::aws::call::CallErrorKind;
use crate::checks::tests::Story;

const HERE: Here<'_> = Here { partition: "aws", region: "eu-central-1", account: "123456789012" };
const ARN: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop/database-AbCdEf";

/// One container with these secrets.
fn with(values: &[&str]) -> Vec<Use> {
    let secrets: Vec<Value> = values.iter().map(|text| json!({"name": "DATABASE_URL", "valueFrom": text})).collect();
    let definition = json!({"family": "web", "containerDefinitions": [
        {"name": "proxy", "image": "proxy"}, {"name": "web", "image": "web", "secrets": secrets}]});
    uses(&Story::of(definition).plan.definition, HERE)
}

fn described(answer: Result<Option<DescribedSecret>, CallError>) -> Known {
    Known { secrets: [((HERE.region.to_owned(), ARN.to_owned()), answer)].into(), ..Known::default() }
}

fn current() -> DescribedSecret {
    let versions = [("v2", "AWSCURRENT"), ("v1", "AWSPREVIOUS")];
    let versions = versions.map(|(id, label)| (id.to_owned(), vec![label.to_owned()]));
    DescribedSecret { arn: ARN.to_owned(), versions: versions.into(), deleted_at: None }
}

fn existing(names: &[&str]) -> Known {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    Known { parameters: [(HERE.region.to_owned(), Ok(names))].into(), ..Known::default() }
}

fn error(action: &'static str, kind: CallErrorKind) -> CallError {
    let message = "Rate exceeded".to_owned();
    CallError { action, kind, code: None, message, request_id: None, maybe_applied: false, explained: None }
}

#[test]
fn every_place_that_names_a_secret_is_looked_at() {
    let definition = json!({"family": "web", "containerDefinitions": [{
        "name": "web", "image": "web", "repositoryCredentials": {"credentialsParameter": "dockerhub"},
        "secrets": [{"name": "A", "valueFrom": "a"}, {"name": "EMPTY", "valueFrom": ""}, {"name": "B", "valueFrom": "b"}],
        "logConfiguration": {"logDriver": "splunk", "secretOptions": [{"name": "splunk-token", "valueFrom": "c"}]}}]});
    let uses = uses(&Story::of(definition).plan.definition, HERE);
    let told: Vec<String> = uses.iter().map(|one| format!("{} {}: {}", one.who, one.text, one.pointer)).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn what_is_not_there_is_shown_where_it_is_written() {
    let ruling = judge(&with(&[ARN]), &described(Ok(None)), HERE.region)
        .and(judge(&with(&["/shop/token"]), &existing(&["/shop/other"]), HERE.region))
        .and(judge(&with(&["shop database"]), &Known::default(), HERE.region));
    assert_eq!(ruling.findings[0].pointer.as_deref(), Some("/containerDefinitions/1/secrets/0/valueFrom"));
    assert!(ruling.findings.iter().all(|finding| !finding.is_doubtful));
    let told: Vec<String> = ruling.findings.iter().map(|finding| finding.error.to_string()).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn what_is_there_is_nothing_to_tell() {
    for text in [ARN.to_owned(), format!("{ARN}:url::"), format!("{ARN}::AWSPREVIOUS:"), format!("{ARN}:::v1")] {
        let known = Known {
            secrets: with(&[&text])
                .iter()
                .filter_map(|one| match &one.reference {
                    Ok(Reference::Secret(secret)) => {
                        Some(((secret.region.clone(), secret.id.clone()), Ok(Some(current()))))
                    }
                    _ => None,
                })
                .collect(),
            ..Known::default()
        };
        assert_eq!(known.secrets.keys().next().map(|(_, id)| id.as_str()), Some(ARN), "{text}");
        assert_eq!(judge(&with(&[&text]), &known, HERE.region), Ruling::default(), "{text}");
    }
    // An ARN does not tell whether a name without a path begins with a slash.
    for name in ["token", "/token"] {
        let uses = with(&["arn:aws:ssm:eu-central-1:123456789012:parameter/token"]);
        assert_eq!(judge(&uses, &existing(&[name]), HERE.region), Ruling::default(), "{name}");
    }
    assert_eq!(judge(&with(&["token"]), &existing(&["/token"]), HERE.region).findings.len(), 1);
}

#[test]
fn a_secret_that_is_being_deleted_or_lacks_the_version_cannot_be_read() {
    let rows = [
        ("", DescribedSecret { deleted_at: Some(1_780_000_000.0), ..current() }),
        ("", DescribedSecret { versions: BTreeMap::new(), ..current() }),
        (":url:AWSPENDING:", current()),
        (":url::v3", current()),
        (":url:AWSCURRENT:v1", current()),
    ];
    let told: Vec<String> = rows
        .into_iter()
        .map(|(tail, secret)| {
            let ruling = judge(&with(&[&format!("{ARN}{tail}")]), &described(Ok(Some(secret))), HERE.region);
            let doubt = if ruling.findings[0].is_doubtful { " (not certain)" } else { "" };
            format!("{tail}{doubt}\n{}", ruling.findings[0].error)
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn what_another_account_does_not_show_is_not_certain() {
    let foreign = ARN.replace("123456789012", "210987654321");
    let known = Known { secrets: [((HERE.region.to_owned(), foreign.clone()), Ok(None))].into(), ..Known::default() };
    assert!(judge(&with(&[&foreign]), &known, HERE.region).findings[0].is_doubtful);
}

#[test]
fn what_could_not_be_read_is_said_once_and_blocks_nothing() {
    let mut known = described(Err(error("secretsmanager:DescribeSecret", CallErrorKind::Denied)));
    let throttled = Err(error("ssm:DescribeParameters", CallErrorKind::Throttled));
    known.parameters.insert(HERE.region.to_owned(), throttled);
    let public = "/aws/service/ami";
    let ruling = judge(&with(&[ARN, ARN, "a", "/b/c", public, public]), &known, HERE.region);
    assert_eq!(ruling.findings, []);
    insta::assert_snapshot!(ruling.skipped.join("\n"));
}
