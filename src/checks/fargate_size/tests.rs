//! Each rule broken once, and what is sound: tables of JSON patches over one good definition.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::{Value, json};

use super::*;
use crate::checks::tests::Story;

/// A sound definition on Fargate.
fn web() -> Value {
    json!({
        "family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
        "executionRoleArn": "arn:aws:iam::123456789012:role/web-execution",
        "containerDefinitions": [
            {"name": "web", "image": "web:1", "portMappings": [{"containerPort": 8080}]},
            {"name": "log", "image": "log:1", "essential": false},
        ],
    })
}

/// The definition with something else in it, by RFC 7396; in a list of containers, by index.
fn with(mut definition: Value, patch: &Value) -> Value {
    merge(&mut definition, patch);
    definition
}

fn merge(into: &mut Value, patch: &Value) {
    match (into, patch) {
        (Value::Array(items), Value::Object(patch)) => {
            for (index, patch) in patch {
                merge(items.get_mut(index.parse::<usize>().unwrap()).unwrap(), patch);
            }
        }
        (Value::Object(fields), Value::Object(patch)) => {
            for (name, patch) in patch {
                match patch {
                    Value::Null => drop(fields.shift_remove(name)),
                    _ => merge(fields.entry(name.clone()).or_insert_with(|| json!({})), patch),
                }
            }
        }
        (into, patch) => *into = patch.clone(),
    }
}

fn findings(definition: Value) -> Vec<Finding> {
    judge(&Story::of(definition).subject()).findings
}

/// What is found, in one line each: whether it blocks, where, what, why, fix.
fn told(definition: Value) -> String {
    let line = |finding: &Finding| {
        let Error { what, why, fix, .. } = &finding.error;
        let mark = if finding.is_doubtful { "warns" } else { "blocks" };
        format!("{mark} {}\n  {what}\n  {why}\n  {fix}", finding.pointer.as_deref().unwrap_or_default())
    };
    findings(definition).iter().map(line).collect::<Vec<_>>().join("\n")
}

fn told_each(base: &Value, patches: &[Value]) -> String {
    let told = |patch: &Value| format!("{patch}\n{}\n", told(with(base.clone(), patch)));
    patches.iter().map(told).collect::<Vec<_>>().join("\n")
}

/// A definition on EC2.
fn ec2() -> Value {
    json!({"family": "web", "networkMode": "bridge", "requiresCompatibilities": ["EC2"], "containerDefinitions": [
        {"name": "web", "image": "web:1", "memory": 512, "portMappings": [{"containerPort": 80, "hostPort": 0}]},
        {"name": "log", "image": "log:1", "memory": 64, "essential": false},
    ]})
}

#[test]
fn what_is_sound_is_passed() {
    assert_eq!(told(web()), "");
    assert_eq!(told(ec2()), "");
    for sound in [
        json!({"containerDefinitions": {"0": {"cpu": 128, "memory": 256, "memoryReservation": 128}, "1": {"cpu": 128, "memory": 384}}}),
        json!({"containerDefinitions": {"0": {"privileged": false, "dnsServers": [], "links": [], "portMappings": [{"containerPort": 8080, "hostPort": 8080}]}}}),
        json!({"containerDefinitions": {"0": {"linuxParameters": {"capabilities": {"add": ["SYS_PTRACE"], "drop": ["ALL"]}, "initProcessEnabled": true}}}}),
        json!({"containerDefinitions": {"0": {"dependsOn": [{"containerName": "log", "condition": "SUCCESS"}]}}}),
        json!({"containerDefinitions": {"0": {"portMappings": [{"containerPort": 53}, {"containerPort": 53, "protocol": "udp"}]}}}),
        json!({"ephemeralStorage": {"sizeInGiB": 21}, "pidMode": "task", "volumes": [{"name": "tmp", "host": {}}]}),
    ] {
        assert_eq!(told(with(web(), &sound)), "", "{sound}");
    }
    for sound in [
        json!({"containerDefinitions": {"0": {"privileged": true, "links": ["log"], "hostname": "web", "extraHosts": [{"hostname": "a", "ipAddress": "10.0.0.1"}]}}}),
        json!({"containerDefinitions": {"0": {"logConfiguration": {"logDriver": "gelf"}}}}),
        json!({"volumes": [{"name": "host", "host": {"sourcePath": "/"}}, {"name": "d", "dockerVolumeConfiguration": {}}]}),
        json!({"memory": "1024", "containerDefinitions": {"0": {"memory": null}, "1": {"memory": null}}}),
    ] {
        assert_eq!(told(with(ec2(), &sound)), "", "{sound}");
    }
}

#[test]
fn every_size_that_fargate_sells_is_passed_however_it_is_written() {
    for (cpu, memories) in [
        ("256", &["512", "0.5 GB", "1GB", "2048"][..]),
        (".25 vCPU", &["512", ".5GB", "2 gb"]),
        ("0.5vcpu", &["1024", "4 GB"]),
        ("1 vCPU", &["2048", "7168", "8 GB"]),
        ("2 vCPU", &["4096", "16384"]),
        ("4096", &["8192", "30720", "30GB"]),
        ("8 vCPU", &["16384", "20480", "61440"]),
        ("16 vCPU", &["32768", "120 GB"]),
        ("32 vCPU", &["61440", "120 GB", "244GB"]),
    ] {
        for memory in memories {
            assert_eq!(told(with(web(), &json!({"cpu": cpu, "memory": memory}))), "", "{cpu} {memory}");
        }
    }
}

#[test]
fn a_size_that_fargate_does_not_sell_names_the_nearest() {
    let pairs = [
        ("256", "4096"),
        ("512", "512"),
        ("1 vCPU", "16 GB"),
        ("8192", "17408"),
        ("16384", "131072"),
        ("300", "512"),
        ("32768", "512"),
        ("32768", "131072"),
        ("65536", "131072"),
        ("a lot", "512"),
    ];
    let pairs = pairs.map(|(cpu, memory)| json!({"cpu": cpu, "memory": memory}));
    let windows = json!({"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}});
    let more = [
        json!({"cpu": null, "memory": null}),
        windows.clone(),
        with(windows, &json!({"cpu": "8192", "memory": "16384"})),
        json!({"ephemeralStorage": {"sizeInGiB": 20}}),
    ];
    insta::assert_snapshot!(told_each(&web(), &[pairs.as_slice(), more.as_slice()].concat()));
}

#[test]
fn containers_must_fit_into_the_task() {
    insta::assert_snapshot!(told_each(
        &web(),
        &[
            json!({"containerDefinitions": {"0": {"cpu": 256}, "1": {"cpu": 1}}}),
            json!({"containerDefinitions": {"0": {"memory": 512}, "1": {"memory": 4096, "memoryReservation": 1}}}),
            json!({"containerDefinitions": {"0": {"memory": 128, "memoryReservation": 129}}}),
            json!({"containerDefinitions": {"0": {"memory": 2}}}),
        ]
    ));
    insta::assert_snapshot!(told_each(
        &ec2(),
        &[
            json!({"cpu": "256", "containerDefinitions": {"0": {"cpu": 257}}}),
            json!({"containerDefinitions": {"1": {"memory": null}}}),
        ]
    ));
}

#[test]
fn what_fargate_does_not_have_is_told_at_its_place() {
    insta::assert_snapshot!(told_each(
        &web(),
        &[
            json!({"networkMode": null}),
            json!({"networkMode": "bridge"}),
            json!({"ipcMode": "task", "pidMode": "host", "placementConstraints": [{"type": "memberOf"}]}),
            json!({"containerDefinitions": {"0": {"privileged": true, "dnsServers": ["10.0.0.2"], "dockerSecurityOptions": ["x"]}}}),
            json!({"containerDefinitions": {"0": {"links": ["log"], "hostname": "web", "extraHosts": [{"hostname": "a"}]}}}),
            json!({"containerDefinitions": {"1": {"linuxParameters": {"sharedMemorySize": 64, "devices": [{"hostPath": "/dev/x"}], "capabilities": {"add": ["SYS_PTRACE", "NET_ADMIN"]}}}}}),
            json!({"containerDefinitions": {"0": {"resourceRequirements": [{"type": "GPU", "value": "1"}], "stopTimeout": 300}}}),
            json!({"volumes": [{"name": "a", "host": {"sourcePath": "/a"}}, {"name": "b", "dockerVolumeConfiguration": {}}]}),
        ]
    ));
}

#[test]
fn a_service_on_fargate_is_judged_whatever_the_definition_says() {
    let mut story = Story::of(with(web(), &json!({"requiresCompatibilities": null, "networkMode": null})));
    assert_eq!(judge(&story.subject()), Ruling::default());
    story.service().launch_type = Some("FARGATE".to_owned());
    let findings = judge(&story.subject()).findings;
    assert!(findings.len() == 1 && findings.iter().all(|finding| finding.is_doubtful), "{findings:?}");
    let neither = json!({"requiresCompatibilities": null, "containerDefinitions": {"0": {"essential": false}}});
    let mut story = Story::of(with(web(), &neither));
    story.service().launch_type = Some("FARGATE".to_owned());
    assert!(judge(&story.subject()).findings.iter().all(|finding| !finding.is_doubtful), "ECS stores none of these");
}

#[test]
fn ports_that_cannot_be_are_told() {
    let ports =
        |host: u64| json!({"containerDefinitions": {"0": {"portMappings": [{"containerPort": 80, "hostPort": host}]}}});
    insta::assert_snapshot!(told_each(
        &web(),
        &[
            ports(8080),
            json!({"containerDefinitions": {"1": {"portMappings": [{"containerPort": 1}, {"containerPort": 8080, "protocol": "tcp"}]}}}),
        ]
    ));
    insta::assert_snapshot!(told_each(
        &ec2(),
        &[
            with(ports(8080), &json!({"networkMode": "host"})),
            with(ports(8080), &json!({"networkMode": "none"})),
            with(
                ports(8080),
                &json!({"containerDefinitions": {"1": {"portMappings": [{"containerPort": 81, "hostPort": 8080}]}}})
            ),
        ]
    ));
}

#[test]
fn containers_that_would_never_start_are_told() {
    let waits = |on: &str, condition: &str| json!({"dependsOn": [{"containerName": on, "condition": condition}]});
    let first = |on: &str, condition: &str| json!({"containerDefinitions": {"0": waits(on, condition)}});
    let second = |condition: &str| json!({"containerDefinitions": {"1": waits("web", condition)}});
    insta::assert_snapshot!(told_each(
        &web(),
        &[
            json!({"containerDefinitions": {"0": {"essential": false}}}),
            first("logs", "START"),
            second("COMPLETE"),
            second("HEALTHY"),
            first("web", "START"),
            with(first("log", "START"), &second("START")),
            json!({"containerDefinitions": {"0": {"healthCheck": {"command": ["CMD", "x"], "interval": 1, "retries": 11}}}}),
            json!({"containerDefinitions": {"0": {"restartPolicy": {"enabled": true, "restartAttemptPeriod": 10}}}}),
        ]
    ));
}

#[test]
fn logs_that_could_not_be_written_are_told() {
    let log = |log: Value| json!({"containerDefinitions": {"0": {"logConfiguration": log}}});
    let options =
        json!({"awslogs-group": "/ecs/web", "awslogs-region": "eu-central-1", "awslogs-stream-prefix": "web"});
    let sound = log(json!({"logDriver": "awslogs", "options": options}));
    assert_eq!(told(with(web(), &sound)), "");
    let router = json!({"containerDefinitions": {"1": {"firelensConfiguration": {"type": "fluentbit"}}}});
    assert_eq!(told(with(web(), &with(log(json!({"logDriver": "awsfirelens"})), &router))), "");
    let mut unpaid = sound.clone();
    unpaid["executionRoleArn"] = Value::Null;
    let from_s3 = json!({"firelensConfiguration": {"type": "fluentbit", "options": {"config-file-type": "s3"}}});
    insta::assert_snapshot!(told_each(
        &web(),
        &[
            log(json!({"logDriver": "json-file"})),
            log(json!({"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/web"}})),
            log(json!({"logDriver": "awsfirelens"})),
            unpaid,
            json!({"containerDefinitions": {"1": from_s3}}),
        ]
    ));
    let without = json!({"awslogs-group": "/ecs/web", "awslogs-region": "eu-central-1"});
    let found = findings(with(web(), &log(json!({"logDriver": "awslogs", "options": without}))));
    assert!(found.iter().all(|finding| finding.is_doubtful) && found.len() == 1, "{found:?}");
    let on_ec2 = findings(with(ec2(), &log(json!({"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/web"}}))));
    assert!(on_ec2.iter().all(|finding| finding.is_doubtful) && on_ec2.len() == 1, "{on_ec2:?}");
}

#[test]
fn volumes_that_cannot_be_mounted_are_told() {
    let efs = |efs: Value| json!({"volumes": [{"name": "a", "efsVolumeConfiguration": efs}]});
    let point = json!({"fileSystemId": "fs-1", "authorizationConfig": {"accessPointId": "fsap-1"}});
    let sound = with(point.clone(), &json!({"transitEncryption": "ENABLED", "rootDirectory": "/"}));
    assert_eq!(told(with(web(), &efs(sound.clone()))), "");
    insta::assert_snapshot!(told_each(
        &web(),
        &[
            efs(point),
            efs(with(sound, &json!({"rootDirectory": "/data"}))),
            json!({"containerDefinitions": {"0": {"mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}]}}}),
            json!({"containerDefinitions": {"0": {"volumesFrom": [{"sourceContainer": "data"}]}}}),
        ]
    ));
}

#[test]
fn a_revision_that_ecs_stored_is_not_judged_again() {
    let broken = with(web(), &json!({"cpu": "300"}));
    for (compatibilities, found) in [(json!(["EC2", "FARGATE"]), 0), (json!(["EC2"]), 1)] {
        let mut story = Story::of(broken.clone());
        story.service().launch_type = Some("FARGATE".to_owned());
        let mut stored = story.observed.newest.clone().unwrap();
        stored.document = with(broken.clone(), &json!({"compatibilities": compatibilities}));
        story.plan.reuse = Some(stored);
        assert_eq!(judge(&story.subject()).findings.len(), found, "{compatibilities}");
    }
}
