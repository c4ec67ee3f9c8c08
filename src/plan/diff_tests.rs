#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::json;

use super::*;

fn definition(document: Value) -> TaskDefinition {
    TaskDefinition::from_document(document).unwrap()
}

fn told(from: Value, to: Value) -> String {
    let absent = "(absent)".to_owned();
    let line = |change: Change| {
        format!(
            "{}: {} -> {}",
            change.path,
            change.from.as_ref().unwrap_or(&absent),
            change.to.as_ref().unwrap_or(&absent)
        )
    };
    diff(&definition(from), &definition(to)).into_iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn changes_are_told_by_container_and_by_name_and_values_of_variables_never() {
    let from = json!({
        "family": "web", "cpu": "256", "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
        "volumes": [{"name": "data"}],
        "containerDefinitions": [
            {
                "name": "web", "image": "web:v1", "command": ["serve"],
                "environment": [{"name": "LEVEL", "value": "hunter2"}, {"name": "OLD", "value": "hunter2"}, {"name": "SAME", "value": "hunter2"}],
                "secrets": [{"name": "DB", "valueFrom": "arn:old"}],
                "dockerLabels": {"team": "a"},
                "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/web", "splunk-token": "hunter2"}},
                "portMappings": [{"containerPort": 80, "hostPort": 8080}],
            },
            {"name": "gone", "image": "old:1"},
        ],
    });
    let to = json!({
        "family": "web", "cpu": "0.5 vCPU", "executionRoleArn": "execution", "taskRoleArn": "web", "newField": {"deep": {"er": 1}},
        "containerDefinitions": [
            {"name": "side", "image": "side:1", "environment": [{"name": "X", "value": "hunter2"}]},
            {
                "name": "web", "image": "web:v2", "command": ["serve", "-v"], "memory": 512,
                "environment": [{"name": "NEW", "value": "hunter2"}, {"name": "LEVEL", "value": "hunter22"}, {"name": "SAME", "value": "hunter2"}],
                "secrets": [{"name": "DB", "valueFrom": "arn:new"}],
                "dockerLabels": {"team": "b", "environment": "prod"},
                "logConfiguration": {"logDriver": "splunk", "options": {"awslogs-group": "/new", "splunk-token": "hunter22"}},
                "portMappings": [{"containerPort": 80, "hostPort": 8081}],
                "healthCheck": {"command": ["CMD", "true"], "interval": 30},
            },
        ],
        "tags": [{"key": "team", "value": "a"}],
    });
    let told = told(from, to);
    assert!(!told.contains("hunter2"), "{told}");
    insta::assert_snapshot!(told, @r#"
    cpu: 256 -> 512
    volume data: {} -> (absent)
    taskRoleArn: (absent) -> web
    newField › deep › er: (absent) -> 1
    tag team: (absent) -> a
    container gone: old:1 -> (absent)
    container web › image: web:v1 -> web:v2
    container web › command: ["serve"] -> ["serve","-v"]
    container web › environment LEVEL: *** -> *** (changed)
    container web › environment OLD: *** -> (absent)
    container web › environment NEW: (absent) -> ***
    container web › secret DB: arn:old -> arn:new
    container web › label team: a -> b
    container web › label environment: (absent) -> prod
    container web › log driver: awslogs -> splunk
    container web › log option awslogs-group: /web -> /new
    container web › log option splunk-token: *** -> *** (changed)
    container web › port 80 › hostPort: 8080 -> 8081
    container web › memory: (absent) -> 512
    container web › healthCheck › command: (absent) -> ["CMD","true"]
    container side: (absent) -> side:1
    "#);
}

#[test]
fn the_same_port_for_two_protocols_a_range_and_another_order_are_told_apart() {
    let with = |ports: Value| json!({"networkMode": "awsvpc", "containerDefinitions": [{"name": "dns", "portMappings": ports}]});
    let (tcp, udp) = (json!({"containerPort": 53}), json!({"containerPort": 53, "protocol": "udp"}));
    let range = |name: &str| json!({"containerPortRange": "8000-8010", "name": name});
    let renamed = told(with(json!([tcp, udp, range("a")])), with(json!([tcp, udp, range("b")])));
    assert_eq!(renamed, "container dns › port 8000-8010 › name: a -> b");
    let reordered = told(with(json!([tcp, udp])), with(json!([udp, tcp])));
    assert_eq!(reordered, r#"container dns › portMappings: ["53","53/udp"] -> ["53/udp","53"]"#);
}

#[test]
fn a_path_is_told_with_its_names_as_code() {
    let named = |path: &str| Change { path: path.to_owned(), from: None, to: None }.named_path();
    for (path, told) in [
        ("cpu", "`cpu`"),
        ("container web › environment LOG_LEVEL", "container `web` › environment `LOG_LEVEL`"),
        ("container web › environment file arn:x", "container `web` › environment file `arn:x`"),
        ("container web › log driver", "container `web` › log driver"),
        ("container web › log option awslogs-group", "container `web` › log option `awslogs-group`"),
        ("container web › port 80 › hostPort", "container `web` › port `80` › `hostPort`"),
    ] {
        assert_eq!(named(path), told);
    }
    let image = Change { path: "container web › image".to_owned(), from: None, to: None };
    assert_eq!(image.image_of(), Some("web"));
    assert_eq!(Change { path: "container web › imagePullPolicy".to_owned(), ..image }.image_of(), None);
}

#[test]
fn values_stay_masked_when_a_list_has_no_clear_names() {
    let with = |environment: Value| json!({"containerDefinitions": [{"name": "web", "environment": environment}]});
    let twice = json!([{"name": "A", "value": "hunter2"}, {"name": "A", "value": "hunter3"}]);
    assert_eq!(told(with(twice), with(json!([]))), "container web › environment: *** -> (absent)");
}

#[test]
fn what_ecs_filled_in_is_no_change() {
    let asked = json!({"family": "web", "containerDefinitions": [{"name": "web", "image": "web:v1"}]});
    let stored = json!({"taskDefinition": {
        "family": "web", "revision": 3, "status": "ACTIVE", "volumes": [],
        "containerDefinitions": [{"name": "web", "image": "web:v1", "cpu": 0, "essential": true, "environment": []}],
    }, "tags": [{"key": "a", "value": "b"}]});
    assert_eq!(told(stored, asked), "");
}

#[test]
fn what_looks_like_a_password_in_volumes_labels_and_log_options_is_never_told() {
    let volume = |options: Value| json!([{"name": "data", "dockerVolumeConfiguration": {"driver": "local", "driverOpts": options}}]);
    let web = |volumes: Value, label: &str| {
        let labels = json!({"traefik.basicauth.users": label, "team": "a"});
        let options = json!({"Name": "forward", "Shared_Key": label, "licenseKey": label});
        json!({"family": "web", "volumes": volumes, "containerDefinitions": [{
            "name": "web", "image": "web:v1", "dockerLabels": labels,
            "logConfiguration": {"logDriver": "awsfirelens", "options": options},
        }]})
    };
    let (none, old, new) =
        (json!([]), volume(json!({"o": "password=hunter2"})), volume(json!({"o": "password=hunter22"})));
    for (from, to) in [(&none, &old), (&old, &new), (&old, &none)] {
        let told = told(web(from.clone(), "hunter2"), web(to.clone(), "hunter22"));
        assert!(!told.contains("hunter2"), "{told}");
        assert!(told.contains("data") && told.contains("Shared_Key"), "{told}");
    }
}

#[test]
fn a_secret_that_stands_where_its_name_belongs_is_never_told() {
    let web = |texts: [&str; 4]| {
        let [secret, option, login, volume] = texts;
        let windows = json!({"fileSystemId": "fs-1", "authorizationConfig": {"credentialsParameter": volume}});
        json!({"family": "web",
        "volumes": [{"name": volume.len().to_string(), "fsxWindowsFileServerVolumeConfiguration": windows}],
        "containerDefinitions": [{
            "name": "web", "image": "web:v1",
            "secrets": [{"name": "DB_PASSWORD", "valueFrom": secret}],
            "repositoryCredentials": {"credentialsParameter": login},
            "logConfiguration": {"logDriver": "splunk", "secretOptions": [{"name": "splunk-url", "valueFrom": option}]},
        }]})
    };
    let named = web(["/shop/db", "splunk", "dockerhub", "fsx"]);
    let misplaced = web(["hunter2!", "hunter2://a", "me:hunter2", "corp:hunter2"]);
    let others = web(["hunter22!", "hunter22://a", "me:hunter22", "corp:hunter2!!"]);
    insta::assert_snapshot!(told(named.clone(), misplaced.clone()), @r#"
    volume 3: {"fsxWindowsFileServerVolumeConfiguration":{"fileSystemId":"fs-1","authorizationConfig":{"credentialsParameter":"fsx"}}} -> (absent)
    volume 12: (absent) -> {"fsxWindowsFileServerVolumeConfiguration":{"fileSystemId":"fs-1","authorizationConfig":{"credentialsParameter":"***"}}}
    container web › secret DB_PASSWORD: /shop/db -> ***
    container web › repositoryCredentials › credentialsParameter: dockerhub -> ***
    container web › secret option splunk-url: splunk -> ***
    "#);
    assert!(!told(misplaced.clone(), named).contains("hunter2"));
    let changed = told(misplaced, others);
    assert!(!changed.contains("hunter2"), "{changed}");
    assert!(changed.contains("container web › secret DB_PASSWORD: *** -> *** (changed)"), "{changed}");
    let twice = |text: &str| {
        let secrets = json!([{"name": "A", "valueFrom": text}, {"name": "A", "valueFrom": "/shop/db"}]);
        json!({"containerDefinitions": [{"name": "web", "secrets": secrets}]})
    };
    assert_eq!(told(twice("/a"), twice("hunter2!")), "container web › secrets: *** -> *** (changed)");
}
