//! Did you mean …?

/// The known name that `given` is most likely meant to be, or nothing when none is near. Case does not count.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_lowercase();
    let distance = |name: &'a str| (strsim::damerau_levenshtein(&given, &name.to_lowercase()), name);
    let tolerance = |name: &str| 1 + (given.len().min(name.len()) / 6).min(2);
    known
        .into_iter()
        .map(distance)
        .filter(|(slips, name)| *slips <= tolerance(name))
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, name)| name)
}

/// A text as a sentence can quote it: on one line, and not too long.
#[must_use]
pub fn shortened(text: &str) -> String {
    const LONGEST: usize = 80;
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let mut short: String = text.chars().take(LONGEST).map(plain).collect();
    if text.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let known = ["rollback", "none", "web", "task-definition"];
        for (given, meant) in [
            ("rolback", Some("rollback")),
            ("ROLLBACK", Some("rollback")),
            ("roll-bcak", Some("rollback")),
            ("nonne", Some("none")),
            ("wbe", Some("web")),
            ("task-defnitoin", Some("task-definition")),
            ("api", None),
            ("retry", None),
            ("", None),
        ] {
            assert_eq!(nearest(given, known), meant, "{given}");
        }
    }

    #[test]
    fn a_quoted_value_is_one_short_line() {
        assert_eq!(shortened("a\nb"), "a b");
        assert_eq!(shortened(&"x".repeat(81)), format!("{}…", "x".repeat(80)));
        assert_eq!(shortened(&"ü".repeat(80)), "ü".repeat(80));
    }
}
