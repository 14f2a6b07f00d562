//! Outcomes become a terminal summary, JUnit, JSON and a single-file HTML page.
