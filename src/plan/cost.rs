//! What a service on Fargate costs before and after: an estimate from list prices, never a reason to stop a deploy.

use serde::Serialize;
use serde_json::Value;

use super::prices;
use crate::model::normal::plain_size;
use crate::model::service::Service;
use crate::model::task_definition::TaskDefinition;

/// Hours of a month, as AWS's own calculator counts.
const HOURS: f64 = 730.0;
/// Ephemeral storage that a task has for nothing, in GiB.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-storage.html>
const INCLUDED_STORAGE: f64 = 20.0;

/// What the tasks of a service cost a month, in US dollars, if as many run all the time as are desired.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cost {
    /// The region.
    pub region: String,
    /// The day of the prices; none where the region has none here.
    pub as_of: Option<&'static str>,
    /// What the tasks will run on: `Linux on ARM64`.
    pub platform: &'static str,
    /// One task now, if that is known.
    pub task_before: Option<f64>,
    /// One task then.
    pub task_after: Option<f64>,
    /// The desired count now.
    pub tasks_before: i64,
    /// The desired count then.
    pub tasks_after: i64,
    /// Some of the tasks run on Fargate Spot, which costs less: what is told is the most.
    pub is_at_most: bool,
    /// Why it is not known what one task will cost: ``this version has no Fargate prices of `eu-north-1` ``.
    pub unknown: Option<String>,
}

/// What the service costs before and after; nothing where Fargate does not run it.
pub(super) fn cost(
    region: &str,
    service: Option<&Service>,
    desired: i64,
    before: Option<&TaskDefinition>,
    after: &TaskDefinition,
) -> Option<Cost> {
    let service = service.filter(|service| service.is_on_fargate() && !service.is_daemon())?;
    let priced = task(region, after)?;
    Some(Cost {
        region: region.to_owned(),
        as_of: prices::of(region).map(|prices| prices.as_of),
        platform: platform(after),
        task_before: before.and_then(|before| task(region, before)?.ok()),
        tasks_before: service.desired_count,
        tasks_after: desired,
        is_at_most: service.may_use_spot(),
        unknown: priced.as_ref().err().cloned(),
        task_after: priced.ok(),
    })
}

/// One task for a month, or why that is not known; nothing where the definition has no size.
fn task(region: &str, definition: &TaskDefinition) -> Option<Result<f64, String>> {
    let size = |field: &str| plain_size(definition.0.get(field)?).as_str()?.parse::<f64>().ok();
    let (vcpus, gigabytes) = (size("cpu")? / 1024.0, size("memory")? / 1024.0);
    let storage = definition.0.get("ephemeralStorage").and_then(|storage| storage.get("sizeInGiB"));
    let storage = (storage.and_then(Value::as_f64).unwrap_or(INCLUDED_STORAGE) - INCLUDED_STORAGE).max(0.0);
    let unknown = |of: &str| Some(Err(format!("this version has no Fargate prices of {of}`{region}`")));
    let Some(prices) = prices::of(region) else { return unknown("") };
    let platform = platform(definition);
    let rate = match platform {
        WINDOWS => prices.windows,
        ARM => prices.arm,
        _ => Some(prices.x86),
    };
    let Some(rate) = rate else { return unknown(&format!("{platform} in ")) };
    let storage = match prices.storage {
        _ if storage <= 0.0 => 0.0,
        Some(price) => storage * price,
        None => return unknown("ephemeral storage in "),
    };
    Some(Ok((vcpus * rate.vcpu + gigabytes * rate.memory + storage) * HOURS))
}

const WINDOWS: &str = "Windows";
const ARM: &str = "Linux on ARM64";
const X86: &str = "Linux on X86_64";

/// Fargate runs Linux on `X86_64` where nothing else is said.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RuntimePlatform.html>
fn platform(definition: &TaskDefinition) -> &'static str {
    let platform = definition.0.get("runtimePlatform");
    let text = |field: &str| platform.and_then(|platform| platform.get(field)).and_then(Value::as_str);
    match (text("operatingSystemFamily"), text("cpuArchitecture")) {
        (Some(family), _) if family.starts_with("WINDOWS") => WINDOWS,
        (_, Some("ARM64")) => ARM,
        _ => X86,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use serde_json::json;

    use super::*;

    fn definition(fields: &Value) -> TaskDefinition {
        let mut document = json!({"family": "web", "cpu": "256", "memory": "512"});
        document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        TaskDefinition::from_document(document).unwrap()
    }

    fn service(fields: &Value) -> Service {
        let mut service = json!({"desiredCount": 2, "launchType": "FARGATE"});
        service.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(service).unwrap()
    }

    fn cents(dollars: Option<f64>) -> String {
        dollars.map_or_else(|| "?".to_owned(), |dollars| format!("{dollars:.2}"))
    }

    #[test]
    fn a_task_costs_what_the_price_list_says() {
        let arm = json!({"runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}});
        let windows = json!({"cpu": "1 vCPU", "memory": "2 GB", "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}});
        let large = json!({"cpu": 1024, "memory": "2048", "ephemeralStorage": {"sizeInGiB": 120}});
        for (region, fields, told) in [
            ("us-east-1", json!({}), "9.01"),
            ("us-east-1", json!({"cpu": "1 vCPU", "memory": "2GB"}), "36.04"),
            ("us-east-1", arm.clone(), "7.21"),
            ("us-east-1", large.clone(), "44.14"),
            ("us-east-2", windows.clone(), "75.03"),
            ("eu-central-1", json!({}), "10.36"),
            ("eu-central-1", arm, "this version has no Fargate prices of Linux on ARM64 in `eu-central-1`"),
            ("eu-central-1", large, "this version has no Fargate prices of ephemeral storage in `eu-central-1`"),
            ("us-east-1", windows, "this version has no Fargate prices of Windows in `us-east-1`"),
            ("eu-north-1", json!({}), "this version has no Fargate prices of `eu-north-1`"),
        ] {
            let cost = cost(region, Some(&service(&json!({}))), 2, None, &definition(&fields)).unwrap();
            assert_eq!(cost.unknown.clone().unwrap_or_else(|| cents(cost.task_after)), told, "{region} {fields}");
        }
    }

    #[test]
    fn before_and_after_are_priced_each_by_its_own_size_and_count() {
        let (small, large) = (definition(&json!({})), definition(&json!({"cpu": "512", "memory": "1024"})));
        let spot = json!({"launchType": null, "capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]});
        let cost = cost("us-east-1", Some(&service(&spot)), 3, Some(&small), &large).unwrap();
        assert_eq!((cents(cost.task_before), cents(cost.task_after)), ("9.01".to_owned(), "18.02".to_owned()));
        assert_eq!((cost.tasks_before, cost.tasks_after, cost.is_at_most), (2, 3, true));
    }

    #[test]
    fn only_fargate_is_priced() {
        let definition = definition(&json!({}));
        let without_size = TaskDefinition::from_document(json!({"family": "web"})).unwrap();
        assert_eq!(cost("us-east-1", None, 0, None, &definition), None);
        assert_eq!(cost("us-east-1", Some(&service(&json!({"launchType": "EC2"}))), 2, None, &definition), None);
        assert_eq!(cost("us-east-1", Some(&service(&json!({}))), 2, None, &without_size), None);
    }
}
