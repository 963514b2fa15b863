//! A real browser, without a window: Chromium, driven through chromedriver by the WebDriver protocol of the W3C.
//!
//! It has a profile of its own, which is gone with it. At the end of this file is what people do on the pages of the
//! OpenID provider.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::http;
use super::started::{DEADLINE, free_port, started};
use super::watched::Watched;

/// A running browser with one empty page; it ends when this is dropped, or with the test program.
pub struct Browser {
    watched: Watched,
    /// The address of its session at chromedriver.
    session: String,
}

impl Browser {
    /// A browser that was nowhere yet.
    pub fn start() -> Self {
        Self::start_at(free_port)
    }

    /// The same; where chromedriver is to listen is asked at each try.
    pub fn start_at(mut port: impl FnMut() -> u16) -> Self {
        let needs =
            "the packages chromium and chromium-driver, some hundred MB of memory, and room in the temporary directory";
        started("a browser", needs, || Self::launch(port()))
    }

    /// The error is the log of chromedriver, or what it answered.
    fn launch(port: u16) -> Result<Self, String> {
        let driver = format!("HOME=$PWD TMPDIR=$PWD exec chromedriver --port={port}");
        let mut watched = Watched::new(&["sh", "-c", &driver]);
        let profile = watched.directory().join("profile");
        watched.start();
        let start = Instant::now();
        loop {
            let log = watched.text("output");
            if log.contains(&format!("successfully on port {port}.\n")) {
                break;
            }
            // It says so where it has no port.
            let failed = ["setsid: ", ": not found", "xiting"].iter().any(|said| log.contains(said));
            if failed || start.elapsed() > DEADLINE {
                return Err(log);
            }
            sleep(Duration::from_millis(5));
        }
        let profile = format!("--user-data-dir={}", profile.display());
        let arguments: Vec<_> = ARGUMENTS.into_iter().chain([&*profile]).collect();
        let wanted = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": arguments}}}});
        let sessions = format!("http://127.0.0.1:{port}/session");
        let answer = http::post_json(&sessions, &wanted);
        if answer.status != 200 {
            return Err(format!("{}\n{}", answer.body, watched.text("output")));
        }
        let session = format!("{sessions}/{}", answer.json()["value"]["sessionId"].as_str().unwrap());
        Ok(Self { watched, session })
    }

    /// Goes to a page and waits until it is loaded.
    pub fn visit(&self, url: &str) {
        self.ask("url", &json!({"url": url}));
    }

    /// Writes into the first element that the CSS selector matches, after what is there.
    pub fn type_into(&self, css: &str, text: &str) {
        self.ask(&format!("element/{}/value", self.element(css)), &json!({"text": text}));
    }

    /// Empties a field.
    pub fn clear(&self, css: &str) {
        self.ask(&format!("element/{}/clear", self.element(css)), &json!({}));
    }

    /// Clicks on the first element that the CSS selector matches.
    pub fn click(&self, css: &str) {
        self.ask(&format!("element/{}/click", self.element(css)), &json!({}));
    }

    /// Clicks on what leads to another page, and waits until that is there: a click alone may return before.
    pub fn follow(&self, css: &str) {
        let element = self.element(css);
        self.ask(&format!("element/{element}/click"), &json!({}));
        let start = Instant::now();
        // An element is gone with its page.
        while http::get(&format!("{}/element/{element}/enabled", self.session)).status == 200 {
            assert!(start.elapsed() < DEADLINE, "{} is left by no {css}:\n{}", self.url(), self.text());
            sleep(Duration::from_millis(10));
        }
    }

    /// Whether an element is there now.
    pub fn has(&self, css: &str) -> bool {
        let found = self.ask("elements", &json!({"using": "css selector", "value": css}));
        !found.as_array().unwrap().is_empty()
    }

    /// What the page shows.
    pub fn text(&self) -> String {
        self.told("execute/sync", &json!({"script": "return document.body.innerText", "args": []}))
    }

    /// What each of some pages of HTML shows, in a frame of an empty page.
    pub fn inner_texts(&self, pages: &[String]) -> Vec<String> {
        // The page of a new browser takes no HTML from a script.
        self.visit("about:blank");
        let shown = self.ask("execute/sync", &json!({"script": INNER_TEXTS, "args": [pages]}));
        shown.as_array().unwrap().iter().map(|text| text.as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Where it is.
    pub fn url(&self) -> String {
        self.told("url", &Value::Null)
    }

    pub fn title(&self) -> String {
        self.told("title", &Value::Null)
    }

    /// Waits for a page with this title.
    pub fn wait_for_title(&self, title: &str) {
        let start = Instant::now();
        while self.title() != title {
            assert!(start.elapsed() < DEADLINE, "{} is not {title}:\n{}", self.url(), self.text());
            sleep(Duration::from_millis(10));
        }
    }

    /// Writes what it shows as a PNG file.
    pub fn screenshot(&self, path: &Path) {
        fs::write(path, STANDARD.decode(self.told("screenshot", &Value::Null)).unwrap()).unwrap();
    }

    /// Where all its files are.
    pub fn directory(&self) -> &Path {
        self.watched.directory()
    }

    /// What chromedriver logged so far.
    pub fn log(&self) -> String {
        self.watched.text("output")
    }

    /// Waits for an element, as a page may still be loading.
    fn element(&self, css: &str) -> String {
        let start = Instant::now();
        while !self.has(css) {
            assert!(start.elapsed() < DEADLINE, "{} has no {css}:\n{}", self.url(), self.text());
            sleep(Duration::from_millis(10));
        }
        let found = self.ask("element", &json!({"using": "css selector", "value": css}));
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    fn told(&self, command: &str, with: &Value) -> String {
        self.ask(command, with).as_str().unwrap_or_default().to_owned()
    }

    /// One command; without anything to say it is a question.
    fn ask(&self, command: &str, with: &Value) -> Value {
        let url = format!("{}/{command}", self.session);
        let answer = if with.is_null() { http::get(&url) } else { http::post_json(&url, with) };
        assert_eq!(answer.status, 200, "{command}: {}", answer.body);
        answer.json()["value"].take()
    }
}

/// Follows `url` to the provider, signs in unless that was done before, and consents.
pub fn sign_in(browser: &Browser, url: &str, user: &str, password: &str) {
    browser.visit(url);
    sign_in_here(browser, user, password);
    if browser.title() == "Consent" {
        browser.follow("[name=allow]");
    }
}

/// Follows `url` to the provider, signs in unless that was done before, and declines to consent.
pub fn decline(browser: &Browser, url: &str, user: &str, password: &str) {
    browser.visit(url);
    sign_in_here(browser, user, password);
    browser.follow("[name=decline]");
}

/// Enters the code of a device at `verification_uri`, signs in unless that was done before, and consents.
pub fn enter_code(browser: &Browser, verification_uri: &str, code: &str, user: &str, password: &str) {
    show_code(browser, verification_uri, code);
    browser.follow("[name=next]");
    sign_in_here(browser, user, password);
    if browser.title() == "Consent" {
        browser.follow("[name=allow]");
    }
}

/// Enters the code of a device, and declines.
pub fn decline_code(browser: &Browser, verification_uri: &str, code: &str) {
    show_code(browser, verification_uri, code);
    browser.follow("[name=abort]");
}

fn show_code(browser: &Browser, verification_uri: &str, code: &str) {
    browser.visit(verification_uri);
    // With `verification_uri_complete` there is nothing to enter: a page without this title enters it.
    browser.wait_for_title("Device");
    if browser.has("[type=text][name=user_code]") {
        browser.type_into("[name=user_code]", code);
        browser.follow("[name=next]");
    }
}

fn sign_in_here(browser: &Browser, user: &str, password: &str) {
    if browser.title() == "Sign in" {
        // It may be filled in: a client can name the user.
        browser.clear("[name=user]");
        browser.type_into("[name=user]", user);
        browser.type_into("[name=password]", password);
        browser.follow("[name=next]");
    }
}

/// Takes pages, and tells their texts.
const INNER_TEXTS: &str = "
    return arguments[0].map(page => {
        const frame = document.createElement('iframe');
        frame.width = 800;
        document.body.appendChild(frame);
        const shown = frame.contentDocument;
        shown.open();
        shown.write(page);
        shown.close();
        const text = shown.body ? shown.body.innerText : '';
        frame.remove();
        return text;
    });
";

/// What names an element in an answer: section 11 of the protocol.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// No window, no sandbox (root has none), and no word to anybody who was not asked for.
const ARGUMENTS: [&str; 12] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-dev-shm-usage",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
];
