//! What is read before anything runs: zones, store, what the store remembers.

use std::sync::Arc;

use super::app::{StartError, check_sources};
use super::channels::{self, ChannelReaders};
use super::records::{Inheritance, SiteNames, Start, inherit};
use super::walk;
use super::zones::{self, Begun};
use crate::config::{Approval, Config, Privacy, WalkTests};
use crate::engine::Site;
use crate::store::accounts::AccountRows;
use crate::store::audit::AuditReader;
use crate::store::handhelds::HandheldRows;
use crate::store::query::StoreReader;
use crate::store::record::Record;
use crate::store::zones::BY_BOX;
use crate::store::{Store, StoreError};
use crate::zone_file::Document;

/// What is read before anything runs.
pub struct Prepared {
    pub names: Arc<SiteNames>,
    pub site: Site,
    /// The zones in force, in the order of the cameras.
    pub documents: Vec<Document>,
    pub store: Store,
    pub reader: StoreReader,
    pub readers: Readers,
    pub inheritance: Inheritance,
    /// Number of the life that begins.
    pub life: u64,
    pub accounts: AccountRows,
    pub audit: AuditReader,
    pub channels: ChannelReaders,
    pub handhelds: HandheldRows,
}

/// A reader for each who reads by itself.
pub struct Readers {
    pub zones: StoreReader,
    pub walks: StoreReader,
    pub evidence: StoreReader,
    pub shadow: StoreReader,
    /// For people.
    pub examples: StoreReader,
    /// For the example bank.
    pub bank: StoreReader,
}

impl Readers {
    fn of(store: &Store) -> Result<Readers, StoreError> {
        Ok(Readers {
            zones: store.reader()?,
            walks: store.reader()?,
            evidence: store.reader()?,
            shadow: store.reader()?,
            examples: store.reader()?,
            bank: store.reader()?,
        })
    }
}

impl Prepared {
    pub fn of(config: &Config) -> Result<Prepared, StartError> {
        check_sources(config)?;
        let store_error = |error| StartError::of_store(&config.store.path, error);
        let mut store = Store::open(&config.store.path).map_err(store_error)?;
        channels::register(config, &mut store).map_err(store_error)?;
        let remembered = store.restore().map_err(store_error)?;
        let begun = zones::begin(config, &mut store)?;
        let Begun { site, infos, in_force, documents, notes } = begun;
        let names = Arc::new(SiteNames::new(config, infos, in_force));
        let start = Start::now();
        let at = start.at;
        let mut inheritance = inherit(remembered, &names, &start);
        let mut first = vec![names.started(&start)];
        first.append(&mut inheritance.records);
        first.extend(notes.into_iter().map(|text| Record::Note { at, text }));
        if config.zones.approval == Approval::Author {
            let action = "zones_approved_by_author";
            store.append_audit(BY_BOX, action, "", "", at).map_err(store_error)?;
        }
        if config.walk_tests == WalkTests::NotRequired {
            let action = "walk_tests_not_required";
            store.append_audit(BY_BOX, action, "", "", at).map_err(store_error)?;
        }
        if config.privacy == Privacy::Off {
            store.append_audit(BY_BOX, "privacy_off", "", "", at).map_err(store_error)?;
        }
        walk::begin(&mut store).map_err(StartError::WalkTests)?;
        store.write(&first).map_err(store_error)?;
        let life = store.life();
        let reader = store.reader().map_err(store_error)?;
        let accounts = store.accounts().map_err(store_error)?;
        let audit = store.audit_reader().map_err(store_error)?;
        let handhelds = store.handhelds().map_err(store_error)?;
        let readers = Readers::of(&store).map_err(store_error)?;
        let channels = channels::readers(config, &store).map_err(store_error)?;
        Ok(Prepared {
            names,
            site,
            documents,
            store,
            reader,
            readers,
            inheritance,
            life,
            accounts,
            audit,
            channels,
            handhelds,
        })
    }
}
