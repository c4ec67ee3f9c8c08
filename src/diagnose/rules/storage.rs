//! Disks, volumes and file systems.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html>

use serde_json::Value;

use super::{Cause, Scene, Sign, quoted};
use crate::error::Code;

/// No room for the image or what it writes.
pub fn disk_full<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    sign.says("no space left on device").then(|| {
        let size =
            scene.definition().and_then(|definition| definition.0.get("ephemeralStorage")?.get("sizeInGiB")?.as_i64());
        let requires =
            scene.definition().and_then(|definition| definition.0.get("requiresCompatibilities")?.as_array());
        let on_fargate = requires.is_some_and(|list| list.iter().any(|entry| entry.as_str() == Some("FARGATE")));
        let fix = match size {
            Some(size) => {
                format!("Raise `ephemeralStorage.sizeInGiB` of the task definition, now {size}, at most 200.")
            }
            // <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-storage.html>
            None if on_fargate => {
                "Set `ephemeralStorage.sizeInGiB` of the task definition: it has the 20 GiB that Fargate \
                                   gives, and may have up to 200."
                    .to_owned()
            }
            None => {
                "Free the disk of the container instance (`docker system prune`), or replace it by one with a larger \
                     volume."
                    .to_owned()
            }
        };
        let what = format!("cannot start: there is no room left on the disk for {}.", scene.image_in_words(sign));
        Cause::certain(Code::DiskFull, what, fix)
    })
}

/// EFS.
pub fn file_system<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    sign.says_any(&["failed to invoke efs utils", "failed to resolve \"fs-", "mount.nfs4", "mount.efs"]).then(|| {
        let name = sign.after("failed to resolve \"", &['.', '"']).map(str::to_owned).or_else(|| efs(scene));
        let name = name.map_or_else(|| "the file system".to_owned(), |name| format!("the file system {}", quoted(&name)));
        let fix = if sign.says_any(&["access denied", "accessdenied"]) {
            format!(
                "Allow `elasticfilesystem:ClientMount` on {name} for the task role {}.",
                scene.definition().and_then(|definition| definition.text("taskRoleArn")).map_or_else(String::new, quoted)
            )
        } else {
            format!(
                "Give {name} a mount target in the zones of {}, let its security group take TCP 2049 from {}, and turn on \
                 DNS hostnames of the VPC.",
                scene.subnets(),
                scene.security_groups()
            )
        };
        Cause::certain(Code::FileSystemNotMounted, format!("cannot start: {name} of EFS could not be mounted."), fix)
    })
}

fn efs(scene: &Scene<'_>) -> Option<String> {
    let volumes = scene.definition()?.0.get("volumes")?.as_array()?;
    let ids = volumes.iter().filter_map(|volume| volume.get("efsVolumeConfiguration")?.get("fileSystemId")?.as_str());
    ids.map(str::to_owned).next()
}

/// Docker volumes and EBS.
pub fn volume<'a>(sign: &Sign<'a>, scene: &Scene<'a>) -> Option<Cause> {
    let is_ebs = sign.says_any(&["ebs volume", "ebs attachment", "attach volume", "volume attachment"]);
    (is_ebs || sign.says("cannotcreatevolume")).then(|| {
        let named = sign.after("volume '", &['\'']).map_or_else(String::new, |name| format!(" {}", quoted(name)));
        let fix = if is_ebs {
            format!(
                "Check that the infrastructure role in the volume configuration of {} has the policy \
                 `AmazonECSInfrastructureRolePolicyForVolumes`, and that its volume type exists in the zones of {}.",
                scene.service_name(),
                scene.subnets()
            )
        } else {
            format!("Correct {} in the task definition: its driver and its options.", volume_names(scene))
        };
        Cause::certain(Code::VolumeNotAttached, format!("cannot start: a volume{named} could not be had."), fix)
            .likely()
    })
}

fn volume_names(scene: &Scene<'_>) -> String {
    let volumes = scene.definition().and_then(|definition| definition.0.get("volumes")?.as_array());
    let names: Vec<&str> =
        volumes.into_iter().flatten().filter_map(|volume| volume.get("name").and_then(Value::as_str)).collect();
    match names.as_slice() {
        [only] => format!("the volume {}", quoted(only)),
        _ => "`volumes`".to_owned(),
    }
}

/// Fargate took too long to make the disk.
pub fn ephemeral_storage<'a>(sign: &Sign<'a>, _: &Scene<'a>) -> Option<Cause> {
    sign.says("timeout waiting for ephemeralstorage provisioning").then(|| {
        Cause::certain(
            Code::EphemeralStorageTimeout,
            "cannot start for now: the ephemeral storage of its tasks was not ready in time.",
            "Run the job again: the platform was slow.",
        )
    })
}
