//! The image that is started: a name that is given, or one that is built first.

use crate::clock::within;
use counterpart_subject::{ContainerSpec, LaunchError, split_image};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::time::Duration;
use testcontainers::core::BuildImageOptions;
use testcontainers::runners::AsyncBuilder;
use testcontainers::{GenericBuildableImage, GenericImage};

/// How long a build may take.
const BUILT_WITHIN: Duration = Duration::from_secs(1800);

/// An image by name and tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ImageName {
    pub(crate) name: String,
    pub(crate) tag: String,
}

impl ImageName {
    fn of((name, tag): (&str, &str)) -> Self {
        Self { name: name.to_owned(), tag: tag.to_owned() }
    }

    /// The image of another version: a tag of the same image, or a whole name.
    pub(crate) fn version(&self, version: &str) -> Result<Self, LaunchError> {
        if let Some(whole) = split_image(version) {
            return Ok(Self::of(whole));
        }
        let is_tag = !version.is_empty() && !version.contains(['/', ':', ' ']);
        if !is_tag {
            return Err(LaunchError(format!(
                "{version:?} is no version of {self}; expected another tag, or a whole image like \"name:2\""
            )));
        }
        Ok(Self { name: self.name.clone(), tag: version.to_owned() })
    }

    pub(crate) fn generic(&self) -> GenericImage {
        GenericImage::new(&self.name, &self.tag)
    }
}

impl std::fmt::Display for ImageName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{}", self.name, self.tag)
    }
}

/// The image of a description, built where it is to be.
pub(crate) async fn image(spec: &ContainerSpec, root: &Path) -> Result<ImageName, LaunchError> {
    match (&spec.image, &spec.build) {
        (Some(image), _) => split_image(image)
            .map(ImageName::of)
            .ok_or_else(|| LaunchError(format!("`image = {image:?}` has no tag"))),
        (None, Some(folder)) => build(spec, &root.join(folder)).await,
        (None, None) => Err(LaunchError("there is neither `image` nor `build`".to_owned())),
    }
}

/// Builds it. The image stays with the engine under the same name, so that the next build finds its layers.
async fn build(spec: &ContainerSpec, folder: &Path) -> Result<ImageName, LaunchError> {
    let file = folder.join(&spec.file);
    if !file.is_file() {
        return Err(LaunchError(format!(
            "{}: there is no such file; expected what the image is built by (`file`, in the folder `build`)",
            file.display()
        )));
    }
    let mut hash = DefaultHasher::new();
    folder.hash(&mut hash);
    let image =
        ImageName { name: format!("counterpart-subject-{:016x}", hash.finish()), tag: "built".to_owned() };
    let built =
        GenericBuildableImage::new(&image.name, &image.tag).with_file(folder, ".").with_dockerfile(&file);
    let options = BuildImageOptions::new().with_build_args(spec.args.clone().into_iter().collect());
    let told =
        |problem: String| LaunchError(format!("no image could be built by {}: {problem}", file.display()));
    match within(BUILT_WITHIN, built.build_image_with(options)).await {
        Some(Ok(_)) => Ok(image),
        Some(Err(error)) => Err(told(error.to_string())),
        None => Err(told(format!("it was not done within {BUILT_WITHIN:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_is_another_tag_or_another_image() {
        let image = ImageName::of(("registry:5000/name", "1"));
        assert_eq!(image.version("2").unwrap().to_string(), "registry:5000/name:2");
        assert_eq!(image.version("other:3").unwrap().to_string(), "other:3");
        assert!(image.version("a b").unwrap_err().to_string().contains("expected another tag"));
        assert!(image.version("").is_err());
    }
}
