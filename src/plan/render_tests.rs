#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::json;

use super::*;
use crate::inputs::{Edits, Source};
use crate::model::document;
use crate::model::image::ImageRef;
use crate::model::manifest::Manifest;

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const ECR: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/web";

fn image(text: &str) -> ImageRef {
    ImageRef::parse(text).unwrap()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn asked(edits: Edits) -> Definition {
    Definition { source: Source::File("web.json".to_owned()), edits, pin_image_digest: false, tags: Vec::new() }
}

fn base(document: Value) -> Base {
    Base { document, origin: "web.json".to_owned(), text: None }
}

/// Two containers: one full of things that an edit must not touch, one beside it.
fn two() -> Value {
    json!({
        "family": "web",
        "unknownField": {"kept": null},
        "containerDefinitions": [
            {
                "name": "web",
                "image": "<IMAGE>",
                "environment": [{"name": "FOO", "value": "bar"}, {"name": "DONT-TOUCH", "value": "me"}, {"name": "EMPTY", "value": ""}],
                "environmentFiles": [{"value": "arn:aws:s3:::old/old.env", "type": "s3"}],
                "secrets": [{"name": "EXISTING", "valueFrom": "arn:old"}, {"name": "KEEP", "valueFrom": "arn:keep"}],
                "dockerLabels": {"team": "a"},
                "command": ["echo", "", "x"],
            },
            {"name": "sidecar", "image": "hello"},
        ],
        "tags": [{"key": "project", "value": "myproject"}],
    })
}

fn one() -> Value {
    json!({"family": "web", "containerDefinitions": [{"name": "web", "image": "nginx"}]})
}

fn rendered(document: Value, edits: Edits) -> Value {
    let rendered =
        render(&base(document), &asked(edits), &BTreeMap::new()).unwrap_or_else(|errors| panic!("{errors:?}"));
    Value::Object(rendered.definition.0)
}

fn errors_of(document: Value, edits: Edits) -> String {
    let errors = render(&base(document), &asked(edits), &BTreeMap::new()).unwrap_err();
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn web() -> Edits {
    Edits { containers: vec!["web".to_owned()], ..Edits::default() }
}

#[test]
fn every_field_survives() {
    let text = include_str!("../../fixtures/task-definitions/every-field.json");
    let document = document::parse(text).unwrap();
    let mut expected = document.clone();
    expected["containerDefinitions"][0]["image"] = "ghcr.io/acme/web:v2".into();
    let result = rendered(document, Edits { image: Some(image("ghcr.io/acme/web:v2")), ..Edits::default() });
    assert_eq!(serde_json::to_string(&result).unwrap(), serde_json::to_string(&expected).unwrap());
}

#[test]
fn edits_touch_what_they_name_and_nothing_else() {
    let mut expected = two();
    let container = &mut expected["containerDefinitions"][0];
    container["image"] = "nginx:latest".into();
    container["environment"][0]["value"] = "baz=qux".into();
    container["environment"].as_array_mut().unwrap().push(json!({"name": "HELLO", "value": "world"}));
    container["environmentFiles"] = json!([{"value": "arn:aws:s3:::new/new.env", "type": "s3"}]);
    container["secrets"][0]["valueFrom"] = "arn:new".into();
    container["secrets"].as_array_mut().unwrap().push(json!({"name": "SSM", "valueFrom": "arn:ssm"}));
    container["dockerLabels"]["rule"] = "Host(`a`)&&x=y".into();
    container["command"] = json!(["npm", "start", "--nice", "--please"]);
    container["logConfiguration"] = json!({"logDriver": "awslogs", "options": {"awslogs-datetime-format": "a=b"}});
    expected["taskRoleArn"] = "arn:aws-cn:iam::123456789012:role/path/task".into();
    expected["executionRoleArn"] = "execution".into();
    let edits = Edits {
        image: Some(image("nginx:latest")),
        environment: pairs(&[("FOO", "baz=qux"), ("HELLO", "world")]),
        secrets: pairs(&[("EXISTING", "arn:new"), ("SSM", "arn:ssm")]),
        env_files: vec!["arn:aws:s3:::new/new.env".to_owned()],
        docker_labels: pairs(&[("rule", "Host(`a`)&&x=y")]),
        command: Some(["npm", "start", "--nice", "--please"].map(str::to_owned).to_vec()),
        log_driver: Some("awslogs".to_owned()),
        log_options: pairs(&[("awslogs-datetime-format", "a=b")]),
        task_role: Some("arn:aws-cn:iam::123456789012:role/path/task".to_owned()),
        execution_role: Some("execution".to_owned()),
        ..web()
    };
    assert_eq!(rendered(two(), edits), expected);
    assert_eq!(rendered(two(), Edits::default()), two(), "no edit, no change");
}

#[test]
fn lists_are_made_when_they_are_absent_or_null() {
    let edits = || Edits { environment: pairs(&[("A", "1")]), secrets: pairs(&[("B", "arn")]), ..Edits::default() };
    let mut null = one();
    null["containerDefinitions"][0]["environment"] = Value::Null;
    for document in [one(), null] {
        let container = &rendered(document, edits())["containerDefinitions"][0];
        assert_eq!(container["environment"], json!([{"name": "A", "value": "1"}]));
        assert_eq!(container["secrets"], json!([{"name": "B", "valueFrom": "arn"}]));
    }
}

#[test]
fn a_name_moves_between_variables_and_secrets() {
    let edits = Edits { environment: pairs(&[("EXISTING", "plain")]), secrets: pairs(&[("FOO", "arn:foo")]), ..web() };
    let container = &rendered(two(), edits)["containerDefinitions"][0];
    let names = |list: &str| container[list].as_array().unwrap().iter().map(|e| e["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names("environment"), ["DONT-TOUCH", "EMPTY", "EXISTING"]);
    assert_eq!(names("secrets"), ["KEEP", "FOO"]);
}

#[test]
fn one_image_goes_to_several_containers_and_several_images_to_theirs() {
    let both = Edits {
        containers: vec!["web".to_owned(), "sidecar".to_owned()],
        image: Some(image("nginx:2")),
        ..Edits::default()
    };
    let distinct = Edits {
        images: vec![("sidecar".to_owned(), image("side:2")), ("web".to_owned(), image("nginx:3"))],
        ..Edits::default()
    };
    let images = |edits| {
        let containers = rendered(two(), edits)["containerDefinitions"].clone();
        [containers[0]["image"].clone(), containers[1]["image"].clone()]
    };
    assert_eq!(images(both), ["nginx:2", "nginx:2"]);
    assert_eq!(images(distinct), ["nginx:3", "side:2"]);
}

#[test]
fn a_changed_log_driver_begins_anew_and_says_so() {
    let mut document = one();
    document["containerDefinitions"][0]["logConfiguration"] =
        json!({"logDriver": "awslogs", "options": {"awslogs-group": "/web"}});
    let edits = |driver: &str| Edits {
        log_driver: Some(driver.to_owned()),
        log_options: pairs(&[("mode", "x")]),
        ..Edits::default()
    };
    let same = rendered(document.clone(), edits("awslogs"));
    assert_eq!(
        same["containerDefinitions"][0]["logConfiguration"]["options"],
        json!({"awslogs-group": "/web", "mode": "x"})
    );
    let changed = render(&base(document), &asked(edits("splunk")), &BTreeMap::new()).unwrap();
    let container = changed.definition.containers().next().unwrap();
    assert_eq!(container["logConfiguration"], json!({"logDriver": "splunk", "options": {"mode": "x"}}));
    insta::assert_snapshot!(changed.warnings.join("\n"), @"The log driver of container `web` changes from awslogs to splunk; the options of awslogs are taken out.");
}

#[test]
fn a_describe_answer_is_rendered_without_what_register_refuses() {
    let text = include_str!("../../fixtures/task-definitions/described.json");
    let result = rendered(document::parse(text).unwrap(), Edits { image: Some(image("web:v2")), ..Edits::default() });
    let fields: Vec<&String> = result.as_object().unwrap().keys().collect();
    assert_eq!(
        fields,
        [
            "containerDefinitions",
            "family",
            "executionRoleArn",
            "networkMode",
            "volumes",
            "placementConstraints",
            "requiresCompatibilities",
            "cpu",
            "memory",
            "tags"
        ]
    );
    assert_eq!(result["tags"], json!([{"key": "team", "value": "shop"}]));
}

#[test]
fn yaml_is_rendered_as_it_is_written() {
    let text = include_str!("../../fixtures/task-definitions/worker.yaml");
    let result = render(&base(document::parse(text).unwrap()), &asked(Edits::default()), &BTreeMap::new()).unwrap();
    let container = result.definition.containers().next().unwrap();
    assert_eq!(
        container["environment"],
        json!([
            {"name": "CONCURRENCY", "value": "4"}, {"name": "REGION_CODE", "value": "080"},
            {"name": "ACCOUNT", "value": "012345678901"}, {"name": "VERBOSE", "value": "yes"},
        ])
    );
    assert_eq!(result.definition.containers().nth(1).unwrap()["logConfiguration"], container["logConfiguration"]);
    insta::assert_snapshot!(result.warnings.join("\n"), @r"
        Sent as the type that ECS takes, not as written: `containerDefinitions[worker].environment[CONCURRENCY].value`.
    ");
}

#[test]
fn the_readmes_definition_needs_no_remark() {
    let document = document::parse(include_str!("../../fixtures/task-definitions/web.json")).unwrap();
    let edits = Edits { image: Some(image("web:v2")), ..web() };
    let result = render(&base(document), &asked(edits), &BTreeMap::new()).unwrap();
    assert_eq!(result.warnings, [""; 0]);
    assert_eq!(result.definition.images().next(), Some(("web", "web:v2")));
}

#[test]
fn tags_are_set_beside_the_ones_there_are() {
    let asked = Definition { tags: pairs(&[("project", "new"), ("commit", "a=b")]), ..asked(Edits::default()) };
    let result = render(&base(two()), &asked, &BTreeMap::new()).unwrap();
    assert_eq!(
        result.definition.0["tags"],
        json!([{"key": "project", "value": "new"}, {"key": "commit", "value": "a=b"}])
    );
}

#[test]
fn a_patch_merges_by_name_and_null_removes() {
    let patch = json!({
        "cpu": "512",
        "unknownField": {"kept": 1},
        "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": null},
        "containerDefinitions": {
            "web": {
                "environment": {"FOO": "new", "EMPTY": null, "ADDED": {"value": "x"}, "KEEP": "moved"},
                "secrets": {"DONT-TOUCH": "arn:moved"},
                "dockerLabels": {"team": null, "environment": "prod"},
                "command": ["a"],
                "portMappings": {"8080": {"protocol": "udp"}},
                "ulimits": {"nofile": {"softLimit": 1, "hardLimit": 2}},
                "environmentFiles": null,
            },
            "sidecar": null,
            "agent": {"image": "agent:1"},
        },
        "volumes": {"data": {"host": {}}},
        "tags": {"project": "other", "team": "a"},
    });
    assert_eq!(
        rendered(two(), Edits { patch: Some(patch), ..Edits::default() }),
        json!({
            "family": "web", "cpu": "512", "unknownField": {"kept": 1}, "runtimePlatform": {"cpuArchitecture": "ARM64"},
            "containerDefinitions": [
                {
                    "name": "web", "image": "<IMAGE>",
                    "environment": [{"name": "FOO", "value": "new"}, {"name": "ADDED", "value": "x"}, {"name": "KEEP", "value": "moved"}],
                    "secrets": [{"name": "EXISTING", "valueFrom": "arn:old"}, {"name": "DONT-TOUCH", "valueFrom": "arn:moved"}],
                    "dockerLabels": {"environment": "prod"}, "command": ["a"],
                    "portMappings": [{"containerPort": 8080, "protocol": "udp"}],
                    "ulimits": [{"name": "nofile", "softLimit": 1, "hardLimit": 2}],
                },
                {"name": "agent", "image": "agent:1"},
            ],
            "volumes": [{"name": "data", "host": {}}],
            "tags": [{"key": "project", "value": "other"}, {"key": "team", "value": "a"}],
        })
    );
}

/// The examples of RFC 7396, appendix A, that have an object as patch.
#[test]
fn a_patch_without_named_lists_is_rfc_7396() {
    for (target, patch, expected) in [
        (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
        (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
        (json!({"a": "b"}), json!({"a": null}), json!({})),
        (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
        (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
        (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
        (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
        (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
        (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
        (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
    ] {
        let mut document = one();
        document["unknown"] = target;
        let result = rendered(document, Edits { patch: Some(json!({"unknown": patch})), ..Edits::default() });
        assert_eq!(result["unknown"], expected, "{patch}");
    }
}

#[test]
fn images_are_pinned_where_ecr_knows_them() {
    let document = json!({"family": "web", "containerDefinitions": [
        {"name": "web", "image": format!("{ECR}:v1")},
        {"name": "done", "image": format!("nginx@{DIGEST}")},
        {"name": "log", "image": "public.ecr.aws/aws/fluent-bit:4"},
    ]});
    let digests = BTreeMap::from([(
        format!("{ECR}:v1"),
        Digest::Known { digest: DIGEST.to_owned(), manifest: Manifest::default() },
    )]);
    let asked = Definition { pin_image_digest: true, ..asked(Edits::default()) };
    let result = render(&base(document), &asked, &digests).unwrap();
    let images: Vec<&str> = result.definition.images().map(|(_, image)| image).collect();
    assert_eq!(
        images,
        [format!("{ECR}@{DIGEST}"), format!("nginx@{DIGEST}"), "public.ecr.aws/aws/fluent-bit:4".to_owned()]
    );
    insta::assert_snapshot!(result.warnings.join("\n"), @"The image `public.ecr.aws/aws/fluent-bit:4` of container `log` cannot be pinned: it is not in a private ECR registry. It keeps its tag.");
}

#[test]
fn an_image_that_cannot_be_pinned_is_an_error() {
    let document = json!({"family": "web", "containerDefinitions": [
        {"name": "absent", "image": format!("{ECR}:absent")},
        {"name": "archived", "image": format!("{ECR}:archived")},
        {"name": "denied", "image": format!("{ECR}:denied")},
        {"name": "placeholder", "image": "<IMAGE>"},
    ]});
    let digests = BTreeMap::from([
        (format!("{ECR}:absent"), Digest::Missing("Requested image not found".to_owned())),
        (format!("{ECR}:archived"), Digest::Archived("ImageInaccessible: The image is archived".to_owned())),
        (format!("{ECR}:denied"), Digest::Unknown("`ecr:BatchGetImage` failed: denied".to_owned())),
    ]);
    let asked = Definition { pin_image_digest: true, ..asked(Edits::default()) };
    let errors = render(&base(document), &asked, &digests).unwrap_err();
    insta::assert_snapshot!(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"), @r"
    The image `123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:absent` of container `absent` cannot be pinned to a digest. [image-not-pinned]
      why: ECR says: Requested image not found
      fix: Push the image first, or correct its tag.
    The image `123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:archived` of container `archived` cannot be pinned to a digest. [image-not-pinned]
      why: ECR says: ImageInaccessible: The image is archived
      fix: Restore the image from the archive, or push it again.
    The image `123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:denied` of container `denied` cannot be pinned to a digest. [image-not-pinned]
      why: Its digest is not known: `ecr:BatchGetImage` failed: denied
      fix: Allow `ecr:BatchGetImage` on the repository.
    The image `<IMAGE>` of container `placeholder` cannot be pinned to a digest. [image-not-pinned]
      why: It is not an image reference: it contains '<' (a placeholder that was not replaced?).
      fix: Correct the image, or give it in `image`.
    ");
}

#[test]
fn an_edit_that_matches_nothing_names_what_there_is() {
    let nginx = || Some(image("nginx:2"));
    let patch = |patch: Value| Edits { patch: Some(patch), ..Edits::default() };
    let errors = [
        errors_of(two(), Edits { containers: vec!["wbe".to_owned()], image: nginx(), ..Edits::default() }),
        errors_of(one(), Edits { containers: vec!["database".to_owned()], ..Edits::default() }),
        errors_of(
            two(),
            Edits {
                images: vec![("side-car".to_owned(), image("a")), ("x".to_owned(), image("b"))],
                ..Edits::default()
            },
        ),
        errors_of(two(), Edits { image: nginx(), ..Edits::default() }),
        errors_of(two(), Edits { command: Some(vec!["a".to_owned()]), ..Edits::default() }),
        errors_of(one(), Edits { log_options: pairs(&[("mode", "x")]), ..Edits::default() }),
        errors_of(two(), patch(json!({"containerDefinitions": {"wbe": {"cpu": 1}}}))),
        errors_of(two(), patch(json!({"containerDefinitions": {"worker": null}}))),
        errors_of(two(), patch(json!({"containerDefinitions": {"web": "nginx"}}))),
        errors_of(two(), patch(json!({"tags": {"a": ["b"]}}))),
    ];
    insta::assert_snapshot!(errors.join("\n"), @r"
    The task definition has no container `wbe`. [container-not-found]
      why: Its containers are: web, sidecar.
      fix: Correct `container-name`; names are case-sensitive. Did you mean `web`?
    The task definition has no container `database`. [container-not-found]
      why: Its only container is `web`.
      fix: Name one of these in `container-name`.
    The task definition has no container `side-car`. [container-not-found]
      why: Its containers are: web, sidecar.
      fix: Correct `images`; names are case-sensitive. Did you mean `sidecar`?
    The task definition has no container `x`. [container-not-found]
      why: Its containers are: web, sidecar.
      fix: Name one of these in `images`.
    `image` does not say which container it is for. [input-missing]
      why: The task definition has 2 containers: web, sidecar.
      fix: Name it in `container-name`, or use `images` with lines `container=image`.
    `command` does not say which container it is for. [input-missing]
      why: The task definition has 2 containers: web, sidecar.
      fix: Name it in `container-name`.
    The container `web` cannot be edited. [task-definition-invalid]
      why: Because it has no log driver: `log-configuration-options` needs `log-configuration-log-driver`.
      fix: Correct the task definition or the input.
    The task definition has no container `wbe`. [container-not-found]
      why: Its containers are: web, sidecar.
      fix: Correct `patch`; names are case-sensitive. Did you mean `web`?
    The task definition has no container `worker`. [container-not-found]
      why: Its containers are: web, sidecar.
      fix: Name one of these in `patch`.
    `patch` cannot be applied. [input-invalid]
      why: `containerDefinitions.web` is a text; it takes a map of the entry's fields.
      fix: Write each entry of a list as a map under its name, or the whole list to replace it.
    `patch` cannot be applied. [input-invalid]
      why: `tags.a` is a list; it takes a map of the entry's fields.
      fix: Write each entry of a list as a map under its name, or the whole list to replace it.
    ");
}

#[test]
fn what_is_no_task_definition_says_what_it_is() {
    let errors = [
        json!("arn:aws:ecs:…"),
        json!([]),
        json!({}),
        json!({"family": "web", "containerDefinitions": {}}),
        json!({"family": "web", "containerDefinitions": []}),
        json!({"family": "web", "containerDefinitions": ["web"]}),
        json!({"family": "web", "ContainerDefinitions": []}),
        json!({"family": "web", "containerDefinitions": [{"name": "web", "image": "a", "environment": {"A": "b"}}]}),
    ]
    .map(|document| errors_of(document, Edits { environment: pairs(&[("B", "c")]), ..Edits::default() }));
    insta::assert_snapshot!(errors.join("\n"), @r"
    `web.json` is not a task definition. [task-definition-invalid]
      why: Because it is a text, not an object.
      fix: Give a task definition as RegisterTaskDefinition takes it, or an answer of DescribeTaskDefinition.
    `web.json` is not a task definition. [task-definition-invalid]
      why: Because it is a list, not an object.
      fix: Give a task definition as RegisterTaskDefinition takes it, or an answer of DescribeTaskDefinition.
    `web.json` has no containers. [task-definition-invalid]
      why: It has no `containerDefinitions`.
      fix: Give it a list `containerDefinitions` with at least one container.
    `web.json` has no containers. [task-definition-invalid]
      why: `containerDefinitions` is an object, not a list.
      fix: Give it a list `containerDefinitions` with at least one container.
    `web.json` has no containers. [task-definition-invalid]
      why: `containerDefinitions` is empty.
      fix: Give it a list `containerDefinitions` with at least one container.
    `web.json` has no containers. [task-definition-invalid]
      why: An entry of `containerDefinitions` is a text, not an object.
      fix: Give it a list `containerDefinitions` with at least one container.
    `web.json` has no containers. [task-definition-invalid]
      why: It has no `containerDefinitions`, but `ContainerDefinitions`: is that what is meant?
      fix: Give it a list `containerDefinitions` with at least one container.
    The container `web` cannot be edited. [task-definition-invalid]
      why: Because `environment` is an object, not a list.
      fix: Correct the task definition or the input.
    ");
}

#[test]
fn what_ecs_would_refuse_is_told_at_once_before_the_call() {
    let mut containers: Vec<Value> = (0..9).map(|n| json!({"name": format!("c{n}"), "image": "a"})).collect();
    containers.push(json!({"name": "c0", "image": ""}));
    containers.push(json!({"image": "a", "command": ["x".repeat(65_536)]}));
    containers[1]["environment"] = json!([{"name": "A", "value": "x"}]);
    containers[1]["secrets"] = json!([{"name": "A", "valueFrom": "arn"}]);
    let tags: Vec<Value> = (0..51).map(|n| json!({"key": format!("k{n}"), "value": ""})).collect();
    let document = json!({"family": "web:7", "containerDefinitions": containers, "tags": tags});
    let no_family = json!({"containerDefinitions": [{"name": "web", "image": "a"}]});
    insta::assert_snapshot!([errors_of(document, Edits::default()), errors_of(no_family, Edits::default())].join("\n"), @r"
    The family `web:7` is not a name that ECS takes. [task-definition-invalid]
      why: A family has at most 255 letters, digits, `-` and `_`; the revision is counted by ECS.
      fix: Correct `family` in the task definition.
    The task definition has 11 containers. [task-definition-invalid]
      why: ECS takes at most 10.
      fix: Split it into several task definitions.
    `A` is both an environment variable and a secret of container `c1`. [task-definition-invalid]
      why: ECS takes a name in one of the two only.
      fix: Take it out of `environment` or out of `secrets`.
    Two containers have the name `c0`. [task-definition-invalid]
      why: ECS tells containers apart by `name`.
      fix: Rename one of them.
    The container `c0` has no image. [task-definition-invalid]
      why: ECS needs one for each container.
      fix: Give it in `image` or `images`, or write it into the task definition.
    Container 11 of the task definition has no name. [task-definition-invalid]
      why: ECS tells containers apart by `name`.
      fix: Give it a `name`.
    The task definition has 51 tags. [task-definition-invalid]
      why: ECS takes at most 50.
      fix: Take tags out of `tags` or of the task definition.
    The task definition has 67225 bytes as it is sent. [task-definition-invalid]
      why: ECS takes at most 65536.
      fix: Move long values out of it: into secrets, environment files or the image.
    The task definition has no family. [task-definition-invalid]
      why: ECS needs `family`, the name that revisions are counted under.
      fix: Add `family` to the task definition.
    ");
}

#[test]
fn a_definition_of_exactly_the_largest_size_passes() {
    let with = |length: usize| json!({"family": "web", "containerDefinitions": [{"name": "web", "image": "a", "user": "u".repeat(length)}]});
    let room = 65_536 - with(0).to_string().len();
    assert_eq!(rendered(with(room), Edits::default()).to_string().len(), 65_536);
    assert!(errors_of(with(room + 1), Edits::default()).contains("65537 bytes"));
}
