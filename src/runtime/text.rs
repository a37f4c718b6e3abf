//! Texts that have to fit.

/// The text in at most so many bytes; one that is longer is cut between two letters, and ends in `…`.
pub fn shortened(mut text: String, bytes: usize) -> String {
    if text.len() > bytes {
        text.truncate(text.floor_char_boundary(bytes.saturating_sub('…'.len_utf8())));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut_between_two_letters() {
        assert_eq!(shortened("ääää".into(), 8), "ääää");
        assert_eq!(shortened("äääää".into(), 8), "ää…");
    }
}
