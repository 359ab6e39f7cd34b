//! An exported archive, opened: by its directory, as every program reads it, and held against its own
//! checksums. Where there is another program that opens archives, it must find the same.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use standclear::digest::sha256_of;

/// Signatures and lengths of PKWARE's APPNOTE.TXT 6.3.9.
const END: u32 = 0x0605_4b50;
const END_BYTES: usize = 22;
const ENTRY: u32 = 0x0201_4b50;
const ENTRY_BYTES: usize = 46;
const LOCAL: u32 = 0x0403_4b50;
const LOCAL_BYTES: usize = 30;

const SUMS: &str = "checksums.sha256";

/// The files by their names.
#[track_caller]
pub fn unzip(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let end = archive.len() - END_BYTES;
    assert_eq!(u32_at(archive, end), END);
    let mut files = BTreeMap::new();
    let mut entry = size_at(archive, end + 16);
    for _ in 0..u16_at(archive, end + 10) {
        assert_eq!(u32_at(archive, entry), ENTRY);
        let name_bytes = u16_at(archive, entry + 28);
        let name = &archive[entry + ENTRY_BYTES..][..name_bytes];
        let name = String::from_utf8(name.to_vec()).expect("a name");
        let local = size_at(archive, entry + 42);
        assert_eq!(u32_at(archive, local), LOCAL, "{name}");
        let around = u16_at(archive, local + 26) + u16_at(archive, local + 28);
        let content = &archive[local + LOCAL_BYTES + around..][..size_at(archive, entry + 24)];
        assert_eq!(crc32(content), u32_at(archive, entry + 16), "{name}");
        assert_eq!(u16_at(archive, entry + 10), 0, "{name} is stored as it is");
        files.insert(name, content.to_vec());
        entry += ENTRY_BYTES + name_bytes;
    }
    assert_eq!(entry, end, "the directory ends where its end begins");
    check_sums(&files);
    check_by_others(archive, &files);
    files
}

/// Every file but that of the checksums has one, and it is right.
#[track_caller]
fn check_sums(files: &BTreeMap<String, Vec<u8>>) {
    let sums = String::from_utf8(files[SUMS].clone()).expect("text");
    let told: BTreeMap<&str, &str> = sums
        .lines()
        .map(|line| line.split_once("  ").expect("checksum and name"))
        .map(|(sum, name)| (name, sum))
        .collect();
    let found: BTreeMap<&str, String> = files
        .iter()
        .filter(|(name, _)| *name != SUMS)
        .map(|(name, content)| (name.as_str(), sha256_of(content)))
        .collect();
    let found: BTreeMap<&str, &str> = found.iter().map(|(name, sum)| (*name, &**sum)).collect();
    assert_eq!(told, found);
}

/// As somebody opens and checks it who has no program of ours.
#[track_caller]
fn check_by_others(archive: &[u8], files: &BTreeMap<String, Vec<u8>>) {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("incident.zip"), archive).expect("written");
    let run = |program: &str, arguments: &[&str]| {
        Command::new(program).args(arguments).current_dir(folder.path()).output().ok()
    };
    let Some(opened) = run("python3", &["-m", "zipfile", "-e", "incident.zip", "."]) else {
        println!("no python3 here: no other program than ours has opened the archive");
        return;
    };
    assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
    for (name, content) in files {
        assert_eq!(&fs::read(folder.path().join(name)).expect("it is there"), content, "{name}");
    }
    let sums = run("sha256sum", &["--check", "--strict", SUMS]).expect("coreutils");
    assert!(sums.status.success(), "{}", String::from_utf8_lossy(&sums.stdout));
}

/// CRC-32 of ISO 3309, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let bit = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), bit);
    !bytes.iter().fold(u32::MAX, byte)
}

fn u16_at(bytes: &[u8], at: usize) -> usize {
    usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four"))
}

fn size_at(bytes: &[u8], at: usize) -> usize {
    usize::try_from(u32_at(bytes, at)).expect("it fits")
}
