//! `pjsip show history where …`: an expression over the fields of a packet.
//!
//! ```text
//! number > 10 and (sip.msg.request.method = SUBSCRIBE or not addr like ^10\.)
//! ```
//!
//! Fields: `number`, `timestamp`, `addr`, `sip.msg.request.method`, `sip.msg.call-id`. Operators: `=`,
//! `!=`, `<`, `<=`, `>`, `>=`, `like` (a regular expression), `and`, `or`, `not`, parentheses; `and`
//! binds tighter than `or`. Numbers are compared as numbers, everything else as text. A packet without
//! the field (a response has no method) fits no comparison.

use regex_lite::Regex;
use sip::Scanner;

use super::Entry;

/// Why an expression is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// A word that no field has as its name.
    #[error(
        "there is no field '{0}'; there are number, timestamp, addr, sip.msg.request.method, sip.msg.call-id"
    )]
    Field(String),
    /// A word where an operator should be.
    #[error("'{0}' is no operator; there are = != < <= > >= like")]
    Operator(String),
    /// The value of a number is none.
    #[error("'{0}' is no number")]
    Number(String),
    /// The value of `like` is no regular expression.
    #[error("'{0}' is no regular expression: {1}")]
    Regex(String, String),
    /// The expression ends too early.
    #[error("the expression ends where {0} should be")]
    End(&'static str),
    /// Words that are left over.
    #[error("'{0}' is one too many")]
    Left(String),
    /// Parentheses or `not` within each other.
    #[error("it is nested too deep")]
    Depth,
}

/// An expression.
#[derive(Debug, Clone)]
pub struct Filter(Expression);

#[derive(Debug, Clone)]
enum Expression {
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Not(Box<Expression>),
    Compare(Field, Comparison),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Number,
    Timestamp,
    Addr,
    Method,
    CallId,
}

#[derive(Debug, Clone)]
enum Comparison {
    Number(Relation, u64),
    Text(Relation, String),
    Like(Regex),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// What may be nested.
const DEPTH: usize = 64;

impl Filter {
    /// Reads the words of an expression.
    ///
    /// # Errors
    ///
    /// What is wrong, and with which word.
    pub fn parse(words: &[&str]) -> Result<Self, FilterError> {
        let tokens = tokens(words);
        let mut parser = Parser { tokens: tokens.iter().map(String::as_str).collect(), at: 0, depth: 0 };
        let expression = parser.any()?;
        match parser.next() {
            None => Ok(Self(expression)),
            Some(word) => Err(FilterError::Left(word.to_owned())),
        }
    }

    /// Whether a packet fits.
    pub fn fits(&self, entry: &Entry) -> bool {
        self.0.fits(&mut Scanner::new(), entry)
    }
}

impl Expression {
    fn fits(&self, scanner: &mut Scanner, entry: &Entry) -> bool {
        match self {
            Self::And(one, other) => one.fits(scanner, entry) && other.fits(scanner, entry),
            Self::Or(one, other) => one.fits(scanner, entry) || other.fits(scanner, entry),
            Self::Not(expression) => !expression.fits(scanner, entry),
            Self::Compare(field, comparison) => match field {
                Field::Number => comparison.fits_number(entry.number),
                Field::Timestamp => comparison.fits_number(entry.timestamp),
                Field::Addr => comparison.fits_text(&entry.peer.address.to_string()),
                Field::Method | Field::CallId => {
                    let Ok(message) = scanner.scan(&entry.packet) else { return false };
                    let text = match field {
                        Field::Method => message.request().map(|line| line.method.into()),
                        _ => message.call_id().ok().map(String::from_utf8_lossy),
                    };
                    text.is_some_and(|text| comparison.fits_text(&text))
                }
            },
        }
    }
}

impl Comparison {
    fn fits_number(&self, number: u64) -> bool {
        match self {
            Self::Number(relation, value) => relation.holds(number.cmp(value)),
            _ => self.fits_text(&number.to_string()),
        }
    }

    fn fits_text(&self, text: &str) -> bool {
        match self {
            Self::Number(..) => false,
            Self::Text(relation, value) => relation.holds(text.cmp(value)),
            Self::Like(regex) => regex.is_match(text),
        }
    }
}

impl Relation {
    fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Unequal => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
}

struct Parser<'a> {
    tokens: Vec<&'a str>,
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let token = self.tokens.get(self.at).copied();
        self.at += 1;
        token
    }

    fn takes(&mut self, word: &str) -> bool {
        let found = self.tokens.get(self.at).is_some_and(|token| token.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn any(&mut self) -> Result<Expression, FilterError> {
        let mut expression = self.all()?;
        while self.takes("or") {
            expression = Expression::Or(Box::new(expression), Box::new(self.all()?));
        }
        Ok(expression)
    }

    fn all(&mut self) -> Result<Expression, FilterError> {
        let mut expression = self.one()?;
        while self.takes("and") {
            expression = Expression::And(Box::new(expression), Box::new(self.one()?));
        }
        Ok(expression)
    }

    fn one(&mut self) -> Result<Expression, FilterError> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(FilterError::Depth);
        }
        let expression = if self.takes("not") {
            Expression::Not(Box::new(self.one()?))
        } else if self.takes("(") {
            let inner = self.any()?;
            if !self.takes(")") {
                return Err(match self.next() {
                    None => FilterError::End("a closing parenthesis"),
                    Some(word) => FilterError::Left(word.to_owned()),
                });
            }
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(expression)
    }

    fn comparison(&mut self) -> Result<Expression, FilterError> {
        let name = self.next().ok_or(FilterError::End("a field"))?;
        let field = match name.to_ascii_lowercase().as_str() {
            "number" => Field::Number,
            "timestamp" => Field::Timestamp,
            "addr" => Field::Addr,
            "sip.msg.request.method" => Field::Method,
            "sip.msg.call-id" => Field::CallId,
            _ => return Err(FilterError::Field(name.to_owned())),
        };
        let operator = self.next().ok_or(FilterError::End("an operator"))?;
        let relation = match operator.to_ascii_lowercase().as_str() {
            "like" => None,
            "=" | "==" => Some(Relation::Equal),
            "!=" => Some(Relation::Unequal),
            "<" => Some(Relation::Less),
            "<=" => Some(Relation::AtMost),
            ">" => Some(Relation::Greater),
            ">=" => Some(Relation::AtLeast),
            _ => return Err(FilterError::Operator(operator.to_owned())),
        };
        let value = self.next().ok_or(FilterError::End("a value"))?;
        let comparison = match (relation, field) {
            (None, _) => {
                let regex = Regex::new(value);
                let error =
                    |error: regex_lite::Error| FilterError::Regex(value.to_owned(), error.to_string());
                Comparison::Like(regex.map_err(error)?)
            }
            (Some(relation), Field::Number | Field::Timestamp) => {
                let number = value.parse().map_err(|_| FilterError::Number(value.to_owned()))?;
                Comparison::Number(relation, number)
            }
            (Some(relation), _) => Comparison::Text(relation, value.to_owned()),
        };
        Ok(Expression::Compare(field, comparison))
    }
}

/// Takes words apart that were written without blanks: `(number>5)`. What follows an operator is a
/// value and stays whole, but for parentheses at its end that it does not open.
fn tokens(words: &[&str]) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    for word in words {
        let mut rest = *word;
        while !rest.is_empty() {
            if tokens.last().is_some_and(|last| is_operator(last)) {
                let (value, closing) = split_closing(rest);
                tokens.push(value.to_owned());
                tokens.extend(std::iter::repeat_n(")".to_owned(), closing));
                break;
            }
            let (token, more) = rest.split_at(token_length(rest));
            tokens.push(token.to_owned());
            rest = more;
        }
    }
    tokens
}

const OPERATORS: [&str; 7] = ["!=", "<=", ">=", "==", "=", "<", ">"];

fn is_operator(token: &str) -> bool {
    token.eq_ignore_ascii_case("like") || OPERATORS.contains(&token)
}

fn token_length(text: &str) -> usize {
    let marks = OPERATORS.into_iter().chain(["(", ")"]);
    if let Some(mark) = marks.clone().find(|mark| text.starts_with(mark)) {
        return mark.len();
    }
    marks.filter_map(|mark| text.find(mark)).min().unwrap_or(text.len())
}

fn split_closing(regex: &str) -> (&str, usize) {
    let count = |text: &str, wanted: char| text.chars().filter(|c| *c == wanted).count();
    let mut left = regex;
    while left.ends_with(')') && count(left, ')') > count(left, '(') {
        left = &left[..left.len() - 1];
    }
    (left, regex.len() - left.len())
}
