#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::json;

use super::*;
use crate::checks::tests::Story;

const WEB: &str = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/0123456789abcdef";
const GREEN: &str = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/green/fedcba9876543210";

fn group(arn: &str) -> TargetGroup {
    TargetGroup {
        arn: arn.to_owned(),
        name: named(arn).to_owned(),
        target_type: "ip".to_owned(),
        port: "traffic-port".to_owned(),
        path: Some("/healthz".to_owned()),
        matcher: Some("200-299".to_owned()),
        ..TargetGroup::default()
    }
}

/// A definition whose container `web` has these fields besides.
fn web(mode: &str, fields: &Value) -> Value {
    let mut container = json!({"name": "web", "image": "web:1", "portMappings": [{"containerPort": 8080}]});
    container.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!({"family": "web", "networkMode": mode, "containerDefinitions": [{"name": "log", "image": "log:1"}, container]})
}

/// What is said of a service that registers port 8080 of `web`, with these target groups there.
fn ruling(definition: Value, running: Option<Value>, groups: &[TargetGroup]) -> Ruling {
    let mut story = Story::of(definition);
    let both = json!([{"targetGroupArn": WEB, "containerName": "web", "containerPort": 8080,
        "advancedConfiguration": {"alternateTargetGroupArn": GREEN}}]);
    story.service().load_balancers = serde_json::from_value(both).unwrap();
    story.observed.running = running.map(|document| crate::model::task_definition::Registered {
        document,
        ..story.observed.running.clone().unwrap()
    });
    let subject = story.subject();
    let balancers = &story.plan.service.as_ref().unwrap().load_balancers;
    let asked: BTreeSet<String> = balancers.iter().flat_map(arns).map(str::to_owned).collect();
    assert_eq!(asked.len(), 2, "the alternate target group is asked for, too");
    let there: BTreeSet<String> = groups.iter().map(|group| group.arn.clone()).collect();
    let missing = asked.difference(&there).cloned().collect();
    judge(&subject, balancers, &Read { groups: groups.to_vec(), missing })
}

fn told(ruling: &Ruling) -> String {
    let line = |finding: &Finding| {
        let mark = if finding.is_doubtful { "warns" } else { "blocks" };
        format!("{mark} {}\n{}", finding.pointer.as_deref().unwrap_or("-"), finding.error)
    };
    ruling.findings.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn both() -> [TargetGroup; 2] {
    [group(WEB), group(GREEN)]
}

#[test]
fn a_container_and_a_port_that_are_there_are_passed_in_a_range_too() {
    for fields in [json!({}), json!({"portMappings": [{"containerPortRange": "8000-8100"}]})] {
        assert_eq!(told(&ruling(web("awsvpc", &fields), None, &both())), "");
    }
}

#[test]
fn what_the_service_registers_must_be_in_the_definition() {
    let other_port = json!({"portMappings": [{"containerPort": 80}, {"containerPortRange": "9000-9100"}]});
    let cases = [json!({"name": "app"}), other_port, json!({"portMappings": []})];
    let cases = cases.map(|fields| told(&ruling(web("awsvpc", &fields), None, &both())));
    insta::assert_snapshot!(cases.join("\n"));
}

#[test]
fn a_target_group_that_is_gone_is_named() {
    insta::assert_snapshot!(told(&ruling(web("awsvpc", &json!({})), None, &[group(WEB)])));
}

#[test]
fn the_type_of_the_targets_must_fit_the_network_mode() {
    let of = |kind: &str| both().map(|group| TargetGroup { target_type: kind.to_owned(), ..group });
    for (mode, kind, found) in [
        ("awsvpc", "ip", 0),
        ("awsvpc", "instance", 2),
        ("bridge", "instance", 0),
        ("bridge", "ip", 2),
        ("host", "ip", 2),
        ("none", "ip", 0),
        ("awsvpc", "", 0),
    ] {
        let ruling = ruling(web(mode, &json!({})), None, &of(kind));
        assert_eq!(ruling.findings.len(), found, "{mode} {kind}");
        assert!(ruling.findings.iter().all(|finding| !finding.is_doubtful));
    }
    insta::assert_snapshot!(told(&ruling(web("awsvpc", &json!({})), None, &[group(WEB), of("instance")[1].clone()])));
}

#[test]
fn a_health_check_on_a_port_that_nobody_maps_any_more_is_doubtful() {
    let on_9000 = both().map(|group| TargetGroup { port: "9000".to_owned(), ..group });
    let admin =
        |host: u64| json!({"portMappings": [{"containerPort": 8080}, {"containerPort": 9000, "hostPort": host}]});
    let bare = || json!({});
    let as_instance = on_9000.clone().map(|group| TargetGroup { target_type: "instance".to_owned(), ..group });
    for (mode, now, before, found) in [
        ("awsvpc", admin(0), Some(admin(0)), false),
        ("awsvpc", bare(), Some(admin(0)), true),
        // It works now: the application listens without saying so.
        ("awsvpc", bare(), Some(bare()), false),
        ("awsvpc", bare(), None, true),
        ("bridge", bare(), Some(bare()), true),
        ("bridge", admin(0), None, true),
        ("bridge", admin(9000), None, false),
    ] {
        let groups = if mode == "bridge" { &as_instance } else { &on_9000 };
        let ruling = ruling(web(mode, &now), before.map(|fields| web(mode, &fields)), groups);
        assert_eq!(ruling.findings.len(), if found { 2 } else { 0 }, "{mode} {now}");
        assert!(ruling.findings.iter().all(|finding| finding.is_doubtful));
    }
    insta::assert_snapshot!(told(&ruling(web("awsvpc", &bare()), None, &[group(WEB), on_9000[1].clone()])));
}

#[test]
fn a_path_that_the_container_was_asked_for_and_is_not_any_more_is_doubtful() {
    let asks = |command: &str| json!({"healthCheck": {"command": ["CMD-SHELL", command]}});
    let before = "curl -fsS 'http://localhost:8080/healthz?full=1' || exit 1";
    for (now, found) in [
        (before, false),
        ("wget -qO- 127.0.0.1:8080/healthz || exit 1", false),
        ("curl http://localhost:8080/health | grep -q ok", true),
        ("curl localhost:8080", true),
        ("pg_isready", false),
        ("curl http://metadata.internal/health", false),
    ] {
        let ruling = ruling(web("awsvpc", &asks(now)), Some(web("awsvpc", &asks(before))), &both());
        assert_eq!(ruling.findings.len(), if found { 2 } else { 0 }, "{now}");
        assert!(ruling.findings.iter().all(|finding| finding.is_doubtful));
    }
    let moved = asks("curl http://localhost:8080/live");
    insta::assert_snapshot!(told(&ruling(
        web("awsvpc", &moved),
        Some(web("awsvpc", &asks(before))),
        &[group(WEB), TargetGroup { path: None, ..group(GREEN) }]
    )));
}
