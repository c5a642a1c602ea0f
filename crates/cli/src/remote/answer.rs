//! Taking apart what the server sends after a `_RUN`: output, then a NUL, the status and a line feed.

/// A reader that is fed bytes as they come.
#[derive(Debug, Default)]
pub(super) struct AnswerReader {
    /// After the NUL: the status as far as it is there.
    status: Option<Vec<u8>>,
}

/// What some bytes held.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) output: Vec<u8>,
    /// The command has ended, and so; what follows it is in `output` too.
    pub(super) status: Option<bool>,
}

impl AnswerReader {
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Answer {
        let mut answer = Answer::default();
        for &byte in bytes {
            match (&mut self.status, byte) {
                (None, 0) => self.status = Some(Vec::new()),
                (None, _) => answer.output.push(byte),
                (Some(word), b'\n') => {
                    answer.status = Some(word == b"ok");
                    self.status = None;
                }
                (Some(word), _) => word.push(byte),
            }
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn pieces_do_not_matter(text in "[^\0]*", ok: bool, size in 1_usize..40) {
            let whole = format!("{text}{}", if ok { crate::server::OK } else { crate::server::FAILED });
            let mut reader = AnswerReader::default();
            let mut seen = Answer::default();
            for piece in whole.as_bytes().chunks(size) {
                let answer = reader.feed(piece);
                seen.output.extend(answer.output);
                seen.status = seen.status.or(answer.status);
            }
            proptest::prop_assert_eq!(seen, Answer { output: text.into_bytes(), status: Some(ok) });
        }
    }
}
