//! Secrets as their vendors write them, drawn with a fixed seed. Written after the vendors' documentation and told apart from
//! the detectors' table on purpose: neither is made from the other. They are put together here, from parts, so that no file
//! of the project holds what a scanner takes for a credential.

/// A generator of numbers that is the same on every machine (Knuth's MMIX constants).
pub(crate) struct Draw(pub(crate) u64);

pub(crate) const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
pub(crate) const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
pub(crate) const DIGITS: &str = "0123456789";
pub(crate) const HEX: &str = "0123456789abcdef";

impl Draw {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    pub(crate) fn of(&mut self, alphabet: &str, length: usize) -> String {
        let characters: Vec<char> = alphabet.chars().collect();
        (0..length).map(|_| characters[self.below(characters.len())]).collect()
    }

    /// Letters of both cases and digits.
    fn alnum(&mut self, length: usize) -> String {
        self.of(&[LOWER, UPPER, DIGITS].concat(), length)
    }

    /// The alphabet of base64 for URLs; neither end is a sign.
    fn url64(&mut self, length: usize) -> String {
        let inner = self.of(&[LOWER, UPPER, DIGITS, "-_"].concat(), length - 2);
        [self.alnum(1), inner, self.alnum(1)].concat()
    }

    fn hex(&mut self, length: usize) -> String {
        self.of(HEX, length)
    }

    fn uuid(&mut self) -> String {
        [8, 4, 4, 4, 12].map(|length| self.hex(length)).join("-")
    }
}

/// A secret that is planted: the text, and the part of it that opens something.
#[derive(Clone, Debug)]
pub(crate) struct Planted {
    pub(crate) kind: &'static str,
    pub(crate) text: String,
    pub(crate) secret: String,
}

/// One secret of each kind.
pub(crate) fn secrets(draw: &mut Draw) -> Vec<Planted> {
    [code_hosts(draw), clouds(draw), money_and_messages(draw), others(draw)].concat()
}

fn whole(kind: &'static str, parts: &[&str]) -> Planted {
    let text = parts.concat();
    Planted { kind, secret: text.clone(), text }
}

fn behind(kind: &'static str, before: &str, secret: String) -> Planted {
    Planted { kind, text: format!("{before}{secret}"), secret }
}

fn clouds(d: &mut Draw) -> Vec<Planted> {
    vec![
        whole("AWS access key id", &["AK", "IA", &d.of(&[UPPER, "234567"].concat(), 16)]),
        whole("AWS temporary key id", &["AS", "IA", &d.of(&[UPPER, "234567"].concat(), 16)]),
        whole("Google API key", &["AI", "za", "Sy", &d.url64(33)]),
        whole("Google access token", &["ya", "29", ".a0", &d.url64(180)]),
        whole("Google client secret", &["GOC", "SPX", "-", &d.url64(28)]),
        whole("Google refresh token", &["1//", "0g", &d.url64(98)]),
        whole("Azure client secret", &[&d.alnum(3), "8", "Q", "~", &d.url64(34)]),
        whole("Azure storage key", &[&d.of(&[LOWER, UPPER, DIGITS, "+/"].concat(), 86), "=="]),
        whole("DigitalOcean", &["do", "p_v1", "_", &d.hex(64)]),
        whole("Databricks", &["da", "pi", &d.hex(32)]),
        whole("Terraform Cloud", &[&d.alnum(14), ".atlas", "v1.", &d.alnum(67)]),
        whole("Vault service token", &["hv", "s.", &d.url64(90)]),
        whole("Pulumi", &["pu", "l-", &d.hex(40)]),
        whole("Doppler", &["dp", ".pt.", &d.alnum(43)]),
        whole("Heroku", &["HR", "KU-", &d.uuid()]),
        whole("New Relic user key", &["NR", "AK-", &d.of(&[UPPER, DIGITS].concat(), 27)]),
        whole("Sentry organisation token", &["sn", "trys_", &d.alnum(120), "_", &d.url64(43)]),
        whole("Grafana service account", &["gl", "sa_", &d.alnum(32), "_", &d.hex(8)]),
    ]
}

fn money_and_messages(d: &mut Draw) -> Vec<Planted> {
    vec![
        whole("Stripe secret key", &["s", "k_live_", &d.alnum(99)]),
        whole("Stripe restricted key", &["r", "k_test_", &d.alnum(24)]),
        whole("webhook signing secret", &["wh", "sec_", &d.alnum(32)]),
        whole("Square", &["sq0", "atp-", &d.url64(22)]),
        whole("Shopify", &["shp", "at_", &d.hex(32)]),
        whole(
            "Braintree",
            &["access_", "token$", "production$", &d.of(&[LOWER, DIGITS].concat(), 16), "$", &d.hex(32)],
        ),
        whole("Plaid", &["access-", "production-", &d.uuid()]),
        whole("SendGrid", &["S", "G.", &d.url64(22), ".", &d.url64(43)]),
        whole("Mailgun", &["ke", "y-", &d.hex(32)]),
        whole("Mailchimp", &[&d.hex(32), "-", "us", "21"]),
        whole("Twilio", &["S", "K", &d.hex(32)]),
        whole("Slack bot", &["xo", "xb-", &d.of(DIGITS, 12), "-", &d.of(DIGITS, 13), "-", &d.alnum(24)]),
        whole(
            "Slack app",
            &["xa", "pp-1-A0", &d.of(&[UPPER, DIGITS].concat(), 9), "-", &d.of(DIGITS, 13), "-", &d.hex(64)],
        ),
        behind(
            "Slack webhook",
            "https://hooks.slack.com/services/",
            [
                "T",
                &d.of(&[UPPER, DIGITS].concat(), 10),
                "/B",
                &d.of(&[UPPER, DIGITS].concat(), 10),
                "/",
                &d.alnum(24),
            ]
            .concat(),
        ),
        behind(
            "Discord webhook",
            "https://discord.com/api/webhooks/",
            format!("1{}/{}", d.of(DIGITS, 17), d.url64(68)),
        ),
        whole("Telegram bot", &[&format!("6{}", d.of(DIGITS, 9)), ":A", "A", &d.url64(33)]),
    ]
}

fn others(d: &mut Draw) -> Vec<Planted> {
    vec![
        whole("OpenAI project key", &["s", "k-proj-", &d.url64(74), "T3Bl", "bkFJ", &d.url64(74)]),
        whole("Anthropic", &["s", "k-ant-", "api03-", &d.url64(93), "AA"]),
        whole("Hugging Face", &["h", "f_", &d.of(&[LOWER, UPPER].concat(), 34)]),
        whole("Linear", &["lin", "_api_", &d.alnum(40)]),
        whole("Notion", &["nt", "n_", &d.alnum(46)]),
        whole("Airtable", &["pa", "t", &d.alnum(14), ".", &d.hex(64)]),
        whole("Figma", &["fi", "gd_", &d.url64(40)]),
        whole("HubSpot", &["pa", "t-na1-", &d.uuid()]),
        whole("Atlassian", &["ATAT", "T3xFfGF0", &d.url64(176), "=", &d.hex(8).to_uppercase()]),
        whole("Dropbox", &["s", "l.", "u.", &d.url64(150)]),
        whole("Matrix", &["sy", "t_", "YWxpY2U_", &d.of(&[LOWER, UPPER].concat(), 20), "_", &d.alnum(6)]),
        whole("EasyPost", &["EZ", "TK", &d.alnum(54)]),
        // No form at all: by its look alone.
        whole("unknown vendor, 40 characters", &[&d.alnum(40)]),
        whole("unknown vendor, hexadecimal", &[&d.hex(64)]),
        whole(
            "e-mail address",
            &[&d.of(LOWER, 9), ".", &d.of(LOWER, 6), "@", &d.of(LOWER, 8), ".example.org"],
        ),
        whole("payment card", &[&card(d)]),
        whole("IBAN", &[&iban(d)]),
    ]
}

fn code_hosts(d: &mut Draw) -> Vec<Planted> {
    vec![
        whole("GitHub classic", &["gh", "p_", &d.alnum(36)]),
        whole("GitHub app", &["gh", "s_", &d.alnum(36)]),
        whole(
            "GitHub fine-grained",
            &["github", "_pat_", "11", &d.of(&[UPPER, DIGITS].concat(), 20), "_", &d.alnum(59)],
        ),
        whole("GitLab personal", &["gl", "pat-", &d.url64(20)]),
        whole("GitLab deploy", &["gl", "dt-", &d.url64(20)]),
        whole("Bitbucket", &["AT", "BB", &d.alnum(24), &d.hex(8).to_uppercase()]),
        whole("npm", &["np", "m_", &d.alnum(36)]),
        whole("PyPI", &["py", "pi-AgEIcHlwaS5vcmc", &d.url64(150)]),
        whole("RubyGems", &["ruby", "gems_", &d.hex(48)]),
        whole("Docker Hub", &["dck", "r_pat_", &d.url64(27)]),
    ]
}

/// A card of a German bank's range, its last digit by Luhn's rule: from the right, every second digit doubled.
fn card(draw: &mut Draw) -> String {
    let body = format!("4{}", draw.of(DIGITS, 14));
    let check = (0..10).find(|check| {
        let whole = format!("{body}{check}");
        let mut sum = 0;
        for (place, digit) in whole.bytes().rev().map(|digit| u32::from(digit - b'0')).enumerate() {
            sum += if place % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 };
        }
        sum % 10 == 0
    });
    format!("{body}{}", check.unwrap())
}

/// A German account: check digits so that the number, `DE` as 1314 and moved behind, leaves 1 modulo 97.
fn iban(draw: &mut Draw) -> String {
    let account = draw.of(DIGITS, 18);
    let number: u128 = format!("{account}131400").parse().unwrap();
    format!("DE{:02}{account}", 98 - number % 97)
}
