//! The story: from the inputs to the report, in this order.
