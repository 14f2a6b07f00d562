//! For each form a token as its vendor writes it, and a near miss. Written by hand, not made from the patterns; put together
//! when the test runs, so that no file here holds what looks like a token.
//!
//! In a template `{a20}` is 20 letters and digits, `{h}` lower-case hexadecimal, `{u}` upper case and digits, `{l}` lower
//! case and digits, `{d}` digits, `{L}` letters, `{g}` a UUID; `|` is nothing.

use super::*;

#[rustfmt::skip]
const EXAMPLES: &[(&str, &str, &str)] = &[
    ("PEM private key", "-----BEGIN EC PRIV|ATE KEY-----\n{a60}\n-----END EC PRIV|ATE KEY-----", "-----BEGIN PUBLIC KEY-----\n{a60}"),
    ("PuTTY private key", "PuTTY-User-|Key-File-3: ssh-ed25519\n{a60}\nPrivate-MAC: {h64}", "PuTTY-User-|Key-File-9: x"),
    ("age secret key", "AGE-SECRET-|KEY-1{u58}", "AGE-SECRET-|KEY-1{u20}"),
    ("JSON Web Token", "ey|J{a30}.ey|J{a80}.{a43}", "ey|J{a30}.{a80}.{a43}"),
    ("encrypted JSON Web Token", "ey|J{a40}.{a60}.{a16}.{a90}.{a22}", "ey|J{a40}.{a60}.{a16}.{a90}"),
    ("Matrix access token", "syt|_YWxpY2U_{L20}_{a6}", "syt|_YWxpY2U_{L19}_{a6}"),
    ("Matrix Authentication Service token", "mat|_{a30}_{a6}", "mat|_{a29}_{a6}"),
    ("GitHub token", "gh|p_{a36}", "gh|p_{a35}"),
    ("GitHub fine-grained token", "github|_pat_{a22}_{a59}", "github|_pat_{a22}-{a59}"),
    ("GitLab token", "gl|pat-{a20}", "gl|pat-{a12}"),
    ("GitLab runner registration token", "GR13|48941{a20}", "GR13|48942{a20}"),
    ("Bitbucket app password", "AT|BB{a24}{h8}", "AT|BB{a24}xyzw"),
    ("Atlassian API token", "AT|ATT3xFfGF0{a150}_{a20}={h8}", "AT|ATT2xFfGF0{a150}"),
    ("Trello token", "AT|TA{h72}", "AT|TA{h40}"),
    ("Slack token", "xo|xb-{d11}-{d13}-{a24}", "xo|xz-{d11}-{d13}-{a24}"),
    ("Slack app-level token", "xa|pp-1-A{u10}-{d13}-{h64}", "xa|pp-A{u10}-{h64}"),
    ("Slack webhook URL", "https://hooks.slack.com/ser|vices/T{u8}/B{u8}/{a24}", "https://api.slack.com/ser|vices/T{u8}/B{u8}/{a24}"),
    ("Discord webhook URL", "https://discord.com/api/web|hooks/{d18}/{a68}", "https://discord.com/api/web|hooks/{d18}"),
    ("Teams webhook URL", "https://contoso.webhook.office.com/web|hookb2/{g}@{g}/Incoming|Webhook/{h32}/{g}", "https://contoso.webhook.office.com/web|hookb2/{g}"),
    ("Discord bot token", "M{L24}.{a6}.{a38}", "Q{L24}.{a6}.{a38}"),
    ("Telegram bot token", "/bot{d10}:A|A{a33}/sendMessage", "/bot{d10}:A|B{a33}/sendMessage"),
    ("Zoom or Mattermost hook URL", "https://chat.example.com/ho|oks/{l26}", "https://chat.example.com/ho|oks/{l12}"),
    ("Twilio API key", "S|K{h32}", "S|K{h30}"),
    ("SendGrid API key", "S|G.{a22}.{a43}", "S|G.{a22}"),
    ("Mailgun API key", "ke|y-{h32}", "ke|y-{h20}"),
    ("Mailgun sending key", "{h32}-{h8}-{h8}", "{h32}-{h8}"),
    ("Mailchimp API key", "{h32}-u|s14", "{h32}-e|u14"),
    ("Mandrill API key", "m|d-{a22}", "m|d-{a20}"),
    ("Brevo API key", "xkey|sib-{h64}-{a16}", "xkey|sib-{h60}-{a16}"),
    ("Resend API key", "r|e_{a8}_{a24}", "r|e_{a8}"),
    ("Postmark server token", "Postmark: {g}", "Postbox: {g}"),
    ("Klaviyo private key", "p|k_{h34}", "p|k_live_{h34}"),
    ("Intercom access token", "dG9r|Oj{a56}=", "dG9r|Zj{a56}="),
    ("Zendesk API token", "jo@example.org/to|ken:{a40}", "jo@example.org/to|ken:{a20}"),
    ("HubSpot private app token", "pa|t-na1-{g}", "pa|t-xx1-{g}"),
    ("Salesforce session", "00|D{a15}!{a88}", "00|D{a15}.{a88}"),
    ("Typeform token", "tf|p_{a59}", "tf|p_{a20}"),
    ("Stripe key", "s|k_live_{a24}", "p|k_live_{a24}"),
    ("webhook signing secret", "wh|sec_{a32}", "wh|sec_{a8}"),
    ("Square secret", "sq0|atp-{a22}", "sq0|idp-{a22}"),
    ("Square access token", "EA|AA{a60}", "EA|AB{a60}"),
    ("Braintree access token", "access_to|ken$production${l16}${h32}", "access_to|ken$staging${l16}${h32}"),
    ("Shopify token", "shp|at_{h32}", "shp|zz_{h32}"),
    ("Plaid access token", "access-sand|box-{g}", "link-sand|box-{g}"),
    ("Paddle API key", "pd|l_live_apikey_{l26}_{a22}_{a3}", "pd|l_live_apikey_{l26}"),
    ("Flutterwave secret key", "FLWS|ECK-{h32}-X", "FLWP|UBK-{h32}-X"),
    ("EasyPost API key", "EZ|TK{h32}{a22}", "EZ|TK{h20}"),
    ("Shippo token", "ship|po_test_{h40}", "ship|po_demo_{h40}"),
    ("Duffel token", "duf|fel_test_{a43}", "duf|fel_test_{a20}"),
    ("npm token", "np|m_{a36}", "np|m_{a30}"),
    ("PyPI token", "py|pi-AgEIcHlwaS5vcmc{a140}", "py|pi-Bg{a140}"),
    ("RubyGems key", "ruby|gems_{h48}", "ruby|gems_{h40}"),
    ("Cargo registry token", "ci|o{a32}", "ci|o{a31}"),
    ("Docker Hub token", "dc|kr_pat_{a27}", "dc|kr_pat_{a10}"),
    ("Artifactory key", "AK|Cp{a69}", "AK|Cp{a60}"),
    ("Sonar token", "sq|u_{h40}", "sq|x_{h40}"),
    ("Postman API key", "PM|AK-{h24}-{h34}", "PM|AK-{h24}"),
    ("Buildkite token", "bk|ua_{h40}", "bk|xx_{h40}"),
    ("CircleCI token", "CCI|PAT_{a22}_{h40}", "CCI|PAT_{a22}"),
    ("Prefect key", "pn|u_{a36}", "pn|u_{a30}"),
    ("AWS access key id", "AK|IA{u16}", "AK|IA{u12}"),
    ("AWS secret access key", "aws_se|cret_access_key = {a40}", "aws_se|cret_access_key = {a39}"),
    ("AWS Bedrock key", "AB|SK{a128}=", "AB|SK{a60}"),
    ("Google API key", "AI|za{a35}", "AI|za{a30}"),
    ("Google OAuth access token", "ya|29.{a160}", "ya|30.{a160}"),
    ("Google OAuth refresh token", "1/|/0{a60}", "1/|/1{a60}"),
    ("Google OAuth client secret", "GOC|SPX-{a28}", "GOC|SPX-{a20}"),
    ("Azure storage key", "AccountKey={a86}=|=", "AccountKey={a80}=|="),
    ("Azure client secret", "{a3}8|Q~{a34}", "{a3}8|Q~{a20}"),
    ("Azure DevOps token", "{a76}AZ|DO{a4}", "{a70}AZ|DO{a4}"),
    ("DigitalOcean token", "do|p_v1_{h64}", "do|p_v2_{h64}"),
    ("Heroku key", "HR|KU-{g}", "HR|KU-{a10}"),
    ("Heroku UUID key", "HEROKU_KEY={g}", "HERON_KEY={g}"),
    ("Linode token", "linode: {h64}", "linode: {h60}"),
    ("Cloudflare token", "cf|ut_{a40}{h8}", "cf|xx_{a40}{h8}"),
    ("Cloudflare origin key", "v1|.0-{h24}-{h146}", "v1|.0-{h24}-{h100}"),
    ("Cloudflare plain token", "CLOUDFLARE_TOKEN={a40}", "CLOUDFRONT_TOKEN={a40}"),
    ("Fastly token", "Fastly-Key: {a32}", "Fast-Key: {a32}"),
    ("Fly.io token", "fo|1_{a43}", "fo|1_{a20}"),
    ("Render key", "rn|d_{a28}", "rn|d_{a12}"),
    ("Netlify token", "nf|p_{a36}", "nf|x_{a36}"),
    ("Supabase token", "sb|p_{h40}", "sb|p_{h20}"),
    ("PlanetScale credential", "psc|ale_tkn_{a43}", "psc|ale_org_{a43}"),
    ("Tailscale key", "ts|key-auth-k{a11}CNTRL-{a32}", "ts|key-auth-{a4}"),
    ("Databricks token", "da|pi{h32}", "da|pi{h30}"),
    ("Terraform token", "{a14}.at|lasv1.{a67}", "{a14}.at|lasv2.{a67}"),
    ("Vault token", "hv|s.{a24}", "hv|x.{a24}"),
    ("Pulumi token", "pu|l-{h40}", "pu|l-{h20}"),
    ("Doppler token", "dp|.pt.{a43}", "dp|.xx.{a43}"),
    ("1Password service account token", "op|s_ey|J{a250}", "op|s_ey|J{a50}"),
    ("Okta token", "Authorization: SS|WS 00{a40}", "Authorization: SS|WS 01{a40}"),
    ("New Relic key", "NR|AK-{u27}", "NR|XX-{u27}"),
    ("Datadog key", "datadog: {h32}", "datacat: {h32}"),
    ("Sentry token", "sn|trys_{a80}_{a43}", "sn|tryx_{a80}_{a43}"),
    ("Grafana service account token", "gl|sa_{a32}_{h8}", "gl|sa_{a30}_{h8}"),
    ("Grafana Cloud token", "gl|c_{a80}=", "gl|c_{a12}"),
    ("Dynatrace token", "dt|0c01.{u24}.{u64}", "dt|0c01.{u24}.{u60}"),
    ("LaunchDarkly key", "sd|k-{g}", "cl|k-{g}"),
    ("OpenAI key", "s|k-proj-{a64}T3Blbk|FJ{a64}", "s|k-learn-{L20}"),
    ("Anthropic key", "s|k-ant-api03-{a93}AA", "s|k-ant-{a10}"),
    ("Hugging Face token", "h|f_{L34}", "h|f_{L20}"),
    ("Groq key", "gs|k_{a52}", "gs|k_{a20}"),
    ("Perplexity key", "pp|lx-{a48}", "pp|lx-{a20}"),
    ("Replicate token", "r|8_{a37}", "r|9_{a37}"),
    ("xAI key", "xa|i-{a80}", "xa|i-{a20}"),
    ("Linear key", "lin|_api_{a40}", "lin|_app_{a40}"),
    ("Notion token", "nt|n_{a46}", "nt|n_{a20}"),
    ("Airtable token", "pa|t{a14}.{h64}", "pa|t{a14}.{h60}"),
    ("Figma token", "fi|gd_{a40}", "fi|gx_{a40}"),
    ("Asana token", "1|/{d16}:{h32}", "1|/{d16}:{h20}"),
    ("Dropbox token", "s|l.u.{a130}", "s|l.u.{a20}"),
    ("Contentful token", "CF|PAT-{a43}", "CF|PAT-{a20}"),
    ("Mapbox secret token", "s|k.ey|J{a60}.{a22}", "p|k.ey|J{a60}.{a22}"),
    ("Facebook access token", "EA|A{a170}", "EA|A{a40}"),
    ("X app bearer token", "AAAAAAAAAA|AAAAAAAAAAAA{a90}", "AAAAAAAAAA|{a90}"),
    ("e-mail address", "jo.doe|@mail.example.org", "icon|@2x.png"),
    ("payment card number", "4000 0566 5566 5556", "4000 0566 5566 5557"),
    ("IBAN", "FR14 2004 1010 0505 0001 3M02 606", "FR15 2004 1010 0505 0001 3M02 606"),
    ("telephone number", "call +49 30 9018 20", "2026-11-22T08:22:07+0200"),
];

/// What the template spells, with characters that follow from the seed.
fn spelled(template: &str, seed: u64) -> String {
    let mut state = seed;
    let mut draw = |alphabet: &[u8], count: usize| -> String {
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(alphabet[usize::try_from(state >> 33).unwrap() % alphabet.len()])
        };
        (0..count).map(|_| next()).collect()
    };
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('{') {
        let (order, behind) = behind.split_once('}').unwrap();
        let count = order[1..].parse().unwrap_or(0);
        out.push_str(before);
        out.push_str(&match &order[..1] {
            "a" => draw(b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ123456789", count),
            "h" => draw(b"0123456789abcdef", count),
            "u" => draw(b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789", count),
            "l" => draw(b"abcdefghijklmnopqrstuvwxyz123456789", count),
            "d" => draw(b"123456789", count),
            "L" => draw(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", count),
            "g" => [8, 4, 4, 4, 12].map(|count| draw(b"0123456789abcdef", count)).join("-"),
            other => panic!("{other} stands for nothing"),
        });
        rest = behind;
    }
    (out + rest).replace('|', "")
}

#[test]
fn each_form_takes_what_its_vendor_writes_and_leaves_the_near_miss() {
    let mut wrong = Vec::new();
    for (name, token, near_miss) in EXAMPLES {
        for seed in 0..20 {
            let (token, near_miss) = (spelled(token, seed), spelled(near_miss, seed));
            // Another form can fit too, as the first parts of an encrypted token can be read as one that is signed.
            let names = |text: &str| forms_of_every_kind(text);
            if !names(&token).contains(name) {
                wrong.push(format!("{name} is not found in {token}"));
            }
            if names(&near_miss).contains(name) {
                wrong.push(format!("{name} is found in {near_miss}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let mut without: Vec<_> = FORMS.all.iter().map(|(form, _)| form.name).collect();
    without.retain(|name| !EXAMPLES.iter().any(|(known, _, _)| known == name));
    assert!(without.is_empty(), "no example: {without:?}");
}

/// The names of all forms that occur, those too that lie within another.
fn forms_of_every_kind(text: &str) -> Vec<&'static str> {
    (0..FORMS.all.len())
        .filter(|at| FORMS.possible(text).contains(at))
        .filter_map(|at| FORMS.pattern(at))
        .filter(|(form, pattern)| {
            pattern.captures_iter(text).any(|found| {
                let secret = found.get(1).or(found.get(0)).unwrap();
                form.check.is_none_or(|check| check(secret.as_str()))
            })
        })
        .map(|(form, _)| form.name)
        .collect()
}

#[test]
fn a_token_is_found_within_a_sentence_and_whole() {
    for (name, template, _) in EXAMPLES {
        let token = spelled(template, 7);
        let text = format!("it was: {token} \nand then nothing");
        let found = forms_in(&text);
        assert!(!found.is_empty(), "{name}: nothing in {text}");
    }
}
