//! What the environment says about where a test finds PostgreSQL: read in one place.

use std::path::PathBuf;

/// The URL of a server and of a user that may create databases.
pub(crate) const SERVER: &str = "COUNTERPART_TEST_POSTGRES";
/// Whether a test without a server fails instead of being skipped.
pub(crate) const REQUIRE: &str = "COUNTERPART_REQUIRE_POSTGRES";
/// The image of a container, as `name:tag`.
#[cfg(feature = "container")]
const IMAGE: &str = "COUNTERPART_POSTGRES_IMAGE";

/// The environment, as far as it matters here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) server: Option<String>,
    pub(crate) require: bool,
    #[cfg(feature = "container")]
    pub(crate) image: Option<String>,
    /// The folders of `PATH`.
    pub(crate) path: Vec<PathBuf>,
    /// A folder with one folder for each version, as Debian has it.
    pub(crate) versions: PathBuf,
}

impl Settings {
    pub(crate) fn of_this_process() -> Self {
        // Set to nothing is not set.
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let path = std::env::var_os("PATH").unwrap_or_default();
        Self {
            server: variable(SERVER),
            require: variable(REQUIRE).is_some_and(|value| value != "0"),
            #[cfg(feature = "container")]
            image: variable(IMAGE),
            path: std::env::split_paths(&path).collect(),
            versions: PathBuf::from("/usr/lib/postgresql"),
        }
    }
}
