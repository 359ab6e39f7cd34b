//! Model packages as files: what is taken, and that every attack is refused by its name.

#[path = "package_files/attacks.rs"]
mod attacks;
#[path = "package_files/command.rs"]
mod command;
#[path = "package_files/damage.rs"]
mod damage;
#[path = "package_files/fetch.rs"]
mod fetch;
#[path = "package_files/into_store.rs"]
mod into_store;
#[path = "package_files/keys.rs"]
mod keys;
#[path = "package_files/maker.rs"]
mod maker;
#[path = "package_files/tls.rs"]
mod tls;
