//! Whether a shared object is all there (ELF-64 object file format, program headers).
//!
//! The dynamic linker maps what the headers say, and whoever then touches a page behind the end of
//! the file is killed. A module that is still being copied into the directory is such a file.

/// What every ELF file begins with.
const MAGIC: &[u8] = b"\x7fELF";

/// The class byte of a 64-bit file.
const CLASS_64: u8 = 2;

/// A segment that is mapped.
const PT_LOAD: u64 = 1;

/// Whether it is an ELF file at all.
pub(crate) fn is_elf(file: &[u8]) -> bool {
    file.starts_with(MAGIC)
}

/// Whether all segments lie within the file. What is not for this machine is for the linker to say.
pub(crate) fn is_complete(file: &[u8]) -> bool {
    if file.get(4).is_none_or(|&class| class != CLASS_64) {
        return file.len() > 4;
    }
    segments_fit(file).unwrap_or(false)
}

fn segments_fit(file: &[u8]) -> Option<bool> {
    let (table, size, count) = (number(file, 32, 8)?, number(file, 54, 2)?, number(file, 56, 2)?);
    for index in 0..count {
        let at = usize::try_from(table.checked_add(index * size)?).ok()?;
        if number(file, at, 4)? == PT_LOAD {
            let end =
                number(file, at.checked_add(8)?, 8)?.checked_add(number(file, at.checked_add(32)?, 8)?)?;
            if end > file.len() as u64 {
                return Some(false);
            }
        }
    }
    Some(true)
}

/// The number of that many bytes, in this machine's order.
fn number(file: &[u8], at: usize, width: usize) -> Option<u64> {
    let bytes = file.get(at..at.checked_add(width)?)?;
    let mut number = [0; 8];
    if cfg!(target_endian = "little") {
        number.get_mut(..width)?.copy_from_slice(bytes);
    } else {
        number.get_mut(8 - width..)?.copy_from_slice(bytes);
    }
    Some(u64::from_ne_bytes(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_program_is_complete_and_no_cut_of_its_segments_is() {
        let file = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(is_elf(&file) && is_complete(&file));
        for length in [5, 20, 63, 64, 100, 1000, 10_000] {
            assert!(!is_complete(&file[..length]), "{length} bytes");
        }
    }

    #[test]
    fn nonsense_is_not_complete() {
        assert!(!is_elf(b"text"));
        assert!(!is_complete(b"\x7fELF"));
        let mut file = [0xff; 200];
        file[..5].copy_from_slice(b"\x7fELF\x02");
        assert!(!is_complete(&file));
    }
}
