//! CPU, memory and storage: the pairs that Fargate sells, and what the containers ask of them.

use super::{Container, Looked, invalid, lists};
use crate::checks::Finding;

/// The CPU units that Fargate sells.
const CPUS: [u64; 8] = [256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768];

/// The memory in MiB that goes with these CPU units; nothing when Fargate sells no such CPU.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html#task_size>
fn memories(cpu: u64) -> Option<Vec<u64>> {
    let range = |least: u64, most: u64, step: usize| Some((least..=most).step_by(step).collect());
    match cpu {
        256 => Some(vec![512, 1024, 2048]),
        512 => range(1024, 4096, 1024),
        1024 => range(2048, 8192, 1024),
        2048 => range(4096, 16_384, 1024),
        4096 => range(8192, 30_720, 1024),
        8192 => range(16_384, 61_440, 4096),
        16_384 => range(32_768, 122_880, 8192),
        32_768 => Some(vec![61_440, 122_880, 249_856]),
        _ => None,
    }
}

pub(super) fn judge(looked: &Looked<'_>) -> Vec<Finding> {
    let size = |field: &str, unit: &str| looked.text(field).and_then(|text| units(text, unit));
    let (cpu, memory) = (size("cpu", "vcpu"), size("memory", "gb"));
    let mut findings = Vec::new();
    if looked.is_fargate {
        findings.extend(absent(looked, "cpu", cpu));
        findings.extend(absent(looked, "memory", memory));
        if let (Some(cpu), Some(memory)) = (cpu, memory) {
            findings.extend(pair(looked, cpu, memory));
        }
        findings.extend(storage(looked));
    }
    // ECS ignores the sizes of a Windows task on EC2.
    if looked.is_fargate || !looked.is_windows {
        findings.extend(cpu.and_then(|cpu| cpu_of_containers(looked, cpu)));
        findings.extend(memory.into_iter().flat_map(|memory| memory_of_containers(looked, memory)));
    }
    findings.extend(looked.containers.iter().filter_map(|container| limits(looked, container)));
    findings
}

/// `256`, `1 vCPU`, `.5 vcpu`, `512`, `2GB`, `0.5 GB` as units: one vCPU is 1024 CPU units, one GB 1024 MiB.
fn units(text: &str, unit: &str) -> Option<u64> {
    let text = text.to_ascii_lowercase();
    let Some(number) = text.strip_suffix(unit).map(str::trim) else { return text.parse().ok() };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let parsed = |digits: &str| if digits.is_empty() { Some(0) } else { digits.parse::<u64>().ok() };
    let scale = 10_u64.pow(u32::try_from(part.len()).ok().filter(|digits| *digits <= 6)?);
    let (whole, part) = (parsed(whole)?.checked_mul(1024)?, parsed(part)? * 1024);
    (!number.is_empty() && part % scale == 0).then(|| whole.saturating_add(part / scale))
}

/// Fargate needs both sizes.
fn absent(looked: &Looked<'_>, field: &str, size: Option<u64>) -> Option<Finding> {
    let why = "Fargate sells tasks by CPU and memory: both are needed for the task as a whole.";
    let example = if field == "cpu" { "`cpu: \"256\"` or `\".25 vCPU\"`" } else { "`memory: \"512\"` or `\"0.5 GB\"`" };
    let fix = format!("Write it as in {example}.");
    let at = format!("/{field}");
    match (looked.text(field), size) {
        (Some(_), Some(_)) => None,
        (None, _) => Some(invalid(at, format!("The task definition has no `{field}`."), why, fix)),
        (Some(text), None) => {
            Some(invalid(at, format!("`{field}: {text}` is not a size that is known."), why, fix).doubtful())
        }
    }
}

fn pair(looked: &Looked<'_>, cpu: u64, memory: u64) -> Option<Finding> {
    let sold = |size: &u64| !looked.is_windows || (1024..=4096).contains(size);
    let on = if looked.is_windows { " for Windows" } else { "" };
    let Some(fitting) = memories(cpu).filter(|_| sold(&cpu)) else {
        let sizes: Vec<String> = CPUS.iter().filter(|size| sold(size)).map(u64::to_string).collect();
        let why = format!("Its CPU units{on} are {}; 1024 are one vCPU.", sizes.join(", "));
        let what = format!("Fargate has no tasks with {cpu} CPU units{on}.");
        let finding = invalid("/cpu", what, &why, "Give one of these, and memory that goes with it.");
        // Larger ones have been added before.
        let newest = if looked.is_windows { 4096 } else { 32_768 };
        return Some(if cpu > newest { finding.doubtful() } else { finding });
    };
    if fitting.contains(&memory) {
        return None;
    }
    let why = format!("With {cpu} CPU units{on} it has {} MiB.", told(&fitting));
    let enough = fitting.iter().find(|size| **size >= memory).or(fitting.last()).copied().unwrap_or_default();
    let has = |size: &&u64| sold(size) && memories(**size).is_some_and(|all| all.contains(&memory));
    let other = CPUS.iter().find(has).map(|size| format!(", or `cpu: \"{size}\"`")).unwrap_or_default();
    let what = format!("Fargate has no tasks with {cpu} CPU units and {memory} MiB of memory.");
    let finding = invalid("/memory", what, &why, format!("Give `memory: \"{enough}\"`{other}."));
    // The newest size: AWS's own pages do not agree about it yet.
    Some(if cpu == 32_768 && memory > 61_440 { finding.doubtful() } else { finding })
}

/// The sizes, short: `512, 1024, 2048`, or `2048 to 8192 in steps of 1024`.
fn told(sizes: &[u64]) -> String {
    match sizes {
        [first, second, .., last] if sizes.len() > 4 => format!("{first} to {last} in steps of {}", second - first),
        _ => sizes.iter().map(u64::to_string).collect::<Vec<_>>().join(", "),
    }
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_EphemeralStorage.html>
fn storage(looked: &Looked<'_>) -> Option<Finding> {
    let size = looked.definition.0.get("ephemeralStorage")?.get("sizeInGiB")?.as_i64()?;
    (!(21..=200).contains(&size)).then(|| {
        let what = format!("`ephemeralStorage` of {size} GiB is not one that Fargate sells.");
        let why = "A task has 20 GiB without the field, and 21 to 200 with it.";
        invalid("/ephemeralStorage/sizeInGiB", what, why, "Give 21 to 200, or take `ephemeralStorage` out.")
    })
}

/// On EC2, CPU units are shares: what they add up to may not matter there.
fn cpu_of_containers(looked: &Looked<'_>, task: u64) -> Option<Finding> {
    let sum: u64 = looked.containers.iter().filter_map(|container| container.number("cpu")).sum();
    let what = format!("The containers reserve {sum} CPU units, the task has {task}.");
    let finding = reserved("cpu", what);
    (sum > task).then(|| if looked.is_fargate { finding } else { finding.doubtful() })
}

/// What containers reserve is their soft limit, or else their hard one.
fn memory_of_containers(looked: &Looked<'_>, task: u64) -> Vec<Finding> {
    let soft = |container: &Container<'_>| container.number("memoryReservation");
    let sum: u64 = looked.containers.iter().filter_map(|it| soft(it).or_else(|| it.number("memory"))).sum();
    let sum = (sum > task)
        .then(|| reserved("memory", format!("The containers reserve {sum} MiB of memory, the task has {task}.")));
    let above = looked.containers.iter().filter_map(|container| {
        let hard = container.number("memory").filter(|hard| *hard > task && soft(container).is_some())?;
        let what = format!("The container `{}` may use {hard} MiB of memory, the task has {task}.", container.name());
        let why = "The task ends before the container comes near its limit.";
        Some(invalid(container.at("memory"), what, why, format!("Give at most {task}.")).doubtful())
    });
    sum.into_iter().chain(above).collect()
}

fn reserved(field: &str, what: String) -> Finding {
    let why = "What the containers reserve together must fit into the task.";
    invalid(format!("/{field}"), what, why, format!("Raise the task's `{field}`, or lower that of the containers."))
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html>
fn limits(looked: &Looked<'_>, container: &Container<'_>) -> Option<Finding> {
    let name = container.name();
    match (container.number("memory"), container.number("memoryReservation")) {
        (Some(hard), Some(soft)) if soft > hard => {
            let what = format!("The container `{name}` reserves {soft} MiB of memory and may use {hard}.");
            let why = "`memory` is the hard limit, and must be greater than `memoryReservation`.";
            Some(invalid(container.at("memory"), what, why, "Raise `memory`, or lower `memoryReservation`."))
        }
        (Some(hard @ 1..=5), _) => {
            let what = format!("The container `{name}` may use {hard} MiB of memory.");
            let why = "The number counts MiB, and a container needs at least 6 to start.";
            Some(invalid(container.at("memory"), what, why, format!("Was `{}` meant?", hard * 1024)).doubtful())
        }
        (None, None) if !looked.is_fargate && looked.text("memory").is_none() => {
            let what = format!("The container `{name}` has no memory.");
            let why =
                "Outside Fargate each container needs `memory` or `memoryReservation`, unless the task has `memory`.";
            let finding = invalid(container.at("memory"), what, why, "Give it one of them.");
            let on_ec2 = lists(looked.definition.0.get("requiresCompatibilities"), "EC2");
            Some(if on_ec2 { finding } else { finding.doubtful() })
        }
        _ => None,
    }
}
