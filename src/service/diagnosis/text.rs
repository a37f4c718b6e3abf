//! ECS's texts: matched, shortened, and freed of what differs from task to task.

use std::net::{IpAddr, SocketAddr};

use jiff::civil::DateTime;

/// What stands for a part that differs each time.
const ELLIPSIS: &str = "…";

/// Labels before an id of AWS's own. It may contain any character.
const LABELS: &[&str] = &["requestid: ", "request id: ", "hostid: ", "host id: ", "getimageblob"];

/// A text as patterns are matched against it: in lower case, with straight apostrophes.
pub fn folded(text: &str) -> String {
    text.to_lowercase().replace(['\u{2019}', '\u{2018}'], "'")
}

/// Whether the parts of a pattern, between its `*`, are in a folded text in this order.
pub fn matches(pattern: &str, folded: &str) -> bool {
    let mut rest = folded;
    pattern.split('*').all(|part| match rest.split_once(part) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

/// At most so many letters.
pub fn shortened(text: &str, letters: usize) -> String {
    match text.char_indices().nth(letters) {
        None => text.to_owned(),
        Some(_) => text.chars().take(letters.saturating_sub(1)).chain(ELLIPSIS.chars()).collect(),
    }
}

/// The text without what differs from task to task: the same cause has the same text. What a URL was signed with is
/// left out too, since it is a secret for as long as it is valid.
pub fn normalized(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = without_queries(&without_labelled(&text));
    let text = words(&text, |word, _, after| {
        if after.starts_with(" time(s)") && is_number(word) { ELLIPSIS.to_owned() } else { constant(word) }
    });
    text.trim().to_owned()
}

/// The text without numbers, but for codes in brackets and ports that a manifest can name.
pub fn without_numbers(text: &str) -> String {
    words(text, |word, before, _| {
        let is_port = before.ends_with("port ") && word.parse::<u16>().is_ok_and(|port| port < EPHEMERAL);
        let is_code = before.rfind('[') > before.rfind(']');
        if is_number(word) && !is_port && !is_code { ELLIPSIS.to_owned() } else { word.to_owned() }
    })
}

/// From here on, ports are handed out anew to each task.
const EPHEMERAL: u16 = 32768;

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '-' | '.' | ':' | '_')
}

/// Each word replaced by what `replace` makes of it, its past and its future.
fn words(text: &str, replace: impl Fn(&str, &str, &str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let word = rest.split(|letter| !is_of_word(letter)).next().unwrap_or_default();
        let (word, tail) = word.split_at(word.trim_end_matches(['.', ':', '-']).len());
        if word.is_empty() {
            let length = tail.len().max(rest.chars().next().map_or(1, char::len_utf8));
            out.push_str(rest.get(..length).unwrap_or_default());
            at += length;
            continue;
        }
        let (before, after) = (text.get(..at).unwrap_or_default(), rest.get(word.len()..).unwrap_or_default());
        out.push_str(&replace(word, before, after));
        at += word.len();
    }
    out
}

/// A word, unless it is an address or a time; its ids left out.
fn constant(word: &str) -> String {
    let is_address = word.parse::<IpAddr>().is_ok() || word.parse::<SocketAddr>().is_ok();
    let is_time = word.contains('T') && word.contains(':') && word.trim_end_matches('Z').parse::<DateTime>().is_ok();
    if is_address || is_time {
        return ELLIPSIS.to_owned();
    }
    word.split(':').map(|piece| if is_id(piece) { ELLIPSIS } else { piece }).collect::<Vec<_>>().join(":")
}

/// Ids of tasks and containers, UUIDs, instances, interfaces and deployments. 40 hexadecimal digits are a commit, often
/// the tag of an image, and stay.
fn is_id(word: &str) -> bool {
    let is_hex = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let resource = ["i-", "eni-", "vol-", "mi-"].iter().find_map(|prefix| word.strip_prefix(prefix));
    let is_uuid = word.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && word.split('-').all(is_hex);
    is_uuid
        || (matches!(word.len(), 32 | 64) && is_hex(word))
        || (word.len() >= 16 && is_number(word))
        || resource.is_some_and(|id| id.len() >= 8 && is_hex(id))
}

/// What is signed in a URL.
fn without_queries(text: &str) -> String {
    let is_end = |letter: char| letter.is_whitespace() || matches!(letter, '"' | '\'' | ')' | '>');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, url)) = rest.split_once("://") {
        let (url, after) = url.split_at(url.find(is_end).unwrap_or(url.len()));
        out.push_str(before);
        out.push_str("://");
        match url.split_once('?') {
            Some((path, _)) => out.extend([path, ELLIPSIS]),
            None => out.push_str(url),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// What follows a label.
fn without_labelled(text: &str) -> String {
    let is_end = |letter: char| letter.is_whitespace() || matches!(letter, ',' | ')' | ':');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    // Lower case in ASCII keeps every letter where it is.
    while let Some(start) = first_label(&rest.to_ascii_lowercase()) {
        let (before, id) = rest.split_at(start);
        out.extend([before, ELLIPSIS]);
        rest = id.get(id.find(is_end).unwrap_or(id.len())..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Where the first labelled id begins.
fn first_label(lower: &str) -> Option<usize> {
    LABELS.iter().filter_map(|label| lower.find(label).map(|at| at + label.len())).min()
}
