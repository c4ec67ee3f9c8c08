//! What is read before the first write, against the stage.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::json;

use super::*;
use crate::aws::tests::wire;
use crate::inputs::tests::asked;
use crate::sim::{Sim, Trick, World};
