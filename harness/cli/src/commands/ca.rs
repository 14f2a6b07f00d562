//! `counterpart ca`: the certificate authority that clients of the stand-in and of the recording proxy are to trust.

use super::authority::{Authority, how_to_trust};
use crate::arguments::{Ca, CaCommand};
use crate::exit::{Exit, Stop};
use crate::output;

pub(crate) fn ca(arguments: &Ca) -> Result<Exit, Stop> {
    let folder = arguments.ca.as_deref();
    match arguments.command {
        CaCommand::Path => output::result(&Authority::open(folder)?.certificate.display().to_string()),
        CaCommand::Print => output::result(Authority::open(folder)?.authority.certificate_pem()),
        CaCommand::Renew => {
            let renewed = Authority::renew(folder)?;
            output::result(&renewed.certificate.display().to_string());
            output::note("This is a new authority: whoever trusted the old one has to be told.");
            output::note("What is running goes on with the old one: start it again.");
            output::note(&how_to_trust(&renewed.certificate).join("\n"));
        }
    }
    Ok(Exit::Passed)
}
