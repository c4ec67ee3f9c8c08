//! The task's network interface, and the ways out of its subnets.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html>

use super::{Cause, Scene, Sign, all_quoted, quoted};
use crate::error::Code;

/// The one thing that gives tasks a way to AWS services (named as their endpoints are) or to the internet.
pub fn way_out(scene: &Scene<'_>, services: &[&str]) -> String {
    let region = scene.region();
    let endpoints: Vec<String> = services.iter().map(|name| format!("com.amazonaws.{region}.{name}")).collect();
    let (subnets, groups) = (scene.subnets(), scene.security_groups());
    match scene.has_public_addresses() {
        Some(true) => format!(
            "Give {subnets} a default route to an internet gateway, and let {groups} send TCP 443 to `0.0.0.0/0`."
        ),
        Some(false) if endpoints.is_empty() => format!(
            "Give {subnets} a default route to a NAT gateway (the tasks have no public address: `assignPublicIp` is \
             DISABLED), and let {groups} send TCP 443."
        ),
        Some(false) => format!(
            "Give {subnets} a default route to a NAT gateway or the VPC endpoint{} {} (the tasks have no public address: \
             `assignPublicIp` is DISABLED), and let {groups} send TCP 443 there.",
            if endpoints.len() == 1 { "" } else { "s" },
            all_quoted(endpoints.iter().map(String::as_str))
        ),
        None => "Give the container instances a way out on TCP 443: a default route to a NAT or internet gateway."
            .to_owned(),
    }
}

/// EC2 took too long to make the interface.
pub fn interface_timeout<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    let says = sign.says_any(&["timeout waiting for network interface provisioning", "timeout waiting for eni"]);
    says.then(|| {
        Cause::certain(
            Code::NetworkInterfaceTimeout,
            "cannot start for now: the network interface of its tasks was not ready in time.",
            format!(
                "Run the job again; if it happens again, look at the free addresses of {} and at the quota of network \
                 interfaces.",
                scene.subnets()
            ),
        )
    })
}

/// No address is left.
pub fn subnet_full<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    let says = sign.says_any(&["free addresses", "free ip addresses", "insufficientfreeaddressesinsubnet"]);
    says.then(|| {
        let full = sign.after("subnet '", &['\'']).or_else(|| sign.after("subnet: ", &[' ', '.', ',']));
        let full = full.map_or_else(|| scene.subnets(), |subnet| format!("the subnet {}", quoted(subnet)));
        Cause::certain(
            Code::SubnetFull,
            format!("cannot start: {full} has no free address left."),
            format!("Add a larger subnet to the `awsvpcConfiguration` of {}, or free addresses.", scene.service_name()),
        )
    })
}

/// EC2 refuses the interface for another reason.
pub fn interface_refused<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    sign.says("create network interface").then(|| {
        let code = sign.after("ec2 error code: ", &['.', ' ', ';']);
        let code = code.map_or_else(String::new, |code| format!(" (EC2 says {})", quoted(code)));
        Cause::certain(
            Code::NetworkInterfaceRefused,
            format!("cannot start: EC2 refuses to create the network interface of its tasks{code}."),
            format!(
                "Check that the role `AWSServiceRoleForECS` may call `ec2:CreateNetworkInterface`, and that {} and {} \
                 exist.",
                scene.subnets(),
                scene.security_groups()
            ),
        )
        .likely()
    })
}

/// The container instance has no interface to spare.
pub fn instance_interfaces<'a>(sign: &Sign<'a>, _: &Scene<'a>) -> Option<Cause> {
    sign.says("unable to attach network interface to unused device index").then(|| {
        Cause::certain(
            Code::InstanceInterfacesUsedUp,
            "cannot start: its container instance has no network interface left.",
            "Turn on the account setting `awsvpcTrunking` and replace the container instances, or use a larger type.",
        )
    })
}
