//! Asks with reqwest, which takes proxy and trust from the environment: for `tests/clients/try.py`.
#![allow(clippy::print_stdout, reason = "its output is what is looked at")]

use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    rustls::crypto::aws_lc_rs::default_provider().install_default().map_err(|_| "no TLS provider")?;
    let url = format!("{}/issues", std::env::args().nth(1).ok_or("no base URL is given")?);
    let token = std::env::var("TOKEN")?;
    let client = reqwest::Client::new();
    println!("{}", client.get(&url).bearer_auth(&token).send().await?.text().await?);
    let body = serde_json::json!({ "title": "a" });
    println!("{}", client.post(&url).bearer_auth(&token).json(&body).send().await?.text().await?);
    Ok(())
}
