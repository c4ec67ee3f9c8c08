//! Sending again what must not be carried out twice.
//!
//! The SDK repeats a call whose answer was lost. For a call that adds something each time (a revision, a forced
//! deployment) that would add it twice, so such calls are repeated only when AWS says that nothing was done.

use std::time::Duration;

use super::call::{CallError, CallErrorKind};

/// Calls `send` up to `attempts` times, again only after an error which proves that the call was not carried out.
pub(super) async fn when_not_applied<T, F>(attempts: u32, mut send: impl FnMut() -> F) -> Result<T, CallError>
where
    F: Future<Output = Result<T, CallError>>,
{
    let mut attempt = 1;
    loop {
        match send().await {
            Err(error) if attempt < attempts && can_be_sent_again(&error) => {
                tracing::info!("{} was not carried out ({:?}); trying again", error.action, error.evidence());
                tokio::time::sleep(pause(attempt)).await;
                attempt += 1;
            }
            result => return result,
        }
    }
}

/// Calls `send` up to `attempts` times, for a call that does no harm when it is carried out twice. A refusal of a later
/// attempt does not take back what an earlier one may have done: the error says so.
pub(super) async fn even_twice<T, F>(attempts: u32, mut send: impl FnMut() -> F) -> Result<T, CallError>
where
    F: Future<Output = Result<T, CallError>>,
{
    let (mut attempt, mut unsure) = (1, false);
    loop {
        match send().await {
            Err(error) if attempt < attempts && (error.maybe_applied || can_be_sent_again(&error)) => {
                unsure |= error.maybe_applied;
                tokio::time::sleep(Duration::from_millis(jitter(100, 1000 * u64::from(attempt)))).await;
                attempt += 1;
            }
            result => {
                return result.map_err(|error| CallError { maybe_applied: unsure || error.maybe_applied, ..error });
            }
        }
    }
}

fn can_be_sent_again(error: &CallError) -> bool {
    // ECS registers the revisions of a family one after the other, and refuses whoever comes in between.
    let in_between = error.message.contains("Too many concurrent attempts");
    let not_reached = error.kind == CallErrorKind::Unreachable && !error.maybe_applied;
    in_between || not_reached || error.kind == CallErrorKind::Throttled
}

/// One to three seconds at first, longer later, never the same for two jobs.
fn pause(attempt: u32) -> Duration {
    let longest = 1000 + 2000 * u64::from(attempt.min(4));
    Duration::from_millis(jitter(1000, longest))
}

/// A random number of milliseconds.
pub(super) fn jitter(least: u64, most: u64) -> u64 {
    fastrand::u64(least..=most.max(least))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::cell::Cell;

    use super::*;

    fn failure(kind: CallErrorKind, message: &str, maybe_applied: bool) -> CallError {
        let message = message.to_owned();
        let action = "ecs:RegisterTaskDefinition";
        CallError { action, kind, code: None, message, request_id: None, maybe_applied, explained: None }
    }

    async fn sends(error: CallError) -> u32 {
        let sent = Cell::new(0);
        let result: Result<(), _> = when_not_applied(3, || {
            sent.set(sent.get() + 1);
            let error = error.clone();
            async move { Err(error) }
        })
        .await;
        result.unwrap_err();
        sent.get()
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_does_not_take_back_what_an_earlier_attempt_may_have_done() {
        let told = async |first: CallError| {
            let sent = Cell::new(0);
            let refused: Result<(), _> = even_twice(3, || {
                sent.set(sent.get() + 1);
                let over = failure(CallErrorKind::Refused, "it is over", false);
                let error = if sent.get() == 1 { first.clone() } else { over };
                async move { Err(error) }
            })
            .await;
            (sent.get(), refused.unwrap_err().maybe_applied)
        };
        assert_eq!(told(failure(CallErrorKind::Unreachable, "time-out", true)).await, (2, true));
        assert_eq!(told(failure(CallErrorKind::Throttled, "Rate exceeded", false)).await, (2, false));
        assert_eq!(told(failure(CallErrorKind::Refused, "it is over", false)).await, (1, false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_is_sent_again_only_when_it_was_not_carried_out() {
        assert_eq!(sends(failure(CallErrorKind::Throttled, "Rate exceeded", false)).await, 3);
        let between = "Too many concurrent attempts to create a new revision of the specified family.";
        assert_eq!(sends(failure(CallErrorKind::Refused, between, false)).await, 3);
        assert_eq!(sends(failure(CallErrorKind::Unreachable, "connection refused", false)).await, 3);
        assert_eq!(sends(failure(CallErrorKind::Unreachable, "time-out", true)).await, 1);
        assert_eq!(sends(failure(CallErrorKind::Denied, "no", false)).await, 1);
    }
}
