//! The integration under test: which one, and how it is launched.

use crate::exit::Stop;
use crate::plants;
use crate::project::Project;
use anyhow::anyhow;
use counterpart_reference_subject::ReferenceLaunch;
use counterpart_subject::{
    AlreadyRunning, BatchLaunch, CommandLaunch, ContainerSpec, Launch, LaunchError, LaunchSpec, ProbeSource,
    SubjectSpec, Surroundings,
};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The subject of this name, with known bugs switched on.
pub(crate) fn chosen(project: &Project, name: &str, plants: &[String]) -> Result<SubjectSpec, Stop> {
    let mut subject = project.subject(name)?;
    subject.surroundings = surroundings(project)?;
    match &mut subject.launch {
        LaunchSpec::Reference { plants: own } => own.extend(plants.iter().cloned()),
        _ if !plants.is_empty() => {
            let message = format!("--plant switches on a bug of the bundled runtime; `{name}` is another");
            return Err(Stop::usage(anyhow!(message)));
        }
        _ => {}
    }
    refuse_unread_output(name, &subject)?;
    Ok(subject)
}

/// A probe that reads what is printed would show nothing for ever where nobody reads it.
fn refuse_unread_output(name: &str, subject: &SubjectSpec) -> Result<(), Stop> {
    let is_read = !matches!(subject.launch, LaunchSpec::Reference { .. } | LaunchSpec::Url(_));
    let probe = subject.probe.iter().find(|(_, probe)| matches!(probe.source, ProbeSource::Stdout(_)));
    match probe {
        Some((probe, _)) if !is_read => Err(Stop::usage(anyhow!(
            "counterpart.toml: [subject.{name}.probe.{}] reads `stdout`, and what a subject of kind `{}` prints is not \
             read; give it `get`, `sql` or `files`, or launch the subject as a `command` or a `container`",
            probe.word(),
            subject.launch.kind()
        ))),
        _ => Ok(()),
    }
}

/// The known bugs that are switched on in a subject.
pub(crate) fn plants(subject: &SubjectSpec) -> &[String] {
    match &subject.launch {
        LaunchSpec::Reference { plants } => plants,
        _ => &[],
    }
}

/// How a subject comes to run.
pub(crate) fn launch(name: &str, subject: &SubjectSpec) -> Result<Box<dyn Launch>, Stop> {
    let described =
        |LaunchError(why)| Stop::usage(anyhow!("counterpart.toml: [subject.{name}] launch: {why}"));
    subject.check().map_err(|why| Stop::usage(anyhow!("counterpart.toml: [subject.{name}] {why}")))?;
    Ok(match &subject.launch {
        LaunchSpec::Reference { plants } => Box::new(ReferenceLaunch { plants: plants::named(plants)? }),
        LaunchSpec::Url(base_url) => Box::new(AlreadyRunning { base_url: base_url.clone() }),
        LaunchSpec::Command(spec) => Box::new(CommandLaunch::new(subject, spec).map_err(described)?),
        LaunchSpec::Batch(spec) => Box::new(BatchLaunch::new(subject, spec)),
        LaunchSpec::Container(spec) => {
            spec.check().map_err(|why| described(LaunchError(why)))?;
            container(subject, spec)?
        }
    })
}

/// How a container comes to run.
#[cfg(feature = "containers")]
fn container(subject: &SubjectSpec, spec: &ContainerSpec) -> Result<Box<dyn Launch>, Stop> {
    let root = subject.surroundings.root.clone();
    let launch = counterpart_container_subject::ContainerLaunch::new(spec.clone(), root);
    Ok(Box::new(launch.map_err(Stop::usage)?))
}

/// How a container comes to run: not with this build.
#[cfg(not(feature = "containers"))]
fn container(_: &SubjectSpec, _: &ContainerSpec) -> Result<Box<dyn Launch>, Stop> {
    Err(Stop::environment(anyhow!(
        "the subject is a container, and this build of counterpart speaks to no container engine; build one that does: \
         cargo build --release --package counterpart-cli --features containers"
    )))
}

/// Ends the run where the subject cannot be launched on this machine at all, if that is asked for.
pub(crate) async fn require(launch: &dyn Launch) -> Result<(), Stop> {
    match launch.cannot_launch().await {
        Some(why) => Err(Stop::environment(anyhow!("{why} (--require-docker)"))),
        None => Ok(()),
    }
}

/// Where the project's programs are started.
fn surroundings(project: &Project) -> Result<Surroundings, Stop> {
    let root = std::env::current_dir().map_err(Stop::environment)?.join(project.path(""));
    // The stand-in is on this machine, whatever proxy leads out of it.
    let environment = ["NO_PROXY", "no_proxy"].map(|name| {
        let mut hosts = std::env::var_os(name).unwrap_or_default();
        if !hosts.is_empty() {
            hosts.push(",");
        }
        hosts.push("127.0.0.1,localhost,::1");
        (OsString::from(name), hosts)
    });
    Ok(Surroundings { root, environment: environment.to_vec(), faketime: faketime() })
}

/// The library that shifts dates: where it is said to be, or where systems put it.
fn faketime() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("COUNTERPART_FAKETIME_LIB") {
        return Some(PathBuf::from(named)).filter(|path| path.is_file());
    }
    let folders = [
        format!("/usr/lib/{}-linux-gnu/faketime", std::env::consts::ARCH),
        "/usr/lib/faketime".to_owned(),
        "/usr/lib64/faketime".to_owned(),
        "/usr/local/lib/faketime".to_owned(),
        "/opt/homebrew/lib/faketime".to_owned(),
    ];
    // The first is for programs with threads, and does for others too.
    let names = ["libfaketimeMT.so.1", "libfaketimeMT.1.dylib", "libfaketime.so.1", "libfaketime.1.dylib"];
    folders
        .iter()
        .flat_map(|folder| names.iter().map(move |name| Path::new(folder).join(name)))
        .find(|path| path.is_file())
}
