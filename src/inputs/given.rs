//! One input as it was given, and the plain formats: text, boolean, number, one word of several.

use std::ops::RangeInclusive;

use crate::error::{Code, Error};

use super::Warning;
use super::suggest::{nearest, shortened};

/// What is wrong or odd about the inputs, collected so that all of it is told at once.
#[derive(Debug, Default)]
pub(super) struct Remarks {
    pub(super) mistakes: Vec<Error>,
    pub(super) warnings: Vec<Warning>,
}

/// One input: its field in [`super::raw::RawInputs`], and its value when it was given.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub(super) field: &'static str,
    pub(super) value: Option<&'a str>,
}

/// The input of a field: `given!(raw.cluster)`. The field's name is the input's, so the two cannot part.
macro_rules! given {
    ($raw:ident.$field:ident) => {
        $crate::inputs::given::Given { field: stringify!($field), value: $raw.$field.as_deref() }
    };
}
pub(super) use given;

impl<'a> Given<'a> {
    /// The input's name as in `action.yml`.
    pub(super) fn name(self) -> String {
        self.field.replace('_', "-")
    }

    /// The value without the blanks around it.
    pub(super) fn text(self) -> Option<&'a str> {
        self.value.map(str::trim).filter(|text| !text.is_empty())
    }

    /// The value as an owned text.
    pub(super) fn owned(self) -> Option<String> {
        self.text().map(str::to_owned)
    }

    /// `true` or `false`, in any case.
    pub(super) fn boolean(self, remarks: &mut Remarks) -> Option<bool> {
        self.word(&[("true", true), ("false", false)], remarks)
    }

    /// A whole number in digits alone, within bounds.
    pub(super) fn number(self, bounds: RangeInclusive<u32>, remarks: &mut Remarks) -> Option<u32> {
        let text = self.text()?;
        let digits = text.chars().all(|c| c.is_ascii_digit()).then_some(text);
        let number = digits.and_then(|digits| digits.parse().ok()).filter(|number| bounds.contains(number));
        if number.is_none() {
            let allowed = format!("It takes a whole number from {} to {}", bounds.start(), bounds.end());
            remarks.invalid(self, &allowed, "Write the number in digits alone, or leave the input out.");
        }
        number
    }

    /// Like `number`, but more than the most is taken for the most, and said.
    pub(super) fn capped(self, bounds: RangeInclusive<u32>, remarks: &mut Remarks) -> Option<u32> {
        let most = *bounds.end();
        let digits = self.text().filter(|text| text.chars().all(|c| c.is_ascii_digit()));
        if digits.and_then(|digits| digits.parse::<u64>().ok()).is_some_and(|number| number > u64::from(most)) {
            remarks.warnings.push(format!("`{}` is more than {most}; it counts as {most}.", self.name()));
            return Some(most);
        }
        self.number(bounds, remarks)
    }

    /// One of several words, in any case.
    pub(super) fn word<T: Copy>(self, words: &[(&str, T)], remarks: &mut Remarks) -> Option<T> {
        let text = self.text()?;
        let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let quoted: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
            let fix = match nearest(text, words.iter().map(|(word, _)| *word)) {
                Some(near) => format!("Did you mean `{near}`?"),
                None => "Write one of these, or leave the input out.".to_owned(),
            };
            remarks.invalid(self, &format!("It takes {}", one_of(&quoted)), &fix);
        }
        found
    }
}

impl Remarks {
    /// A value that is not allowed. It is shown: use it for inputs that cannot hold a secret.
    pub(super) fn invalid(&mut self, input: Given<'_>, allowed: &str, fix: &str) {
        let what = format!("The input `{}` cannot be `{}`.", input.name(), shortened(input.text().unwrap_or_default()));
        self.mistakes.push(Error::new(Code::InputInvalid, what, format!("{allowed}."), fix));
    }

    /// A value that is wrong in a way `problem` tells, without showing the value: it may be secret.
    pub(super) fn wrong(&mut self, input: Given<'_>, problem: &str, allowed: &str, fix: &str) {
        let what = format!("The input `{}` {problem}.", input.name());
        self.mistakes.push(Error::new(Code::InputInvalid, what, format!("{allowed}."), fix));
    }

    /// An input that is needed because of another.
    pub(super) fn missing(&mut self, input: Given<'_>, because: &str) {
        let name = input.name();
        let what = format!("The input `{name}` is missing.");
        self.mistakes.push(Error::new(Code::InputMissing, what, format!("{because}."), format!("Add `{name}:`.")));
    }

    /// Two inputs that contradict each other.
    pub(super) fn conflict(&mut self, what: String, why: &str, fix: &str) {
        self.mistakes.push(Error::new(Code::InputConflict, what, why, fix));
    }
}

fn one_of(words: &[String]) -> String {
    match words {
        [rest @ .., last] if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}
