//! What goes over the wire, free of any HTTP library.

use serde_json::{Map, Value, json};

/// One request as it came in.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path, still percent-encoded.
    pub path: String,
    /// The query without `?`, still percent-encoded.
    pub query: String,
    /// Header names in lower case, with their values, in order.
    pub headers: Vec<(String, String)>,
    /// The body as it was sent.
    pub body: Vec<u8>,
}

impl Asked {
    /// The first value of a header; the name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// One answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Headers in order.
    pub headers: Vec<(String, String)>,
    /// The body, as it can be read.
    pub body: String,
    /// The body as it goes over the wire, where that is not its text.
    pub encoded: Option<Vec<u8>>,
}

impl Answer {
    /// An answer with a content type and nothing else.
    #[must_use]
    pub fn new(status: u16, content_type: &str, body: impl Into<String>) -> Self {
        Self { status, headers: vec![("content-type".into(), content_type.into())], body: body.into(), encoded: None }
    }

    /// What goes over the wire.
    #[must_use]
    pub fn bytes(self) -> Vec<u8> {
        self.encoded.unwrap_or_else(|| self.body.into_bytes())
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// What comes back for a request.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// An answer.
    Answered(Answer),
    /// The connection was closed without a word.
    Cut,
}

/// Why AWS refuses a call: HTTP status, the code as it stands on the wire, and AWS's text.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The error's name on the wire.
    pub code: String,
    /// AWS's own words.
    pub message: String,
}

impl Refusal {
    /// A refusal with HTTP status 400, which is nearly all of them.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { status: 400, code: code.into(), message: message.into() }
    }

    /// The same with another HTTP status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The request was understood and cannot be done.
    pub fn client(message: impl Into<String>) -> Self {
        Self::new("ClientException", message)
    }

    /// A parameter is wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterException", message)
    }

    /// The body in the JSON protocols.
    #[must_use]
    pub fn json(&self) -> String {
        json!({"__type": self.code, "message": self.message}).to_string()
    }
}

/// Whether a service speaks the query protocol: a form comes in, XML goes out.
pub(super) fn speaks_query(service: &str) -> bool {
    matches!(service, "sts" | "elasticloadbalancing" | "iam")
}

/// What an AWS operation answers.
pub type Answered = Result<Value, Refusal>;

/// The text under a key, if there is one.
#[must_use]
pub fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

/// The list under a key; empty when there is none.
#[must_use]
pub fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The texts of the list under a key.
#[must_use]
pub fn texts(value: &Value, key: &str) -> Vec<String> {
    list(value, key).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Whether `include` asks for something, such as `TAGS`.
#[must_use]
pub fn includes(input: &Value, what: &str) -> bool {
    list(input, "include").iter().any(|item| item == what)
}

/// The map inside an object; an empty one for anything else.
#[must_use]
pub fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Decodes the pairs of a query or a form body.
#[must_use]
pub fn pairs(encoded: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(encoded.as_bytes()).into_owned().collect()
}

/// One page of a list: `maxResults` and an opaque `nextToken`, as every list call of ECS has them.
///
/// # Errors
/// `InvalidParameterException` for a token that was never given out.
pub fn page(items: Vec<Value>, input: &Value, usual: usize) -> Result<(Vec<Value>, Option<String>), Refusal> {
    let size = input.get("maxResults").and_then(Value::as_u64).and_then(|size| usize::try_from(size).ok());
    let size = size.unwrap_or(usual).clamp(1, 100);
    let start = match text(input, "nextToken") {
        None => 0,
        Some(token) => token
            .strip_prefix("page-")
            .and_then(|start| start.parse::<usize>().ok())
            .ok_or_else(|| Refusal::invalid("Invalid token."))?,
    };
    let more = items.len() > start + size;
    let taken = items.into_iter().skip(start).take(size).collect();
    Ok((taken, more.then(|| format!("page-{}", start + size))))
}
