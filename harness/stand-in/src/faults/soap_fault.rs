//! A call that is answered with a fault.

use super::{Effect, Misbehaves};
use crate::answer::Answer;
use counterpart_exchange::StatusWithin;
use counterpart_exchange::protocol::{SoapCode, SoapFault as Told, soap_fault, soap_version};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A SOAP fault in the version of the request (SOAP 1.1 section 4.4, SOAP 1.2 part 1 section 5.4). The call had no
/// effect. Without `code` and `message` it is the provider's form `soap_fault`; with one of them, or where no such
/// form was recorded, a plain fault.
///
/// A good integration reads the fault whatever the status is, tries again after a server's fault, and holds the
/// work after a client's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SoapFault {
    /// Whose mistake it was. Without it, and without a message, the provider's own form is given; where none was
    /// recorded, the server's.
    pub code: Option<SoapCode>,
    /// What the fault tells people.
    pub message: Option<String>,
    /// The HTTP status, where it is another than SOAP says: 500, and 400 for a client's mistake in SOAP 1.2. Some
    /// providers send 200.
    pub status: Option<StatusWithin<200, 599>>,
}

impl Misbehaves for SoapFault {
    const EXAMPLES: &'static [&'static str] = &[
        r#"soap_fault{"code":"server","message":"try again later"}@get_order"#,
        r#"soap_fault{"status":200}@get_order"#,
    ];

    fn effect(&self) -> Effect<'_> {
        Effect::Refuses(Box::new(|around| {
            let version = soap_version(around.profile, around.request)
                .ok_or("the request goes to no SOAP endpoint of the provider profile")?;
            let status = self.status.map(u16::from);
            let recorded = around.forms.recorded("soap_fault");
            let response = match recorded.filter(|_| self.code.is_none() && self.message.is_none()) {
                Some(form) => {
                    let mut form = form.clone();
                    form.status = status.unwrap_or(form.status);
                    form
                }
                None => {
                    let message = self.message.clone().unwrap_or_else(|| "internal error".to_owned());
                    let code = self.code.unwrap_or(SoapCode::Server);
                    soap_fault(version, &Told { code, message, status })
                }
            };
            Ok(Answer::Whole(response))
        }))
    }
}
