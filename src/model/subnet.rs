//! A subnet that tasks get their addresses from.

/// A subnet, and how much room it has.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Subnet.html>
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subnet {
    /// `subnet-…`.
    pub id: String,
    /// Its Availability Zone.
    pub zone: String,
    /// How many IPv4 addresses nobody uses; none where it has IPv6 only, of which there are always enough.
    pub free: Option<i64>,
}
