//! `[evidence]`: what is kept with an incident. `[examples]`: what is kept to learn from.

use standclear::config::{Evidence, ExampleRoom};

use super::{Folder, SMALLEST, assert_says, error_of, smallest_with};

const MB: u64 = 1024 * 1024;

#[test]
fn evidence_is_kept_without_being_told_and_as_told() {
    let unsaid = Folder::new().parse(SMALLEST).expect("accepted").evidence;
    let usual = Evidence {
        before_s: 10,
        after_s: 10,
        days: 30,
        bytes_max: 8_192 * MB,
        ring_bytes_max: 48 * MB,
    };
    assert_eq!(unsaid, usual);
    let told = "[evidence]\nseconds_before = 5\nseconds_after = 20\ndays = 90\nmegabytes = 512\n\
                ring_mb = 16";
    let told = Folder::new().parse(&smallest_with(told)).expect("accepted").evidence;
    let wanted = Evidence {
        before_s: 5,
        after_s: 20,
        days: 90,
        bytes_max: 512 * MB,
        ring_bytes_max: 16 * MB,
    };
    assert_eq!(told, wanted);
}

#[test]
fn evidence_that_cannot_be_kept_is_refused_with_what_would_be_right() {
    for (line, said) in [
        ("seconds_before = 0", ["evidence.seconds_before = 0", "1 to 30"]),
        ("seconds_after = 61", ["evidence.seconds_after = 61", "1 to 60"]),
        ("days = 0", ["evidence.days = 0", "1 to 3650"]),
        ("megabytes = 63", ["evidence.megabytes = 63", "64 to 4194304"]),
        ("ring_mb = -1", ["evidence.ring_mb = -1", "4 to 1024"]),
    ] {
        assert_says(&error_of(&smallest_with(&format!("[evidence]\n{line}"))), &said);
    }
}

#[test]
fn examples_have_the_room_that_is_told_and_none_that_cannot_be() {
    let unsaid = Folder::new().parse(SMALLEST).expect("accepted").examples;
    assert_eq!(unsaid, ExampleRoom { examples_max: 2_000, bytes_max: 1_024 * MB });
    let told = smallest_with("[examples]\nmax = 10\nmegabytes = 5");
    let told = Folder::new().parse(&told).expect("accepted").examples;
    assert_eq!(told, ExampleRoom { examples_max: 10, bytes_max: 5 * MB });
    for (line, said) in [
        ("max = 0", ["examples.max = 0", "1 to 10000"]),
        ("megabytes = 4000", ["examples.megabytes = 4000", "1 to 3500"]),
    ] {
        assert_says(&error_of(&smallest_with(&format!("[examples]\n{line}"))), &said);
    }
}
