//! The kinds of services there are besides the usual one: other controllers, strategies, scheduling.

use serde_json::json;

use super::Service;

/// The ARN of a target group of the account on stage.
#[must_use]
pub fn target_group(name: &str) -> String {
    format!("arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/{name}/73e2d6bc24d8a067")
}

impl Service {
    /// A service that `CodeDeploy` moves between the target groups `NAME-blue`, where it is, and `NAME-green`.
    #[must_use]
    pub fn code_deploy(cluster: &str, name: &str, desired: i64) -> Self {
        let mut service = Self::running(cluster, name, desired);
        service.controller = Some("CODE_DEPLOY".into());
        service
            .settings
            .insert("deploymentConfiguration".into(), json!({"maximumPercent": 200, "minimumHealthyPercent": 100}));
        let blue = json!([{"targetGroupArn": target_group(&format!("{name}-blue")), "containerName": name, "containerPort": 8080}]);
        service.settings.insert("loadBalancers".into(), blue);
        service
    }

    /// A service whose task sets a third party manages.
    #[must_use]
    pub fn external(cluster: &str, name: &str, desired: i64) -> Self {
        let mut service = Self::running(cluster, name, desired);
        service.controller = Some("EXTERNAL".into());
        service.settings.shift_remove("deploymentConfiguration");
        service
    }

    /// A service of ECS Express Mode: ECS manages its resources.
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html>
    #[must_use]
    pub fn express(cluster: &str, name: &str, desired: i64) -> Self {
        let mut service = Self::running(cluster, name, desired);
        service.settings.insert("resourceManagementType".into(), "ECS".into());
        service
    }

    /// A DAEMON service: one task on each of so many container instances.
    #[must_use]
    pub fn daemon(cluster: &str, name: &str, instances: i64) -> Self {
        let mut service = Self::running(cluster, name, instances);
        for (key, value) in [("schedulingStrategy", json!("DAEMON")), ("launchType", json!("EC2"))] {
            service.settings.insert(key.into(), value);
        }
        for key in ["platformVersion", "platformFamily", "availabilityZoneRebalancing"] {
            service.settings.shift_remove(key);
        }
        service.configure("maximumPercent", json!(100));
        service.configure("minimumHealthyPercent", json!(0));
        service
    }

    /// A service that is deployed by a strategy with traffic shifts (`BLUE_GREEN`, `LINEAR`, `CANARY`), between the
    /// target groups `NAME-blue` and `NAME-green` of a load balancer, with no bake time.
    #[must_use]
    pub fn shifting(cluster: &str, name: &str, desired: i64, strategy: &str) -> Self {
        let mut service = Self::running(cluster, name, desired);
        let rule = |kind: &str| {
            format!(
                "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/{name}/50dc6c495c0c9188/f2f7dc8efc522ab2/{kind}"
            )
        };
        let balancers = json!([{
            "targetGroupArn": target_group(&format!("{name}-blue")), "containerName": name, "containerPort": 8080,
            "advancedConfiguration": {
                "alternateTargetGroupArn": target_group(&format!("{name}-green")),
                "productionListenerRule": rule("1"), "testListenerRule": rule("2"),
                "roleArn": "arn:aws:iam::123456789012:role/ecs-infrastructure"},
        }]);
        service.settings.insert("loadBalancers".into(), balancers);
        service.configure("strategy", json!(strategy));
        service
    }
}
