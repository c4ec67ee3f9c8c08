//! Smithy's RPC v2 in CBOR, which `CloudWatch` speaks: JSON on stage, CBOR on the wire.
//!
//! <https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html>, <https://www.rfc-editor.org/rfc/rfc8949>

use serde_json::{Map, Value, json};

use super::wire::{Answer, Answered, Asked, Refusal};

const CBOR: &str = "application/cbor";
const PROTOCOL: (&str, &str) = ("smithy-protocol", "rpc-v2-cbor");

/// Whether a request speaks it.
pub(super) fn is(asked: &Asked) -> bool {
    asked.header(PROTOCOL.0) == Some(PROTOCOL.1) && asked.header("content-type") == Some(CBOR)
}

/// Service and operation of a request that speaks it: `/service/<target>/operation/<name>`.
pub(super) fn named(asked: &Asked) -> Option<(&'static str, String)> {
    let (target, operation) = asked.path.strip_prefix("/service/")?.split_once("/operation/")?;
    let service = if target == "GraniteServiceVersion20100801" { "cloudwatch" } else { "unknown" };
    is(asked).then(|| (service, operation.to_owned()))
}

/// A body as JSON; null when it is not CBOR that a request is made of.
pub(super) fn decode(body: &[u8]) -> Value {
    let mut rest = body;
    item(&mut rest).filter(|_| rest.is_empty()).unwrap_or_default()
}

/// Wraps an answer. Clients that come from the query protocol look for a refusal's code in a header.
pub(super) fn envelope(answered: Answered) -> Answer {
    let (status, value, error) = match answered.map_err(in_its_words) {
        Ok(value) => (200, value, None),
        Err(refusal) => {
            let value = json!({"__type": refusal.code, "message": refusal.message});
            (refusal.status, value, Some(format!("{};Sender", refusal.code)))
        }
    };
    let mut bytes = Vec::new();
    encode("", &value, &mut bytes);
    let answer = Answer::new(status, CBOR, value.to_string()).with(PROTOCOL.0, PROTOCOL.1);
    let answer = Answer { encoded: Some(bytes), ..answer };
    error.into_iter().fold(answer, |answer, error| answer.with("x-amzn-query-error", error))
}

/// A refusal as `CloudWatch` says it: by the names that the query protocol gave it.
fn in_its_words(refusal: Refusal) -> Refusal {
    let (code, status) = match refusal.code.as_str() {
        "AccessDeniedException" => ("AccessDenied", 403),
        "ThrottlingException" => ("Throttling", 400),
        "UnrecognizedClientException" => ("InvalidClientTokenId", 403),
        "ExpiredTokenException" => ("ExpiredToken", 403),
        _ => return refusal,
    };
    Refusal { code: code.into(), status, ..refusal }
}

/// The major types of CBOR.
const WHOLE: u8 = 0;
const NEGATIVE: u8 = 1;
const TEXT: u8 = 3;
const LIST: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;
const SIMPLE: u8 = 7;
/// The length that ends by a break.
const OPEN: u8 = 31;
const BREAK: u8 = 0xff;

fn encode(name: &str, value: &Value, bytes: &mut Vec<u8>) {
    match value {
        Value::Null => bytes.push(0xf6),
        Value::Bool(truth) => bytes.push(if *truth { 0xf5 } else { 0xf4 }),
        Value::Number(number) => match number.as_u64() {
            Some(whole) if !name.ends_with("Timestamp") => head(WHOLE, whole, bytes),
            _ => {
                if name.ends_with("Timestamp") {
                    // Seconds since 1970.
                    head(TAG, 1, bytes);
                }
                bytes.push(0xfb);
                bytes.extend(number.as_f64().unwrap_or_default().to_be_bytes());
            }
        },
        Value::String(text) => words(text, bytes),
        Value::Array(items) => {
            head(LIST, items.len() as u64, bytes);
            for item in items {
                encode("", item, bytes);
            }
        }
        Value::Object(members) => {
            head(MAP, members.len() as u64, bytes);
            for (name, member) in members {
                words(name, bytes);
                encode(name, member, bytes);
            }
        }
    }
}

fn words(text: &str, bytes: &mut Vec<u8>) {
    head(TEXT, text.len() as u64, bytes);
    bytes.extend(text.as_bytes());
}

/// A major type with its number, which stands in the first byte, or in the one, two or eight after it.
fn head(major: u8, number: u64, bytes: &mut Vec<u8>) {
    let major = major << 5;
    if let Ok(small) = u8::try_from(number) {
        if small < 24 { bytes.push(major | small) } else { bytes.extend([major | 0x18, small]) }
    } else if let Ok(number) = u16::try_from(number) {
        bytes.push(major | 0x19);
        bytes.extend(number.to_be_bytes());
    } else {
        bytes.push(major | 0x1b);
        bytes.extend(number.to_be_bytes());
    }
}

/// The next item of a request; none for what no request has: floats, bytes, tags.
fn item(rest: &mut &[u8]) -> Option<Value> {
    let first = take(rest, 1)?.first().copied()?;
    let (major, short) = (first >> 5, first & 0x1f);
    if (major, short) == (SIMPLE, 20) || (major, short) == (SIMPLE, 21) {
        return Some(json!(short == 21));
    }
    let length = match short {
        0..24 => Some(u64::from(short)),
        24..28 => {
            let bytes = take(rest, 1 << (short - 24))?;
            Some(bytes.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
        }
        OPEN => None,
        _ => return None,
    };
    match (major, length) {
        (WHOLE, Some(number)) => Some(json!(number)),
        (NEGATIVE, Some(number)) => Some(json!(-1 - i64::try_from(number).ok()?)),
        (TEXT, Some(length)) => {
            Some(json!(String::from_utf8(take(rest, usize::try_from(length).ok()?)?.to_vec()).ok()?))
        }
        (LIST, length) => {
            let mut items = Vec::new();
            while goes_on(length, items.len(), rest)? {
                items.push(item(rest)?);
            }
            Some(Value::Array(items))
        }
        (MAP, length) => {
            let mut members = Map::new();
            while goes_on(length, members.len(), rest)? {
                let name = item(rest)?.as_str()?.to_owned();
                members.insert(name, item(rest)?);
            }
            Some(Value::Object(members))
        }
        _ => None,
    }
}

/// Whether another item follows: until there are as many as were told, or the break, which is taken.
fn goes_on(length: Option<u64>, read: usize, rest: &mut &[u8]) -> Option<bool> {
    match length {
        Some(length) => Some((read as u64) < length),
        None if rest.first() == Some(&BREAK) => take(rest, 1).map(|_| false),
        None => Some(true),
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Examples of RFC 8949, appendix A.
    #[test]
    fn requests_are_read_as_the_standard_says() {
        for (bytes, expected) in [
            (vec![0x18, 0x64], json!(100)),
            (vec![0x1b, 0, 0, 0, 0xe8, 0xd4, 0xa5, 0x10, 0], json!(1_000_000_000_000_u64)),
            (vec![0x38, 0x63], json!(-100)),
            (vec![0x83, 1, 2, 3], json!([1, 2, 3])),
            (vec![0xbf, 0x61, 0x61, 1, 0x61, 0x62, 0x9f, 2, 3, 0xff, 0xff], json!({"a": 1, "b": [2, 3]})),
            (vec![0x82, 0xf4, 0xf5], json!([false, true])),
            (vec![0x62, 0xc3, 0xbc], json!("ü")),
            (vec![0x83, 1, 2], Value::Null),
            (vec![1, 2], Value::Null),
        ] {
            assert_eq!(decode(&bytes), expected, "{bytes:x?}");
        }
    }

    #[test]
    fn answers_are_written_as_the_standard_says_and_times_are_tagged() {
        for (value, expected) in [
            (json!({"a": [1, "b"]}), vec![0xa1, 0x61, 0x61, 0x82, 1, 0x61, 0x62]),
            (json!([1000, true, null]), vec![0x83, 0x19, 0x03, 0xe8, 0xf5, 0xf6]),
            (json!(1.5), vec![0xfb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0]),
            (json!("x".repeat(24)), [vec![0x78, 24], vec![b'x'; 24]].concat()),
            (json!({"StateUpdatedTimestamp": 1.5}), {
                let name = b"StateUpdatedTimestamp";
                [&[0xa1, 0x75][..], name, &[0xc1, 0xfb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0]].concat()
            }),
        ] {
            let mut bytes = Vec::new();
            encode("", &value, &mut bytes);
            assert_eq!(bytes, expected, "{value}");
        }
    }
}
