//! EC2's subnets, in its own query protocol: a form comes in, XML goes out.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSubnets.html>

use serde_json::Value;

use super::sts::escape;
use super::wire::{Answer, Refusal, text};
use super::world::World;

/// The namespace of its answers.
const SPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

/// A subnet.
#[derive(Debug, Clone)]
pub struct Subnet {
    /// Its id.
    pub id: String,
    /// The last letter of its Availability Zone.
    pub zone: char,
    /// IPv4 addresses that nobody uses.
    pub free: u32,
    /// Whether it has IPv6 addresses only.
    pub ipv6_only: bool,
}

/// The two subnets that services of the stage are in.
pub(super) fn usual() -> Vec<Subnet> {
    let subnet = |id: &str, zone: char| Subnet { id: id.into(), zone, free: 240, ipv6_only: false };
    vec![subnet("subnet-0aaa1111bbb22222c", 'a'), subnet("subnet-0ddd3333eee44444f", 'b')]
}

impl World {
    /// Leaves each subnet this many free addresses.
    #[must_use]
    pub fn with_free_addresses(mut self, free: &[u32]) -> Self {
        for (subnet, free) in self.subnets.iter_mut().zip(free) {
            subnet.free = *free;
        }
        self
    }
}

/// The inner XML of the answer to one call; none when the operation is not known here.
pub(super) fn answer(world: &World, operation: &str, form: &Value) -> Option<Result<String, Refusal>> {
    (operation == "DescribeSubnets").then(|| describe(world, form))
}

fn describe(world: &World, form: &Value) -> Result<String, Refusal> {
    let all = |prefix: &str| -> Vec<&str> { (1..).map_while(|nth| text(form, &format!("{prefix}.{nth}"))).collect() };
    let asked = all("SubnetId");
    let missing = asked.iter().find(|id| !world.subnets.iter().any(|subnet| subnet.id == **id));
    if let Some(id) = missing {
        return Err(Refusal::new("InvalidSubnetID.NotFound", format!("The subnet ID '{id}' does not exist")));
    }
    if let Some(name) = text(form, "Filter.1.Name").filter(|name| *name != "subnet-id") {
        return Err(Refusal::new("InvalidParameterValue", format!("The filter '{name}' is invalid")));
    }
    let filter = all("Filter.1.Value");
    let within = |ids: &[&str], subnet: &Subnet| ids.is_empty() || ids.contains(&subnet.id.as_str());
    let found = world.subnets.iter().filter(|subnet| within(&asked, subnet) && within(&filter, subnet));
    let items: String = found.map(|subnet| item(world, subnet)).collect();
    Ok(format!("<subnetSet>{items}</subnetSet>"))
}

fn item(world: &World, subnet: &Subnet) -> String {
    let Subnet { id, zone, .. } = subnet;
    let free = if subnet.ipv6_only { 0 } else { subnet.free };
    let cidr = if subnet.ipv6_only { String::new() } else { "<cidrBlock>10.0.0.0/24</cidrBlock>".to_owned() };
    format!(
        "<item><subnetId>{}</subnetId><subnetArn>{}</subnetArn><state>available</state><ownerId>{}</ownerId>\
         <vpcId>vpc-0123456789abcdef0</vpcId>{cidr}<ipv6CidrBlockAssociationSet/>\
         <assignIpv6AddressOnCreation>{}</assignIpv6AddressOnCreation>\
         <availableIpAddressCount>{free}</availableIpAddressCount><availabilityZone>{}{zone}</availabilityZone>\
         <defaultForAz>false</defaultForAz><mapPublicIpOnLaunch>false</mapPublicIpOnLaunch>\
         <ipv6Native>{}</ipv6Native><tagSet/></item>",
        escape(id),
        escape(&world.arn("ec2", &format!("subnet/{id}"))),
        world.account,
        subnet.ipv6_only,
        world.region,
        subnet.ipv6_only,
    )
}

/// Wraps an answer: no element of EC2's is named after the result, and an error stands one level deeper than elsewhere.
pub(super) fn envelope(operation: &str, answered: Result<Value, Refusal>, request: &str) -> Answer {
    match answered.map_err(in_its_words) {
        Ok(inner) => {
            let inner = inner.as_str().unwrap_or_default();
            let xml = format!(
                "<{operation}Response xmlns=\"{SPACE}\"><requestId>{request}</requestId>{inner}</{operation}Response>"
            );
            Answer::new(200, "text/xml;charset=UTF-8", xml)
        }
        Err(refusal) => {
            let xml = format!(
                "<Response><Errors><Error><Code>{}</Code><Message>{}</Message></Error></Errors>\
                 <RequestID>{request}</RequestID></Response>",
                refusal.code,
                escape(&refusal.message)
            );
            Answer::new(refusal.status, "text/xml;charset=UTF-8", xml)
        }
    }
}

/// A refusal as EC2 says it.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
fn in_its_words(refusal: Refusal) -> Refusal {
    let (code, status) = match refusal.code.as_str() {
        "AccessDeniedException" => {
            let message = format!("You are not authorized to perform this operation. {}", refusal.message);
            return Refusal::new("UnauthorizedOperation", message).status(403);
        }
        "ThrottlingException" => ("RequestLimitExceeded", 503),
        "ExpiredTokenException" => ("RequestExpired", 400),
        "UnknownOperationException" => ("InvalidAction", 400),
        "UnrecognizedClientException" | "InvalidSignatureException" | "IncompleteSignatureException" => {
            ("AuthFailure", 401)
        }
        _ => return refusal,
    };
    Refusal { code: code.into(), status, ..refusal }
}
