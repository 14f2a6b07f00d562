//! Launching: the image is pulled or built once, and each play gets a container of its own.

use crate::engine::{engine, no_engine, provider_host};
use crate::image::{ImageName, image};
use crate::running::RunningContainer;
use counterpart_subject::{
    BoxFuture, ContainerSpec, Launch, LaunchError, LaunchRequest, ProviderHost, Running,
};
use std::path::PathBuf;
use tokio::sync::OnceCell;

/// Launches containers of one description.
pub struct ContainerLaunch {
    spec: ContainerSpec,
    /// The folder of counterpart.toml.
    root: PathBuf,
    image: OnceCell<Result<ImageName, LaunchError>>,
    host: OnceCell<Result<ProviderHost, LaunchError>>,
}

impl ContainerLaunch {
    /// Launches what is described; paths are relative to `root`.
    ///
    /// # Errors
    /// [`LaunchError`] where the description's words do not go together.
    pub fn new(spec: ContainerSpec, root: PathBuf) -> Result<Self, LaunchError> {
        spec.check().map_err(LaunchError)?;
        Ok(Self { spec, root, image: OnceCell::new(), host: OnceCell::new() })
    }
}

impl Launch for ContainerLaunch {
    fn launch(&self, request: LaunchRequest) -> BoxFuture<'_, Result<Box<dyn Running>, LaunchError>> {
        Box::pin(async move {
            engine().await.map_err(|why| no_engine(&why))?;
            let image = self.image.get_or_init(|| image(&self.spec, &self.root)).await.clone()?;
            let running =
                RunningContainer::start(self.spec.clone(), self.root.clone(), image, request).await?;
            Ok(Box::new(running) as Box<dyn Running>)
        })
    }

    fn provider_host(&self) -> BoxFuture<'_, Result<ProviderHost, LaunchError>> {
        Box::pin(async { self.host.get_or_init(|| provider_host(self.spec.network)).await.clone() })
    }

    fn cannot_launch(&self) -> BoxFuture<'_, Option<String>> {
        Box::pin(async { engine().await.err().map(|why| no_engine(&why).0) })
    }
}
