//! Simulated rollouts by the thousand: random worlds, each with everything that goes wrong, drawn from a seed. The
//! stage knows the truth, and whatever the program tells must equal it.
//!
//! `make soak N=100000` plays so many (`SOAK_SEEDS`), `make soak SEED=17` plays one again and tells all about it
//! (`SOAK_SEED`).

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test speaks by failing, and is read"
)]

mod draw;
mod fate;
mod moved;
mod play;
mod request;
mod truth;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use draw::Story;
use play::{Played, play};

/// Seeds that are played when nobody says how many.
const SEEDS: u64 = 2_000;

/// Each verdict must come up at least once in so many seeds, or the generator has become blind to it.
const RAREST: u64 = 400;

/// The verdicts that the generator must lead to.
const REACHED: [&str; 12] = [
    "succeeded",
    "unchanged",
    "planned",
    "started",
    "invalid",
    "blocked",
    "rolled-back",
    "failed",
    "rollback-failed",
    "timed-out",
    "denied",
    "superseded",
];

/// No seed takes so long on a real clock, even where much else runs.
const HANGING: Duration = Duration::from_mins(5);

#[test]
fn no_seed_tells_a_lie() {
    if let Some(seed) = number("SOAK_SEED") {
        return again(seed);
    }
    let (count, first) = (number("SOAK_SEEDS").unwrap_or(SEEDS), number("SOAK_FIRST").unwrap_or(1));
    let (next, begun) = (AtomicU64::new(first), Instant::now());
    let results: Mutex<(BTreeMap<&'static str, u64>, Vec<String>)> = Mutex::default();
    let playing: Mutex<BTreeMap<usize, (u64, Instant)>> = Mutex::default();
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        for thread in 0..threads {
            let (next, results, playing) = (&next, &results, &playing);
            scope.spawn(move || {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= first + count {
                        break;
                    }
                    playing.lock().unwrap().insert(thread, (seed, Instant::now()));
                    let (verdict, lies) = one(seed);
                    for lie in &lies {
                        println!("{lie}");
                    }
                    let mut results = results.lock().unwrap();
                    *results.0.entry(verdict).or_default() += 1;
                    results.1.extend(lies);
                }
                playing.lock().unwrap().remove(&thread);
            });
        }
        scope.spawn(|| {
            while let Some(seconds) = Some(1).filter(|_| next.load(Ordering::SeqCst) < first + count) {
                std::thread::sleep(Duration::from_secs(seconds));
                for (seed, since) in playing.lock().unwrap().values() {
                    if since.elapsed() > HANGING {
                        println!("seed {seed} hangs; {}", replay(*seed));
                        std::process::exit(1);
                    }
                }
            }
        });
    });
    let (verdicts, lies) = results.into_inner().unwrap();
    println!("{count} seeds in {:.0} s, {} lies", begun.elapsed().as_secs_f64(), lies.len());
    for (verdict, times) in &verdicts {
        println!("{times:>8} {verdict}");
    }
    assert!(lies.is_empty(), "{} lies", lies.len());
    for verdict in REACHED {
        let times = verdicts.get(verdict).copied().unwrap_or(0);
        assert!(times >= count / RAREST, "{verdict} came up {times} times only: the generator is too tame");
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().filter(|text| !text.is_empty()).map(|text| text.parse().unwrap())
}

fn replay(seed: u64) -> String {
    format!("SOAK_SEED={seed} cargo test --features sim --test soak -- --nocapture")
}

/// Plays a seed: the verdict, and a line for each lie.
fn one(seed: u64) -> (&'static str, Vec<String>) {
    let story = Story::draw(seed);
    let played = std::panic::catch_unwind(|| play(&story, seed));
    let Ok(played) = played else { return ("panicked", vec![format!("seed {seed}: it panicked. {}", replay(seed))]) };
    let lies = truth::lies(&story, &played);
    let verdict = played.verdict.map_or("none", ecs_deploy::model::verdict::Verdict::name);
    (verdict, lies.into_iter().map(|lie| format!("seed {seed}: {lie}. {}", replay(seed))).collect())
}

/// Plays a seed again and tells everything.
fn again(seed: u64) {
    let story = Story::draw(seed);
    println!("{story:#?}");
    let played = play(&story, seed);
    tell(&played);
    let lies = truth::lies(&story, &played);
    assert!(lies.is_empty(), "{}", lies.join("\n"));
}

/// What was said and what went over the wire, in one order, then the service and the outputs.
fn tell(played: &Played) {
    let mut lines: Vec<(Duration, String)> = played.said.clone();
    for sent in &played.sent {
        let status = sent.status.map_or_else(|| "never answered".to_owned(), |status| status.to_string());
        let applied = sent.call.and_then(|call| played.ledger.get(call)).is_some_and(|call| call.applied);
        let began = sent.began.as_ref().map(|digits| format!(", began {digits}")).unwrap_or_default();
        let carried = if applied { ", carried out" } else { "" };
        lines.push((sent.at, format!("-> {}: {status}{carried}{began}", sent.operation)));
    }
    for frame in played.frames.iter().filter(|frame| played.theirs.contains(&frame.call)) {
        let call = &played.ledger[frame.call];
        lines.push((frame.at, format!("<> another calls {}: {}", call.operation, call.status)));
    }
    lines.sort_by_key(|(at, _)| *at);
    for (at, line) in lines {
        println!("{:>8.2} {line}", at.as_secs_f64());
    }
    for frame in played.frames.iter().rev().take(1) {
        println!("the service is {} and wants {}; running: {:?}", frame.status, frame.desired, frame.running);
        for one in &frame.deployments {
            println!("  {one:?}");
        }
        for one in &frame.moves {
            println!("  {one:?}");
        }
    }
    for (name, value) in &played.outputs {
        println!("{name}={value}");
    }
    println!("{:?} after {:.1} s", played.verdict, played.took.as_secs_f64());
}
