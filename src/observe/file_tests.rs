#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::json;
use tempfile::TempDir;

use super::*;

/// A workspace and a temporary folder beside each other.
struct Runner {
    folder: TempDir,
}

impl Runner {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        for name in ["workspace", "temp"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self { folder }
    }

    fn with(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    fn read(&self, given: &str) -> Result<Base, Error> {
        read(&TASK_DEFINITION, &self.folder.path().join("workspace"), Some(&self.folder.path().join("temp")), given)
    }

    fn error(&self, given: &str) -> String {
        self.read(given).unwrap_err().to_string().replace(&*self.folder.path().to_string_lossy(), "…")
    }
}

#[test]
fn a_file_is_read_by_its_content_whatever_its_name() {
    let runner = Runner::new()
        .with("workspace/ecs/web.json", r#"{"family": "web"}"#)
        .with("workspace/web.txt", "family: web\ncpu: 256\n")
        .with("workspace/web.js", "\u{feff}family: web")
        .with("temp/rendered.json", r#"{"family": "rendered"}"#);
    assert_eq!(runner.read("ecs/web.json").unwrap().document, json!({"family": "web"}));
    assert_eq!(runner.read("./ecs/../ecs/web.json").unwrap().origin, "./ecs/../ecs/web.json");
    assert_eq!(runner.read("web.txt").unwrap().document, json!({"family": "web", "cpu": 256}));
    assert_eq!(runner.read("web.js").unwrap().document, json!({"family": "web"}));
    let absolute = runner.folder.path().join("temp/rendered.json");
    assert_eq!(runner.read(absolute.to_str().unwrap()).unwrap().document, json!({"family": "rendered"}));
}

#[test]
fn paths_of_the_host_are_found_in_the_container() {
    let runner = Runner::new().with("workspace/ecs/web.json", "{}").with("temp/td/rendered.json", "{}");
    for given in [
        "/home/runner/work/_temp/td/rendered.json",
        "/home/runner/work/shop/shop/ecs/web.json",
        "/opt/runner/_work/shop/shop/ecs/web.json",
        "/__w/_temp/td/rendered.json",
    ] {
        assert_eq!(runner.read(given).unwrap().document, json!({}), "{given}");
    }
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    let runner = Runner::new()
        .with("workspace/ecs/task-definition.json", "{}")
        .with("workspace/ecs/notes.md", "x")
        .with("workspace/empty.json", " \n")
        .with("workspace/large.json", vec![b' '; (1 << 20) + 1])
        .with("workspace/utf16.json", [0xff, 0xfe, b'{', 0])
        .with("workspace/broken.json", "{\n  \"family\": \"web\",\n  \"cpu\" 1\n}")
        .with("workspace/broken.yaml", "family: web\n\tcpu: 1\n")
        .with("secret.json", "{}");
    std::os::unix::fs::symlink(
        runner.folder.path().join("secret.json"),
        runner.folder.path().join("workspace/link.json"),
    )
    .unwrap();
    let errors = [
        "ecs/task-definitions.json",
        "nowhere/web.json",
        "ecs/task-definition.json/web",
        "ecs",
        "empty.json",
        "large.json",
        "utf16.json",
        "broken.json",
        "broken.yaml",
        "../secret.json",
        "link.json",
        "/etc/passwd",
        "/home/runner/work/_temp/absent.json",
    ]
    .map(|given| runner.error(given));
    insta::assert_snapshot!(errors.join("\n"), @r"
    The task definition file `ecs/task-definitions.json` cannot be read. [file-unreadable]
      why: It does not exist; its folder has: task-definition.json.
      fix: Correct `task-definition`. Did you mean `ecs/task-definition.json`?
    The task definition file `nowhere/web.json` cannot be read. [file-unreadable]
      why: It does not exist; the workspace has: broken.json, broken.yaml, empty.json, large.json, link.json, utf16.json.
      fix: Correct `task-definition`; the path is relative to the workspace.
    The task definition file `ecs/task-definition.json/web` cannot be read. [file-unreadable]
      why: It does not exist; the workspace has: broken.json, broken.yaml, empty.json, large.json, link.json, utf16.json.
      fix: Correct `task-definition`; the path is relative to the workspace.
    The task definition file `ecs` cannot be read. [file-unreadable]
      why: It is a folder.
      fix: Name a JSON or YAML file in `task-definition`.
    The task definition file `empty.json` cannot be read. [file-unreadable]
      why: It is empty.
      fix: Check the step that writes it.
    The task definition file `large.json` cannot be read. [file-unreadable]
      why: It has 1048577 bytes; a task definition has at most 65536.
      fix: Name the task definition's own file in `task-definition`.
    The task definition file `utf16.json` cannot be read. [file-unreadable]
      why: It is not UTF-8 text: byte 1 is not part of any character.
      fix: Save the file as UTF-8.
    The task definition file `broken.json` is neither JSON nor YAML. [document-unparsable]
      why: At line 3, column 9: expected `:`.
      fix: Correct line 3 of the file.
    The task definition file `broken.yaml` is neither JSON nor YAML. [document-unparsable]
      why: At line 1, column 9: while scanning a plain scalar, found a tab.
      fix: Correct line 1 of the file.
    The task definition file `../secret.json` cannot be read. [file-unreadable]
      why: It lies outside of the workspace, links followed.
      fix: Put the file into the repository, and name it relative to the workspace.
    The task definition file `link.json` cannot be read. [file-unreadable]
      why: It lies outside of the workspace, links followed.
      fix: Put the file into the repository, and name it relative to the workspace.
    The task definition file `/etc/passwd` cannot be read. [file-unreadable]
      why: It lies outside of the workspace, links followed.
      fix: Put the file into the repository, and name it relative to the workspace.
    The task definition file `/home/runner/work/_temp/absent.json` cannot be read. [file-unreadable]
      why: It does not exist, and its folder is empty.
      fix: Correct `task-definition`; the path is relative to the workspace.
    ");
}

#[test]
fn an_empty_workspace_points_to_the_checkout() {
    insta::assert_snapshot!(Runner::new().error("web.json"), @r"
    The task definition file `web.json` cannot be read. [file-unreadable]
      why: It does not exist, and its folder is empty.
      fix: Check the repository out first: `uses: actions/checkout`.
    ");
}
