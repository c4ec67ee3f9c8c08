//! Things that go wrong on command: per operation, so many times.

use std::time::Duration;

use super::wire::{Answer, Refusal};

/// What goes wrong.
#[derive(Debug, Clone)]
pub enum Trick {
    /// `ThrottlingException`, HTTP 400, "Rate exceeded".
    Throttle,
    /// An HTTP status with a JSON body, such as 503.
    Status(u16),
    /// An HTTP status with a load balancer's HTML page.
    Html(u16),
    /// The connection is closed before the call is looked at.
    Reset,
    /// The answer comes this much later.
    Delay(Duration),
    /// The call is carried out, then the connection is closed without an answer.
    LostAnswer,
    /// `AccessDeniedException` with AWS's usual sentence.
    Denied,
    /// The service does not know this operation (an old region, an emulator).
    Missing,
    /// Any other AWS error: status, code, message.
    Error(u16, String, String),
    /// GitHub's 403 "Resource not accessible by integration".
    NotAccessible,
    /// GitHub's rate limit is used up: 403 with `x-ratelimit-remaining: 0` and this many seconds to the reset.
    RateLimited(u32),
    /// GitHub's secondary limit: 403 with `retry-after` in seconds.
    SecondaryLimit(u32),
}

/// A trick that is played on an operation.
#[derive(Debug, Clone)]
pub struct Fault {
    /// The operation's name (`UpdateService`, `issues/create-comment`, `GetToken`), or `*`.
    pub operation: String,
    /// Calls that pass untouched first.
    pub skip: u32,
    /// Calls that are hit, after those.
    pub times: u32,
    /// What happens to them.
    pub trick: Trick,
}

/// Takes the next trick due for an operation, counting it off.
pub fn due(faults: &mut [Fault], operation: &str) -> Option<Trick> {
    for fault in faults.iter_mut().filter(|fault| fault.operation == operation || fault.operation == "*") {
        if fault.times == 0 {
            continue;
        }
        if fault.skip > 0 {
            fault.skip -= 1;
            continue;
        }
        fault.times = fault.times.saturating_sub(u32::from(fault.times != u32::MAX));
        return Some(fault.trick.clone());
    }
    None
}

/// What AWS says for a trick that is an answer of its own.
pub(super) fn refusal(trick: &Trick, operation: &str) -> Option<Refusal> {
    Some(match trick {
        Trick::Throttle => Refusal::new("ThrottlingException", "Rate exceeded"),
        Trick::Status(503) => Refusal::new("ServiceUnavailableException", "Service Unavailable").status(503),
        Trick::Status(status) => {
            Refusal::new("ServerException", "Service Unavailable. Please try again later.").status(*status)
        }
        Trick::Missing => unknown_operation(operation),
        Trick::Error(status, code, message) => Refusal::new(code, message.clone()).status(*status),
        _ => return None,
    })
}

/// What a JSON service says of an operation it does not have.
pub(super) fn unknown_operation(operation: &str) -> Refusal {
    Refusal::new("UnknownOperationException", format!("The operation {operation} is not known."))
}

/// A load balancer's page.
pub(super) fn html(status: u16) -> Answer {
    let reason = match status {
        502 => "502 Bad Gateway",
        503 => "503 Service Unavailable",
        504 => "504 Gateway Time-out",
        _ => "500 Internal Server Error",
    };
    let page = format!(
        "<html>\r\n<head><title>{reason}</title></head>\r\n<body>\r\n<center><h1>{reason}</h1></center>\r\n</body>\r\n</html>\r\n"
    );
    Answer::new(status, "text/html", page)
}
