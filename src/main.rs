//! The binary `ecs-deploy`.

fn main() {}
