use super::*;
use crate::sample;
use std::collections::HashMap;

/// The page without its style sheet, and with the slashes put back that are escaped for nothing here.
fn readable(run: &Run) -> String {
    render(run).unwrap().replace(STYLE_SHEET, "…").replace("&#x2f;", "/")
}

#[test]
fn a_run_reads_like_this() {
    insta::assert_snapshot!(readable(&sample::run()));
}

#[test]
fn a_run_of_nothing_still_has_a_page() {
    let mut run = sample::run_of_verdicts(&[]);
    run.coverage.cases.clear();
    let page = readable(&run);
    assert!(page.contains("No scenario ran.") && page.contains("This run came with no catalogue"));
    assert_eq!(unbalanced_tag(&page), None);
}

#[test]
fn nothing_from_outside_becomes_part_of_the_page() {
    let page = render(&sample::hostile_run()).unwrap();
    assert_eq!(unbalanced_tag(&page), None);
    for sign in ["<script", "<!-- ", "src=", "url(", "@import", " style=", "http://", "https://"] {
        assert!(!page.contains(sign), "{sign}");
    }
    assert!(page.chars().all(|one| one == '\n' || !one.is_control()));
    assert!(!page.contains('\u{202e}') && page.contains(r"\u{202e}txt"));
    assert!(page.contains("«access_token:1»"));
    assert!(page.contains("content=\"default-src 'none'; style-src 'unsafe-inline'\""));
}

#[test]
fn headings_skip_no_level_and_every_link_leads_somewhere() {
    let page = readable(&sample::run());
    let mut last = 0;
    for (at, _) in page.match_indices("<h") {
        let Some(level) = page[at + 2..].chars().next().and_then(|one| one.to_digit(10)) else { continue };
        assert!(level <= last + 1, "h{level} after h{last}: {}", &page[at..(at + 80).min(page.len())]);
        last = level;
    }
    assert_eq!(page.matches("<h1").count(), 1);
    for link in page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert_eq!(page.matches(&format!("id=\"{link}\"")).count(), 1, "{link}");
    }
    assert_eq!(page.matches("<th>").count(), 0, "each table header has its scope");
}

#[test]
fn hundreds_of_scenarios_make_a_page_of_bounded_size() {
    let mut run = sample::run_of_verdicts(&["failed"; 120]);
    for outcome in &mut run.scenarios {
        let violations = outcome.attempts[0].violations.clone();
        outcome.attempts[0] = sample::attempt_with_exchanges(500);
        outcome.attempts[0].verdict = counterpart_outcome::Verdict::Failed;
        outcome.attempts[0].violations = vec![violations; 20].concat();
    }
    let page = render(&run).unwrap();
    assert!(page.len() < 8_000_000, "{} bytes", page.len());
    assert!(page.contains("417 exchanges left out"));
    assert_eq!(page.matches("Violations that are not shown here: 32.").count(), 120);
    assert_eq!(page.matches("<details class=\"trouble failed\" id=").count(), 120);
    assert_eq!(page.matches(" open>").count(), 11, "ten scenarios and the catalogue");
}

#[test]
fn every_text_colour_can_be_read_on_every_ground_it_stands_on() {
    let (light, dark) = STYLE_SHEET.split_once("prefers-color-scheme: dark").unwrap();
    for palette in [light, dark].map(colours) {
        for (text, grounds) in [
            (
                "text",
                &["ground", "raised", "good-ground", "bad-ground", "odd-ground", "broken-ground"] as &[_],
            ),
            ("quiet", &["ground", "raised"]),
            ("link", &["ground", "raised"]),
            ("good", &["ground", "good-ground"]),
            ("bad", &["ground", "bad-ground"]),
            ("odd", &["ground", "raised", "odd-ground"]),
            ("broken", &["ground", "broken-ground"]),
            ("still", &["ground", "raised", "still-ground"]),
        ] {
            for &ground in grounds {
                let contrast = contrast(palette[text], palette[ground]);
                assert!(contrast >= 4.5, "{text} on {ground}: {contrast:.2}");
            }
        }
    }
    assert!(contrast([200; 3], [255; 3]) < 4.5 && contrast([0; 3], [255; 3]) > 20.9);
}

/// The `--name: #rrggbb;` of a palette, which ends with its first closing brace.
fn colours(sheet: &str) -> HashMap<&str, [u8; 3]> {
    let end = sheet.find('}').unwrap();
    let colour = |line: &'_ str| -> Option<(usize, [u8; 3])> {
        let (name, value) = line.trim().strip_prefix("--")?.split_once(": #")?;
        let part = |at: usize| u8::from_str_radix(&value[at..at + 2], 16).unwrap();
        Some((name.len(), [part(0), part(2), part(4)]))
    };
    sheet[..end]
        .lines()
        .filter_map(|line| colour(line).map(|(length, rgb)| (&line.trim()[2..2 + length], rgb)))
        .collect()
}

/// The contrast of two colours, as the Web Content Accessibility Guidelines 2.2 define it.
fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
    let luminance = |rgb: [u8; 3]| {
        let [red, green, blue] = rgb.map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// The first tag that closes what is not open, or stays open.
fn unbalanced_tag(page: &str) -> Option<String> {
    const VOID: [&str; 3] = ["meta", "!doctype", "rect"];
    let page = page.replace(STYLE_SHEET, "");
    let mut open: Vec<&str> = Vec::new();
    for rest in page.split('<').skip(1) {
        let Some((tag, _)) = rest.split_once('>') else { return Some(rest.to_owned()) };
        let name = tag.split([' ', '\n']).next().unwrap_or_default();
        match name.strip_prefix('/') {
            Some(closed) if open.pop() == Some(closed) => {}
            Some(_) => return Some(tag.to_owned()),
            None if VOID.contains(&name) => {}
            None => open.push(name),
        }
    }
    open.pop().map(str::to_owned)
}

#[test]
fn the_tag_check_finds_what_is_unbalanced() {
    assert_eq!(unbalanced_tag("<p><b>x</b></p>"), None);
    assert_eq!(unbalanced_tag("<p><b>x</p></b>").as_deref(), Some("/p"));
    assert_eq!(unbalanced_tag("<p>").as_deref(), Some("p"));
}
