//! What Fargate costs, by region: list prices on demand in US dollars an hour, each with the day it was read.
//!
//! They are those of AWS's price list (offer `AmazonECS`, usage types `…-Fargate-…`), and stand here so that a plan needs
//! no call for them. A price that could not be read from a record of the list with a date is left out, and so is Spot,
//! whose price moves: a plan then says that it is not known.
//! <https://aws.amazon.com/fargate/pricing/>
//! <https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonECS/current/region_index.json>

/// The prices of one region.
#[derive(Debug)]
pub(super) struct Prices {
    /// The region.
    pub region: &'static str,
    /// The day, or the month, that they were read.
    pub as_of: &'static str,
    /// Linux on `X86_64`.
    pub x86: Rate,
    /// Linux on ARM64.
    pub arm: Option<Rate>,
    /// Windows, its licence included.
    pub windows: Option<Rate>,
    /// A GB of ephemeral storage beyond what is included.
    pub storage: Option<f64>,
}

/// What a task costs an hour.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    /// For each vCPU.
    pub vcpu: f64,
    /// For each GB of memory.
    pub memory: f64,
}

const fn rate(vcpu: f64, memory: f64) -> Rate {
    Rate { vcpu, memory }
}

const TABLE: [Prices; 7] = [
    Prices {
        region: "us-east-1",
        as_of: "2026-06",
        x86: rate(0.04048, 0.004_445),
        arm: Some(rate(0.03238, 0.00356)),
        windows: None,
        storage: Some(0.000_111),
    },
    Prices {
        region: "us-east-2",
        as_of: "2026-05-11",
        x86: rate(0.04048, 0.004_445),
        arm: Some(rate(0.03238, 0.00356)),
        // The list has the licence apart: 0.046 for each vCPU.
        windows: Some(rate(0.046_552 + 0.046, 0.005_111_75)),
        storage: Some(0.000_111),
    },
    Prices {
        region: "eu-central-1",
        as_of: "2026-07-07",
        x86: rate(0.04656, 0.00511),
        arm: None,
        windows: None,
        storage: None,
    },
    Prices {
        region: "eu-west-1",
        as_of: "2026-05-01",
        x86: rate(0.04048, 0.004_445),
        arm: Some(rate(0.03238, 0.00356)),
        windows: None,
        storage: None,
    },
    Prices {
        region: "eu-west-2",
        as_of: "2026-10-06",
        x86: rate(0.04656, 0.00511),
        arm: Some(rate(0.03725, 0.00409)),
        windows: None,
        storage: Some(0.000_129),
    },
    Prices {
        region: "ap-northeast-1",
        as_of: "2026-07-07",
        x86: rate(0.05056, 0.00553),
        arm: Some(rate(0.04045, 0.00442)),
        windows: None,
        storage: Some(0.000_133),
    },
    Prices {
        region: "ap-southeast-1",
        as_of: "2026-08-21",
        x86: rate(0.05056, 0.00553),
        arm: Some(rate(0.04045, 0.00442)),
        windows: None,
        storage: None,
    },
];

/// The prices of a region, where they are known.
pub(super) fn of(region: &str) -> Option<&'static Prices> {
    TABLE.iter().find(|prices| prices.region == region)
}
