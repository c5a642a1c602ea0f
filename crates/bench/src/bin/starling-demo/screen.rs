//! The table of lamps, on a terminal and as plain text.

use std::fmt::Write as _;
use std::io::{BufWriter, Result, Stdout, Write as _, stdout};
use std::time::Duration;

use bench::{Lamp, Package};
use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, poll, read};
use crossterm::style::{Color, Print, ResetColor, SetBackgroundColor, SetForegroundColor};
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode, size,
};
use crossterm::{execute, queue};

use crate::office::{Cell, DemoOffice, EXTENSIONS, PHONES, package};

/// What the left part of a row is wide.
const LEFT: usize = 26;

/// Everything that the screen shows; drawn again only when it differs.
#[derive(PartialEq, Eq)]
struct Picture {
    header: String,
    rows: Vec<(String, [Option<Cell>; PHONES])>,
    size: (u16, u16),
}

/// The terminal, while the table is on it. Dropped, it is as it was before.
pub(crate) struct Screen {
    out: BufWriter<Stdout>,
    shown: Option<Picture>,
}

impl Screen {
    /// Takes the terminal.
    pub(crate) fn open() -> Result<Self> {
        enable_raw_mode()?;
        let mut screen = Self { out: BufWriter::new(stdout()), shown: None };
        execute!(screen.out, EnterAlternateScreen, Hide)?;
        Ok(screen)
    }

    /// Reads the keyboard: whether somebody wants to quit.
    pub(crate) fn quits(&mut self) -> Result<bool> {
        while poll(Duration::ZERO)? {
            if let Event::Key(KeyEvent { code, modifiers, kind: KeyEventKind::Press, .. }) = read()? {
                let control_c = code == KeyCode::Char('c') && modifiers.contains(KeyModifiers::CONTROL);
                if control_c || matches!(code, KeyCode::Char('q') | KeyCode::Esc) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Shows the office as it is now.
    pub(crate) fn show(&mut self, office: &DemoOffice) -> Result<()> {
        let row = |e| {
            let (extension, state, cells) = office.row(e);
            let (right, all) = right(&cells);
            (format!("{extension:<6}{:<13}{right:>2}/{all:<2}", state.word()), cells)
        };
        let rows = (0..EXTENSIONS).map(row).collect();
        let picture = Picture { header: header(office), rows, size: size()? };
        if self.shown.as_ref() != Some(&picture) {
            self.draw(&picture)?;
            self.shown = Some(picture);
        }
        Ok(())
    }

    fn draw(&mut self, picture: &Picture) -> Result<()> {
        let (width, height) = (usize::from(picture.size.0), picture.size.1);
        let cut = |text: &str| text.chars().take(width).collect::<String>();
        let kinds: String = (0..PHONES).map(|phone| kind(package(phone))).collect();
        let mut lines = vec![picture.header.clone(), format!("{:<LEFT$}{kinds}", "exten state     agree")];
        lines.extend(picture.rows.iter().map(|(left, _)| left.clone()));
        lines.push(
            "p pidf  d dialog-info  o idle  # in use  ! ringing  = on hold  x away  red wrong  q quits"
                .into(),
        );
        for (y, line) in (0..height).zip(&lines) {
            queue!(self.out, MoveTo(0, y), Print(cut(line)), Clear(ClearType::UntilNewLine))?;
        }
        for (y, (_, cells)) in (2..height).zip(&picture.rows) {
            queue!(self.out, MoveTo(u16::try_from(LEFT).unwrap_or(u16::MAX), y))?;
            for cell in cells.iter().take(width.saturating_sub(LEFT)) {
                let (glyph, colour) = look(*cell);
                if cell.is_some_and(|cell| !cell.is_right) {
                    queue!(self.out, SetBackgroundColor(Color::Red))?;
                }
                queue!(self.out, SetForegroundColor(colour), Print(glyph), ResetColor)?;
            }
        }
        queue!(self.out, Clear(ClearType::FromCursorDown))?;
        self.out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that is gone cannot be restored.
        let _ = execute!(self.out, ResetColor, LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}

/// The table as plain text.
pub(crate) fn table(office: &DemoOffice) -> String {
    let mut text = format!("{}\n\nexten state       right\n", header(office));
    for e in 0..EXTENSIONS {
        let (extension, state, cells) = office.row(e);
        let (right, all) = right(&cells);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{extension:<6}{:<12}{right:>2}/{all}", state.word());
    }
    text
}

fn header(office: &DemoOffice) -> String {
    let ((right, all), counts) = (office.agreement(), office.counts());
    let mut text = format!(
        "Starling: {right} of {all} lamps agree, {} changes, {} NOTIFYs",
        office.changes, counts.notifies
    );
    if counts.repeated > 0 {
        let _ = write!(text, " ({} came again)", counts.repeated);
    }
    text
}

fn right(cells: &[Option<Cell>]) -> (usize, usize) {
    let watched = cells.iter().flatten();
    (watched.clone().filter(|cell| cell.is_right).count(), watched.count())
}

fn kind(package: Package) -> char {
    match package {
        Package::Presence => 'p',
        Package::Dialog => 'd',
    }
}

fn look(cell: Option<Cell>) -> (char, Color) {
    match cell.map(|cell| cell.shown) {
        None => (' ', Color::Reset),
        Some(None) => ('?', Color::White),
        Some(Some(Lamp::Dark)) => ('o', Color::DarkGreen),
        Some(Some(Lamp::Lit)) => ('#', Color::Magenta),
        Some(Some(Lamp::Blinking)) => ('!', Color::Yellow),
        Some(Some(Lamp::Held)) => ('=', Color::Cyan),
        Some(Some(Lamp::Unavailable)) => ('x', Color::DarkGrey),
    }
}
