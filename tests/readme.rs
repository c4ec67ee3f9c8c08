//! The README's tables are those of action.yml and the code, its examples those of `fixtures/`. `UPDATE_README=1 cargo test --features sim --test readme`
//! writes them anew.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test speaks by failing")]

use std::fs;

use ecs_deploy::error::Code;
use ecs_deploy::model::document;
use ecs_deploy::model::verdict::Verdict;
use serde_json::Value;
use strum::{EnumMessage, IntoEnumIterator};

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");

/// The documents the README shows; the scenarios run them.
const EXAMPLES: &[&str] = &[
    "fixtures/workflows/deploy.yml",
    "fixtures/workflows/plan.yml",
    "fixtures/iam/trust.json",
    "fixtures/iam/policy.json",
    "fixtures/iam/plan.json",
];

#[test]
fn the_tables_and_examples_of_the_readme_are_those_of_the_program() {
    let written = fs::read_to_string(README).unwrap();
    let tables = [("inputs", inputs()), ("outputs", outputs()), ("verdicts", verdicts()), ("codes", codes())];
    let rendered = tables.iter().fold(written.clone(), |text, (name, table)| between(&text, name, table));
    let rendered = EXAMPLES.iter().fold(rendered, |text, file| example(&text, file));
    if std::env::var_os("UPDATE_README").is_some() {
        fs::write(README, rendered).unwrap();
    } else {
        let stale = "README.md is stale: run `UPDATE_README=1 cargo test --features sim --test readme`";
        assert!(written == rendered, "{stale}");
    }
}

/// The text with what stands between a pair of markers replaced.
fn between(text: &str, name: &str, table: &str) -> String {
    let (begin, end) = (format!("<!-- {name}:begin -->\n"), format!("<!-- {name}:end -->"));
    let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("README.md has no `{}`", begin.trim_end()));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("README.md has no `{end}`"));
    format!("{before}{begin}{table}{end}{after}")
}

/// The text with the fenced block below the file's name replaced by the file.
fn example(text: &str, file: &str) -> String {
    let mark = format!("<!-- {file} -->\n```");
    let (before, rest) = text.split_once(&mark).unwrap_or_else(|| panic!("README.md does not show {file}"));
    let (language, rest) = rest.split_once('\n').unwrap();
    let (_, after) = rest.split_once("```").unwrap();
    let shown = fs::read_to_string(format!("{}/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    format!("{before}{mark}{language}\n{shown}```{after}")
}

fn inputs() -> String {
    let row = |(name, input): (&String, &Value)| vec![format!("`{name}`"), described(input)];
    table(&["input", "meaning"], action("inputs").as_object().unwrap().iter().map(row))
}

fn outputs() -> String {
    let row = |(name, output): (&String, &Value)| vec![format!("`{name}`"), described(output)];
    table(&["output", "value"], action("outputs").as_object().unwrap().iter().map(row))
}

fn verdicts() -> String {
    let row =
        |verdict: Verdict| vec![format!("`{}`", verdict.name()), verdict.exit_code().to_string(), documented(&verdict)];
    table(&["verdict", "exit", "when"], Verdict::iter().map(row))
}

fn codes() -> String {
    let row = |code: Code| vec![format!("`{}`", code.slug()), documented(&code)];
    table(&["code", "meaning"], Code::iter().map(row))
}

fn action(part: &str) -> Value {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/action.yml")).unwrap();
    document::parse(&text).unwrap()[part].clone()
}

fn described(entry: &Value) -> String {
    entry["description"].as_str().unwrap().to_owned()
}

fn documented(variant: &impl EnumMessage) -> String {
    variant.get_documentation().unwrap().to_owned()
}

/// A Markdown table. GitHub reads a bar as the end of a cell even inside code.
fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| {
        format!("| {} |\n", cells.iter().map(|cell| cell.replace('|', "\\|")).collect::<Vec<_>>().join(" | "))
    };
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    let rule = format!("|{}\n", "---|".repeat(head.len()));
    line(&head) + &rule + &rows.map(|cells| line(&cells)).collect::<String>()
}
