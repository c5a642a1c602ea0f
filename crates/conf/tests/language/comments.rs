//! Comments, block comments, what a line is.

use crate::{check, directory, load, remarks, shown, write};

#[test]
fn a_semicolon_begins_a_comment_anywhere() {
    check("; first\n[a];second\nx = 1 ; third\n;y = 2\n", &["[a] x=1"], &[]);
}

#[test]
fn an_escaped_semicolon_is_one() {
    check("[a]\nx = 1\\;2\\;;3", &["[a] x=1;2;"], &[]);
    check("[a]\nx = a\\\\;b", &["[a] x=a\\;b"], &[]);
}

#[test]
fn a_hash_is_no_comment() {
    check("[a]\nx = 1 # 2\n", &["[a] x=1 # 2"], &[]);
}

#[test]
fn a_block_comment_goes_over_lines_and_what_is_around_it_counts() {
    let text = "[a]\nx = 1;-- from here\ny = 2\nto here --;z = 3\nv = 4 ;-- 5 --; 6\n";
    check(text, &["[a] x=1 z=3 v=4  6"], &[]);
}

#[test]
fn block_comments_nest() {
    check("[a]\n;-- ;-- x=1 --;\ny=2 --;\nz=3", &["[a] z=3"], &[]);
}

#[test]
fn three_dashes_begin_no_block_comment() {
    check("[a]\n;--- x\ny=2\n;-----\nz=3", &["[a] y=2 z=3"], &[]);
}

#[test]
fn the_marks_of_a_block_comment_do_not_overlap() {
    check("[a]\n;--; x=1\ny=2 --; z=3", &["[a] z=3"], &[]);
}

#[test]
fn an_end_without_a_start_is_a_comment() {
    check("[a]\nx=1 --; 2", &["[a] x=1 --"], &[]);
}

#[test]
fn an_unterminated_block_comment_is_shown_where_it_begins() {
    check(
        "[a]\nx=1\n  ;-- ;-- \n --; \ny=2\n",
        &["[a] x=1"],
        &["W t.conf:3:3: this block comment has no end '--;': everything after it is ignored"],
    );
}

#[test]
fn the_129th_level_is_not_counted() {
    let text = format!("[a]\n{}\n{};--\n{}x=1", ";--".repeat(100), ";--".repeat(28), "--; ".repeat(128));
    let warning = "W t.conf:3:85: block comments nested deeper than 128: not counted";
    check(&text, &["[a] x=1"], &[warning]);
}

#[test]
fn columns_are_those_of_the_file_behind_comments_and_escapes() {
    check(
        "[a]\n;-- é --; \\;ab\n \tß;-- --; c",
        &["[a]"],
        &["W t.conf:2:12: no '=' in ';ab': line ignored", "W t.conf:3:3: no '=' in 'ß c': line ignored"],
    );
    check("[a];-- --;\\; x ", &["[a]"], &["W t.conf:1:12: '; x' after the header is ignored"]);
}

#[test]
fn blanks_and_ends_of_lines_of_all_kinds() {
    check("[a]\r\n\r\n \t x \t=\t 1 \r\n\x0by=2\x00", &["[a] x=1 y=2"], &[]);
}

#[test]
fn there_is_no_line_continuation() {
    check("[a]\nx = 1\\\ny = 2", &["[a] x=1\\ y=2"], &[]);
}

#[test]
fn a_byte_order_mark_is_skipped_in_each_file() {
    let dir =
        directory(&[("t.conf", "\u{feff}[a]\n#include d/*"), ("d/1", "\u{feff}x=1"), ("d/2", "\u{feff}y=2")]);
    assert_eq!(shown(&load(&dir).unwrap()), ["[a] x=1 y=2"]);
}

#[test]
fn a_line_of_8191_bytes_is_read_a_longer_one_is_not() {
    let longest = "1".repeat(8189);
    check(&format!("[a]\nx={longest}"), &[&format!("[a] x={longest}")], &[]);
    let warning = "W t.conf:2:1: line longer than 8191 bytes ignored: 'x=111111111111111111111111111111...'";
    check(&format!("[a]\nx={longest}1\ny=2"), &["[a] y=2"], &[warning]);
}

#[test]
fn a_file_that_is_not_utf_8_is_read_with_one_warning() {
    let dir = directory(&[]);
    write(dir.path(), "t.conf", b"[a]\nx=M\xfcller\ny=J\xf6rg");
    let result = load(&dir);
    let warning = "W t.conf:2:4: the file is not UTF-8: what is not is read as U+FFFD";
    assert_eq!(remarks(&result), [warning]);
    assert_eq!(shown(&result.unwrap()), ["[a] x=M\u{fffd}ller y=J\u{fffd}rg"]);
}
