//! Text from outside, made harmless before a person or a runner reads it.

/// The text without characters that cannot be seen or that change how others are seen: the colours of a terminal,
/// controls (line feed and tab stay), directional marks, zero-width and other default-ignorable characters.
///
/// They hide text from a reader, recolour a terminal, or slip a workflow command past a comparison that ignores them.
pub fn visible(text: &str) -> String {
    colourless(&text.replace("\r\n", "\n")).chars().filter(|&c| is_visible(c)).collect()
}

/// The text without the sequences that begin with ESC `[`, of which many a log is full.
fn colourless(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{9b}' || (c == '\u{1b}' && chars.next_if_eq(&'[').is_some()) {
            while chars.next_if(|c| matches!(c, '0'..='9' | ';' | ':' | '?')).is_some() {}
            chars.next_if(char::is_ascii_alphabetic);
        } else {
            plain.push(c);
        }
    }
    plain
}

/// The same, as one line: every run of blanks becomes one blank.
pub fn one_line(text: &str) -> String {
    visible(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first `limit` characters, with `…` when something was cut.
pub fn shorten(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

/// A line for the log that the runner reads as plain text.
///
/// The runner obeys `::name::` at the start of a line, blanks aside, and `##[name]` anywhere in it. A blank goes between
/// the signs: it is seen by the reader, while a zero-width character would be skipped by the runner's comparison, which
/// follows the rules of a culture.
pub fn log_line(text: &str) -> String {
    let mut line = visible(text).replace('\n', " ");
    while line.contains("##[") {
        line = line.replace("##[", "# #[");
    }
    let indent = line.len() - line.trim_start().len();
    if line.trim_start().starts_with("::") {
        line.insert(indent + 1, ' ');
    }
    line
}

fn is_visible(c: char) -> bool {
    match c {
        '\n' | '\t' => true,
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => false,
        _ => !c.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_the_log_is_a_workflow_command() {
        for (nasty, harmless) in [
            ("::error::x", ": :error::x"),
            (" \t::set-output name=a::b", " \t: :set-output name=a::b"),
            ("\u{200b}::error::x", ": :error::x"),
            (":\u{ad}:error::x", ": :error::x"),
            ("\u{a0}::error::x", "\u{a0}: :error::x"),
            ("see ##[error]x", "see # #[error]x"),
            ("###[error]x", "## #[error]x"),
            ("#\u{0}#[group]x", "# #[group]x"),
            ("a\n::error::x", "a ::error::x"),
            ("\u{1b}[1;31mred\u{1b}[0m \u{9b}2Kclean", "red clean"),
            ("\u{1b}[\u{1b}[31mred", "red"),
            (":\u{1b}[0m:error::x", ": :error::x"),
            ("#\u{1b}[31m#[error]x", "# #[error]x"),
            ("plain :: text", "plain :: text"),
        ] {
            assert_eq!(log_line(nasty), harmless, "{nasty:?}");
        }
    }

    #[test]
    fn what_hides_or_reverses_text_is_removed() {
        assert_eq!(visible("a\u{202e}b\u{0}c\u{2066}d\u{feff}\te\r\nf"), "abcd\te\nf");
        assert_eq!(one_line("  a\r\n\n b\tc "), "a b c");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(shorten("äöü", 3), "äöü");
        assert_eq!(shorten("äöüß", 3), "äöü…");
    }
}
