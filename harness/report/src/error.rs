//! Why a report could not be made.

/// A report that could not be made. Neither is the fault of the run: any run can be reported on.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The XML writer refused.
    #[error(
        "the JUnit report could not be written as XML: {0}; please report this as a bug, with the run file"
    )]
    Junit(#[from] quick_junit::SerializeError),
    /// The page's template is at odds with its data.
    #[error("the HTML report could not be rendered: {0}; please report this as a bug, with the run file")]
    Html(#[from] minijinja::Error),
    /// The JSON writer refused.
    #[error("the report could not be written as JSON: {0}; please report this as a bug, with the run file")]
    Json(#[from] serde_json::Error),
}
