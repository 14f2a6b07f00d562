//! `counterpart man`: the manual page, or those of all commands.

use crate::arguments::{Arguments, Man};
use crate::exit::{Exit, Stop};
use crate::output;
use anyhow::Context;
use clap::CommandFactory;

pub(crate) fn man(arguments: &Man) -> Result<Exit, Stop> {
    let Some(out) = &arguments.out else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Arguments::command()).render(&mut page).map_err(Stop::environment)?;
        output::file(&String::from_utf8(page).map_err(Stop::environment)?);
        return Ok(Exit::Passed);
    };
    std::fs::create_dir_all(out)
        .and_then(|()| clap_mangen::generate_to(Arguments::command(), out))
        .with_context(|| out.display().to_string())
        .map_err(Stop::environment)?;
    output::result(&format!(
        "wrote the pages to {}; read one with: man -l {}/counterpart.1",
        out.display(),
        out.display()
    ));
    Ok(Exit::Passed)
}
