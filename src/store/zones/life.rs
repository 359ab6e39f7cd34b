//! Which zones the life that is under way watches, when they come and go while it lasts.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use crate::store::record::ZoneName;

/// Notes which zones a camera has from now on. Whatever it had and has no more ends here: what was
/// not known of it will not be known.
pub(super) fn change(
    connection: &Connection,
    life: Option<i64>,
    camera: &str,
    zones: &[ZoneName],
    at: Timestamp,
) -> rusqlite::Result<()> {
    // Before the first record of a life nobody watches; that record names the zones itself.
    let Some(life) = life else {
        return Ok(());
    };
    let known: Vec<(i64, String)> = connection
        .prepare_cached(
            "SELECT place, zone FROM life_zone
             WHERE life = ?1 AND camera = ?2 AND to_us IS NULL",
        )?
        .query_map(params![life, camera], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (place, zone) in &known {
        if zones.iter().all(|live| live.id != *zone) {
            end(connection, life, *place, zone, at)?;
        }
    }
    for zone in zones {
        match known.iter().find(|(_, id)| *id == zone.id) {
            Some((place, _)) => connection
                .prepare_cached("UPDATE life_zone SET name = ?3 WHERE life = ?1 AND place = ?2")?
                .execute(params![life, place, zone.name])
                .map(|_rows| ())?,
            None => begin(connection, life, zone, at)?,
        }
    }
    Ok(())
}

fn begin(
    connection: &Connection,
    life: i64,
    zone: &ZoneName,
    at: Timestamp,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO life_zone (life, place, zone, name, camera, from_us)
             SELECT ?1, coalesce(max(place) + 1, 0), ?2, ?3, ?4, ?5 FROM life_zone WHERE life = ?1",
        )?
        .execute(params![life, zone.id, zone.name, zone.camera, at.as_microsecond()])
        .map(|_rows| ())
}

fn end(
    connection: &Connection,
    life: i64,
    place: i64,
    zone: &str,
    at: Timestamp,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE life_zone SET to_us = ?3 WHERE life = ?1 AND place = ?2")?
        .execute(params![life, place, at.as_microsecond()])?;
    connection
        .prepare_cached(
            "UPDATE unknown_span SET to_us = max(?2, from_us), ended_how = 'interrupted'
             WHERE zone = ?1 AND to_us IS NULL",
        )?
        .execute(params![zone, at.as_microsecond()])
        .map(|_rows| ())
}
