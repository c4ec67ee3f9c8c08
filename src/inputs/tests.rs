#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test speaks by failing")]

use std::ffi::OsString;
use std::time::Duration;

use serde_json::json;

use super::*;

fn runner() -> Runner {
    Runner { aws_region: Some("eu-central-1".to_owned()), ..Runner::default() }
}

fn read_all(given: &[(&str, &str)]) -> Result<(Inputs, Vec<Warning>), Vec<Error>> {
    read(given, runner())
}

fn read(given: &[(&str, &str)], runner: Runner) -> Result<(Inputs, Vec<Warning>), Vec<Error>> {
    parse(&Asked::new(given.iter().map(|(name, value)| ((*name).to_owned(), OsString::from(*value))), runner))
}

fn good(given: &[(&str, &str)]) -> Inputs {
    read_all(given).unwrap_or_else(|mistakes| panic!("{given:?}: {mistakes:?}")).0
}

fn warnings(given: &[(&str, &str)]) -> Vec<Warning> {
    read_all(given).unwrap_or_else(|mistakes| panic!("{given:?}: {mistakes:?}")).1
}

fn mistakes(given: &[(&str, &str)]) -> Vec<Error> {
    match read_all(given) {
        Err(mistakes) => mistakes,
        Ok(_) => panic!("{given:?} is accepted"),
    }
}

fn told(given: &[(&str, &str)]) -> String {
    mistakes(given).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn texts(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

#[test]
fn nothing_given_means_the_defaults_of_the_contract() {
    let inputs = good(&[]);
    assert_eq!(inputs.region, "eu-central-1");
    assert_eq!(
        (inputs.deploy.cluster.as_str(), inputs.deploy.mode, &inputs.deploy.service),
        ("default", Mode::Deploy, &None)
    );
    assert_eq!(
        (inputs.deploy.desired_count, inputs.deploy.force_new_deployment, inputs.deploy.enable_ecs_managed_tags),
        (None, None, None)
    );
    assert_eq!(
        (inputs.wait.enabled, inputs.wait.limit, inputs.wait.max_delay),
        (true, Duration::from_mins(30), Duration::from_secs(5))
    );
    assert_eq!((inputs.reporting.job_summary, inputs.reporting.pr_comment), (true, PrComment::Auto));
    assert_eq!(inputs.definition.source, Source::Running);
    assert_eq!(inputs.definition.edits, Edits::default());
    let credentials = inputs.credentials;
    assert_eq!(
        (credentials.audience.as_str(), credentials.session_name.as_str()),
        ("sts.amazonaws.com", "GitHubActions")
    );
    assert_eq!((credentials.duration.as_secs(), credentials.max_attempts), (3600, 5));
    assert!(warnings(&[]).is_empty());
}

#[test]
fn the_defaults_of_action_yml_are_those_of_the_program() {
    let action = crate::model::document::parse(include_str!("../../action.yml")).unwrap();
    let declared = action["inputs"].as_object().unwrap().iter();
    let defaults: Vec<(&str, &str)> =
        declared.filter_map(|(name, input)| Some((name.as_str(), input.get("default")?.as_str().unwrap()))).collect();
    assert!(defaults.len() > 10);
    let with = defaults.iter().filter(|(name, _)| *name != "github-token").copied().collect::<Vec<_>>();
    assert_eq!(format!("{:?}", good(&with)), format!("{:?}", good(&[])));
    assert!(warnings(&with).is_empty());
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = told(&[
        ("wait-for-minutes", "1e3"),
        ("force-new-deployment", "Yes"),
        ("pr-comment", "allways"),
        ("desired-count", "-1"),
        ("task-defintion", "td.json"),
        ("run-task", "true"),
    ]);
    insta::assert_snapshot!(text, @"
    There is no input `task-defintion`. [input-unknown]
      why: It looks like `task-definition`, misspelled.
      fix: Write `task-definition:`, or rename the variable if it is meant for something else.
    `run-task: true` is not available in this version. [input-not-available]
      why: This version declares the input so that a workflow is never misunderstood, but cannot do it yet.
      fix: Run the one-off task in a step of its own before this one, and remove the input.
    The input `desired-count` cannot be `-1`. [input-invalid]
      why: It takes a whole number from 0 to 2147483647.
      fix: Write the number in digits alone, or leave the input out.
    The input `force-new-deployment` cannot be `Yes`. [input-invalid]
      why: It takes `true` or `false`.
      fix: Write one of these, or leave the input out.
    The input `wait-for-minutes` cannot be `1e3`. [input-invalid]
      why: It takes a whole number from 1 to 360.
      fix: Write the number in digits alone, or leave the input out.
    The input `pr-comment` cannot be `allways`. [input-invalid]
      why: It takes `auto`, `always` or `never`.
      fix: Did you mean `always`?
    ");
}

#[test]
fn booleans_are_true_or_false_in_any_case_and_nothing_else() {
    for (given, meant) in [("true", true), ("TRUE", true), (" False ", false), ("fAlSe", false)] {
        assert_eq!(good(&[("force-new-deployment", given)]).deploy.force_new_deployment, Some(meant));
    }
    for given in ["Yes", "1", "on", "0", "truee", "y"] {
        assert_eq!(mistakes(&[("force-new-deployment", given)])[0].code, Code::InputInvalid, "{given}");
    }
}

#[test]
fn numbers_are_digits_within_bounds() {
    assert_eq!(good(&[("desired-count", " 7 ")]).deploy.desired_count, Some(7));
    assert_eq!(good(&[("max-retries", "0")]).credentials.max_attempts, 1);
    assert_eq!(good(&[("wait-max-delay-seconds", "0")]).wait.max_delay, Duration::ZERO);
    for (name, given) in [
        ("desired-count", "1e3"),
        ("desired-count", "+1"),
        ("desired-count", "1.0"),
        ("desired-count", "2147483648"),
        ("desired-count", "99999999999999999999"),
        ("wait-for-minutes", "0"),
        ("wait-for-minutes", "30m"),
        ("max-retries", "-1"),
        ("role-duration-seconds", "899"),
        ("role-duration-seconds", "43201"),
    ] {
        assert_eq!(mistakes(&[(name, given)])[0].code, Code::InputInvalid, "{name}: {given}");
    }
}

#[test]
fn a_wait_above_six_hours_is_cut_and_said() {
    assert_eq!(good(&[("wait-for-minutes", "361")]).wait.limit, Duration::from_hours(6));
    assert_eq!(warnings(&[("wait-for-minutes", "361")]).len(), 1);
    assert!(warnings(&[("wait-for-minutes", "360")]).is_empty());
}

#[test]
fn lists_are_split_at_commas_and_lines() {
    let ids = good(&[("allowed-account-ids", "111111111111, 222222222222\n# staging\n\n 333333333333 ,\r\n")]);
    assert_eq!(ids.credentials.allowed_account_ids, ["111111111111", "222222222222", "333333333333"]);
    assert!(told(&[("allowed-account-ids", "12345")]).contains("`12345`"));
}

#[test]
fn values_keep_everything_after_the_first_equals_sign() {
    let text = "A=1=2\n  B=\"quoted\" \nC= lead and trail \n# comment\n\nD=\r\nE =x\nF=tail  ";
    assert_eq!(
        texts(&good(&[("environment-variables", text)]).definition.edits.environment),
        [("A", "1=2"), ("B", "\"quoted\" "), ("C", " lead and trail "), ("D", ""), ("E", "x"), ("F", "tail  ")]
    );
    for name in ["docker-labels", "log-configuration-options", "tags", "secrets"] {
        good(&[(name, "rule=Host(a)&&x=y")]);
    }
}

#[test]
fn a_line_that_is_no_pair_is_named_without_its_secret() {
    let text = told(&[("environment-variables", "A=hunter2\nhunter2\n=hunter2\nA=hunter2")]);
    assert!(!text.contains("hunter2"), "{text}");
    assert!(text.contains("line 2") && text.contains("line 3") && text.contains("names `A` twice"), "{text}");
}

#[test]
fn a_value_that_may_be_secret_is_never_shown() {
    let secret = "hunter2 hunter2";
    for name in [
        "secrets",
        "docker-labels",
        "log-configuration-options",
        "patch",
        "custom-tags",
        "tags",
        "run-task-container-overrides",
    ] {
        let text = told(&[(name, secret)]);
        assert!(!text.contains("hunter2"), "{name}: {text}");
    }
    let inputs = good(&[
        ("aws-access-key-id", "hunter2"),
        ("aws-secret-access-key", "hunter2"),
        ("github-token", "hunter2"),
        ("environment-variables", "A=hunter2"),
        ("log-configuration-options", "splunk-token=hunter2"),
        ("patch", r#"{"cpu": "hunter2"}"#),
        ("command", "login hunter2"),
    ]);
    assert!(!format!("{inputs:?}").contains("hunter2"), "{inputs:?}");
}

#[test]
fn the_region_comes_from_the_input_before_the_variables() {
    assert_eq!(good(&[("aws-region", "us-east-1")]).region, "us-east-1");
    for region in ["US-EAST-1", "us_east_1", "evil.example/"] {
        assert_eq!(mistakes(&[("aws-region", region)])[0].code, Code::InputInvalid, "{region}");
    }
    let nowhere = read(&[], Runner::default()).unwrap_err();
    assert_eq!(nowhere[0].code, Code::InputMissing);
    let odd = Runner { aws_region: Some("Frankfurt!".to_owned()), ..Runner::default() };
    assert!(read(&[], odd).unwrap_err()[0].what.contains("AWS_REGION"));
}

#[test]
fn the_file_decides_over_the_arn_and_the_arn_over_the_family() {
    let arn = "arn:aws-cn:ecs:cn-north-1:123456789012:task-definition/web:7";
    let registered = |name: &str| Source::Registered(name.to_owned());
    let (file, by_arn, family) =
        (("task-definition", "td.json"), ("task-definition-arn", arn), ("task-definition-family", "web"));
    for (given, source, ignored) in [
        (vec![file, by_arn, family], Source::File("td.json".to_owned()), 2),
        (vec![by_arn, family], registered(arn), 1),
        (vec![family], registered("web"), 0),
        (vec![family, ("task-definition-revision", "3")], registered("web:3"), 0),
        (vec![("task-definition-family", "web:3"), ("task-definition-revision", "3")], registered("web:3"), 0),
        (vec![], Source::Running, 0),
    ] {
        assert_eq!(good(&given).definition.source, source, "{given:?}");
        assert_eq!(warnings(&given).len(), ignored, "{given:?}");
    }
}

#[test]
fn a_source_that_can_not_be_meant_is_a_mistake() {
    for (given, code) in [
        (vec![("task-definition-revision", "3")], Code::InputMissing),
        (vec![("task-definition-family", "web:3"), ("task-definition-revision", "4")], Code::InputConflict),
        (vec![("task-definition-family", "my family")], Code::InputInvalid),
        (vec![("task-definition-arn", "web:7")], Code::InputInvalid),
        (vec![("task-definition-arn", "arn:aws:ecs:eu-central-1:123456789012:service/web")], Code::InputInvalid),
        (vec![("task-definition-revision", "latest"), ("task-definition-family", "web")], Code::InputInvalid),
    ] {
        assert_eq!(mistakes(&given)[0].code, code, "{given:?}");
    }
}

#[test]
fn a_command_is_shell_words_or_a_json_array() {
    for (given, words) in [
        ("npm run start", vec!["npm", "run", "start"]),
        (r#"sh -c "echo hello  world""#, vec!["sh", "-c", "echo hello  world"]),
        (r#"["sh", "-c", "a  b", ""]"#, vec!["sh", "-c", "a  b", ""]),
        ("[]", vec![]),
    ] {
        assert_eq!(good(&[("command", given)]).definition.edits.command.unwrap(), words, "{given}");
    }
    for given in ["sh -c \"echo", "[1, 2]", "[\"a\""] {
        assert_eq!(mistakes(&[("command", given)])[0].code, Code::InputInvalid, "{given}");
    }
}

#[test]
fn container_names_are_a_list_without_lost_names() {
    assert_eq!(
        good(&[("container-name", "web, worker\nside,web")]).definition.edits.containers,
        ["web", "worker", "side"]
    );
    for given in ["web,", ",web", "web,,side"] {
        assert_eq!(mistakes(&[("container-name", given)])[0].code, Code::InputInvalid, "{given}");
    }
}

#[test]
fn an_image_comes_from_one_place() {
    let edits = good(&[("images", "web=nginx:1\nside=busybox")]).definition.edits;
    let images: Vec<String> = edits.images.iter().map(|(container, image)| format!("{container}={image}")).collect();
    assert_eq!(images, ["web=nginx:1", "side=busybox"]);
    assert_eq!(good(&[("image", "nginx:1")]).definition.edits.image.unwrap().to_string(), "nginx:1");
    let twice = mistakes(&[("image", "nginx:1"), ("container-name", "web"), ("images", "web=nginx:2")]);
    assert_eq!(twice[0].code, Code::InputConflict);
    for given in [("image", "not an image"), ("images", "web=UPPER CASE"), ("images", "web=")] {
        assert_eq!(mistakes(&[given])[0].code, Code::InputInvalid, "{given:?}");
    }
}

#[test]
fn a_name_is_a_variable_or_a_secret_but_not_both() {
    let both = mistakes(&[("environment-variables", "A=1"), ("secrets", "A=arn:x")]);
    assert_eq!(both[0].code, Code::InputConflict);
}

#[test]
fn roles_are_arns_of_any_partition_or_names() {
    for role in [
        "arn:aws:iam::123456789012:role/deploy",
        "arn:aws-us-gov:iam::123456789012:role/path/deploy",
        "deploy",
        "team/deploy",
    ] {
        let inputs = good(&[("task-role-arn", role), ("execution-role-arn", role), ("role-to-assume", role)]);
        assert_eq!(inputs.definition.edits.task_role.as_deref(), Some(role));
        let whole = role.starts_with("arn:");
        assert_eq!(
            inputs.credentials.role.unwrap(),
            if whole { Role::Arn(role.to_owned()) } else { Role::Name(role.to_owned()) }
        );
    }
    for role in [
        "arn:aws:iam::123:role/deploy",
        "arn:aws:iam::123456789012:user/me",
        "arn:aws:sts::123456789012:role/x",
        "arn:broken",
        "a b",
    ] {
        assert_eq!(
            mistakes(&[("role-to-assume", role), ("task-role-arn", role), ("execution-role-arn", role)]).len(),
            3,
            "{role}"
        );
    }
}

#[test]
fn a_session_name_becomes_what_sts_takes() {
    for (given, sent) in [("deploy web #7", "deploy-web--7"), ("x", "x-"), ("ok@web", "ok@web")] {
        assert_eq!(good(&[("role-session-name", given)]).credentials.session_name, sent);
        assert_eq!(warnings(&[("role-session-name", given)]).len(), usize::from(given != sent));
    }
    assert_eq!(good(&[("role-session-name", &"x".repeat(80))]).credentials.session_name.len(), 64);
}

#[test]
fn half_of_an_access_key_is_a_mistake_and_a_whole_one_a_warning() {
    let (id, secret, token) = (("aws-access-key-id", "k"), ("aws-secret-access-key", "s"), ("aws-session-token", "t"));
    for half in [vec![id], vec![secret], vec![token], vec![id, token]] {
        assert_eq!(mistakes(&half)[0].code, Code::InputMissing, "{half:?}");
    }
    assert!(good(&[id, secret, token]).credentials.access_keys.unwrap().session_token.is_some());
    assert!(warnings(&[id, secret])[0].contains("OIDC"));
}

#[test]
fn custom_tags_keep_to_the_rules_of_sts() {
    let tags = good(&[("custom-tags", r#"{"Team": "shop é", "Build": 7, "Hot": true}"#)]).credentials.custom_tags;
    assert_eq!(texts(&tags), [("Team", "shop é"), ("Build", "7"), ("Hot", "true")]);
    let tags =
        |count: u32| serde_json::Value::Object((0..count).map(|n| (format!("k{n}"), json!("v"))).collect()).to_string();
    assert_eq!(good(&[("custom-tags", &tags(37))]).credentials.custom_tags.len(), 37);
    let many = tags(38);
    let long = format!(r#"{{"{}": "x"}}"#, "k".repeat(129));
    for given in [
        r#"["a"]"#,
        r#"{"repository": "x"}"#,
        r#"{"a": null}"#,
        r#"{"a": [1]}"#,
        r#"{"a": "x;y"}"#,
        r#"{"a!": "x"}"#,
        &many,
        &long,
    ] {
        assert_eq!(mistakes(&[("custom-tags", given)])[0].code, Code::InputInvalid, "{given}");
    }
}

#[test]
fn session_policies_keep_to_the_limits_of_sts() {
    let policy =
        good(&[("inline-session-policy", "{\n  \"Version\": \"2012-10-17\"\n}")]).credentials.inline_session_policy;
    assert_eq!(policy.as_deref(), Some(r#"{"Version":"2012-10-17"}"#));
    let long = json!({ "Version": "x".repeat(2048) }).to_string();
    assert_eq!(mistakes(&[("inline-session-policy", &long)])[0].code, Code::InputInvalid);
    let eleven = "arn:aws:iam::aws:policy/A\n".repeat(11);
    assert_eq!(mistakes(&[("managed-session-policies", &eleven)])[0].code, Code::InputInvalid);
    assert_eq!(mistakes(&[("managed-session-policies", "ReadOnlyAccess")])[0].code, Code::InputInvalid);
}

#[test]
fn a_volume_needs_its_name_and_its_role() {
    let (name, body) = ("service-managed-ebs-volume-name", "service-managed-ebs-volume");
    let volume = r#"{"roleArn": "arn:aws:iam::123456789012:role/ebs", "sizeInGiB": 10, "brandNew": 1}"#;
    let sent = good(&[(name, "data"), (body, volume)]).deploy.volume_configuration.unwrap();
    assert_eq!(sent["name"], "data");
    assert_eq!(sent["managedEBSVolume"]["brandNew"], 1, "a field unknown to us survives");
    assert_eq!(good(&[(body, "{}")]).deploy.volume_configuration, None);
    assert_eq!(warnings(&[(name, "data")]).len(), 1);
    assert_eq!(mistakes(&[(body, volume)])[0].code, Code::InputMissing);
    assert_eq!(mistakes(&[(name, "data"), (body, r#"{"sizeInGiB": 10}"#)])[0].code, Code::InputInvalid);
}

#[test]
fn documents_are_objects_in_json_or_yaml() {
    let given = "strategy: ROLLING\nbakeTimeInMinutes: 5\n";
    let configuration = good(&[("deployment-configuration", given)]).deploy.deployment_configuration;
    assert_eq!(configuration, Some(json!({ "strategy": "ROLLING", "bakeTimeInMinutes": 5 })));
    assert_eq!(good(&[("patch", r#"{"cpu": null}"#)]).definition.edits.patch, Some(json!({ "cpu": null })));
    assert_eq!(mistakes(&[("patch", "[1]")])[0].code, Code::InputInvalid);
    let broken = mistakes(&[("deployment-configuration", "{\"a\": ")]);
    assert_eq!(broken[0].code, Code::DocumentUnparsable);
    assert!(broken[0].why.starts_with("Line 1"), "{}", broken[0]);
}

#[test]
fn words_are_checked_with_a_suggestion() {
    assert_eq!(good(&[("propagate-tags", "service")]).deploy.propagate_tags.as_deref(), Some("SERVICE"));
    assert_eq!(good(&[("mode", "Plan")]).deploy.mode, Mode::Plan);
    assert!(told(&[("propagate-tags", "TASK_DEFINTION")]).contains("Did you mean `TASK_DEFINITION`?"));
    assert!(told(&[("log-configuration-log-driver", "awslog")]).contains("Did you mean `awslogs`?"));
    assert!(told(&[("mode", "plna")]).contains("Did you mean `plan`?"));
    assert_eq!(mistakes(&[("mode", "destroy")]).len(), 1);
}

#[test]
fn what_comes_with_a_later_version_is_refused_and_its_off_value_is_not() {
    for given in [
        ("service", "web, api"),
        ("run-task", "true"),
        ("run-task-assign-public-ip", "ENABLED"),
        ("smoke-test-url", "https://web.example"),
        ("wait-for-task-stopped", "true"),
    ] {
        let refused = mistakes(&[given]);
        assert_eq!((refused.len(), refused[0].code), (1, Code::InputNotAvailable), "{given:?}");
        assert!(!refused[0].fix.is_empty());
    }
    for given in [
        ("run-task", "false"),
        ("wait-until", "stable"),
        ("wait-until", "healthy"),
        ("wait-until", "stage:BAKE_TIME"),
        ("wait-until", "paused"),
        ("wait-for-task-stopped", "false"),
    ] {
        assert!(warnings(&[given]).is_empty(), "{given:?}");
    }
}

#[test]
fn every_input_that_action_yml_calls_not_available_is_refused() {
    let action = crate::model::document::parse(include_str!("../../action.yml")).unwrap();
    for (name, input) in action["inputs"].as_object().unwrap() {
        let description = input["description"].as_str().unwrap();
        assert!(description.len() > 20 && description.ends_with('.'), "{name}: {description}");
        if description.ends_with("Not available in this version.") {
            assert_eq!(input.get("default"), None, "{name}");
            assert_eq!(mistakes(&[(name, "something")])[0].code, Code::InputNotAvailable, "{name}");
        }
    }
}

#[test]
fn inputs_without_effect_say_so() {
    assert!(warnings(&[("keep-null-value-keys", "tag")])[0].contains("no effect"));
    assert!(warnings(&[("role-external-id", "abc")])[0].contains("no effect"));
    assert!(warnings(&[("scan-severity", "HIGH")])[0].contains("no effect"));
    assert!(warnings(&[("scan-severity", "HIGH"), ("checks", "image-scan=block")]).is_empty());
    let oidc =
        runner::OidcRequest { url: "https://token.example".to_owned(), token: crate::model::secret::Secret::new("t") };
    let runner = Runner { oidc: Some(oidc), ..runner() };
    let given = [("role-to-assume", "deploy"), ("custom-tags", r#"{"a": "b"}"#)];
    let (_, told) = read(&given, runner).unwrap();
    assert!(told[0].contains("custom-tags"), "{told:?}");
}

#[test]
fn an_environment_has_the_address_of_a_page() {
    let given =
        [("github-deployment", "True"), ("environment", "production"), ("environment-url", "https://web.example")];
    let reporting = good(&given).reporting;
    assert!(reporting.github_deployment);
    assert_eq!(reporting.environment.as_deref(), Some("production"));
    assert_eq!(reporting.environment_url.as_deref(), Some("https://web.example"));
    for address in ["web.example", "https://", "javascript:alert(1)", "https://web.example/ x", "/"] {
        assert_eq!(mistakes(&[("environment-url", address)])[0].code, Code::InputInvalid, "{address}");
    }
}

#[test]
fn a_rollback_takes_a_named_revision_and_no_edit() {
    let base = [("mode", "rollback"), ("service", "web")];
    let with = |more: &[(&'static str, &'static str)]| base.iter().chain(more).copied().collect::<Vec<_>>();
    assert_eq!(good(&with(&[])).deploy.mode, Mode::Rollback);
    assert!(warnings(&with(&[("task-definition-family", "web"), ("task-definition-revision", "6")])).is_empty());
    assert!(warnings(&with(&[("task-definition-family", "web:6"), ("pin-image-digest", "false")])).is_empty());
    let refused = mistakes(&with(&[("image", "web:v2"), ("container-name", "web"), ("pin-image-digest", "true")]));
    assert_eq!((refused.len(), refused[0].code), (1, Code::InputConflict));
    assert!(refused[0].what.contains("`image`") && refused[0].what.contains("`pin-image-digest`"), "{}", refused[0]);
    let refused = mistakes(&with(&[("task-definition-family", "web")]));
    assert_eq!((refused.len(), refused[0].code), (1, Code::InputMissing));
    assert_eq!(mistakes(&[("mode", "rollback"), ("service", "")])[0].code, Code::InputMissing);
}
