//! The integration under test: how it is launched, triggered, probed, and how its clock is driven.
