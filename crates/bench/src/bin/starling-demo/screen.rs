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

/// Fits into eighty columns.
const LEGEND: &str = "p pidf d dialog  o idle # in use ! ringing = on hold x away  red: wrong  q quits";

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
        let (width, height) = (usize::from(picture.size.0), usize::from(picture.size.1));
        let kinds: String = (0..PHONES).map(|phone| kind(package(phone))).collect();
        let head = format!("{:<LEFT$}{kinds}", "exten state     agree");
        let no_cells: &[Option<Cell>] = &[];
        let mut lines = vec![(picture.header.as_str(), no_cells), (head.as_str(), no_cells)];
        lines.extend(picture.rows.iter().map(|(left, cells)| (left.as_str(), cells.as_slice())));
        lines.push((LEGEND, no_cells));
        for (y, (text, cells)) in (0..).zip(lines.into_iter().take(height)) {
            let text: String = text.chars().take(width).collect();
            queue!(self.out, MoveTo(0, y), Clear(ClearType::UntilNewLine), Print(format!("{text:<LEFT$}")))?;
            for cell in cells.iter().take(width.saturating_sub(LEFT)) {
                let (glyph, colour) = look(*cell);
                if cell.is_some_and(|cell| !cell.is_right) {
                    queue!(self.out, SetBackgroundColor(Color::Red))?;
                }
                queue!(self.out, SetForegroundColor(colour), Print(glyph), ResetColor)?;
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_fits_a_common_terminal() {
        const { assert!(LEGEND.len() <= 80 && LEFT + PHONES <= 80 && EXTENSIONS + 3 <= 24) };
    }

    #[test]
    fn every_lamp_looks_different() {
        let looks: std::collections::HashSet<_> =
            Lamp::ALL.map(|lamp| look(Some(Cell { shown: Some(lamp), is_right: true })).0).into();
        assert_eq!(looks.len(), Lamp::ALL.len());
    }
}
