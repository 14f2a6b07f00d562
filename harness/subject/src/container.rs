//! How a container is described: `launch = { container = { image = "name:tag", port = 8080 } }`.
//!
//! The description alone, so that every build reads the same files. What speaks to an engine is heavy, and is a crate
//! of its own (`container-subject`).

use crate::command::Ready;
use crate::length::Length;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A container that is started for each play, and removed with all that it holds. Braces are filled in, in `run` and
/// `env`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContainerSpec {
    /// An image, as `name:tag`; it is pulled where the engine does not have it.
    #[serde(default)]
    pub image: Option<String>,
    /// Or a folder to build one from, relative to counterpart.toml.
    #[serde(default)]
    pub build: Option<PathBuf>,
    /// The file in that folder that says how.
    #[serde(default = "containerfile")]
    pub file: String,
    /// Build arguments.
    #[serde(default)]
    pub args: IndexMap<String, String>,
    /// What is run in it instead of the image's own command; no shell reads it.
    #[serde(default)]
    pub run: Vec<String>,
    /// Its environment variables. `{name?}` without a value leaves one out.
    #[serde(default)]
    pub env: IndexMap<String, String>,
    /// The port on which it listens, on all addresses of the container. With `network = "host"` it is left out: then
    /// `{port}` is a free one of this machine.
    #[serde(default)]
    pub port: Option<u16>,
    /// The folder in it, absolute, whose content outlives a restart, a kill and another version.
    #[serde(default)]
    pub data: Option<String>,
    /// How it and the stand-in reach each other.
    #[serde(default)]
    pub network: ContainerNetwork,
    /// How it is known to be ready. Without it: once it answers HTTP at all.
    #[serde(default)]
    pub ready: Option<Ready>,
    /// Real time within which it must be ready.
    #[serde(default = "within")]
    pub within: Length,
    /// Real time within which it must end when it is asked to; after that it is killed.
    #[serde(default = "stop_within")]
    pub stop_within: Length,
}

/// How a container and the stand-in reach each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContainerNetwork {
    /// The engine's bridge: the stand-in listens on the bridge's own address, which only this machine and its
    /// containers reach, and the container's port is published on 127.0.0.1.
    #[default]
    Bridge,
    /// The container is on this machine's network, on Linux: the stand-in listens on 127.0.0.1, and so must the container,
    /// on `{port}`.
    Host,
}

impl ContainerSpec {
    /// Whether its words go together.
    ///
    /// # Errors
    /// Says which do not.
    pub fn check(&self) -> Result<(), String> {
        match (&self.image, &self.build) {
            (Some(image), None) if split_image(image).is_some() => {}
            (Some(image), None) => {
                return Err(format!("`image = {image:?}` has no tag; give one, as in \"registry/name:1.2\""));
            }
            (None, Some(_)) => {}
            (None, None) => return Err("it has neither `image` nor `build`; give one of them".to_owned()),
            (Some(_), Some(_)) => return Err("it has both `image` and `build`; give one of them".to_owned()),
        }
        match (self.network, self.port) {
            (ContainerNetwork::Bridge, None | Some(0)) => {
                return Err("`port` is missing: the port on which the container listens".to_owned());
            }
            (ContainerNetwork::Host, Some(_)) => {
                return Err("`port` says nothing with `network = \"host\"`: the container is to listen on \
                            127.0.0.1, on the free port that `{port}` stands for in `run` and `env`"
                    .to_owned());
            }
            _ => {}
        }
        if self.build.is_none() && !self.args.is_empty() {
            return Err("`args` are build arguments, and nothing is built; they go with `build`".to_owned());
        }
        if let Some(data) = self.data.as_ref().filter(|data| !data.starts_with('/') || *data == "/") {
            return Err(format!("`data = {data:?}` is no absolute path of a folder in the container"));
        }
        Ok(())
    }
}

/// Name and tag of an image; nothing where it has no tag. A colon may also stand before a registry's port.
#[must_use]
pub fn split_image(image: &str) -> Option<(&str, &str)> {
    let (name, tag) = image.rsplit_once(':')?;
    (!name.is_empty() && !tag.is_empty() && !tag.contains('/')).then_some((name, tag))
}

fn containerfile() -> String {
    "Containerfile".to_owned()
}

fn within() -> Length {
    Length::of_seconds(60)
}

fn stop_within() -> Length {
    Length::of_seconds(5)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str) -> Result<(), String> {
        toml::from_str::<ContainerSpec>(text).unwrap().check()
    }

    #[test]
    fn a_description_whose_words_go_together_is_taken() {
        for text in [
            "image = \"localhost:5000/name:1\"\nport = 80",
            "build = \".\"\nnetwork = \"host\"\nargs = { BASE = \"debian:12\" }\ndata = \"/data\"",
        ] {
            assert_eq!(checked(text), Ok(()));
        }
        assert_eq!(split_image("localhost:5000/name:1"), Some(("localhost:5000/name", "1")));
    }

    #[test]
    fn one_whose_words_do_not_is_refused() {
        let refused = [
            "port = 80",
            "image = \"a:1\"\nbuild = \".\"",
            "image = \"localhost:5000/name\"\nport = 80",
            "image = \"a:1\"",
            "image = \"a:1\"\nport = 80\nnetwork = \"host\"",
            "image = \"a:1\"\nport = 80\nargs = { A = \"b\" }",
            "image = \"a:1\"\nport = 80\ndata = \"data\"",
        ];
        insta::assert_snapshot!(refused.map(|text| checked(text).unwrap_err()).join("\n"), @r#"
        it has neither `image` nor `build`; give one of them
        it has both `image` and `build`; give one of them
        `image = "localhost:5000/name"` has no tag; give one, as in "registry/name:1.2"
        `port` is missing: the port on which the container listens
        `port` says nothing with `network = "host"`: the container is to listen on 127.0.0.1, on the free port that `{port}` stands for in `run` and `env`
        `args` are build arguments, and nothing is built; they go with `build`
        `data = "data"` is no absolute path of a folder in the container
        "#);
    }
}
