//! Text from outside as Markdown that is text and nothing else: no HTML, no mention, no link, no reference, no table
//! cell more than there should be.
//! <https://github.github.com/gfm/>

use super::clean::{one_line, shorten, visible};

/// Longest text shown in one place; more than this is a dump, not a message.
const LONGEST: usize = 1_500;
/// Most lines shown in one place.
const MOST_LINES: usize = 40;

/// Text within a line: every character with a meaning in Markdown loses it.
pub fn text(raw: &str) -> String {
    let line = shorten(&one_line(raw), LONGEST);
    let mut escaped = String::with_capacity(line.len());
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        let glued = rest.peek().is_some_and(|next| next.is_alphanumeric() || *next == '-' || *next == '_');
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '|' => escaped.push_str("&#124;"),
            '\\' => escaped.push_str("&#92;"),
            // Between dollars GitHub sees mathematics; this is its documented way out.
            '$' => escaped.push_str("<span>$</span>"),
            // GitHub finds mentions and references in the rendered text, where a backslash is gone: only a character
            // in between helps.
            '@' if glued => escaped.push_str("@\u{200b}"),
            '#' if glued => escaped.push_str("\\#\u{200b}"),
            '-' if ends_with_gh(&escaped) => escaped.push_str("-\u{200b}"),
            '*' | '_' | '`' | '[' | ']' | '~' | '#' | '!' => escaped.extend(['\\', c]),
            // `https://` and `www.` become links by themselves.
            '/' if escaped.ends_with(':') => escaped.push_str("\\/"),
            '.' if ends_with_www(&escaped) => escaped.push_str("\\."),
            // Would begin a list at the start of a line.
            '-' | '+' | '=' if escaped.is_empty() => escaped.extend(['\\', c]),
            '.' | ')' if !escaped.is_empty() && escaped.bytes().all(|b| b.is_ascii_digit()) => {
                escaped.extend(['\\', c]);
            }
            _ => escaped.push(c),
        }
    }
    escaped
}

fn ends_with_gh(text: &str) -> bool {
    text.len().checked_sub(2).and_then(|at| text.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case("gh"))
}

fn ends_with_www(text: &str) -> bool {
    text.len().checked_sub(3).and_then(|at| text.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case("www"))
}

/// Our own sentences, in which names stand in backticks: these become code, the rest text, lines stay lines.
pub fn prose(raw: &str) -> String {
    let clean = visible(raw);
    let mut lines = clean.lines().filter(|line| !line.trim().is_empty()).map(prose_line);
    let mut told: Vec<String> = lines.by_ref().take(MOST_LINES).collect();
    told.extend(lines.next().map(|_| "…".to_owned()));
    told.join("<br>")
}

fn prose_line(line: &str) -> String {
    let line = shorten(&one_line(line), LONGEST);
    let parts: Vec<&str> = line.split('`').collect();
    // An odd number of backticks: the last one opens nothing.
    let paired = if parts.len() % 2 == 1 { parts.len() } else { parts.len() - 1 };
    let mut rendered = String::new();
    for (index, part) in parts.iter().enumerate() {
        if index >= paired {
            rendered.push_str("\\`");
        }
        if index % 2 == 1 && index < paired {
            rendered.push_str(&code(part));
        } else {
            // `text` trims; the blanks beside code are ours to keep.
            let inner = text(part);
            let before = if part.starts_with(' ') && index > 0 { " " } else { "" };
            let after = if part.ends_with(' ') && !inner.is_empty() { " " } else { "" };
            rendered.extend([before, &inner, after]);
        }
    }
    rendered
}

/// Code within a line, safe in a table cell too. Nothing in it is a mention, a reference or a link.
pub fn code(raw: &str) -> String {
    let line = shorten(&one_line(raw), LONGEST);
    if line.is_empty() {
        return "–".to_owned();
    }
    let fence = "`".repeat(longest_run(&line) + 1);
    let pad = if line.starts_with('`') || line.ends_with('`') { " " } else { "" };
    // A table cell ends at a bare `|` even within code, and a backslash before it would be taken for its escape.
    let line = line.replace("\\|", "\\ |").replace('|', "\\|");
    format!("{fence}{pad}{line}{pad}{fence}")
}

/// A fenced block, longer than any fence inside.
pub fn fence(language: &str, raw: &str) -> String {
    let inner = visible(raw);
    let fence = "`".repeat(longest_run(&inner).max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}", inner.trim_end_matches('\n'))
}

/// A link whose label is code. The address is ours: percent-encoded, or it becomes no link.
pub fn link(label: &str, address: Option<&str>) -> String {
    let unsafe_in_link = |c: char| c.is_whitespace() || c.is_control() || "()<>\\\"".contains(c);
    match address {
        Some(address) if address.starts_with("https://") && !address.contains(unsafe_in_link) => {
            format!("[{}]({address})", code(label))
        }
        _ => code(label),
    }
}

/// A table; the cells are already Markdown.
pub fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let line = |cells: [&str; N]| format!("| {} |", cells.join(" | "));
    let mut lines = vec![line(head), line([":--"; N])];
    lines.extend(rows.into_iter().map(|row| line(row.each_ref().map(String::as_str))));
    lines.join("\n")
}

/// A folded part. The title is ours.
pub fn details(title: &str, body: &str) -> String {
    format!("<details>\n<summary>{title}</summary>\n\n{body}\n\n</details>")
}

/// The text cut at the last line end before `limit` bytes, with open fences and details closed and a note.
pub fn cut(document: &str, limit: usize, note: &str) -> String {
    if document.len() <= limit {
        return document.to_owned();
    }
    let mut kept = String::new();
    let (mut open_fence, mut open_details) = (0, 0_usize);
    for line in document.split_inclusive('\n').take_while(|line| line.ends_with('\n')) {
        if kept.len() + line.len() > limit {
            break;
        }
        kept.push_str(line);
        let run = line.chars().take_while(|&c| c == '`').count();
        let bare = line.trim_end().len() == run;
        if open_fence == 0 && run >= 3 {
            open_fence = run;
        } else if open_fence > 0 && run >= open_fence && bare {
            open_fence = 0;
        } else if open_fence == 0 && line.trim_end() == "<details>" {
            open_details += 1;
        } else if open_fence == 0 && line.trim_end() == "</details>" {
            open_details = open_details.saturating_sub(1);
        }
    }
    if open_fence > 0 {
        kept.extend([&"`".repeat(open_fence), "\n"]);
    }
    kept.push_str(&"\n</details>\n".repeat(open_details));
    format!("{kept}\n{note}\n")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NASTY: &[&str] = &[
        "</details>",
        "```",
        "a | b \\| c",
        "@everyone @octo-org/team a@b.example",
        "<img src=x onerror=alert(1)>",
        "::error::x ##[error]y",
        "a\u{202e}gnp.exe\u{0}",
        "see #12, octo/repo#3, GH-4 and https://evil.example or www.evil.example",
        "[click](https://evil.example) ![x](https://evil.example/x.png) [^1]",
        "**bold** _it_ ~~gone~~ $x^2$ &lt;",
        "# Title",
        "- item",
        "1. item",
        "> [!NOTE]",
        "two\nlines\r\n\r\n<script>",
        "`tick` and ``two``",
        "",
    ];

    #[test]
    fn text_from_outside_stays_text() {
        let told: Vec<String> = NASTY.iter().map(|nasty| format!("{nasty:?}\n  {:?}", text(nasty))).collect();
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn code_from_outside_stays_code() {
        let told: Vec<String> = NASTY.iter().map(|nasty| format!("{nasty:?}\n  {:?}", code(nasty))).collect();
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn prose_keeps_names_as_code_and_escapes_the_rest() {
        for (raw, rendered) in [
            ("The service `web` was not found in `a|b`.", "The service `web` was not found in `a\\|b`."),
            ("`web` <b>@me</b>", "`web` &lt;b&gt;@\u{200b}me&lt;/b&gt;"),
            ("one ` alone", "one \\` alone"),
            ("two\n\nlines", "two<br>lines"),
            ("`a` `b`", "`a` `b`"),
        ] {
            assert_eq!(prose(raw), rendered);
        }
    }

    #[test]
    fn a_fence_is_longer_than_any_inside() {
        assert_eq!(fence("json", "a\n````\n</details>\n"), "`````json\na\n````\n</details>\n`````");
        assert_eq!(fence("", "a"), "```\na\n```");
    }

    #[test]
    fn only_an_address_that_is_one_becomes_a_link() {
        assert_eq!(link("web:7", Some("https://x.example/a%20b")), "[`web:7`](https://x.example/a%20b)");
        for address in ["javascript:alert(1)", "https://x.example/)evil", "https://x.example/ b", "http://x.example"] {
            assert_eq!(link("web:7", Some(address)), "`web:7`");
        }
    }

    #[test]
    fn a_cut_document_is_closed_and_says_so() {
        let document = "intro\n<details>\n````text\n```\n<details>\nlong line\nlast\n````\n</details>\nend\n";
        let at = document.find("last").unwrap_or_default();
        assert_eq!(
            cut(document, at + 2, "_Cut._"),
            "intro\n<details>\n````text\n```\n<details>\nlong line\n````\n\n</details>\n\n_Cut._\n"
        );
        assert_eq!(cut(document, document.len(), "_Cut._"), document);
    }
}
